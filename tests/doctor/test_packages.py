"""Locks against what is installed, libraries against the loader, knobs against the policy."""

import json

import pytest
from support import PROJECT, bitforbit

from bitforbit.doctor import knobs, machine, packages
from bitforbit.doctor.model import FAILURE, NONE, OK, WARNING

LOCK = """\
# made by pip-compile
Keras==3.15.1 \\
    --hash=sha256:00
typing_extensions==4.15.0 ; python_version < "3.13" \\
    --hash=sha256:01
"""


@pytest.fixture
def lock(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    (tmp_path / "requirements.lock").write_text(LOCK)
    return monkeypatch


def test_the_lock_holds(lock):
    lock.setattr(packages, "installed", lambda: {"keras": "3.15.1", "typing-extensions": "4.15.0", "other": "1"})
    assert packages.check_lock().found == "2 packages are those of requirements.lock"


def test_another_and_a_missing_version_are_named(lock):
    lock.setattr(packages, "installed", lambda: {"keras": "3.14.0"})
    found = packages.check_lock()
    assert found.state == FAILURE
    assert "keras 3.14.0 (locked 3.15.1), typing-extensions missing (locked 4.15.0)" in found.found


def test_the_projects_own_lock_is_read_whole():
    number = sum(line[:1].isalnum() for line in (PROJECT / "requirements.lock").read_text().splitlines())
    assert len(packages.locked(PROJECT / "requirements.lock")) == number > 40


def test_a_missing_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "installed", lambda: {"nvidia-cudnn-cu12": "9.3"})
    monkeypatch.setattr(packages, "library_path", lambda: "/opt/nvidia/cusolver/lib")
    libraries = [packages.cuda.Library(name, "", "") for name in ("libc.so.6", "libcusolver.so.11")]
    monkeypatch.setattr(packages.cuda, "LIBRARIES", libraries)
    found = packages.check_libraries(wanted=True)
    assert (found.state, found.fix) == (FAILURE, "export LD_LIBRARY_PATH=/opt/nvidia/cusolver/lib")
    assert found.found.startswith("the loader does not find libcusolver.so.11")
    monkeypatch.setattr(packages.cuda, "LIBRARIES", libraries[:1])
    assert packages.check_libraries(wanted=True).state == OK


def test_the_cpu_environment_has_no_cuda_libraries(monkeypatch):
    monkeypatch.setattr(packages, "installed", dict)
    assert packages.check_libraries(wanted=False).state == NONE
    assert packages.check_libraries(wanted=True).state == FAILURE


def rows(**found):
    return json.dumps({"policy": {"version": 1, "digest": "5ba46ab40469ffff"}, "knobs": [
        {"name": name, "wanted": "1", "found": value, "took": value == "1"} for name, value in found.items()
    ]})  # fmt: skip


def test_knobs_that_took_and_knobs_that_did_not():
    (good,) = knobs.judge(0, rows(PYTHONHASHSEED="1"), "")
    assert (good.state, good.found) == (OK, "all 1 read back as the policy wants (version 1, digest 5ba46ab40469)")
    (bad,) = knobs.judge(0, rows(PYTHONHASHSEED="1", OMP_NUM_THREADS="8"), "")
    assert (bad.check, bad.state, bad.found) == ("knob OMP_NUM_THREADS", FAILURE, "wanted 1, found 8")


def test_a_tensorflow_that_does_not_load_is_a_finding():
    (found,) = knobs.judge(1, "", "Traceback ...\nImportError: libstdc++.so.6: cannot open shared object file\n")
    assert found.found == "cannot be read back: ImportError: libstdc++.so.6: cannot open shared object file"


def test_memory_is_what_the_control_group_leaves(recorded):
    files = {"/proc/meminfo": "MemTotal: 64 kB\nMemAvailable:   33554432 kB\n"}
    assert machine._memory(recorded(files=files)).found == "32.0 GiB available"
    limited = files | {"/sys/fs/cgroup/memory.max": str(3 << 30), "/sys/fs/cgroup/memory.current": str(2 << 30)}
    found = machine._memory(recorded(files=limited))
    assert (found.state, found.found.split(":")[0]) == (WARNING, "1.0 GiB available")


def test_this_machine_as_a_user_sees_it(tmp_path):
    done = bitforbit("doctor", "--device", "cpu", "--json")
    report = json.loads(done.stdout)
    assert report["healthy"] == (done.returncode == 0)
    states = {finding["check"]: finding["state"] for finding in report["findings"]}
    assert (states["cpu"], states["lock"], states["knobs"]) == (OK, OK, OK)
    assert not any(name.startswith(("driver", "gpu", "cuda")) for name in states)
