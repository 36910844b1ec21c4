"""Ensembles: four tiny replicates of `digits` become one file, which is verified, altered, and read by Keras alone."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from support import bitforbit, clean_environment

from bitforbit.errors import EvidenceError, UsageError
from bitforbit.hosts import emulator
from bitforbit.policy import Policy
from bitforbit.replicates import collect
from bitforbit.replicates.ensemble import gains, members

from . import made

TINY = ("digits", "--set", "epochs=1", "--set", "filters=[4]", "--set", "hidden=8")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    done = bitforbit("replicate", *TINY, "--seeds", "0-3", "--jobs", 2, "--runs", root)
    assert done.returncode == 0, done.stderr
    return root


def build(root, *arguments):
    return bitforbit("ensemble", *TINY, "--seeds", "0-3", "--runs", root, *arguments)


@pytest.fixture(scope="module")
def built(root):
    done = build(root, "--uncertainty", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def path(root, built):
    return next(root.glob("digits/*/ensemble-0-3-uncertainty/ensemble.keras"))


def rewrite(source, target, change):
    """Copy an archive; `change` maps a dict of its members' bytes in place."""
    with zipfile.ZipFile(source) as file:
        content = {name: file.read(name) for name in file.namelist()}
    change(content)
    with zipfile.ZipFile(target, "w") as file:
        for name, data in content.items():
            file.writestr(name, data)
    return target


def test_a_second_build_gives_the_same_bytes(root, built, path, tmp_path):
    done = build(root, "--uncertainty", "--json", "--output", tmp_path / "again")
    assert json.loads(done.stdout)["digest"] == built["digest"]
    assert (tmp_path / "again" / "ensemble.keras").read_bytes() == path.read_bytes()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == built["ensemble"]["model"]


def test_the_file_holds_every_members_published_digest(root, built):
    for seed, member in enumerate(built["ensemble"]["members"]):
        content = next(root.glob(f"digits/*/seed-{seed}/result.json")).read_bytes()
        assert member["seed"] == seed
        assert member["result"] == hashlib.sha256(content).hexdigest()
        assert member["weights"] == json.loads(content)["weights"]


def test_plain_keras_reads_it_and_the_outputs_are_what_they_say(root, path, tmp_path):
    """In a process without this package: safe mode, no custom objects; NumPy recomputes every output."""
    script = """
import sys, keras, numpy as np
assert "bitforbit" not in sys.modules
x = np.random.default_rng(1).random((50, 8, 8, 1), dtype="float32")
model = keras.saving.load_model(sys.argv[1])
found = model.predict(x, verbose=0)
single = [keras.saving.load_model(p, compile=False).predict(x, verbose=0) for p in sys.argv[3:]]
np.savez(sys.argv[2], members=np.stack(single, -1), trainable=len(model.trainable_weights), **found)
"""
    singles = sorted(map(str, root.glob("digits/*/seed-*/model.keras")))
    command = [sys.executable, "-c", script, str(path), str(tmp_path / "out.npz"), *singles]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    out = np.load(tmp_path / "out.npz")
    p = out["members"].astype(np.float64)
    mean = p.mean(-1)
    total = -(mean * np.log(mean)).sum(-1)
    aleatoric = -(p * np.log(p)).sum(-2).mean(-1)
    wanted = {
        "mean": mean,
        "spread": p.std(-1),
        "total_entropy": total,
        "aleatoric_entropy": aleatoric,
        "epistemic_entropy": total - aleatoric,
    }
    assert out["trainable"] == 0
    assert set(out.files) == {*wanted, "members", "trainable"}
    for name, value in wanted.items():
        assert np.abs(out[name] - value).max() < 2e-6, name
    assert (out["epistemic_entropy"] > 1e-4).any()


def test_verify_says_same(path):
    done = bitforbit("verify", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{path}: 4 of 4 members have the weights of their result",
        "  formula      mean over members on the last axis, in seed order",
        "  predictions  same",
        "same",
    ]


def test_verify_finds_one_changed_weight(path, tmp_path):
    import h5py

    def change(content):
        (tmp_path / "w.h5").write_bytes(content["model.weights.h5"])
        with h5py.File(tmp_path / "w.h5", "r+") as file:
            names = []
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            name = next(name for name in names if "functional_2/" in name and file[name].ndim == 2)
            file[name][0, 0] = np.nextafter(file[name][0, 0], np.float32(9))
        content["model.weights.h5"] = (tmp_path / "w.h5").read_bytes()

    done = bitforbit("verify", rewrite(path, tmp_path / "bad.keras", change))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].endswith("3 of 4 members have the weights of their result")
    assert lines[1] in (
        "  seed 2: dense/kernel is not the published one",
        "  seed 2: dense_1/kernel is not the published one",
    )
    assert lines[-1] == "different"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"class_name": "Mean"', b'"class_name": "Max"', "expected one Stack and a Mean"),
        (b'"axis": -1', b'"axis": 1', "expected a stack on axis -1, found axis 1"),
    ],
)
def test_the_formula_is_read_from_the_graph(path, old, new, message):
    from bitforbit.replicates.ensemble import file, structure

    record, config = file.read(path)
    assert structure.check(config, record) == ""
    altered = json.loads(json.dumps(config).encode().replace(old, new))
    assert structure.check(altered, record).startswith(message)


def test_the_order_of_members_is_read_from_the_graph(path):
    from bitforbit.replicates.ensemble import file, structure

    record, config = file.read(path)
    text = json.dumps(config)
    swapped = (
        text.replace("replicate_0001", "X").replace("replicate_0002", "replicate_0001").replace("X", "replicate_0002")
    )
    assert structure.check(json.loads(swapped), record).startswith("expected members stacked as replicate_0000")
    record["members"].reverse()
    assert "expected members in ascending order of seeds" in structure.check(config, record)


def test_what_is_no_ensemble(root, tmp_path):
    single = next(root.glob("digits/*/seed-0/model.keras"))
    for given, words in ((single, "found another or a damaged file"), (tmp_path / "no.keras", "found no such file")):
        done = bitforbit("verify", given)
        assert done.returncode == 2
        assert done.stderr.startswith("bitforbit verify: expected an ensemble")
        assert words in done.stderr


def test_a_missing_or_altered_member_is_refused_and_nothing_is_written(root, tmp_path):
    missing = bitforbit("ensemble", *TINY, "--seeds", "0-4", "--runs", root)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "expected 5 finished members, found seed 4 missing. Next step: bitforbit replicate" in missing.stderr
    shutil.copytree(root, tmp_path / "runs")
    victim = next((tmp_path / "runs").glob("digits/*/seed-2"))
    with open(victim / "model.keras", "r+b") as file:
        file.seek(-1000, 2)
        file.write(b"\x00\x01")
    altered = build(tmp_path / "runs", "--output", tmp_path / "out")
    assert altered.returncode == 2
    assert "seed 2 failed (expected" in altered.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda m: m[:1], UsageError, "expected at least 2 members, received 1"),
        (lambda m: [m[1], m[0]], UsageError, "expected members in ascending order of seeds, received 1 before 0"),
        (lambda m: [m[0], m[0]], UsageError, "expected each seed once, received 0 twice"),
        (lambda m: [m[0], made.replicate(1, key="cd" * 32)], EvidenceError, "expected members of one configuration"),
        (lambda m: [*m, made.replicate(2, collect.DIVERGED, "diverged after epoch 3")], EvidenceError, "seed 2 diverged"),
    ],
)  # fmt: skip
def test_members_that_cannot_be_one(change, error, message):
    with pytest.raises(error) as raised:
        members.check(change(made.configuration([0.9, 0.8])))
    assert message in str(raised.value)


def test_another_class_is_refused():
    both = made.configuration([0.9, 0.8])
    both[1].result["host_class"] = "gpu-sm90"
    with pytest.raises(
        EvidenceError, match=r"of one host class, found cpu-x86-64-v3 \(seed 0\) and gpu-sm90 \(seed 1\)"
    ):
        members.check(both)


def test_the_rule_by_simulation():
    """Members that differ from a common function by noise of variance V: error and disagreement follow V / M."""
    generator = np.random.Generator(np.random.PCG64(1))
    truth = generator.normal(0, 1, (4000, 1))
    drawn = (truth + 0.5 + generator.normal(0, 0.3, (20, 4000, 1))).astype("float32")
    spread = gains.variance(drawn)
    assert spread == pytest.approx(0.09, rel=0.03)
    assert spread == pytest.approx(drawn.astype(np.float64).var(axis=0, ddof=1).mean(), rel=1e-12)
    assert gains.builds(drawn, None)["disagreement"] == pytest.approx((2 * 0.09 / 10) ** 0.5, rel=0.05)
    errors = [gains.error(drawn[:m].astype(np.float64).mean(axis=0), truth) for m in range(1, 21)]
    for row in gains.rows(20, spread, errors[-1], errors):
        assert row["error"] == pytest.approx(0.25 + 0.09 / row["members"], rel=0.05)
        assert row["predicted_error"] == pytest.approx(row["error"], rel=0.05)
    assert gains.members_needed(0.09, 0.3) == 2
    assert gains.members_needed(0.09, 0.01) == 1800


def test_churn_counts_classes():
    one, two = np.eye(3)[[0, 1, 2, 0]], np.eye(3)[[0, 1, 1, 2]]
    assert gains.churn(one, two, "categorical") == 0.5
    assert gains.churn(np.array([[0.4], [0.6]]), np.array([[0.6], [0.7]]), "binary") == 0.5


@pytest.mark.emulation
def test_another_cpu_predicts_the_same(path):
    command = [*emulator.prefix("Haswell"), sys.executable, "-m", "bitforbit", "verify", str(path)]
    done = subprocess.run(command, env=emulator.environment(Policy()), capture_output=True, text=True, timeout=600)
    assert done.stdout.splitlines()[-2:] == ["  predictions  same", "same"], done.stderr
