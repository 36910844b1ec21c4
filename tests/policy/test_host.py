"""The check for x86-64-v3, and the symbol finder's refusals."""

import os
import subprocess

import pytest

from bitforbit.errors import HostError, PolicyError
from bitforbit.policy import host, symbols


def test_this_host_agrees_with_the_loader_of_glibc():
    """`ld.so --help` names the levels that it searches; it is an independent reading of CPUID."""
    loader = "/lib64/ld-linux-x86-64.so.2"
    text = subprocess.run([loader, "--help"], capture_output=True, text=True, check=True).stdout
    supported = any("x86-64-v3" in line and "supported" in line for line in text.splitlines())
    assert (host.missing_features() == []) == supported


def test_both_readings_agree():
    assert host._missing_in_cpuinfo() == host.missing_features()


def test_a_cpu_below_the_level_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(host, "missing_features", lambda: ["AVX2", "FMA"])
    with pytest.raises(HostError) as caught:
        host.require_level_v3()
    assert str(caught.value) == (
        "expected a CPU of level x86-64-v3, found one without AVX2, FMA."
        " Next step: run on a host with AVX2 and FMA (Intel since Haswell, AMD since Zen)."
    )


def test_another_architecture_is_refused(monkeypatch):
    monkeypatch.setattr(host.platform, "machine", lambda: "aarch64")
    with pytest.raises(HostError, match="expected Linux on x86-64-v3, found Linux on aarch64"):
        host.require_level_v3()


def test_facts_have_no_empty_answers():
    facts = host.facts()
    assert facts["cores_usable"] == len(os.sched_getaffinity(0))
    assert all(value not in ("", None) for value in facts.values())


C_SOURCE = """
static long twice_a(void) { static long hidden = 41; return hidden++; }
static long once(void) { static long single = 7; return single++; }
long use(void) { return twice_a() + once(); }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("symbols")
    (folder / "a.c").write_text(C_SOURCE)
    (folder / "b.c").write_text(
        "static long f(void) { static long hidden = 1; return hidden++; } long g(void) { return f(); }"
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-O0", "-o", "lib.so", "a.c", "b.c"], cwd=folder, check=True)
    subprocess.run(["strip", "-o", "bare.so", "lib.so"], cwd=folder, check=True)
    names = subprocess.run(["nm", "lib.so"], cwd=folder, capture_output=True, text=True, check=True).stdout
    return folder, {line.split()[2]: int(line.split()[0], 16) for line in names.splitlines() if len(line.split()) == 3}


def test_a_local_symbol_is_found_where_nm_says(library):
    folder, names = library
    name = next(name for name in names if name.startswith("single"))
    assert symbols.find(str(folder / "lib.so"), {name: 8}) == {name: names[name]}


def test_missing_and_stripped_are_refused(library):
    folder, _ = library
    with pytest.raises(PolicyError, match=r"expected the symbol nowhere once in .*lib\.so, found it 0 times"):
        symbols.find(str(folder / "lib.so"), {"nowhere": 8})
    with pytest.raises(PolicyError, match=r"expected a symbol table in .*bare\.so, found none \(stripped\)"):
        symbols.find(str(folder / "bare.so"), {"single": 8})


def test_a_symbol_that_stands_twice_is_refused(tmp_path):
    for letter in "ab":
        (tmp_path / f"{letter}.c").write_text(f"static long hidden = 1; long *{letter}(void) {{ return &hidden; }}")
    subprocess.run(["cc", "-shared", "-fPIC", "-O0", "-o", "lib.so", "a.c", "b.c"], cwd=tmp_path, check=True)
    with pytest.raises(PolicyError, match="expected the symbol hidden once in .*, found it 2 times"):
        symbols.find(str(tmp_path / "lib.so"), {"hidden": 8})


def test_what_nobody_can_write_is_no_setting(tmp_path):
    source = "static const long fixed = 1; static const long *const pointer = &fixed; static long open = 1;"
    source += "const void *use(int i) { return i ? i > 1 ? (const void *)&open : &fixed : &pointer; }"
    (tmp_path / "a.c").write_text(source)
    command = ["cc", "-shared", "-fPIC", "-O0", "-Wl,-z,relro", "-o", "lib.so", "a.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert symbols.find(str(tmp_path / "lib.so"), {"open": 8})
    for name in ("fixed", "pointer"):
        with pytest.raises(PolicyError, match=f"expected the symbol {name} once in .*, found it 0 times"):
            symbols.find(str(tmp_path / "lib.so"), {name: 8})


def test_not_an_elf_file(tmp_path):
    (tmp_path / "x").write_bytes(b"\0" * 100)
    with pytest.raises(PolicyError, match="expected a 64-bit little-endian ELF library"):
        symbols.find(str(tmp_path / "x"), {"a": 8})
