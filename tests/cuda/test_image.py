"""The CUDA image on a machine without a GPU: what it says, what is in it, and the CPU image's bits on the CPU."""

import json
import os
import re
import subprocess
import time

import pytest
from docker.conftest import DOCKER, HARDENED
from policy.fake_driver import A100, B200, H100, RTX_5090, build
from support import PROJECT, bitforbit
from test_locks import pins

from bitforbit.audit import gpu
from bitforbit.policy import Policy, cuda, gpu_knobs

pytestmark = pytest.mark.slow

SITE = "/opt/venv/lib/python3.13/site-packages"
NO_DRIVER = (
    "bitforbit train: expected an NVIDIA GPU, found no driver: libcuda.so.1 cannot be opened. Next step: start the"
    " container with --gpus all (podman: --device nvidia.com/gpu=all; Apptainer: --nv), or ask for the CPU with"
    " --device cpu.\n"
)


@pytest.mark.parametrize("flags", [(), HARDENED], ids=["plain", "hardened"])
def test_without_a_gpu_it_says_so_and_never_trains(run, flags):
    began = time.monotonic()
    done = run(flags=flags, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", NO_DRIVER)
    assert time.monotonic() - began < 10


def test_auto_says_what_it_took_and_the_result_is_the_cpu_images(run, tmp_path):
    done = run("train", "sequence", "--device", "auto", "--set", "epochs=2", flags=HARDENED)
    assert "device cpu: no NVIDIA driver is here" in done.stderr
    native = bitforbit("train", "sequence", "--set", "epochs=2", "--runs", tmp_path / "runs")
    assert done.stdout.splitlines()[1:-1] == native.stdout.splitlines()[1:-1]


def test_on_the_cpu_it_gives_the_goldens_of_the_cpu_class(run):
    done = run("verify", "--device", "cpu", flags=HARDENED)
    assert done.stdout == "same bits as cpu-x86-64-v3.json: sequence, digits, solubility, peptides\n"


def test_its_variables_and_its_entry(inspected):
    config = inspected["Config"]
    environment = dict(line.split("=", 1) for line in config["Env"])
    assert environment | Policy(device="gpu").environment() | cuda.IMAGE_VARIABLES == environment
    assert "CUDA_VERSION" not in environment and "LD_LIBRARY_PATH" not in environment
    assert (config["User"], config["Cmd"]) == ("10001:10001", ["train"])
    assert config["Entrypoint"] == ["/opt/bitforbit/bin/enter", "/opt/venv/bin/python", "-m", "bitforbit"]


@pytest.fixture(scope="session")
def drivers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("driver")
    build(folder / "new")
    build(folder / "old", "515.105.01")
    for path in (folder.parent, folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("which", "gpu", "variables", "told"),
    [
        ("old", A100, {"FAKE_CUDA": "11070"}, "expected an NVIDIA driver of 525.60.13 or newer, found 515.105.01 for CUDA 11.7."),
        ("new", B200, {}, "found NVIDIA B200 (Blackwell, 10.0)"),
        ("new", RTX_5090, {}, "found NVIDIA GeForce RTX 5090 (Blackwell, 12.0)"),
        ("new", H100, {"FAKE_INIT": "100", "CUDA_VISIBLE_DEVICES": "7"}, "found none visible: CUDA_VISIBLE_DEVICES is '7'"),
        ("new", H100, {"FAKE_INIT": "803"}, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)"),
    ],
    ids=["old driver", "B200", "RTX 5090", "hidden", "mismatch"],
)  # fmt: skip
def test_a_gpu_that_cannot_be_used_is_refused(run, drivers, which, gpu, variables, told):
    given = {"LD_LIBRARY_PATH": "/driver", "FAKE_GPUS": gpu, **variables}
    flags = [f"--volume={drivers / which}:/driver:ro", *(f"--env={name}={value}" for name, value in given.items())]
    done = run("train", "sequence", flags=flags, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_gpu_that_the_driver_has_and_tensorflow_does_not_see_is_never_a_training_on_the_cpu(run, drivers, tmp_path):
    """The very case of tensorflow#117538: the driver answers, TensorFlow goes on without a GPU."""
    flags = [f"--volume={drivers / 'new'}:/driver:ro", "--env=LD_LIBRARY_PATH=/driver", f"--env=FAKE_GPUS={H100}"]
    done = run("train", "sequence", flags=flags, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        "bitforbit train: expected TensorFlow to see 1 GPU, found 0, though the driver has it."
        " Next step: TF_CPP_MIN_LOG_LEVEL=0 shows TensorFlow's own reason."
    )
    (tmp_path / "empty").touch(0o644)
    hidden = [*flags, f"--volume={tmp_path}/empty:/etc/ld.so.cache:ro"]
    done = run("train", "sequence", flags=hidden, check=False)
    assert done.returncode == 2
    assert "found that the loader lacks " in done.stderr and "libcusolver.so.11" in done.stderr


def test_every_package_is_the_locks_and_they_fit_together(run):
    pip = next(PROJECT.glob(".venv/lib/python3.*/site-packages/pip"))
    flags = [f"--volume={pip}:/pip/pip:ro", "--env=PYTHONPATH=/pip"]
    check = run("-m", "pip", "check", program="/opt/venv/bin/python", flags=flags)
    assert check.stdout == "No broken requirements found.\n"
    script = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    found = json.loads(run("-c", script, program="/opt/venv/bin/python").stdout)
    installed = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found.items()}
    assert installed == pins("requirements-cuda.lock")


def test_the_loader_finds_every_library_in_a_scrubbed_environment(run):
    names = [library.soname for library in cuda.LIBRARIES]
    script = f"import ctypes\nfor name in {names}: ctypes.CDLL(name)\nprint(open('/proc/self/maps').read())"
    maps = run("-i", "/opt/venv/bin/python", "-c", script, program="/usr/bin/env").stdout
    for library in cuda.LIBRARIES:
        assert f"{SITE}/{library.folder}/{library.soname}" in maps


def test_without_the_loaders_list_the_missing_library_is_named(run, tmp_path):
    (tmp_path / "empty").touch(0o644)
    script = "from bitforbit.policy import gpu_effects as e; print(*e.missing_libraries())"
    done = run("-c", script, program="/opt/venv/bin/python", flags=[f"--volume={tmp_path}/empty:/etc/ld.so.cache:ro"])
    assert "libcusolver.so.11" in done.stdout.split()


def test_ptxas_and_libdevice_are_there(run):
    done = run("--version", program=f"{SITE}/{cuda.TOOLS['ptxas']}")
    assert "release 12.5" in done.stdout
    run("-s", f"{SITE}/{cuda.TOOLS['libdevice']}", program="/usr/bin/test")


FACTS = """
import json, mmap, struct, sys
from collections import Counter
path, texts = sys.argv[1], json.loads(sys.argv[2])
with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
    codes, place = Counter(), image.find(b"\\x50\\xed\\x55\\xba")
    while place >= 0:
        # A fat binary: magic, version, size of the header, size; then entries: kind, size of the header, size, architecture.
        version, header, size = struct.unpack_from("<HHQ", image, place + 4)
        at, end = place + header, place + header + size
        if (version, header) == (1, 16):
            while at < end:
                kind, length, body = image[at] + 256 * image[at + 1], *struct.unpack_from("<IQ", image, at + 4)
                codes[kind, struct.unpack_from("<I", image, at + 28)[0]] += 1
                at += length + body
        place = image.find(b"\\x50\\xed\\x55\\xba", max(end, place + 4))
    missing = [text for text in texts if image.find(text.encode()) < 0]
print(json.dumps([sorted([*key, count] for key, count in codes.items()), missing]))
"""


def test_facts_of_the_wheel_are_the_wheels(run):
    """GPU code by architecture, TensorFlow's refusals, and the variables that its GPU code reads."""
    variables = [n for n in gpu_knobs.MUST_STAY_UNSET if n.startswith("TF_") and n not in Policy().must_stay_unset]
    texts = [row.message for row in gpu.rows().values()] + variables
    path = f"{SITE}/tensorflow/libtensorflow_cc.so.2"
    # The driver-side half of the library reads some of the variables.
    both = {}
    for name in (path, path.replace("_cc", "_framework")):
        both[name] = json.loads(run("-c", FACTS, name, json.dumps(texts), program="/usr/bin/python3").stdout)
    codes, missing = both[path]
    ptx, binary = 1, 2
    kernels = max(count for kind, _, count in codes if kind == binary)
    whole = {divmod(arch, 10) for kind, arch, count in codes if kind == binary and count == kernels}
    assert whole == set(cuda.MACHINE_CODE)
    assert {divmod(arch, 10) for kind, arch, _ in codes if kind == ptx} == {cuda.PTX}
    assert set(missing) & set(both[path.replace("_cc", "_framework")][1]) == set()


def test_xla_knows_the_flags_of_the_policy(run):
    script = "import tensorflow as tf; print(float(tf.function(lambda x: x * 2, jit_compile=True)(tf.constant(21.0))))"
    flags = ["--env=CUDA_VISIBLE_DEVICES=", "--env=TF_CPP_MIN_LOG_LEVEL=3"]
    assert run("-c", script, program="/opt/venv/bin/python", flags=flags).stdout == "42.0\n"
    wrong = [*flags, "--env=XLA_FLAGS=--xla_gpu_no_such_flag=1"]
    assert run("-c", script, program="/opt/venv/bin/python", flags=wrong, check=False).returncode


def test_only_results_caches_and_temporary_folders_are_writable(run):
    script = "find / -xdev -type d -writable -not -path '/proc*' 2>/dev/null | sort"
    found = run("-c", script, program="/bin/sh").stdout.split()
    assert found == ["/cuda-cache", "/run/lock", "/runs", "/tmp", "/var/tmp"]


def test_a_second_build_with_nothing_changed_does_no_work(image, inspected):
    base = inspected["Config"]["Labels"]["org.opencontainers.image.base.name"]
    environment = os.environ | {"IMAGE": image, "BASE_IMAGE": base, "DOCKER": DOCKER}
    command = [PROJECT / "docker/build.sh", "cuda", "--progress=plain"]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
    assert first.returncode == 0, first.stderr
    second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    log = second.stdout + second.stderr
    steps = re.findall(r"^#(\d+) \[(?!internal)[a-z-]+ +\d+/\d+\] (?:RUN|COPY)", log, re.MULTILINE)
    assert len(steps) > 10
    cached = set(re.findall(r"^#(\d+) CACHED", log, re.MULTILINE))
    assert set(steps) <= cached, sorted(set(steps) - cached)
