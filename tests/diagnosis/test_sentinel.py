"""The sentinel names each seeded fault with its line, as it happens, and nothing else."""

import random
import runpy
import time

import numpy as np
import pytest
from support import bitforbit

from bitforbit.diagnosis import sentinel
from diagnosis import changing

FAULTS = """\
import os
import random
import threading
import time

import numpy as np

rng = np.random.default_rng()
random.seed(int(time.time()))
np.random.seed(os.getpid())
names = os.listdir(".")
data = dict(enumerate(names))
thread = threading.Thread(target=names.clear)
thread.start()
thread.join()
other = random.Random()
"""
CLEAN = """\
import os
import random
import time

import numpy as np

started = time.time()
rng = np.random.default_rng(7)
random.seed(1)
np.random.seed(1)
names = sorted(os.listdir("."))
old = np.random.RandomState(3)
assert isinstance(old, np.random.RandomState) and isinstance(random.Random(1), random.Random)
values = rng.random(3), random.random(), np.random.rand(), random.Random(3).random()
print(time.time() - started)
"""


def watch(folder, text):
    (folder / "program.py").write_text(text)
    lines = []
    state = random.getstate(), np.random.get_state()
    try:
        with sentinel.watching(lines.append, str(folder)) as seen:
            runpy.run_path(str(folder / "program.py"), run_name="__main__")
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
    return [(event.kind, event.place) for event in seen.events], lines


def test_each_fault_is_named_by_line(tmp_path, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 4242)
    got, lines = watch(tmp_path, FAULTS)
    assert got == [
        ("entropy", "program.py:8"),
        ("clock", "program.py:9"),
        ("process", "program.py:10"),
        ("listing", "program.py:11"),
        ("thread", "program.py:14"),
        ("entropy", "program.py:16"),
    ]
    assert lines[1] == ("program.py:9: a seed is the time in seconds, so no run can be repeated. Write the seed down.")


def test_a_clean_program_is_quiet(tmp_path):
    assert watch(tmp_path, CLEAN) == ([], [])


def test_what_a_training_reads_is_named_by_line(tmp_path):
    (tmp_path / "changing.py").write_text(changing.SCRIPT)
    done = bitforbit("run", "--sentinel", "changing.py", cwd=tmp_path)
    assert (done.returncode, changing.reported(done.stderr)) == (0, changing.expected()), done.stderr


EXPERIMENT = """\
import dataclasses

import keras
import numpy as np

from bitforbit.training.experiment import Data


@dataclasses.dataclass(frozen=True)
class Config:
    epochs: int = 1
    batch_size: int = 4


def load_data(config):
    x = np.random.default_rng().random((8, 2), dtype="float32")
    return Data(x, x, x, x)


def build_model(config):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model
"""


def test_train_reports_what_an_experiment_reads(tmp_path):
    (tmp_path / "tiny.py").write_text(EXPERIMENT)
    done = bitforbit("train", "tiny.py", "--sentinel", "--runs", "runs", cwd=tmp_path)
    lines = [line for line in done.stderr.splitlines() if "sentinel" in line]
    words = "draws fresh entropy of the system, which no seed repeats. Seed each generator."
    assert (done.returncode, lines) == (0, [f"bitforbit train: sentinel: tiny.py:16: {words}"]), done.stderr


def test_nothing_stays_patched(tmp_path):
    before = [getattr(owner, name) for owner, name, _ in sentinel.watched()]
    watch(tmp_path, CLEAN)
    assert [getattr(owner, name) for owner, name, _ in sentinel.watched()] == before


@pytest.mark.parametrize(
    ("scale", "unit"), [(1, "seconds"), (10**3, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")]
)
def test_the_clock_is_known_in_every_unit(scale, unit):
    now = time.time()
    assert sentinel.clock_unit(int(now * scale), now) == unit
    assert sentinel.clock_unit(20240101 * scale, now) == ""
