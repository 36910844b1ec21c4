"""Two processes at once train every form and every fault; all tests read their traces."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import PROJECT, clean_environment


@pytest.fixture(scope="session")
def trainings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")

    def part(name):
        command = [sys.executable, Path(__file__).with_name("trainings.py"), folder, name]
        done = subprocess.run(
            command, env=clean_environment(), cwd=PROJECT, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    with ThreadPoolExecutor(2) as pool:
        forms, faults = pool.map(part, ("forms", "faults"))
    return folder, forms | faults | {"forms": forms["forms"] | faults["forms"]}
