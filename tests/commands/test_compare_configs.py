"""`bitforbit compare-configs` as a user runs it: whole output, the written file, mistakes."""

import hashlib
import json

import pytest
from replicates import made
from support import bitforbit

from bitforbit.replicates import collect

A = [0.90, 0.92, 0.94, 0.91, 0.93, 0.95, 0.92]
B = [0.89, 0.91, 0.93, 0.90, 0.91, 0.95, 0.90]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    made.publish(root, made.configuration(A, key="ab" * 32))
    made.publish(root, [*made.configuration(B, key="cd" * 32)])
    made.publish(root, made.configuration(A[:4], key="ef" * 32))
    return root


def compare(root, *arguments):
    return bitforbit("compare-configs", *arguments, "--runs", root)


def test_whole_output(root, tmp_path):
    done = compare(
        root, "made/ab", "made/cdcd", "--metric", "accuracy", "--higher-is-better", "--output", tmp_path / "o"
    )
    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256((tmp_path / "o" / "comparison.json").read_bytes()).hexdigest()
    assert done.stdout.splitlines() == [
        "accuracy (higher is better)",
        "  A  made/abababababab  0.924286 ± 0.0172  (mean ± SD; seeds 0-6: 7 finished)",
        "  B  made/cdcdcdcdcdcd  0.912857 ± 0.0206  (mean ± SD; seeds 0-6: 7 finished)",
        "A against B, paired by seed (7 pairs, correlation r = 0.949)",
        "  mean A - B      0.01143   (95 %: 0.005047 to 0.01781)",
        "                  paired t p = 0.00466; sign flips p = 0.0312",
        "  P(A better)     0.929   (95 %: 0.4992 to 0.9999)",
        "  verdict         not significant",
        "  seeds needed    4 paired or 17 independent   (to see 0.0172, one SD of A, power 0.8)",
        "These numbers speak of initialisation, batch order and dropout on one fixed split of the data; not of other data, splits or hyperparameters.",
        f"  comparison      {digest}",
    ]


def test_machine_form(root):
    done = compare(root, "made/ab", "made/cd", "--metric", "accuracy", "--lower-is-better", "--json")
    found = json.loads(done.stdout)
    assert found["comparison"]["direction"] == "lower is better"
    assert len(found["digest"]) == 64


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("made/ab",), "expected two configurations or more, received one. Next step: compare-configs A B"),
        (
            ("made/ab", "made/ef", "--metric", "accuracy", "--higher-is-better"),
            "expected at least 5 finished replicates of B, found 4: too few to tell a difference from luck."
            " Next step: bitforbit replicate --seeds 0-29",
        ),
        (
            ("made/ab", "made/cd"),
            "expected a metric, found none: the experiment has no EXPECTED. Next step: --metric NAME, and"
            " --higher-is-better or --lower-is-better",
        ),
        (
            ("made/ab", "made/cd", "--metric", "accuracy"),
            "expected to be told which way accuracy is better. Next step: --higher-is-better or --lower-is-better",
        ),
    ],
)
def test_mistakes(root, arguments, line):
    done = compare(root, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"bitforbit compare-configs: {line}\n")


def test_names(root):
    several = compare(root, "made", "made/cd", "--metric", "accuracy", "--higher-is-better")
    assert several.returncode == 2
    assert "expected made to name one configuration below" in several.stderr
    assert "found made/abababababab, made/cdcdcdcdcdcd, made/efefefefefef" in several.stderr
    none = compare(root, "made/12", "made/cd")
    assert "found no seeds there. Next step: bitforbit replicate" in none.stderr


def test_an_altered_run_is_counted_and_shown(root, tmp_path):
    runs = made.configuration(A, key="ab" * 32)
    runs[6] = made.replicate(6, collect.DIVERGED, key="ab" * 32)
    folder = made.publish(tmp_path, runs)
    made.publish(tmp_path, made.configuration(B, key="cd" * 32))
    result = folder / "seed-3" / "result.json"
    result.write_bytes(result.read_bytes().replace(b"0.91", b"0.99"))
    done = compare(tmp_path, "made/ab", "made/cd", "--metric", "accuracy", "--higher-is-better")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == (
        "  A  made/abababababab  0.928 ± 0.0192  (mean ± SD; seeds 0-6: 5 finished, 1 diverged, 1 failed)"
    )
