"""Run programs on the hosts of the comparison, and find the first difference between two of them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bitforbit.evidence import ulp
from bitforbit.hosts import emulator
from bitforbit.policy import Policy

from . import measures, program

TESTS = Path(__file__).resolve().parents[1]


class Host(NamedTuple):
    """A host of the comparison: an emulated CPU or this one, the cores it sees, and its own environment."""

    cpu: str | None = None
    cores: int = 2
    environment: dict = {}  # noqa: RUF012  (never changed)


KERAS_HOME = TESTS / "hosts" / "other_keras_home"
HOSTS = {
    "native": Host(),
    "native, again": Host(),
    "native, one core": Host(cores=1),
    "native, other zone": Host(environment={"TZ": "Asia/Kathmandu"}),
    "native, other locale": Host(environment={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    "native, own keras.json": Host(environment={"KERAS_HOME": str(KERAS_HOME)}),
    "native, keras.json for jax": Host(environment={"KERAS_HOME": str(KERAS_HOME.with_name("jax_keras_home"))}),
    "native, packages of its user": Host(environment={"HOSTS_USER_PACKAGE": "1"}),
    # What a library would find by itself on another CPU, told to it: this machine may have no such CPU to emulate.
    "native, oneDNN finds AVX": Host(environment={"ONEDNN_MAX_CPU_ISA": "AVX"}),
    "native, oneDNN on as by VNNI": Host(environment={"TF_ENABLE_ONEDNN_OPTS": "1"}),
    "native, XLA finds SSE4.2": Host(environment={"XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"}),
    "native, NumPy finds no AVX2": Host(environment={"NPY_DISABLE_CPU_FEATURES": "X86_V3"}),
    "native, OpenBLAS finds Sandy Bridge": Host(environment={"OPENBLAS_CORETYPE": "Sandybridge"}),
    "Haswell": Host("Haswell"),
    "EPYC-Rome": Host("EPYC-Rome"),
    "EPYC,legacy-cache=on": Host("EPYC,legacy-cache=on"),
}


def start(host: Host, arguments, environment: dict, timeout: int = 3000) -> subprocess.CompletedProcess:
    """Run Python with `arguments` on `host`, under the policy's environment changed by `environment`."""
    cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[: host.cores])
    prefix = emulator.prefix(host.cpu) if host.cpu else []
    variables = emulator.environment(Policy()) | environment | host.environment
    variables = {name: value for name, value in variables.items() if value is not None}
    command = ["taskset", "-c", cores, *prefix, sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=TESTS, env=variables, capture_output=True, text=True, timeout=timeout)


class Bench:
    """Runs what is asked for once, and keeps it: many measures in one process where their environment is the same."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.shim = folder / "leave_out.so"
        source = Path(__file__).with_name("leave_out.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", source, "-o", self.shim, "-ldl"], check=True)

    def prepare(self, host: str, names) -> None:
        """Compute `names` on `host`, those that are not there yet."""
        folder = self.folder / host.replace(" ", "-").replace(",", "")
        folder.mkdir(exist_ok=True)
        rest = [n for n in names if not program.file_of(folder, n).with_suffix(".json").exists()]
        groups: dict[tuple, list] = {}
        for name in rest:
            groups.setdefault(tuple(measures.BY_NAME[name].environment.items()), []).append(name)
        for environment, part in groups.items():
            changes = {program.LEAVE_OUT: str(self.shim)} | dict(environment)
            done = start(HOSTS[host], ["-m", "hosts.program", folder, *part], changes)
            with (folder / "stderr.txt").open("a") as file:
                file.write(done.stderr)

    def result(self, host: str, name: str) -> tuple[dict, dict]:
        """Return the arrays of one measure on one host, in order, and what the process said of itself."""
        folder = self.folder / host.replace(" ", "-").replace(",", "")
        target = program.file_of(folder, name)
        if not target.with_suffix(".json").exists():
            raise AssertionError(f"{name} on {host}: {(folder / 'stderr.txt').read_text()[-3000:]}")
        with np.load(target.with_suffix(".npz")) as archive:
            arrays = {key.partition(" ")[2]: archive[key] for key in sorted(archive.files)}
        return arrays, json.loads(target.with_suffix(".json").read_text())


def first_difference(a: dict, b: dict) -> str:
    """Return what the first differing array is and by how much, or an empty text where all bits are the same."""
    for what in a:
        if what not in b:
            continue
        if a[what].shape != b[what].shape or a[what].dtype != b[what].dtype:
            return f"{what}: {a[what].dtype}{a[what].shape} and {b[what].dtype}{b[what].shape}"
        found = ulp.compare(a[what], b[what])
        if found.count:
            return f"{what}: {_spell(a[what], b[what], found)}"
    return ""


def _spell(a, b, found: ulp.Difference) -> str:
    if a.size == 1 and a.dtype.kind == "f" and found.largest_ulp > 1 << 20:
        return f"{a.item():g} and {b.item():g}"
    return str(found) if a.dtype.kind == "f" else f"{found.count} of {found.size} elements differ"
