"""Docker, the NVIDIA container toolkit, and what a container really gets of the GPU."""

import json
import re

from bitforbit.doctor.model import FAILURE, NONE, OK, WARNING, Answer, Eye, Finding, version

CPU_IMAGE, CUDA_IMAGE = "bitforbit:cpu", "bitforbit:cuda"
INSTALL_TOOLKIT = "sudo apt-get install nvidia-container-toolkit"
CONFIGURE = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
GENERATE = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
# Before 1.14 there is no `nvidia-ctk cdi generate` that Docker, podman and Kubernetes read alike (release notes).
TOOLKIT_FLOOR = "1.14.0"
# What a failing `docker run --gpus all` says, why, and what mends it.
COMPLAINTS = (
    ("could not select device driver", "Docker does not know the NVIDIA runtime", CONFIGURE),
    ("unresolvable CDI devices", "no CDI specification names the GPU", GENERATE),
    ("driver not loaded", "the toolkit finds no loaded driver", "sudo modprobe nvidia"),
    ("unsatisfied condition", "the driver is older than the image asks for", "sudo apt-get install nvidia-driver"),
    ("Unknown Error", "the container's device access was taken away", "sudo systemctl restart docker"),
    ("executable file not found", "the toolkit mounted no nvidia-smi: NVIDIA_DRIVER_CAPABILITIES lacks utility",
     "docker run -e NVIDIA_DRIVER_CAPABILITIES=compute,utility ..."),
)  # fmt: skip


def inside(eye: Eye) -> str:
    """Return the kind of container that this process is in, or an empty text."""
    for path, kind in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman"), ("/.singularity.d", "apptainer")):
        if eye.glob(path):
            return kind
    return "kubernetes" if eye.environment("KUBERNETES_SERVICE_HOST") else ""


def check(eye: Eye, gpu: bool, wanted: bool) -> list[Finding]:
    """Return what is to be said of Docker and, with `gpu`, of its way to the GPU.

    Args:
        eye: asks the system.
        gpu: the machine has a GPU and a driver, so the toolkit is looked at.
        wanted: a container must get a GPU, so that a missing part is a failure.
    """
    kind = inside(eye)
    client = eye.environment("DOCKER") or "docker"
    answer = eye.run(client, "info", "--format", "{{json .}}")
    if kind and answer.code:
        image = eye.environment("BITFORBIT_IMAGE")
        return [Finding("container", OK, f"this is a {kind} container" + (f" of {image}" if image else ""))]
    found = [_engine(answer)]
    info = _json(answer.out) if not answer.code else {}
    if found[0].state == OK:
        found += [_image(eye, client, CPU_IMAGE, "make image")]
    if not gpu and not wanted:
        return found
    found += [_toolkit(eye, wanted)]
    if found[0].state == OK:
        found += [_runtimes(info, wanted), _cdi(eye, info), _image(eye, client, CUDA_IMAGE, "make image-cuda")]
        found += _smi(eye, client) if found[-1].state == OK else []
    return found


def _engine(answer: Answer) -> Finding:
    said = answer.out + answer.err
    if answer.code == 127:
        return Finding("docker", NONE, "not installed (needed for images only)", "sudo apt-get install docker.io")
    if "permission denied" in said.lower():
        return Finding(
            "docker", WARNING, "this user may not talk to the engine", "sudo usermod -aG docker $USER && newgrp docker"
        )
    info = _json(answer.out)
    if answer.code or not info.get("ServerVersion"):
        said = (info.get("ServerErrors") or [answer.said])[0]
        return Finding("docker", WARNING, f"no engine answers: {said}", "sudo systemctl start docker")
    quota = f"{info.get('NCPU', '?')} CPUs, {info.get('MemTotal', 0) / 2**30:.0f} GiB"
    return Finding("docker", OK, f"engine {info['ServerVersion']}, {info.get('Driver', '?')}, {quota}")


def _image(eye: Eye, client: str, name: str, build: str) -> Finding:
    answer = eye.run(client, "image", "inspect", "--format", "{{json .}}", name)
    title = f"image {name}"
    if answer.code:
        return Finding(title, NONE, "not built", build)
    image = _json(answer.out)
    digest = (image.get("RepoDigests") or [image.get("Id", "?")])[0]
    revision = ((image.get("Config") or {}).get("Labels") or {}).get("org.opencontainers.image.revision", "unknown")
    state = WARNING if revision.endswith("-dirty") else OK
    return Finding(title, state, f"{digest}, of revision {revision}", build if state == WARNING else "")


def _toolkit(eye: Eye, wanted: bool) -> Finding:
    answer = eye.run("nvidia-ctk", "--version")
    found = re.search(r"version (\d+[\d.]*)", answer.out)
    if answer.code or not found:
        seen = "nvidia-container-toolkit is not installed: a container gets no GPU"
        return Finding("toolkit", FAILURE if wanted else WARNING, seen, INSTALL_TOOLKIT)
    if version(found[1]) < version(TOOLKIT_FLOOR):
        return Finding(
            "toolkit", WARNING, f"{found[1]} has no CDI that Docker reads (floor {TOOLKIT_FLOOR})", INSTALL_TOOLKIT
        )
    return Finding("toolkit", OK, f"nvidia-container-toolkit {found[1]}")


def _runtimes(info: dict, wanted: bool) -> Finding:
    names = sorted(info.get("Runtimes") or {})
    if "nvidia" in names:
        return Finding("runtime", OK, f"nvidia is among {', '.join(names)}")
    if _cdi_devices(info):
        return Finding("runtime", OK, "no nvidia runtime, but Docker found the GPU by CDI")
    seen = f"no nvidia among Docker's runtimes ({', '.join(names)}): `--gpus` fails"
    return Finding("runtime", FAILURE if wanted else WARNING, seen, CONFIGURE)


def _cdi_devices(info: dict) -> list[str]:
    """Devices that Docker 28.2 and later lists; older engines do not."""
    return [
        device["ID"] for device in info.get("DiscoveredDevices") or [] if device.get("ID", "").startswith("nvidia.com/")
    ]


def _cdi(eye: Eye, info: dict) -> Finding:
    folders = info.get("CDISpecDirs") or ["/etc/cdi", "/var/run/cdi"]
    files = [
        path for folder in folders for path in eye.glob(f"{folder}/*") if re.search(r"nvidia.*\.(ya?ml|json)$", path)
    ]
    if not files:
        return Finding("cdi", WARNING, f"no specification of an NVIDIA device in {', '.join(folders)}: `--device"
                       " nvidia.com/gpu=all` and podman find none", GENERATE)  # fmt: skip
    listed = eye.run("nvidia-ctk", "cdi", "list")
    names = re.findall(r"^nvidia\.com/gpu=\S+", listed.out, re.MULTILINE)
    if not listed.code and not names:
        return Finding("cdi", WARNING, f"{files[0]} names no GPU: made before the driver was there?", GENERATE)
    return Finding("cdi", OK, f"{', '.join(files)}" + (f": {', '.join(names)}" if names else ""))


def _smi(eye: Eye, client: str) -> list[Finding]:
    """Run nvidia-smi in the CUDA image: the whole chain at once."""
    answer = eye.run(client, "run", "--rm", "--gpus", "all", "--entrypoint", "nvidia-smi", CUDA_IMAGE, "-L", seconds=60)
    if not answer.code and "GPU 0" in answer.out:
        return [Finding("gpu in a container", OK, answer.out.strip().splitlines()[0])]
    said = " ".join((answer.out + " " + answer.err).split())
    cause, fix = next(((why, step) for mark, why, step in COMPLAINTS if mark in said), (answer.said, CONFIGURE))
    return [Finding("gpu in a container", FAILURE, f"`docker run --gpus all` fails: {cause}", fix)]


def _json(text: str) -> dict:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
