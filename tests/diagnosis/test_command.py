"""`bitforbit diagnose` as a user types it; whole trainings are slow and have a target of their own: make test-diagnose."""

import json

import pytest
from support import bitforbit

from bitforbit.commands import diagnose as command
from bitforbit.errors import UsageError

EXPERIMENT = """
import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bitforbit.training.experiment import Data

{module}

@dataclass(frozen=True)
class Config:
    epochs: int = 1
    batch_size: int = 4

def load_data(config):
    x = (np.arange(24, dtype="float32").reshape(12, 2) - 12) / 8
    {data}
    return Data(x, x[:, :1] * 2, x[:5], x[:5, :1] * 2)

def build_model(config):
    import keras
    import tensorflow as tf
    outputs = inputs = keras.Input((2,))
    {model}
    model = keras.Model(inputs, keras.layers.Dense(1)(outputs))
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    return model
"""
NAMES = ("entropy", "directory order", "umask")


def experiment(folder, module="", data="", model=""):
    path = folder / "subject.py"
    path.write_text(EXPERIMENT.format(module=module, data=data, model=model))
    return path


def diagnose(path, *arguments, only=NAMES):
    chosen = [word for name in only for word in ("--only", name)]
    return bitforbit("diagnose", path, *chosen, *arguments, timeout=1500)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("no/such.py",), "expected an experiment or a script at no/such.py, found no such file"),
        (("digits", "--only", "weather"), "unknown condition 'weather'. Expected one of: entropy, clock, "),
        (("digits", "--vary-seed", "0"), "expected a seed of variation from 1, received 0"),
        (("digits", "--args=--epochs 5"), "expected --args with a script, received it with the experiment digits"),
        (("digits", "--stdin", "x"), "expected --stdin with a script, received it with the experiment digits"),
        (("tests/support.py", "--stdin", "no/such"), "expected a file for --stdin at no/such, found none"),
        (("tests/support.py", "--args", "'"), "expected --args as a shell would read it, received"),
        (("digits", "--html", "no/such/page.html"), "expected a folder that can be written for --html"),
        (("digits", "--keep", "."), "expected a new or empty folder for --keep, found files in "),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(arguments, line):
    done = bitforbit("diagnose", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"bitforbit diagnose: {line}")
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_to_keep_is_not_left_where_no_run_was_begun(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for name, left in (("new", False), ("mine", True)):
        with pytest.raises(UsageError), command._folder(str(tmp_path / name)):
            raise UsageError("no room")
        assert (tmp_path / name).exists() == left
    with command._folder(str(tmp_path / "used")) as work:
        (work / "run-00").mkdir()
    assert (tmp_path / "used" / "run-00").exists()


def test_the_list_of_conditions():
    done = bitforbit("diagnose", "digits", "--list")
    assert done.returncode == 0
    first = done.stdout.splitlines()[0]
    assert first == "entropy             program  unseeded randomness: the system's entropy reaches the result"
    assert len(done.stdout.splitlines()) == 19


def test_a_clean_experiment_is_reproducible(tmp_path):
    page = tmp_path / "report.html"
    done = diagnose(experiment(tmp_path), "--json", "--html", page)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verdict"] == "reproducible"
    assert found["reproducible_under"] == list(NAMES)
    assert (found["plain_agrees"], found["causes"], found["not_varied"]) == (True, [], [])
    assert len({run["digest"] for run in found["runs"]}) == 1
    assert [run["label"] for run in found["runs"] if run["label"] == "with digests"] == ["with digests"]
    assert len(found["runs"]) == 5
    assert found["observer"] == {"verdict": "same", "words": ""}
    assert found["lint"] == {"files": 1, "findings": []}
    assert "subject seed 1: reproducible" in page.read_text()


SCRIPT = """import sys
import numpy as np
import keras

x = np.linspace(0, 1, 32, dtype="float32").reshape(16, 2)
noise = np.random.default_rng().normal(size=x.shape).astype("float32")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x + noise, x[:, :1], epochs=int(sys.argv[2]), verbose=0)
"""

FAULTS = {
    "default_rng": ({"data": "x = x + np.random.default_rng().normal(size=x.shape).astype('float32')"}, "entropy",
                    "a NumPy generator without a seed: default_rng()", "default_rng"),
    "shuffle": ({"module": "ROWS = list(range(12))\nrandom.shuffle(ROWS)", "data": "x = x[ROWS]"}, "entropy",
                "Python's global generator, which was not seeded", "random.shuffle"),
    "listdir": ({"data": "x = x + len(os.listdir(Path(__file__).parent / 'files')[0])"}, "directory order",
                "the order of a directory listing reaches the result", "os.listdir"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_training_is_named(name, tmp_path):
    parts, condition, words, text = FAULTS[name]
    (tmp_path / "files").mkdir()
    for file in ("a", "bb", "ccc"):
        (tmp_path / "files" / file).write_text("")
    path = experiment(tmp_path, **parts)
    done = diagnose(path, "--json")
    assert done.returncode == 1, done.stderr
    (cause,) = json.loads(done.stdout)["causes"]
    assert (cause["condition"], cause["proven"]) == (condition, True)
    assert cause["first_difference"]["stage"] == "data"
    ((line,),) = [found["frames"] for found in cause["lines"]]
    assert cause["lines"][0]["words"] == words
    assert path.read_text().splitlines()[line["line"] - 1] == next(
        row for row in path.read_text().splitlines() if text in row
    )


@pytest.mark.slow
def test_a_fault_in_a_script_is_named(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = diagnose(script, "--json", "--args=--epochs 1", only=("entropy", "umask"))
    assert done.returncode == 1, done.stderr
    (cause,) = json.loads(done.stdout)["causes"]
    assert cause["first_difference"]["what"].startswith("fit 1: ")
    assert [frame["line"] for found in cause["lines"] for frame in found["frames"]] == [6]


@pytest.mark.slow
def test_labels_from_a_set_are_what_the_policy_hides(tmp_path):
    path = experiment(tmp_path, data="x = x + list(set('cat dog bird'.split())).index('cat')")
    done = diagnose(path, "--json", only=("umask", "hash seed"))
    assert done.returncode == 0, done.stderr
    (hidden,) = json.loads(done.stdout)["host_sensitive"]
    assert (hidden["condition"], hidden["pinned"]) == ("hash seed", True)
    assert hidden["words"] == "the order of a set of strings, or hash(), reaches the result"


@pytest.mark.slow
def test_a_host_dependent_op_is_refused_in_the_words_of_the_audit(tmp_path):
    normalized = "lambda x: tf.nn.local_response_normalization(x[:, None, None, :])[:, 0, 0, :]"
    path = experiment(tmp_path, model=f"outputs = keras.layers.Lambda({normalized}, output_shape=(2,))(outputs)")
    done = diagnose(path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "subject does not run: exit 2: " in done.stderr
    assert "LRN" in done.stderr
