"""One program, many hosts: the digests of every kernel function are the same whoever computes them, and however."""

import os
import shutil

import pytest

from . import native

EMULATED = ("Haswell", "EPYC-Rome", "Skylake-Client", "max")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return native.compile_program(tmp_path_factory.mktemp("native"), link=("-static",))


@pytest.fixture(scope="module")
def here(program):
    return native.digests(program, "1")


def first_half(values):
    """The digests of one vector width (a host with AVX-512 prints each line twice)."""
    return {name: digests[: len(digests) // 2] for name, digests in values.items()}


def test_vector_widths_agree(here, library):
    if library.functions.bfb_isa() != b"avx512":
        pytest.skip("this CPU has one vector width")
    _, values, _ = here
    halves = {name: (d[: len(d) // 2], d[len(d) // 2 :]) for name, d in values.items()}
    assert [name for name, (narrow, wide) in halves.items() if narrow != wide] == []


def test_in_place_and_in_pieces(here, library):
    """Elementwise lines come in pairs: one call, and in place in two calls."""
    from bitforbit.kernels.table import ROWS

    _, values, _ = here
    elementwise = [row.op for row in ROWS if row.op in values and row.op not in ("Atan2", "Softmax")]
    assert {"Rsqrt", "Reciprocal", "Erfc", "Atan", "Ndtri", "Erfinv"} <= set(elementwise)
    assert [name for name in elementwise if len(set(values[name])) != 1] == []


def test_the_product_is_one_chain_of_fma(here):
    assert "matmul_is_not_its_chain" not in here[1] and len(here[1]["matmul"]) % 4 == 0


def test_the_fingerprint_is_the_same_with_avx2_and_without(here):
    assert len(here[1]["fingerprint"]) >= 2 and len(set(here[1]["fingerprint"])) == 1


def test_threads_agree(here, program):
    assert native.digests(program, "3")[2] == here[2]


def test_without_optimisation(here, tmp_path):
    """-O0: no vector code, no reordering, one element at a time; the bits stay."""
    slow = native.compile_program(tmp_path, flags=("-O0",))
    assert native.digests(slow, "1")[2] == here[2]


def test_the_digests_see_fast_math(here, tmp_path):
    """Proof that the check can fail: let the compiler replace divisions by RCPPS and reorder, as -ffast-math does.

    Erfc and Rsqrt are written in intrinsics for 256 bits, which that flag leaves as they are.
    """
    fast = native.compile_program(tmp_path, flags=("-ffast-math", "-mrecip"))
    changed = {
        line.split()[0] for line, other in zip(native.digests(fast, "1")[2], here[2], strict=True) if line != other
    }
    assert {"Reciprocal", "Softmax/100", "Atan"} <= changed


@pytest.mark.emulation
@pytest.mark.slow
@pytest.mark.parametrize("cpu", EMULATED)
def test_emulated_cpus_agree(cpu, here, program):
    emulator = shutil.which("qemu-x86_64-static")
    if emulator is None:
        pytest.skip("needs qemu-x86_64-static: apt-get install qemu-user-static")
    seen, values, _ = native.digests(program, "2", before=(emulator, "-cpu", cpu))
    native_values = here[1] if len(here[1]["Rsqrt"]) == 2 else first_half(here[1])
    assert seen != here[0], "the emulated run must see another CPU"
    assert [name for name in native_values if values[name] != native_values[name]] == []


@pytest.mark.slow
def test_clean_under_sanitizers(tmp_path):
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")
    program = native.compile_program(tmp_path, flags=flags)
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    native.digests(program, "3", env=env)
