"""How an emulated host is spelled, and what is said where it cannot be."""

import pytest

from bitforbit.errors import HostError, UsageError
from bitforbit.hosts import emulator, models


def test_spelling_and_back():
    for text in models.DEFAULT:
        assert str(models.parse(text)) == text
    assert str(models.parse("EPYC")) == "EPYC@2"


@pytest.mark.parametrize("text", ["", "Pentium", "SandyBridge", "EPYC@0", "EPYC@two"])
def test_unknown_hosts_are_named(text):
    with pytest.raises(UsageError, match="Haswell, Broadwell, Skylake-Client, EPYC, EPYC-Rome, max"):
        models.parse(text)


def test_default_has_every_model_and_both_core_counts():
    hosts = [models.parse(text) for text in models.DEFAULT]
    assert {host.model for host in hosts} == set(models.MODELS)
    assert {host.cores for host in hosts} == {1, 2}


def test_no_emulator_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(HostError, match="apt-get install qemu-user-static"):
        emulator.find()
