"""A script's goldens: two equal runs are recorded, one more is held against them; another bit is named, another class refused."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bitforbit import project, verify
from bitforbit.diagnosis import compare
from bitforbit.diagnosis.script import goldens
from bitforbit.errors import EvidenceError, UsageError
from bitforbit.evidence import canonical, runs
from bitforbit.policy import Policy
from bitforbit.training import identity

CLASS = "cpu-x86-64-v3"


def published(folder, data="d", weight="w", loss=0.5, models=None, fits=1, **changes):
    """A published run of a script that has fitted a model of one weight for one epoch, with what is to be another."""
    folder.mkdir(parents=True)
    entries = [
        {
            "fit": number,
            "model": "net",
            "data": {"root": data, "arrays": [{"path": "x", "dtype": "float32", "shape": [4], "sha256": data}]},
            "epochs": [
                {"epoch": 0, "logs": {}, "weights": "0", "state": "0"},
                {"epoch": 1, "logs": {"loss": loss}, "weights": weight, "state": "1"},
            ],
            "variables": [{"path": "dense/kernel", "dtype": "float32", "shape": [2, 1], "sha256": weight}],
        }
        for number in range(1, fits + 1)
    ]
    result = {
        "experiment": "train", "source": "s", "seed": 1, "config": {"arguments": []}, "fits": entries,
        "models": models or {}, "stack": identity.stack(), "host_class": CLASS,
        "policy": Policy().record() | {"deviations": []},
    }  # fmt: skip
    rows = [(n, e, "dense/kernel", "0" if e == 0 else weight) for n in range(1, fits + 1) for e in (0, 1)]
    canonical.write(folder / runs.DIGESTS, runs.table(["fit", "epoch", "variable", "sha256"], rows))
    canonical.write(folder / runs.RESULT, canonical.dumps(result | changes))
    runs.seal(folder, {"host": {}})
    return runs.verify(folder)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"source": "other"}, None),  # a comment moves no bit
        ({"data": "e"}, ("data", 0, "x", "fit 1 (net): fit was given other numbers")),
        ({"weight": "v"}, ("training", 1, "dense/kernel", "fit 1 (net): equal up to epoch 0, other weights after it")),
        ({"loss": 0.25}, ("forward", 1, "loss", "fit 1 (net): equal weights, but loss is 0.5 and 0.25")),
        ({"fits": 2}, ("training", 1, "fits", "one script made 1 fits, the other one 2")),
        (
            {"models": {"net": "m"}},
            ("training", 1, "net", "equal fits, but the weights of the global model net differ"),
        ),
    ],
    ids=lambda value: next(iter(value), "same") if isinstance(value, dict) else "",
)
def test_compare_names_the_first_difference_of_two_scripts(tmp_path, changes, expected):
    published(tmp_path / "a")
    published(tmp_path / "b", **changes)
    found = compare.compare(tmp_path / "a", tmp_path / "b", anyway=True)
    assert (found and (found.kind, found.epoch, found.site, found.summary)) == expected


def test_a_script_and_an_experiment_cannot_be_compared(tmp_path):
    published(tmp_path / "a")
    other = published(tmp_path / "b").result
    del other["fits"]
    canonical.write(tmp_path / "b" / runs.RESULT, canonical.dumps(other))
    runs.seal(tmp_path / "b", {"host": {}})
    with pytest.raises(
        compare.CannotCompareError, match="is a published run of a script, .* is a published run of an exp"
    ):
        compare.compare(tmp_path / "a", tmp_path / "b", anyway=True)
    with pytest.raises(compare.CannotCompareError, match="is a published run of a script, "):
        compare.compare(tmp_path / "a", tmp_path / "b")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A project of one script; `mine(weights...)` says what its next runs give."""
    (tmp_path / "train.py").write_text("import keras\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\n[tool.bitforbit.scripts]\n"train.py" = []\n')
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)
    pending: list[dict] = []
    monkeypatch.setattr(
        goldens, "_run", lambda name, arguments, policy, root: published(root / "train", **pending.pop(0))
    )
    return pending


def command(policy=None, **changes) -> int:
    given = {"golden": None, "attest": None, "times": None, "write": False, "json": False}
    return goldens.command(SimpleNamespace(**given | changes), policy or Policy(), ["train.py"])


def test_two_equal_runs_are_recorded_and_a_third_is_held_against_them(mine, tmp_path, capsys):
    mine += [{}, {}, {}, {"weight": "v"}, {"weight": "v"}]
    assert command(write=True) == 0
    assert capsys.readouterr().err == f"wrote golden/{CLASS}/train.py: two runs gave the same bits\n"
    assert sorted(path.name for path in (tmp_path / "golden" / CLASS).rglob("*")) == [
        "digests.csv", "result.json", "run.json", "train.py",
    ]  # fmt: skip
    assert command() == 0
    assert capsys.readouterr().out == f"same bits as golden/{CLASS}/train.py: 1 fit\n"
    assert command() == 1
    assert capsys.readouterr().out.splitlines()[:2] == [
        "different: train.py, goldens and this run",
        "├─ first difference: epoch 1",
    ]
    assert command(json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["same"], told["compared"]) == (False, ["train.py"])
    assert told["differences"][0]["experiment"] == "train.py" and told["differences"][0]["difference"]["epoch"] == 1


def test_two_runs_that_differ_are_no_goldens_and_older_ones_stay(mine, tmp_path, capsys):
    mine += [{}, {}, {"weight": "v"}, {"weight": "u"}]
    assert command(write=True) == 0
    before = (tmp_path / "golden" / CLASS / "train.py" / "result.json").read_bytes()
    assert command(write=True) == 1
    told = capsys.readouterr()
    assert told.out.startswith("different: train.py, run once and run again\n")
    assert told.err.endswith("no goldens were written. Next step: bitforbit diagnose train.py\n")
    assert (tmp_path / "golden" / CLASS / "train.py" / "result.json").read_bytes() == before
    mine += [{"weight": "v"}, {"weight": "v"}]
    assert command(write=True) == 0
    assert b'"v"' in (tmp_path / "golden" / CLASS / "train.py" / "result.json").read_bytes()
    assert [path.name for path in (tmp_path / "golden" / CLASS).iterdir()] == ["train.py"]


def test_a_full_disk_leaves_the_goldens_that_were_there(mine, tmp_path, monkeypatch):
    mine += [{}, {}, {"weight": "v"}, {"weight": "v"}]
    assert command(write=True) == 0
    before = (tmp_path / "golden" / CLASS / "train.py" / "result.json").read_bytes()

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(goldens.shutil, "copyfile", full)
    with pytest.raises(OSError):
        command(write=True)
    assert (tmp_path / "golden" / CLASS / "train.py" / "result.json").read_bytes() == before
    assert [path.name for path in (tmp_path / "golden" / CLASS).iterdir()] == ["train.py"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"policy": Policy(4).record() | {"deviations": []}}, "the goldens are of policy pool_size 4, this is 2"),
        ({"stack": {"keras": "0"}}, "the goldens are of stack h5py None, this is "),
        ({"config": {"arguments": ["-n"]}}, "the goldens are of arguments ['-n'], these are []"),
    ],
)
def test_what_cannot_be_compared_is_neither_same_nor_different(mine, changes, reason):
    mine += [changes, changes]
    assert command(write=True) == 0
    with pytest.raises(UsageError) as caught:
        command()
    assert str(caught.value).startswith(f"cannot compare train.py: {reason}")


def test_altered_goldens_are_told_apart_from_a_run(mine, tmp_path):
    mine += [{}, {}]
    assert command(write=True) == 0
    path = tmp_path / "golden" / CLASS / "train.py"
    (path / "digests.csv").write_text("")
    with pytest.raises(EvidenceError) as caught:
        command()
    assert str(caught.value).startswith(f"expected {path}/digests.csv with SHA-256 ")
    assert str(caught.value).endswith(
        ": the run was altered after it was published."
        " Next step: git restore golden, or, where the change is meant, bitforbit verify --write"
    )


def test_a_terminated_verify_takes_its_script_along(tmp_path):
    (tmp_path / "train.py").write_text(
        "import os, sys, time\nprint(os.getpid())\nsys.stdout.flush()\ntime.sleep(100)\n"
    )
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\n[tool.bitforbit.scripts]\n"train.py" = []\n')
    (tmp_path / "here.py").write_text(
        "import pathlib, sys\nfrom bitforbit import cli, project\nproject.root = pathlib.Path.cwd\n"
        "sys.exit(cli.main(['verify', '--write', 'train.py']))\n"
    )
    command = [sys.executable, "here.py"]
    environment = os.environ | {"TMPDIR": str(tmp_path / "aside")}
    (tmp_path / "aside").mkdir()
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as verifying:
        script = int(next(line for line in verifying.stderr if line.strip().isdigit()))
        verifying.terminate()
        assert verifying.wait(60) == 130
    assert not Path(f"/proc/{script}").exists()
    assert list((tmp_path / "aside").iterdir()) == []
    assert not (tmp_path / "golden").exists()


def test_no_goldens_no_class_no_other_options(mine, tmp_path):
    with pytest.raises(UsageError) as caught:
        command()
    assert str(caught.value) == (
        f"cannot compare: expected goldens of train.py at {tmp_path}/golden/{CLASS}/train.py, found none."
        " Next step: bitforbit verify --write"
    )
    mine += [{"host_class": identity.UNPINNED}] * 2
    with pytest.raises(UsageError, match="expected a host class of train.py"):
        command(write=True)
    assert not (tmp_path / "golden").exists()
    with pytest.raises(UsageError, match="expected no --golden, --attest or --times with a script"):
        command(times=2)
    with pytest.raises(UsageError, match="expected --device cpu with a script, such as train.py"):
        command(policy=Policy(device="gpu"))
    (tmp_path / "train.py").unlink()
    with pytest.raises(UsageError, match="in the image, make docker-verify WORK=/work"):
        command()


def test_what_a_project_verifies(mine, tmp_path):
    assert verify.chosen([]) == ([], ["train.py"])
    assert verify.chosen(["train.py", "digits"]) == (["digits"], ["train.py"])
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\n')
    with pytest.raises(UsageError, match="expected reference experiments or scripts in .*pyproject.toml, found none"):
        verify.chosen([])
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "bitforbit"\n')
    assert verify.chosen([]) == (["sequence", "digits", "solubility", "peptides"], [])
