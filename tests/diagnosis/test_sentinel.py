"""The sentinel names each seeded fault with its line, as it happens, and nothing else."""

import random
import runpy
import sys
import time

import numpy as np
import pytest
from support import bitforbit

from bitforbit.diagnosis import sentinel
from bitforbit.diagnosis.sentinel import clocks, table
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


MADE_OF_TIME = """\
import random
import time
from datetime import datetime
from time import time_ns

import numpy as np

WRITTEN = 20_240_101


def helper():
    return int(time.time() * 1000) % 2**32


def digits():
    return int(time.strftime("%m%d%H%M%S"))


def parts():
    now = datetime.now()
    return now.microsecond * 4099


np.random.seed(int(time.time() * 1000) % 2**32)
np.random.seed(helper())
np.random.default_rng(time_ns() & 0x7FFFFFFF)
random.seed(time.perf_counter_ns())
random.seed(time.monotonic())
np.random.default_rng(digits())
np.random.seed(datetime.now().microsecond)
np.random.seed(int(time.time()) % 1000)
random.seed(int(datetime.now().strftime("%H%M%S%f")))
np.random.default_rng(WRITTEN)
np.random.default_rng(1234567)
started = time.perf_counter()
for epoch in range(300):
    np.random.default_rng(7 * 1_000_001 + epoch)
    time.perf_counter() - started
"""
SAID = "a seed is made of the time{}, so no run can be repeated. Write the seed down."


def test_a_seed_that_is_made_of_the_time_is_named_with_the_line_that_read_it(tmp_path):
    _, lines = watch(tmp_path, MADE_OF_TIME)
    said = [
        (24, ""),
        (25, " that program.py:12 reads"),
        (26, ""),
        (27, ""),
        (28, ""),
        (29, " that program.py:16 reads"),
    ]
    said += [(30, ""), (31, ""), (32, "")]
    assert lines == [f"program.py:{line}: {SAID.format(where)}" for line, where in said]


def test_the_microseconds_of_a_date_in_a_helper_are_known_where_calls_are_seen(tmp_path):
    text = MADE_OF_TIME.replace("now.microsecond * 4099", "now.microsecond")
    text = text.replace("int(time.time()) % 1000", "parts()")
    _, lines = watch(tmp_path, text)
    told = [line for line in lines if line.startswith("program.py:31:")]
    said = f"program.py:31: {SAID.format(' that program.py:20 reads')}"
    assert told == ([said] if hasattr(sys, "monitoring") else [])


@pytest.mark.parametrize("unit", clocks.UNITS)
@pytest.mark.parametrize("modulus", [2**16, 2**31, 2**32, 2**31 - 1, 10**6, None])
def test_a_reading_fits_what_is_made_of_it_and_few_other_numbers(unit, modulus):
    generator, now = random.Random(unit * 8 + (modulus or 0)), 1_796_032_637_654_321_000
    reading = clocks.Reading(("program.py", 1), now, now + 5_000, False)
    for _ in range(50):
        read = generator.randrange(now, now + 5_000) // unit
        assert clocks.chance(read % modulus if modulus else read, reading) < 1
    others = [clocks.chance(generator.randrange(modulus or 2**32), reading) for _ in range(2_000)]
    assert sum(other <= clocks.CHANCE for other in others) <= 2_000 * clocks.CHANCE * len(clocks.UNITS) * len(
        clocks.MODULI
    )


def test_many_readings_make_an_accident_likelier_and_are_believed_less():
    now, place = 1_796_032_637_654_321_000, ("program.py", 1)
    readings = clocks.Readings()
    readings.add(clocks.Reading(place, now, now + 5_000, False))
    seed = now // 1000 % 10**6
    assert readings.behind(seed) == place
    for number in range(1, clocks.MOST):
        later = now + 10_123_456_789 * number
        readings.add(clocks.Reading(place, later, later + 5_000, False))
    assert readings.behind(seed) is None and readings.behind(now // 10**6 % 2**32) == place


def test_today_written_down_is_no_reading(tmp_path):
    text = f"import random, time\nstarted = time.time()\nrandom.seed({time.strftime('%Y_%m_%d')})\n"
    assert watch(tmp_path, text) == ([], [])
    assert watch(tmp_path, text.replace(time.strftime("%Y_%m_%d"), "int(time.strftime('%Y%m%d'))"))[0] == [
        ("clock", "program.py:3")
    ]


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
    rows = [*sentinel.watched(), *table.CLOCKS]
    before = [getattr(owner, name) for owner, name, _ in rows]
    watch(tmp_path, CLEAN)
    assert [getattr(owner, name) for owner, name, _ in rows] == before


@pytest.mark.parametrize(
    ("scale", "unit"), [(1, "seconds"), (10**3, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")]
)
def test_the_clock_is_known_in_every_unit(scale, unit):
    now = time.time()
    assert sentinel.clock_unit(int(now * scale), now) == unit
    assert sentinel.clock_unit(20240101 * scale, now) == ""
