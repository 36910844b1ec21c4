"""Building and loading: clear refusals, no hidden library calls, the pool after a fork and under many callers."""

import os
import re
import shutil
import subprocess
import threading

import numpy as np
import pytest

from bitforbit.errors import HostError
from bitforbit.kernels import build, loader, table

from . import references


def test_no_compiler_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("CC", "/nonexistent/cc")
    with pytest.raises(HostError, match=r"Expected a C compiler .*apt-get install gcc libc6-dev.*image") as caught:
        build.compiler()
    assert "\n" not in str(caught.value)


def test_a_stale_library_is_refused(tmp_path, monkeypatch):
    stale = tmp_path / "old.so"
    stale.write_bytes(b"a library of other sources")
    monkeypatch.setattr(loader, "_loaded", None)
    with pytest.raises(HostError, match=r"Expected current kernels .* Received: a library of other sources"):
        loader.load(1, path=stale, rebuild=False)
    with pytest.raises(HostError, match="Received: no file"):
        loader.load(1, path=tmp_path / "missing.so", rebuild=False)


def test_the_stamp_follows_the_sources(monkeypatch):
    before = build.stamp()
    monkeypatch.setattr(build, "FLAGS", [*build.FLAGS, "-DOTHER"])
    assert build.stamp() != before


def test_library_carries_the_stamp(library):
    assert library.stamp == build.stamp()


def test_no_math_library_call(library):
    """Nothing of libm may be called: its bits change with the C library's version."""
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("needs nm (binutils)")
    undefined = subprocess.run(
        [nm, "-D", "--undefined-only", library.path], capture_output=True, text=True, check=True
    ).stdout
    called = {line.split()[-1].split("@")[0] for line in undefined.splitlines()}
    outside = {name for name in called if not re.match(r"TF_|TFE_|pthread_|_ITM_|__", name)}
    assert outside <= {
        "calloc",
        "free",
        "getenv",
        "madvise",
        "mallopt",
        "malloc",
        "memcpy",
        "memmove",
        "memset",
        "snprintf",
        "strcmp",
        "strcpy",
        "strlen",
        "strcat",
        "vsnprintf",
        "stpcpy",
    }


def test_no_approximate_instruction(library):
    objdump = shutil.which("objdump")
    if objdump is None:
        pytest.skip("needs objdump (binutils)")
    text = subprocess.run(
        [objdump, "-d", "--no-show-raw-insn", library.path], capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"\bv?(?:rcp|rsqrt)(?:14|28)?[ps][sd]\b", text) == []
    assert "vfmadd" in text


def test_loading_twice_is_once(library):
    again = loader.load(2)
    assert again is library and again.functions.bfb_kernel_count() == len(table.names())


def test_readback(library):
    assert library.threads == 2 and library.isa in ("avx2", "avx512")
    vendor = np.array(library.cpuid(0), np.uint32)[[1, 3, 2]].tobytes()
    assert len(vendor) == 12 and vendor.isascii()


def test_many_callers_at_once(library, call):
    x = references.samples(count=60_000)
    expected = references.bits(call("Rsqrt", x))
    failures = []

    def caller():
        for _ in range(20):
            if not np.array_equal(references.bits(call("Rsqrt", x)), expected):
                failures.append(1)

    threads = [threading.Thread(target=caller) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_the_pool_survives_a_fork(library, call):
    x = references.samples(count=60_000)
    expected = call("Erfc", x).tobytes()
    child = os.fork()
    if child == 0:
        os._exit(0 if call("Erfc", x).tobytes() == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("threads", [1, 2, 3, 64])
def test_lengths_offsets_and_threads(threads, library, call):
    """Every prefix length and start of a buffer gives the same bits for the same element."""
    x = references.samples(count=40_000)
    whole = references.bits(call("Erfc", x))
    try:
        library.set_threads(threads)
        for start in (0, 1, 3, 7, 8, 15, 16, 33, 64):
            for length in (1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 255, 256, 257, 8191, 8193, 30_000):
                piece = references.bits(call("Erfc", x[start : start + length]))
                assert np.array_equal(piece, whole[start : start + length])
    finally:
        library.set_threads(2)
