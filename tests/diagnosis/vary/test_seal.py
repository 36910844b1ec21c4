"""The seal: what it fixes, what it leaves alone, and one event changed alone."""

import json
import os
import subprocess
import sys

import pytest

from bitforbit.diagnosis.vary import seal, sources
from bitforbit.errors import HostError

PROBE = """
import datetime, json, os, platform, random, secrets, socket, time, uuid
import numpy as np
print(json.dumps({
    "secrets": secrets.token_hex(4), "uuid": str(uuid.uuid4()), "random": random.random(), "numpy": np.random.rand(),
    "rng": np.random.default_rng().random(), "device": open("/dev/urandom", "rb").read(4).hex(),
    "time": time.time(), "now": str(datetime.datetime.now(datetime.timezone.utc)), "pid": os.getpid(),
    "host": [platform.node(), socket.gethostname(), os.uname().nodename], "listing": os.listdir("/etc"),
}))
"""
ENTROPY = ("secrets", "uuid", "random", "numpy", "rng", "device")


def probe(script: str = PROBE, **variables):
    environment = os.environ | {"LD_PRELOAD": str(seal.library()), "PYTHONHASHSEED": "0"} | variables
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert not done.stderr
    return json.loads(done.stdout)


def test_without_variables_it_changes_nothing():
    first, second = probe(), probe()
    assert all(first[name] != second[name] for name in (*ENTROPY, "time", "pid"))
    assert first["listing"] == os.listdir("/etc")
    assert first["host"] == [os.uname().nodename] * 3


def test_a_stream_gives_the_same_twice_and_another_stream_something_else():
    names = {"BITFORBIT_ENTROPY", "BITFORBIT_CLOCK", "BITFORBIT_LISTING", "BITFORBIT_PROCESS"}  # noqa: BFB402 names of variables
    first, again, other = (probe(**dict.fromkeys(names, stream)) for stream in ("1", "1", "2"))
    assert first == again
    assert all(first[name] != other[name] for name in (*ENTROPY, "time", "now", "pid", "listing"))
    assert first["now"].startswith("2025-06-15 10:20:30.0")
    assert first["listing"] == sorted(first["listing"], key=os.fsencode)
    assert sorted(other["listing"]) == sorted(first["listing"])
    assert all(a != b for a, b in zip(first["listing"], other["listing"], strict=True))


def test_one_event_is_changed_alone():
    script = "import json, os; print(json.dumps([os.urandom(4).hex() for _ in range(6)]))"
    first, second = (probe(script, BITFORBIT_ENTROPY=stream) for stream in "12")
    mixed = probe(script, BITFORBIT_ENTROPY="1:2@1,3-5")
    assert mixed == [first[0], second[1], first[2], second[3], second[4], first[5]]
    assert len({*first, *second}) == 12


def test_children_have_numbers_of_their_own_and_can_be_changed_alone():
    script = "import json, os, subprocess, sys\nmine = os.urandom(4).hex()\n"
    script += "code = 'import os; print(os.urandom(4).hex())'\n"
    script += "print(json.dumps([mine, subprocess.check_output([sys.executable, '-c', code], text=True)]))"
    first, both, children = (probe(script, BITFORBIT_ENTROPY=text) for text in ("1", "1:2@0", "1:2@children"))
    assert both[0] != first[0] == children[0]
    assert both[1] == first[1] != children[1]


def test_waits_and_deadlines_still_end():
    script = "import json, threading, time\nbegan = time.monotonic()\nthreading.Event().wait(0.05)\ntime.sleep(0.05)\n"
    script += "print(json.dumps(0.1 <= time.monotonic() - began < 30))"
    assert probe(script, BITFORBIT_CLOCK="1") is True


def test_a_signal_to_oneself_arrives_under_a_process_id_that_nobody_has():
    script = "import json, os, signal\ngot = []\nsignal.signal(signal.SIGUSR1, lambda *_: got.append(1))\n"
    script += "os.kill(os.getpid(), signal.SIGUSR1)\nprint(json.dumps([got, os.getpid() > 4194304]))"
    assert probe(script, BITFORBIT_PROCESS="1") == [[1], True]


def test_the_host_name_is_any_name():
    assert probe(BITFORBIT_HOSTNAME="elsewhere")["host"] == ["elsewhere"] * 3


@pytest.mark.parametrize(
    ("events", "text"), [([], ""), ([3], "3"), ([3, 4], "3-5"), ([9, 1, 4, 5, 6], "1,4-7,9"), ([0, 2], "0,2")]
)
def test_ranges_as_the_seal_reads_them(events, text):
    assert sources.ranges(events) == text


def test_varied_events_and_children_in_one_variable():
    assert sources.ENTROPY.varied([2, 3], children=True) == {"BITFORBIT_ENTROPY": "1:2@2-4,children"}
    assert sources.ENTROPY.varied([]) == {"BITFORBIT_ENTROPY": "1"}


def test_no_compiler_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", str(tmp_path / "none"))
    monkeypatch.delenv("BITFORBIT_SEAL", raising=False)
    line = "expected a C compiler for the seal .* found none. Next step: apt-get install gcc libc6-dev$"
    with pytest.raises(HostError, match=line):
        seal.library()
    assert not list(tmp_path.rglob("*.so"))
