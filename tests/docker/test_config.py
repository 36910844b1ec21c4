"""What the image says of itself: user, entrypoint, labels, and the policy's variables from one source of truth."""

import re

import pytest
from support import PROJECT

from bitforbit.policy import Policy, natives

from .conftest import run

DOCKERFILE = PROJECT / "docker/Dockerfile"


def dockerfile_block() -> dict[str, str]:
    text = DOCKERFILE.read_text()
    block = text.split("# policy env: begin\n")[1].split("# policy env: end\n")[0]
    assignments = (
        block.replace("${POOL_SIZE}", str(Policy().pool_size)).removeprefix("ENV ").replace("\\\n", " ").split()
    )
    return dict(assignment.split("=", 1) for assignment in assignments)


def test_the_dockerfile_sets_the_policys_variables_and_no_others():
    assert dockerfile_block() == Policy().environment()


def test_slimming_keeps_the_symbols_that_the_policy_reads():
    kept = re.findall(r"^_Z\w+$", (PROJECT / "docker/keep-symbols.txt").read_text(), re.MULTILINE)
    read = {value for value in vars(natives).values() if isinstance(value, str) and value.startswith("_Z")}
    assert read and read <= set(kept)


def test_the_dockerfile_builds_under_old_and_new_builders():
    text = DOCKERFILE.read_text()
    assert not re.search(r"^#\s*syntax\s*=", text, re.MULTILINE)
    instructions = "".join(line for line in text.splitlines(True) if not line.startswith("#"))
    assert not re.search(r"<<|--link|ADD --checksum", instructions)
    assert re.search(r"^ARG BASE_IMAGE=\S+:\S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)


@pytest.mark.docker
def test_environment_of_the_image_is_the_policys(inspected):
    environment = dict(line.split("=", 1) for line in inspected["Config"]["Env"])
    assert environment | Policy().environment() == environment
    assert run("policy", "--env").stdout == "".join(f"{k}={v}\n" for k, v in Policy().environment().items())


@pytest.mark.docker
def test_user_entrypoint_and_command(inspected):
    config = inspected["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/opt/bitforbit/bin/enter", "/opt/venv/bin/python", "-m", "bitforbit"]
    assert config["Cmd"] == ["train"]
    assert not config.get("Volumes") and not config.get("ExposedPorts")


@pytest.mark.docker
def test_labels(inspected):
    labels = {
        name.removeprefix("org.opencontainers.image."): text for name, text in inspected["Config"]["Labels"].items()
    }
    assert labels["title"] == "bitforbit"
    assert labels["licenses"] == "Apache-2.0"
    assert set(labels) == {"title", "description", "version", "revision", "source", "licenses", "base.name"}
    assert all(labels.values())
