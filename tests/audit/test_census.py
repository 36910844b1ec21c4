"""The op census: its file, its inputs, and a sample of it against this host."""

import json
import re
import subprocess
import sys

import pytest
from support import PROJECT, clean_environment

from bitforbit.audit import cases, census, inputs, outcomes

GOLDEN = PROJECT / "golden" / "census-x86-64-v3.json"


def run(*arguments):
    command = [sys.executable, "-m", "bitforbit.audit.census", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=clean_environment(), timeout=300)


def test_the_file_holds_every_case_and_no_other():
    document = json.loads(GOLDEN.read_bytes())
    assert document["schema"] == "bitforbit census 1"
    assert sorted(document["cases"]) == [case.key for case in cases.load() if not case.suspect]
    assert all(re.fullmatch("[0-9a-f]{16} [0-9a-f]{16}", " ".join(pair)) for pair in document["cases"].values())


def test_parts_are_the_whole_and_do_not_overlap():
    whole = [case for case in cases.load() if not case.suspect]
    parts = [census.select(whole, f"{i}/7", "", False) for i in range(1, 8)]
    assert sorted(case.key for part in parts for case in part) == [case.key for case in whole]


@pytest.mark.parametrize(
    ("domain", "first"),
    [("sym", "-0x1.491c900000000p-1"), ("unit", "0x1.adb8dc0000000p-2"), ("wide", "0x1.d6dc6e0000000p+0")],
)
def test_inputs_are_the_same_bits_for_ever(domain, first):
    import numpy as np

    values = inputs.array("example", inputs.In((1000,), domain), "float32")
    assert values.dtype == np.float32
    assert float(values[0]).hex() == first


def test_this_host_gives_the_same_bits():
    done = run("--check", GOLDEN, "--part", "1/9")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("same bits as census-x86-64-v3.json: ")


def test_a_difference_is_named_and_exit_1(tmp_path):
    document = json.loads(GOLDEN.read_bytes())
    key = "Tanh/float32/sym 8"
    document["cases"][key] = ["0" * 16] * 2
    (tmp_path / "census.json").write_text(json.dumps(document))
    done = run("--check", tmp_path / "census.json", "--only", "Tanh/float32")
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [f"differs: {key}", "different from census.json: Tanh/float32"],
    )


def test_another_policy_cannot_be_compared(tmp_path):
    document = json.loads(GOLDEN.read_bytes()) | {"tensorflow": "1.0.0"}
    (tmp_path / "census.json").write_text(json.dumps(document))
    done = run("--check", tmp_path / "census.json", "--only", "Tanh/float32")
    assert done.returncode == 2
    assert "cannot compare" in done.stderr


def test_without_the_kernels_the_census_notices():
    done = run("--check", GOLDEN, "--without", "kernels", "--only", "Rsqrt/float32")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        1,
        "different from census-x86-64-v3.json: Rsqrt/float32",
    )


def test_an_emulator_may_differ_in_nan_payloads_and_denormals_only():
    import numpy as np

    bits = np.array([0x7FC00000, 0xFFFFFFFF, 1, 0x80000001, 0x3F800000, 0x7F800000], "uint32")
    found = outcomes.settled(bits.view("float32"))
    assert [hex(item) for item in found] == [
        "0x7fffffff",
        "0x7fffffff",
        "0x0",
        "0x80000000",
        "0x3f800000",
        "0x7f800000",
    ]
    halves = outcomes.settled(np.array([0xFE00, 0x83FF, 0x0400], "uint16").view("float16"))
    assert [hex(item) for item in halves] == ["0x7fff", "0x8000", "0x400"]


def test_without_the_caches_the_census_notices():
    """Eigen splits sums and products by the cache sizes it finds: here those of another CPU, whatever this one is."""
    done = run("--check", GOLDEN, "--without", "caches", "--only", "MatMul/float32")
    assert done.returncode == 1, done.stdout + done.stderr
