"""Building: a change of the sources is quick to have, the air-gapped base is the same twice, mistakes are told."""

import os
import shutil
import subprocess
import time

import pytest
from support import PROJECT

from .conftest import DOCKER, docker

COPIED = ("docker", "src", "golden", "requirements.lock", "requirements-data.txt", ".dockerignore")
MIRROR_PROBLEM = "" if shutil.which("mmdebstrap") else "no mmdebstrap (apt-get install mmdebstrap)"


def build(folder, image, base):
    environment = os.environ | {"IMAGE": image, "BASE_IMAGE": base, "DOCKER": DOCKER}
    return subprocess.run(
        [folder / "docker/build.sh", "cpu"], env=environment, capture_output=True, text=True, timeout=900
    )


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.network
def test_a_change_of_the_sources_rebuilds_in_under_20_seconds(tmp_path, inspected):
    base = inspected["Config"]["Labels"]["org.opencontainers.image.base.name"]
    for name in COPIED:
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    subprocess.run(["chmod", "-R", "go-rwx", tmp_path], check=True)
    image = "bitforbit:test-rebuild"
    try:
        first = build(tmp_path, image, base)
        assert first.returncode == 0, first.stderr
        with open(tmp_path / "src/bitforbit/cli.py", "a") as file:
            file.write(f"# {time.time()}\n")
        start = time.monotonic()
        second = build(tmp_path, image, base)
        assert second.returncode == 0, second.stderr
        assert time.monotonic() - start < 20
        # A tree that was checked out under umask 077 makes an image that anybody can run.
        assert docker("run", "--rm", "--user=1234", image, "--version").stdout.startswith("bitforbit ")
    finally:
        docker("image", "rm", "--force", image, check=False)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.skipif(bool(MIRROR_PROBLEM), reason=MIRROR_PROBLEM)
def test_the_base_is_the_same_tar_twice():
    tag = "bitforbit-base:test"
    script = PROJECT / "docker/base/build.sh"
    try:
        sums = [subprocess.check_output([script, tag], env=os.environ | {"DOCKER": DOCKER}, text=True) for _ in "ab"]
        layers = docker("image", "inspect", "--format", '{{join .RootFS.Layers " "}}', tag).stdout
    finally:
        docker("image", "rm", "--force", tag, check=False)
    assert sums[0] == sums[1]
    assert layers == f"sha256:{sums[0]}"


@pytest.mark.parametrize("script", ["docker/build.sh", "docker/base/build.sh", "benchmarks/image_size.sh"])
def test_a_missing_client_is_told(script):
    environment = os.environ | {"DOCKER": "/no/docker"}
    done = subprocess.run([PROJECT / script], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.endswith("no '/no/docker' found: install Docker, or set DOCKER to the client's path\n")


def test_a_client_without_buildkit_is_told(tmp_path):
    client = tmp_path / "docker"
    client.write_text('#!/bin/sh\n[ "$1" = version ] && echo 28.2.2\n')
    client.chmod(0o755)
    environment = os.environ | {"DOCKER": str(client)}
    done = subprocess.run([PROJECT / "docker/build.sh"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        f"docker/build.sh: '{client}' cannot use BuildKit: install its buildx plugin, or set DOCKER to another client\n"
    )
