"""`bitforbit run`: the script behaves as under `python`, and each fit leaves evidence."""

import json
import subprocess
import sys

import pytest
from support import PROJECT, bitforbit, clean_environment

from bitforbit.diagnosis.script import record

FACE = """\
import os, sys
import __main__

print(sys.argv, __name__, __file__, sys.path[0], os.getcwd(), __main__.__dict__ is globals(), __spec__, __package__)
print(sys.stdin.read())


class Thing:
    pass


print(Thing.__module__)
sys.exit(sys.argv[1] if sys.argv[1:2] == ["words"] else int(sys.argv[1]))
"""
TRAIN = """\
import sys
import random
import keras
import numpy as np
import tensorflow as tf
from layers import hidden

tf.config.threading.set_intra_op_parallelism_threads(5)
tf.config.experimental.enable_op_determinism()
rng = np.random.default_rng(0)
x, y = rng.random((32, 4), dtype="float32"), rng.random((32, 1), dtype="float32")
model = keras.Sequential([keras.Input((4,)), hidden(), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
model.compile("adam", "mse", jit_compile=True)
model.fit(x, y, epochs=2, batch_size=8, verbose=0, validation_split=0.25)


def positive(x, y):
    if tf.reduce_sum(x) > 0:
        return x, y
    return -x, y


model.fit(tf.data.Dataset.from_tensor_slices((x, y)).map(positive).batch(8), verbose=0)
print(random.random(), np.random.rand(), float(tf.random.uniform([])))
if sys.argv[1:] == ["reseed"]:
    np.random.seed(3)
if sys.argv[1:] == ["crash"]:
    model.fit(x, y, epochs="two")
"""


def plain(*arguments, cwd, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=100, **options)


def run(*arguments, cwd, input=None, **changes):
    return subprocess.run(
        [sys.executable, "-m", "bitforbit", "run", *arguments], cwd=cwd, env=clean_environment(**changes),
        capture_output=True, text=True, input=input, timeout=600,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One script, trained twice with seed 1 and once with seed 2, which seeds itself."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "train.py").write_text(TRAIN)
    (folder / "layers.py").write_text("import keras\n\n\ndef hidden():\n    return keras.layers.Dense(8)\n")
    # A script may lie in the folder of temporary files.
    first = run("train.py", cwd=folder, TMPDIR=str(folder))
    again = run("--sentinel", "--seed", "1", "train.py", cwd=folder)
    other = run("--seed", "2", "train.py", "crash", cwd=folder)
    return folder, first, again, other


def result_of(done) -> dict:
    line = next(line for line in done.stderr.splitlines() if line.startswith("bitforbit run:   run "))
    with open(f"{line.split()[-1]}/result.json") as file:
        return json.load(file)


def test_the_script_has_its_own_face(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "face.py").write_text(FACE)
    for arguments in (["inner/face.py", "3", "--seed", "9", "--", "-h"], ["inner/face.py", "words"]):
        expected = plain(*arguments, cwd=tmp_path, input="typed")
        got = run("--seed", "7", *arguments, cwd=tmp_path, input="typed")
        assert (got.returncode, got.stdout) == (expected.returncode, expected.stdout)
        assert got.stderr.startswith(expected.stderr)


SPAWNS = """\
import multiprocessing
import pickle
import sys


class Number:
    def __init__(self, value):
        self.value = value


def square(number):
    return Number(number.value**2), sys.argv[1:]


if __name__ == "__main__":
    print(type(pickle.loads(pickle.dumps(Number(3)))) is Number)
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            number, arguments = pool.map_async(square, [Number(7)]).get(60)[0]
        print(method, number.value, type(number) is Number, arguments)
"""


def test_spawned_processes_hand_objects_of_the_script_back(tmp_path):
    (tmp_path / "spawns.py").write_text(SPAWNS)
    done = run("spawns.py", "--flag", cwd=tmp_path)
    expected = "True\nspawn 49 True ['--flag']\nforkserver 49 True ['--flag']\n"
    assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_the_same_seed_gives_the_same_result_and_output(trained):
    _, first, again, _ = trained
    assert (first.returncode, first.stdout) == (0, again.stdout)
    assert result_of(first) == result_of(again)


def test_nothing_that_autograph_generates_becomes_a_module_or_a_file(trained):
    folder, first, *_ = trained
    assert list(result_of(first)["modules"]) == ["layers.py"]
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {"train.py", "layers.py", "runs"}
    assert not list(folder.glob("__pycache__/__autograph*"))


def test_no_module_of_this_package_counts_as_the_scripts_own():
    """In a project the package lies below the script's folder: else native runs and the image's had other names."""
    package = PROJECT / "src" / "bitforbit"
    assert not any(record.is_own(str(path)) for path in package.rglob("*.py"))
    assert record.is_own(str(PROJECT / "src" / "mine" / "layers.py"))


def test_the_sentinel_is_quiet_about_a_seeded_fit(trained):
    assert "sentinel" not in trained[2].stderr


def test_every_fit_leaves_digests(trained):
    result = result_of(trained[1])
    assert [len(fit["epochs"]) for fit in result["fits"]] == [3, 2]
    assert result["fits"][1]["epochs"][0]["weights"] == result["fits"][0]["weights"]
    assert [leaf["path"] for leaf in result["fits"][0]["data"]["arrays"]] == ["x", "y"]
    assert list(result["fits"][1]["undigested_data"]) == ["x"]
    assert result["models"] == {"model": result["fits"][1]["weights"]}
    assert list(result["modules"]) == ["layers.py"]
    assert result["host_class"] == "cpu-x86-64-v3"


def test_what_the_script_sets_against_the_policy_is_said(trained):
    result = result_of(trained[1])
    assert result["overrides"] == [
        {
            "what": "threads",
            "place": "train.py:8",
            "text": "asks for pools of 5; the policy's 2 stay (--pool-size)",
        }
    ]
    assert result["policy"]["deviations"] == []


def test_an_exception_looks_as_under_python_and_keeps_the_fits_before_it(trained):
    folder, first, _, crashed = trained
    result = result_of(crashed)
    assert (crashed.returncode, result["status"], len(result["fits"])) == (1, "raised", 3)
    assert crashed.stdout != first.stdout
    assert "bitforbit/" not in crashed.stderr.split("bitforbit run:")[0]
    line = 1 + TRAIN.splitlines().index('    model.fit(x, y, epochs="two")')
    assert f'File "{folder}/train.py", line {line}, in <module>' in crashed.stderr


def test_a_missing_script_is_one_line_and_exit_2():
    done = bitforbit("run", "no/such.py", "--flag")
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (
        2,
        "",
        [
            "bitforbit run: expected a Python script at no/such.py, found: No such file or directory."
            " Next step: bitforbit run [OPTIONS] script.py [the script's own arguments]"
        ],
    )


@pytest.mark.parametrize("how", ["import os\nos._exit(7)", "import nothing_of_this_name", "1 +"])
def test_every_end_is_the_scripts_own(tmp_path, how):
    (tmp_path / "end.py").write_text(how + "\n")
    expected, got = plain("end.py", cwd=tmp_path), run("end.py", cwd=tmp_path)
    assert (got.returncode, got.stdout) == (expected.returncode, expected.stdout)
    assert got.stderr.startswith(expected.stderr)
    assert ("not installed" in got.stderr) == ("nothing_of" in how)
    said = [line.split()[2] for line in got.stderr.removeprefix(expected.stderr).splitlines() if "run:   " in line]
    assert said == ["run"], "digests of nothing are said"
    assert len(list(tmp_path.glob("runs/end/*/seed-1.failed/result.json"))) == 1


def test_what_cannot_be_written_is_said_and_the_exit_code_stays(tmp_path):
    (tmp_path / "end.py").write_text(
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\nsys.exit(int(sys.argv[1]))\n"
    )
    for code in ("0", "7"):
        done = run("end.py", code, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.splitlines()) == (
            int(code),
            "",
            [
                "bitforbit run: nothing was published: File too large; the exit code is the script's."
                f" Next step: free some space in {tmp_path}/runs, or --runs FOLDER"
            ],
        )
        assert [path.name for path in tmp_path.glob("runs/end/*/*")] == []


def test_children_of_a_fork_publish_nothing(tmp_path):
    (tmp_path / "forks.py").write_text(
        "import os, sys\nchild = os.fork()\nif not child:\n    sys.exit(5)\nprint(os.waitpid(child, 0)[1] >> 8)\n"
    )
    done = run("forks.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "5\n")
    assert done.stderr.count("no fit was seen") == 1
    assert [path.name for path in tmp_path.glob("runs/forks/*/*")] == ["seed-1"]
