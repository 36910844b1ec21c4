"""Twice in two processes: equal on this host, and a difference is named before any golden is looked at."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from support import bitforbit

from bitforbit import verify
from bitforbit.errors import HostError, UsageError
from bitforbit.evidence import golden
from bitforbit.policy import Policy, devices
from bitforbit.verify import twice

GPU_CLASS = "gpu-sm90-132-driver-550.54"


def test_two_processes_here_give_the_same_bits_and_those_of_the_goldens():
    done = bitforbit("verify", "sequence", "--times", "2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "sequence: the same bits in two processes",
        "sequence: same, 10 epochs",
    ]
    assert re.fullmatch(r"same bits as cpu-x86-64-v3\.json: sequence", done.stdout.strip())


def entry(weights: np.ndarray) -> dict:
    return {
        "config": {},
        "seed": 1,
        "data": "d",
        "epochs": [{"dense/kernel": str(weights.tobytes())}],
        "metrics": {},
        "predictions": "p",
    }


@pytest.fixture
def processes(monkeypatch):
    """Two stand-ins for processes; the second one's weight is one ulp away where `differ` says so."""

    def make(differ: bool) -> list:
        started = []

        def process(names, policy, path):
            value = np.float32(1.0)
            if differ and started:
                value = np.nextafter(value, np.float32(2.0))
            started.append(path)
            weights = np.array([1.0, value], "float32")
            golden.write(path, {"experiments": {"digits": entry(weights)}}, {"digits": [{"dense/kernel": weights}]})

        monkeypatch.setattr(twice, "_process", process)
        return started

    return make


def options(**changes) -> SimpleNamespace:
    given = {"experiment": ["digits"], "golden": None, "write": False, "attest": None, "times": None, "json": False}
    return SimpleNamespace(**given | changes)


@pytest.fixture
def h100(monkeypatch):
    monkeypatch.setattr(devices, "host_class", lambda policy: GPU_CLASS)
    monkeypatch.setattr(verify.identity, "stack", lambda device: {"tensorflow": "2.21.0", "nvidia-cudnn-cu12": "9.3"})
    return Policy(device="gpu")


def test_on_a_gpu_twice_is_the_default_and_a_difference_is_told_in_ulps(processes, h100, capsys):
    started = processes(differ=True)
    assert verify.command(options(), h100) == 1
    assert len(started) == 2
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "different from the first of two processes on this host: 1 of 1 experiments"
    assert printed[1].startswith("  digits: first difference in epoch 0, dense/kernel: 1 of 2 elements")


def test_an_unknown_class_is_never_a_pass(processes, h100, capsys, tmp_path, monkeypatch):
    processes(differ=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        verify.command(options(), h100)
    assert capsys.readouterr().err == "digits: the same bits in two processes\n"
    assert str(caught.value) == (
        f"cannot compare: expected goldens of class {GPU_CLASS} at {tmp_path}/golden/{GPU_CLASS}.json, found none."
        " Next step: register this host with: bitforbit verify --device gpu --write"
    )
    assert caught.value.exit_code == 2


def test_a_registered_class_is_compared_and_another_cudnn_cannot_be(processes, h100, capsys, tmp_path, monkeypatch):
    processes(differ=False)
    path = tmp_path / f"{GPU_CLASS}.json"
    assert verify.command(options(write=True, golden=str(path)), h100) == 0
    assert json.loads(path.read_bytes())["host_class"] == GPU_CLASS
    assert verify.command(options(golden=str(path)), h100) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"same bits as {path.name}: digits"
    monkeypatch.setattr(verify.identity, "stack", lambda device: {"tensorflow": "2.21.0", "nvidia-cudnn-cu12": "9.4"})
    with pytest.raises(UsageError, match="the goldens are of stack nvidia-cudnn-cu12 '9.3', this is '9.4'"):
        verify.command(options(golden=str(path)), h100)


def test_a_process_that_stops_is_told_in_its_own_words(monkeypatch, tmp_path):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    with pytest.raises(HostError) as caught:
        twice._process(["digits"], Policy(device="gpu"), tmp_path / "x.json")
    assert str(caught.value).startswith(
        "expected a process to train digits, found that it stopped: bitforbit verify: expected an NVIDIA GPU, found no"
        " driver: libcuda.so.1 cannot be opened."
    )


def test_a_process_gets_the_policy_of_the_first():
    policy = Policy(4, "gpu", 2, "mixed_bfloat16", True)
    assert twice._options(policy) == (
        ["--device", "gpu", "--pool-size", "4", "--gpus", "2", "--precision", "mixed_bfloat16", "--xla"]
    )
    assert twice._options(Policy()) == ["--device", "cpu", "--pool-size", "2"]
