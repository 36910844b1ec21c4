"""What CI holds of other hosts: one experiment on two emulated CPUs, and two older CPUs refused."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bitforbit.hosts import emulator, matrix, models, proof
from bitforbit.policy import Policy

pytestmark = pytest.mark.emulation
EXPERIMENT = "solubility"
"""Layer normalization, exact GELU and AdamW: the quickest of the experiments that reach replaced kernels."""

WITHOUT = {
    "SandyBridge": "AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE",
    "Nehalem": "AVX, AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE",
}


HOSTS = ("Haswell@2", "EPYC-Rome@1")


@pytest.fixture(scope="module")
def rows():
    """Both hosts at once: each run spends most of its minutes in one thread."""

    def one(numbered):
        shift, spelled = numbered
        return list(matrix.run(models.parse(spelled), [EXPERIMENT], Policy(), shift=shift))

    with ThreadPoolExecutor(len(HOSTS)) as pool:
        return dict(zip(HOSTS, pool.map(one, enumerate(HOSTS)), strict=True))


@pytest.mark.parametrize("spelled", HOSTS)
def test_gives_the_goldens_bits(rows, spelled):
    (row,), host = rows[spelled], models.parse(spelled)
    assert row.outcome == "same"
    assert (row.seen["brand"], row.seen["cores"]) == (host.model.brand, host.cores)
    assert row.seen["brand"] not in Path("/proc/cpuinfo").read_text(), "the proof would hold on this very CPU"


@pytest.mark.parametrize("cpu", models.TOO_OLD)
def test_below_x86_64_v3_is_refused(cpu):
    command = [*emulator.prefix(cpu), sys.executable, "-m", "bitforbit", "verify", "sequence"]
    done = subprocess.run(command, env=emulator.environment(Policy()), capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"bitforbit verify: expected a CPU of level x86-64-v3, found one without {WITHOUT[cpu]}."
        " Next step: run on a host with AVX2 and FMA (Intel since Haswell, AMD since Zen).\n"
    )


def test_a_process_that_starts_anew_is_found_out(monkeypatch):
    """Where a variable is wrong, the launcher starts a new program, which leaves the emulator: nothing proven."""
    stock = emulator.environment
    monkeypatch.setattr(emulator, "environment", lambda policy: stock(policy) | {"PYTHONHASHSEED": "1"})
    (row,) = matrix.run(models.parse("Haswell@1"), ["sequence"], Policy())
    assert row.outcome.startswith("not proven: expected 'Intel Core Processor (Haswell)', CPUID says ")


def test_the_proof_is_read_from_its_line_only():
    assert proof.read('seen by CPUID: {"brand": "x"}') == {"brand": "x"}
    assert proof.read("digits: same, 2 epochs") is None
