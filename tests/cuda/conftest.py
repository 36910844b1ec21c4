"""The CUDA image under test. `make test-cuda` insists on it; other runs skip where it is not built."""

import json
import os
import subprocess

import pytest
from docker.conftest import DOCKER, docker

CUDA_IMAGE = os.environ.get("BITFORBIT_TEST_CUDA_IMAGE", "bitforbit:cuda")


@pytest.fixture(scope="session")
def image() -> str:
    found = subprocess.run([DOCKER, "image", "inspect", CUDA_IMAGE], capture_output=True).returncode == 0
    if not found:
        reason = f"no image {CUDA_IMAGE} (make image-cuda)"
        pytest.fail(reason) if os.environ.get("BITFORBIT_REQUIRE_CUDA_IMAGE") else pytest.skip(reason)
    return CUDA_IMAGE


@pytest.fixture(scope="session")
def inspected(image) -> dict:
    return json.loads(docker("image", "inspect", image).stdout)[0]


@pytest.fixture(scope="session")
def run(image):
    """Call with a command and `flags`; `program` takes the entry point's place."""

    def start(*command, flags=(), program=None, **options) -> subprocess.CompletedProcess:
        entry = ("--entrypoint", program) if program else ()
        return docker("run", "--rm", *flags, *entry, image, *command, **options)

    return start
