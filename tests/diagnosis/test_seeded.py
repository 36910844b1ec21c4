"""Faults planted into whole trainings: `diagnose` names cause and line, then step, tensor and op (make test-diagnose)."""

import json

import pytest
from support import bitforbit

from bitforbit.diagnosis.vary import generators

pytestmark = pytest.mark.slow
GENERATORS = [found.title for found in generators.ALL]

BEGIN = """import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)
x = np.linspace(0, 1, 64, dtype="float32").reshape(32, 2)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
"""
MAP = """
def augment(row):
    return row + np.random.default_rng().normal(size=2).astype("float32")

def mapped(row, label):
    return tf.ensure_shape(tf.numpy_function(augment, [row], tf.float32), (2,)), label

pairs = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).map(mapped).batch(8)
model.fit(pairs, epochs=1, verbose=0)
"""
CLEAN = """
model.fit(x, x[:, :1], epochs=2, batch_size=8, verbose=0)
"""
# What `run` seeds, and plain Python does not: the layers' own seeds are given, the data's order is not.
SHUFFLED = """import random

import keras
import numpy as np
import tensorflow as tf

np.random.seed(1)
tf.random.set_seed(1)
x = np.linspace(0, 1, 64, dtype="float32").reshape(32, 2)
rows = list(range(32))
random.shuffle(rows)
start = keras.initializers.GlorotUniform(seed=7)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer=start)])
model.compile("sgd", "mse")
model.fit(x[rows], x[rows, :1], epochs=1, batch_size=8, shuffle=False, verbose=0)
"""
LABELS = """
names = [f"class-{n}" for n in range(8)] * 4
labels = {name: number for number, name in enumerate(set(names))}
y = np.array([labels[name] for name in names], "float32")[:, None]
model.fit(x, y, epochs=1, batch_size=8, verbose=0)
"""
# The linter sees no set in what the helper takes.
HELPED = """
import helper
names = [f"class-{n}" for n in range(8)] * 4
print("classes:", *set(names))
labels = helper.numbered(frozenset(names))
y = np.array([labels[name] for name in names], "float32")[:, None]
model.fit(x, y, epochs=1, batch_size=8, verbose=0)
"""
HELPER = "def numbered(items):\n    return {item: number for number, item in enumerate(items)}\n"
CONVOLUTION = """
x = ((np.arange(32 * 28 * 28, dtype="float32") * 7919 % 1000) / 1000).reshape(32, 28, 28, 1)
body = [keras.layers.Conv2D(16, 3, activation="relu"), keras.layers.Conv2D(32, 3)]
body += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)]
model = keras.Sequential([keras.Input((28, 28, 1)), *body], name="tiny")
model.compile("adam", "mse")
model.fit(x, x[:, 0, 0], epochs=1, batch_size=32, verbose=0)
"""
# Parts of a sum in the order in which two threads happen to bring them, as float atomics on a GPU do.
ATOMIC = """
import threading

class Atomic(keras.layers.Layer):
    calls = 0

    def call(self, x):
        def add(values):
            Atomic.calls += 1
            if Atomic.calls < 3:
                return values.sum(1, keepdims=True)
            order = []
            threads = [threading.Thread(target=order.append, args=(column,)) for column in range(values.shape[1])]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return np.add.accumulate(values[:, order] * np.float32(0.1), axis=1)[:, -1:]

        return x + tf.ensure_shape(tf.numpy_function(add, [tf.stop_gradient(x)], tf.float32), (None, 1))

x = np.random.default_rng(5).standard_normal((40, 6), dtype="float32")
model = keras.Sequential([keras.Input((6,)), Atomic(name="atomic"), keras.layers.Dense(1)], name="sums")
model.compile("adam", "mse")
model.fit(x, x[:, :1], epochs=1, batch_size=8, shuffle=False, verbose=0)
"""
# Nanoseconds that nothing seals decide, unless digests are made: waiting that hides a race.
HIDDEN = """
import os, time
late = 0.0 if "BITFORBIT_TRACE_TO" in os.environ else float(hash(time.perf_counter_ns()) % 997)
model.fit(x + np.float32(late), x[:, :1], epochs=1, verbose=0)
"""
WATCHED = """
listened = keras.layers.Layer.__call__.__module__.startswith("bitforbit")
model.fit(x + np.float32(listened), x[:, :1], epochs=1, verbose=0)
"""


def diagnosed(folder, text: str, *only: str, code: int) -> dict:
    path = folder / "script.py"
    path.write_text(text if text.startswith("import random") else BEGIN + text)
    chosen = [word for name in only for word in ("--only", name)]
    done = bitforbit("diagnose", path, "--json", *chosen, timeout=1800)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def line_of(folder, text: str) -> int:
    lines = (folder / "script.py").read_text().splitlines()
    (number,) = (index for index, line in enumerate(lines, 1) if text in line)
    return number


def place(cause: dict) -> tuple:
    found = cause["localized"]["difference"]
    return found["kind"], found["epoch"], found["step"], found["site"]


def test_a_clean_script_has_no_finding_under_all_conditions(tmp_path):
    found = diagnosed(tmp_path, CLEAN, code=0)
    assert (found["verdict"], found["plain_agrees"], found["observer"]) == (
        "reproducible", True, {"verdict": "same", "words": ""},
    )  # fmt: skip
    assert (found["causes"], found["unstable"], found["lint"]["findings"]) == ([], None, [])
    assert {"entropy", "clock", "directory order", "thread timing", "caller's variables", "umask", "home", "addresses",
            "cores", "memory", "load"} <= set(found["reproducible_under"])  # fmt: skip
    assert {*GENERATORS, "hash seed", "time zone", "locale"} <= set(found["same_without_pin"])


def test_a_shuffle_that_only_run_seeds(tmp_path):
    found = diagnosed(tmp_path, SHUFFLED, *GENERATORS, code=0)
    (unseeded,) = found["host_sensitive"]
    assert (unseeded["condition"], unseeded["proven"]) == ("Python's generator", True)
    number = line_of(tmp_path, "random.shuffle")
    (line,) = unseeded["lines"]
    assert [(frame["file"], frame["line"]) for frame in line["frames"]] == [(str(tmp_path / "script.py"), number)]
    assert place(unseeded) == ("data", 1, 0, "batch/x")
    assert [(item["code"], item["line"]) for item in unseeded["lint"]] == [("BFB103", number)]
    assert set(found["same_without_pin"]) == {"NumPy's generator", "TensorFlow's generator"}


def test_default_rng_in_a_map_function(tmp_path):
    found = diagnosed(tmp_path, MAP, "entropy", "umask", code=1)
    (cause,) = found["causes"]
    assert (cause["condition"], cause["proven"], place(cause)) == ("entropy", True, ("data", 1, 0, "batch/x"))
    assert [line["words"] for line in cause["lines"]] == ["a NumPy generator without a seed: default_rng()"]
    (frame,) = cause["lines"][0]["frames"]
    assert frame["line"] == line_of(tmp_path, "default_rng()")
    assert [(item["code"], item["line"]) for item in cause["lint"]] == [("BFB101", frame["line"])]


def test_a_label_map_from_a_set(tmp_path):
    found = diagnosed(tmp_path, LABELS, "umask", "hash seed", code=0)
    (hidden,) = found["host_sensitive"]
    assert (hidden["condition"], place(hidden)) == ("hash seed", ("data", 1, 0, "batch/y"))
    line = line_of(tmp_path, "enumerate(set")
    assert [frame["line"] for found in hidden["lines"] for frame in found["frames"]] == [line]
    assert [(item["code"], item["line"]) for item in hidden["lint"]] == [("BFB402", line)]


def test_a_label_map_that_a_helper_builds_from_a_set(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    found = diagnosed(tmp_path, HELPED, "umask", "hash seed", code=0)
    (hidden,) = found["host_sensitive"]
    assert (hidden["condition"], hidden["proven"], place(hidden)) == ("hash seed", True, ("data", 1, 0, "batch/y"))
    (line,) = hidden["lines"]
    assert [(frame["file"], frame["line"]) for frame in (*line["frames"], *line["callers"])] == [
        (str(tmp_path / "helper.py"), 2),
        (str(tmp_path / "script.py"), line_of(tmp_path, "helper.numbered")),
    ]
    assert hidden["note"].endswith("agree; 1 other line with another order changes nothing")
    assert hidden["lint"] == []


def test_threads_and_instruction_set_down_to_op_and_line(tmp_path):
    found = diagnosed(tmp_path, CONVOLUTION, "thread pools", "instruction set", code=0)
    assert [item["condition"] for item in found["host_sensitive"]] == ["thread pools", "instruction set"]
    for item in found["host_sensitive"]:
        difference = item["localized"]["difference"]
        assert (difference["epoch"], difference["step"]) == (1, 0)
        assert difference["kind"] in ("forward", "gradient")
        assert 0 < difference["elements"]["count"] <= difference["elements"]["size"]
        assert difference["op"]["line"].startswith("keras/src/")


def test_a_sum_in_the_order_of_arrival(tmp_path):
    found = diagnosed(tmp_path, ATOMIC, "thread timing", "umask", code=1)
    (cause,) = found["causes"]
    assert cause["words"] == "a race: the result depends on which thread comes first"
    assert {frame["line"] for line in cause["lines"] for frame in line["frames"]} <= {
        line_of(tmp_path, "thread.start()")
    }
    assert place(cause)[0] == "forward"
    assert place(cause)[3] == "act/sums/atomic"
    line = f"script.py:{line_of(tmp_path, 'return x + tf.ensure_shape')}"
    assert cause["localized"]["difference"]["op"]["line"].endswith(line)


def test_a_race_that_digests_hide(tmp_path):
    found = diagnosed(tmp_path, HIDDEN, "entropy", code=1)
    assert found["unstable"]["words"].startswith("a race: two runs alike differ")
    assert found["observer"]["words"].startswith("the runs differ without digests and are the same with them (4 of 4)")


def test_an_observer_effect(tmp_path):
    found = diagnosed(tmp_path, WATCHED, "entropy", code=1)
    assert (found["causes"], found["unstable"], found["plain_agrees"]) == ([], None, True)
    assert found["observer"]["verdict"] == "changed"
    assert found["observer"]["words"].startswith("observer effect: the digests change the run")
