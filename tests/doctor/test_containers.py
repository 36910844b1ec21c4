"""Docker and the toolkit, from what each really prints."""

import json

import pytest

from bitforbit.doctor import containers
from bitforbit.doctor.model import FAILURE, NONE, OK, WARNING, Answer

RUNC = {"runc": {"path": "runc"}, "io.containerd.runc.v2": {"path": "runc"}}
INFO = {"ServerVersion": "20.10.24+dfsg1", "Driver": "overlay2", "NCPU": 2, "MemTotal": 25 << 30, "Runtimes": RUNC}
NVIDIA = INFO | {"Runtimes": RUNC | {"nvidia": {"path": "nvidia-container-runtime"}}}
CTK = "NVIDIA Container Toolkit CLI version {}\ncommit: 53b24618a542025b108239fe602e66e912b7d6e2\n"
CDI_LIST = "nvidia.com/gpu=0\nnvidia.com/gpu=GPU-2f68f999-7b41-e64a-3709-0c8c4fa756c0\nnvidia.com/gpu=all\n"
IMAGE = json.dumps({
    "Id": "sha256:" + "a" * 64, "RepoDigests": [],
    "Config": {"Labels": {"org.opencontainers.image.revision": "606e0bb"}},
})  # fmt: skip
SMI = "GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-2f68f999-7b41-e64a-3709-0c8c4fa756c0)\n"


def machine(info=NVIDIA, **more):
    answers = {
        "docker info": json.dumps(info) + "\n",
        "docker image inspect": IMAGE,
        "nvidia-ctk --version": CTK.format("1.17.8"),
        "nvidia-ctk cdi list": Answer(0, CDI_LIST, 'time="2026-11-24" level=info msg="Found 3 CDI devices"\n'),
        "docker run": SMI,
    }
    return {name: answer for name, answer in (answers | more).items() if answer is not None}


def judged(eye, gpu=True, wanted=True):
    return {finding.check: finding for finding in containers.check(eye, gpu, wanted)}


SPEC = {"/etc/cdi/nvidia.yaml": "cdiVersion: 0.5.0\n"}


def test_a_healthy_gpu_server(recorded):
    found = judged(recorded(machine(), SPEC))
    assert {name: finding.state for name, finding in found.items()} == {
        "docker": OK, "image bitforbit:cpu": OK, "toolkit": OK, "runtime": OK, "cdi": OK,
        "image bitforbit:cuda": OK, "gpu in a container": OK,
    }  # fmt: skip
    assert found["gpu in a container"].found == SMI.strip()
    assert found["docker"].found == "engine 20.10.24+dfsg1, overlay2, 2 CPUs, 25 GiB"


def test_without_a_gpu_nothing_is_asked_of_nvidia(recorded):
    eye = recorded(machine())
    assert list(judged(eye, gpu=False, wanted=False)) == ["docker", "image bitforbit:cpu"]
    assert not any("nvidia" in word for command in eye.asked for word in command)


def test_no_docker_is_nothing_to_mend_natively(recorded):
    assert judged(recorded(), gpu=False, wanted=False)["docker"].state == NONE


DENIED = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get"
    ' "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: permission denied\n'
)
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


@pytest.mark.parametrize(
    ("answer", "fix"),
    [
        (Answer(1, "", DENIED), "usermod"),
        (Answer(1, json.dumps({"ServerErrors": [DOWN]}), ""), "systemctl start docker"),
        # Docker 20.10 prints its errors on stdout with code 0 for a template.
        (Answer(0, json.dumps({"ServerVersion": "", "ServerErrors": [DOWN]}), ""), "systemctl start docker"),
    ],
)
def test_an_engine_that_does_not_answer(recorded, answer, fix):
    found = judged(recorded({"docker info": answer}), gpu=False, wanted=False)
    assert found["docker"].state == WARNING and fix in found["docker"].fix


def test_toolkit_missing(recorded):
    eye = recorded(machine(INFO, **{"nvidia-ctk --version": None, "nvidia-ctk cdi list": None}))
    found = judged(eye)
    assert (found["toolkit"].state, found["toolkit"].fix) == (FAILURE, containers.INSTALL_TOOLKIT)
    assert (found["runtime"].state, found["cdi"].state) == (FAILURE, WARNING)


def test_toolkit_without_cdi(recorded):
    found = judged(recorded(machine()))
    assert (found["toolkit"].state, found["runtime"].state) == (OK, OK)
    assert (found["cdi"].state, found["cdi"].fix) == (WARNING, containers.GENERATE)
    empty = judged(recorded(machine(**{"nvidia-ctk cdi list": 'time="..." msg="Found 0 CDI devices"\n'}), SPEC))
    assert (empty["cdi"].state, "names no GPU" in empty["cdi"].found) == (WARNING, True)


def test_toolkit_too_old_for_cdi(recorded):
    found = judged(recorded(machine(**{"nvidia-ctk --version": CTK.format("1.11.0")}), SPEC))
    assert found["toolkit"].state == WARNING


def test_cdi_alone_is_enough_for_a_new_engine(recorded):
    info = INFO | {"CDISpecDirs": ["/etc/cdi"], "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]}
    assert judged(recorded(machine(info), SPEC))["runtime"].state == OK


PREFIX = (
    "docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create"
    " failed: runc create failed: unable to start container process: error during container init: error running prestart"
    " hook #0: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy'\n"
)


@pytest.mark.parametrize(
    ("said", "cause", "fix"),
    [
        ('docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].\n',
         "does not know the NVIDIA runtime", "nvidia-ctk runtime configure"),
        (PREFIX + "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.0, please update your driver to a"
         " newer version, or use an earlier cuda container\n", "older than the image asks for", "nvidia-driver"),
        (PREFIX + "nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown.\n",
         "no loaded driver", "modprobe"),
        ("docker: Error response from daemon: CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all\n",
         "no CDI specification", "cdi generate"),
    ],
)  # fmt: skip
def test_why_a_container_gets_no_gpu(recorded, said, cause, fix):
    found = judged(recorded(machine(**{"docker run": Answer(125, "", said)}), SPEC))["gpu in a container"]
    assert (found.state, cause in found.found, fix in found.fix) == (FAILURE, True, True)


def test_an_image_of_changed_sources_is_said_so(recorded):
    dirty = IMAGE.replace("606e0bb", "606e0bb-dirty")
    found = judged(recorded(machine(**{"docker image inspect": dirty})), gpu=False, wanted=False)
    assert found["image bitforbit:cpu"].state == WARNING


def test_inside_a_container_without_docker(recorded):
    (found,) = containers.check(recorded(files={"/.dockerenv": ""}), True, True)
    assert found.found == "this is a docker container"
