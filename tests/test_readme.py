"""What the README says must be seen is what is seen."""

import re

import pytest
from support import IMAGE, PROJECT, bitforbit

README = (PROJECT / "README.md").read_text()


def promised() -> list[str]:
    block = re.search(r"^(digits seed 1: trained .*?)\n```", README, re.DOTALL | re.MULTILINE).group(1)
    return block.splitlines()


def test_make_train_prints_what_the_readme_promises(tmp_path):
    done = bitforbit("train", "digits", "--seed", 1, "--runs", tmp_path)
    printed = done.stdout.replace(str(tmp_path), "runs").splitlines()
    assert printed[1:] == promised()[1:], "another result: is the README, or the policy's version, out of date?"


@pytest.mark.docker
def test_the_default_container_prints_the_same_digests():
    import os
    import subprocess

    docker = os.environ.get("DOCKER", "/usr/bin/docker")
    done = subprocess.run([docker, "run", "--rm", "--network=none", IMAGE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:-1] == promised()[1:-1]


def test_every_make_target_and_document_that_is_named_exists():
    makefile = "\n".join((PROJECT / name).read_text() for name in ("Makefile", "bitforbit.mk"))
    for target in set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (PROJECT / link).exists(), link
