"""What lies in the image's layers: nothing of the build, and nobody's secrets."""

import re
import subprocess
import tarfile

import pytest
from support import IMAGE

from .conftest import DOCKER, docker, run

pytestmark = pytest.mark.docker

# Bundles that packages of the lock bring along. Any other certificate came from the building machine.
LOCKED_BUNDLES = {"certifi/cacert.pem", "grpc/_cython/_credentials/roots.pem"}

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMI"


def _files(stream):
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as layer:
            for file in layer:
                content = layer.extractfile(file).read() if file.isfile() and file.size < 2_000_000 else b""
                yield file.name.removeprefix("./"), CERTIFICATE in content
    except tarfile.ReadError:  # an image's manifest or config, not a layer
        return


@pytest.fixture(scope="module")
def layers():
    """Every file of every layer, those that a later layer hides included: (path, holds a certificate)."""
    found = []
    with (
        subprocess.Popen([DOCKER, "save", IMAGE], stdout=subprocess.PIPE) as saving,
        tarfile.open(fileobj=saving.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if member.isfile():
                found += list(_files(archive.extractfile(member)))
    assert any(path.endswith("libtensorflow_cc.so.2") for path, _ in found)
    return found


def test_no_secret_and_no_cache_in_any_layer(layers):
    unwanted = re.compile(
        r"(etc/pip\.conf|run/ca\.pem|run/secrets/.|root/\.(cache|config|pip)/.|var/lib/apt/lists/.*_|"
        r"var/cache/apt/.*\.(deb|bin)|.*/pip/__main__\.py|.*\.whl|etc/ssl/certs/.|.*\.(netrc|pypirc))"
    )
    assert [path for path, _ in layers if unwanted.fullmatch(path)] == []
    bundles = {path for path, certificate in layers if certificate}
    assert [path for path in bundles if not path.endswith(tuple(LOCKED_BUNDLES))] == []


def test_no_address_of_an_index_or_mirror_in_the_history():
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE).stdout
    assert "INDEX_URL" not in history.upper() and "://" not in history


def test_no_build_tool_and_no_way_to_become_root_by_a_file():
    script = """
        for tool in cc gcc g++ ld as make pip pip3 setcap; do command -v $tool || true; done
        find / -xdev -type f -perm /6000
    """
    assert run("-c", script, program="/bin/sh", flags=["--user=0"]).stdout == ""


def test_only_results_and_temporary_folders_are_writable():
    script = "find / -xdev -type d -writable -not -path '/proc*' 2>/dev/null | sort"
    assert run("-c", script, program="/bin/sh").stdout.split() == ["/run/lock", "/runs", "/tmp", "/var/tmp"]


def test_bytecode_is_all_there_and_names_no_time():
    script = """
import importlib.util, pathlib, sys
for root in ("/opt/venv/lib/python3.13/site-packages", "/opt/bitforbit/src"):
    sources = list(pathlib.Path(root).rglob("*.py"))
    assert sources, root
    for source in sources:
        compiled = pathlib.Path(importlib.util.cache_from_source(source))
        # Flags of PEP 552: 1 is hash-based and unchecked.
        assert compiled.read_bytes()[4:8] == bytes((1, 0, 0, 0)), source
"""
    run("-c", script, program="python")
