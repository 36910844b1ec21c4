"""One process trains every form and every fault; all tests read its traces."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT, clean_environment


@pytest.fixture(scope="session")
def trainings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    command = [sys.executable, Path(__file__).with_name("trainings.py"), folder]
    done = subprocess.run(command, env=clean_environment(), cwd=PROJECT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads(done.stdout.splitlines()[-1])
