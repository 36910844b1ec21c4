"""What must agree in this project: pool size, image, goldens and data."""

import json
import os
import re
import subprocess

import pytest

from bitforbit import project
from bitforbit.policy import Policy

ROOT = project.root()


def test_the_pool_size_of_pyproject_is_the_policys(monkeypatch):
    monkeypatch.delenv("BITFORBIT_POOL_SIZE", raising=False)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (size,) = re.findall(r"^pool-size = ([0-9]+)$", text, re.MULTILINE)
    assert Policy.from_environment().pool_size == int(size)


def test_the_image_is_built_with_the_policys_variables(monkeypatch, tmp_path):
    monkeypatch.delenv("BITFORBIT_POOL_SIZE", raising=False)
    block = (ROOT / "docker/Dockerfile").read_text().split("# policy env: begin\n")[1].split("# policy env: end\n")[0]
    block = block.replace("${POOL_SIZE}", _build_arguments(tmp_path)["POOL_SIZE"])
    found = dict(item.split("=", 1) for item in block.removeprefix("ENV ").replace("\\\n", " ").split())
    assert found == Policy.from_environment().environment()


def _build_arguments(folder) -> dict[str, str]:
    """Return what docker/build.sh hands over; no Docker engine is asked."""
    docker = folder / "docker"
    docker.write_text('#!/bin/sh\n[ "$1" = version ] && echo 20.10.24\n[ "$1" != build ] || printf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    environment = os.environ | {"DOCKER": str(docker)}
    done = subprocess.run([ROOT / "docker/build.sh"], env=environment, capture_output=True, text=True, check=True)
    return dict(re.findall(r"^--build-arg\n(\w+)=(.*)$", done.stdout, re.MULTILINE))


def test_goldens_are_of_this_policy_and_these_experiments():
    goldens = sorted((ROOT / "golden").glob("*.json"))
    if not goldens:
        pytest.skip("no goldens yet (make golden)")
    for path in goldens:
        golden = json.loads(path.read_text())
        assert golden["policy"] == Policy.from_environment().record(), "another policy or pool size: make golden"
        assert golden["experiments"].keys() == project.settings().reference.keys(), "other experiments: make golden"
