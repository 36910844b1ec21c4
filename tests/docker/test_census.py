"""The op census under the image's C library: what is called pinned has the same bits under both."""

import pytest
from support import PROJECT

from .conftest import run

pytestmark = pytest.mark.docker


def test_the_census_holds_in_the_image():
    arguments = ("-m", "bitforbit.audit.census", "--check", "/opt/bitforbit/golden/census-x86-64-v3.json")
    done = run(*arguments, program="/opt/venv/bin/python", flags=("--network=none",), check=False)
    assert done.returncode == 0, done.stdout
    assert (PROJECT / "golden" / "census-x86-64-v3.json").exists()
    assert done.stdout.startswith("same bits as census-x86-64-v3.json: ")
