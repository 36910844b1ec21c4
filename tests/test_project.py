"""A project's settings reach the policy, the command line, verify and the image."""

import itertools
import os
import re
import subprocess

import pytest
from support import PROJECT

from bitforbit import cli, errors, project
from bitforbit.policy import Policy

SETTINGS = """
[project]
name = "shapes"
description = "Tells shapes apart"
license = "MIT"
version = "3.1"

[tool.bitforbit]
experiment = "shapes.experiment"
pool-size = 4

[tool.bitforbit.reference."shapes.experiment"]
epochs = 2

[tool.bitforbit.scripts]
"train.py" = ["-n", "3"]
"""


def test_settings_of_a_project(tmp_path):
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    assert project.settings(tmp_path) == (
        "shapes.experiment",
        4,
        {"shapes.experiment": {"epochs": 2}},
        {"train.py": ["-n", "3"]},
    )


def test_without_settings_all_is_as_built_in(tmp_path):
    assert project.settings(tmp_path) == project.settings(PROJECT) == ("digits", None, None, {})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tool.bitforbit]\npool = 4", "unknown key 'pool' in [tool.bitforbit] of {}. Valid keys: experiment, pool-size, reference, scripts."),
        ("[tool.bitforbit]\npool-size = '4'", "expected pool-size of type int in {}, found '4'."),
        ("[tool.bitforbit.reference]\nx = 1", "expected a table of config keys for reference.x in {}, found 1."),
        ("[tool.bitforbit.scripts]\nx = 'a'", "expected a list of arguments for scripts.x in {}, found 'a'."),
        ("[tool", "expected TOML in {}, found: Expected ']' at the end of a table declaration (at end of document)"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_settings_is_named(tmp_path, text, line):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(errors.UsageError, match=re.escape(line.format(tmp_path / "pyproject.toml"))):
        project.settings(tmp_path)


def test_the_pool_size_comes_from_the_option_then_the_variable_then_the_project(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    monkeypatch.delenv("BITFORBIT_POOL_SIZE", raising=False)
    assert Policy.from_environment().pool_size == 4
    monkeypatch.setenv("BITFORBIT_POOL_SIZE", "3")
    assert Policy.from_environment().pool_size == 3
    assert Policy.from_environment(5).pool_size == 5


def test_the_default_experiment_is_the_projects(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    assert cli.build_parser("train").parse_args(["train"]).experiment == "shapes.experiment"


def test_a_project_without_an_experiment_trains_none_of_ours(tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    monkeypatch.setattr(project, "root", lambda: tmp_path)
    assert project.settings() == (None, None, None, {}) and not project.is_bitforbit()
    with pytest.raises(SystemExit) as caught:
        cli.build_parser("train").parse_args(["train"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(
        "bitforbit train: error: the following arguments are required: experiment\n"
    )


def test_broken_settings_are_one_line_and_exit_2(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "bitforbit").symlink_to(PROJECT / "src" / "bitforbit")
    (tmp_path / "pyproject.toml").write_text("[tool.bitforbit]\npool = 4")
    # An installed package has no project of its own: the current folder's settings count.
    script = "import bitforbit.project as p; p.root = __import__('pathlib').Path.cwd; from bitforbit.cli import main; raise SystemExit(main(['policy', '--env']))"
    import sys

    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bitforbit policy: unknown key 'pool' in [tool.bitforbit]")


def build_arguments(folder, tmp_path) -> dict[str, str]:
    """What docker/build.sh of `folder` hands to `docker build` as build arguments; no engine is asked."""
    docker = tmp_path / "docker"
    docker.write_text(
        '#!/bin/sh\n[ "$1" = version ] && { echo 20.10.24; exit; }\n[ "$1" = build ] && printf "%s\\n" "$@"\n'
    )
    docker.chmod(0o755)
    environment = os.environ | {"DOCKER": str(docker)}
    done = subprocess.run([folder / "docker/build.sh"], env=environment, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    return dict(after.split("=", 1) for line, after in itertools.pairwise(lines) if line == "--build-arg")


def test_pool_size_and_labels_of_the_image_are_the_projects(tmp_path):
    folder = tmp_path / "shapes"
    for name in ("docker", "src"):
        (folder / name).mkdir(parents=True)
    (folder / "docker" / "build.sh").write_bytes((PROJECT / "docker" / "build.sh").read_bytes())
    (folder / "docker" / "build.sh").chmod(0o755)
    (folder / "docker" / "Dockerfile").symlink_to(PROJECT / "docker" / "Dockerfile")
    (folder / "src" / "bitforbit").symlink_to(PROJECT / "src" / "bitforbit")
    (folder / "pyproject.toml").write_text(SETTINGS)
    found = build_arguments(folder, tmp_path)
    wanted = {
        "POOL_SIZE": "4",
        "TITLE": "shapes",
        "DESCRIPTION": "Tells shapes apart",
        "LICENSES": "MIT",
        "VERSION": "3.1",
    }
    assert wanted.items() <= found.items()


def test_the_labels_of_this_project(tmp_path):
    found = build_arguments(PROJECT, tmp_path)
    from bitforbit import __version__

    assert (found["TITLE"], found["LICENSES"], found["VERSION"]) == ("bitforbit", "Apache-2.0", __version__)
    assert "POOL_SIZE" not in found
