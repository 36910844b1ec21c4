"""What stands in a generated project, and that nothing stands there which should not."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from support import PROJECT

from bitforbit import project as settings

from .conftest import ANSWERS, TEMPLATE, files, generate, links, machinery, tracked

RENAMED = {"gitignore": ".gitignore"}
# Cut where no GPU is asked for; test_without_cuda says what is left of them.
CUT = {"docker/Dockerfile", "bitforbit.mk", "docker/compose.yaml"}
# They name the project's images.
NAMED = {"docker/compose.yaml", "docker/cluster/pod.yaml", "docker/cluster/slurm.sbatch"}
OWN = {"Makefile", "README.md", "pyproject.toml", "CITATION.cff", "LICENSE", ".pre-commit-config.yaml", "docs/reporting.md",
       ".devcontainer/devcontainer.json", ".devcontainer/Dockerfile", "golden/README.md", "src/shape_study_7/__init__.py",
       "src/shape_study_7/experiment.py", "tests/test_experiment.py", "tests/test_project.py"}  # fmt: skip
WORKFLOW = ".github/workflows/checks.yml"


def is_cuda(name: str) -> bool:
    return ("cuda" in Path(name).name and not name.startswith("src/")) or name.startswith("docker/cluster/")


def test_every_link_is_copied_and_never_rendered():
    kept = ANSWERS["_copy_without_render"]
    for name in links():
        assert name in kept or f"*{Path(name).suffix}" in kept or name.startswith(("LICENSES/", "docs/")), name


def test_every_file_of_requirements_is_linked():
    """Adding one is adding its link: ln -s ../requirements-x.in beside the others."""
    assert {name for name in tracked("requirements*") if "/" not in name} <= links().keys()


def test_no_file_of_the_template_stands_in_the_repository_twice():
    own = {path.read_bytes(): name for name, path in files(TEMPLATE).items() if not path.is_symlink()}
    for name in tracked("."):
        path = PROJECT / name
        if path.is_file() and not path.is_symlink() and TEMPLATE not in path.parents and path.stat().st_size:
            assert path.read_bytes() not in own, name


def test_a_project_holds_exactly_what_it_should(project):
    folder, _, cuda, ci = project
    wanted = {RENAMED.get(name, name) for name in machinery() if not name.startswith("LICENSES/")}
    wanted |= OWN | {"LICENSES/bitforbit.txt"} | ({WORKFLOW} if ci == "github" else set())
    if cuda == "no":
        wanted = {name for name in wanted if not is_cuda(name)}
    assert files(folder).keys() == wanted
    assert not [path for path in folder.rglob("*") if path.is_symlink()]


def test_the_machinery_is_this_repositorys_to_the_byte_and_mode(project):
    folder, _, cuda, _ = project
    for name, path in machinery().items():
        copy = folder / RENAMED.get(name, name)
        if (cuda == "no" and (name in CUT or is_cuda(name))) or (
            name.startswith("LICENSES/") and "bitforbit" not in name
        ):
            continue
        content = path.read_bytes()
        if name in NAMED:
            assert content.count(b"bitforbit:c") > 0
            content = content.replace(b"bitforbit:c", b"shape-study-7:c")
        assert copy.read_bytes() == content, name
        assert copy.stat().st_mode == path.stat().st_mode, name


def test_without_cuda_only_its_stages_and_targets_are_gone(project):
    folder, _, cuda, _ = project
    stages, targets = r"^FROM \S+ AS (\S+)$", r"^([a-z-]+):.*## "
    for name, pattern in (("docker/Dockerfile", stages), ("bitforbit.mk", targets)):
        ours = re.findall(pattern, (PROJECT / name).read_text(), re.MULTILINE)
        found = re.findall(pattern, (folder / name).read_text(), re.MULTILINE)
        assert found == (ours if cuda == "yes" else [item for item in ours if "cuda" not in item]), name
    compose = yaml.safe_load((folder / "docker/compose.yaml").read_text())
    assert {name: service["image"] for name, service in compose["services"].items()} == {
        "cpu": "${BITFORBIT_CPU_IMAGE:-shape-study-7:cpu}",
    } | ({"gpu": "${BITFORBIT_CUDA_IMAGE:-shape-study-7:cuda}"} if cuda == "yes" else {})
    assert ("volumes" in compose) == (cuda == "yes")


def test_nothing_of_the_template_leaks(project):
    """Neither a placeholder, nor a golden, nor a path or a person of ours, outside the machinery."""
    folder, *_ = project
    ours = {RENAMED.get(name, name) for name in machinery()}
    goldens = set(re.findall(r"[0-9a-f]{64}", "".join(path.read_text() for path in PROJECT.glob("golden/*.json"))))
    log = subprocess.run(
        ["git", "log", "-200", "--format=%an%n%ae"], cwd=PROJECT, capture_output=True, text=True
    ).stdout
    people = {line for line in log.splitlines() if len(line) > 3}
    words = (
        people | goldens | {str(PROJECT), str(Path.home()) + "/", "{{ cookiecutter", "{%", "digits seed", "solubility"}
    )
    for name, path in files(folder).items():
        assert "cookiecutter" not in name and "tasks" not in Path(name).parts
        if name not in ours:
            text = path.read_text(encoding="utf-8")
            assert not [word for word in words if word in text], name
            assert not re.search(r"My project|my_project|[0-9a-f]{64}", text), name
    assert [path.name for path in (folder / "golden").iterdir()] == ["README.md"]


def test_names_and_settings_are_the_answers(tmp_path):
    folder = generate(tmp_path, project_name="Étude d'ondes", package_name="ondes", description="Waves.", author="Zoë O'Neil",
                      license="BSD-3-Clause", pool_size="4", task="blank")  # fmt: skip
    assert folder.name == "etude-d-ondes"
    assert settings.settings(folder) == ("ondes.experiment", 4, {"ondes.experiment": {"epochs": 2}}, {})
    meta = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert (meta["name"], meta["license"], meta["authors"]) == (
        "etude-d-ondes",
        "BSD-3-Clause",
        [{"name": "Zoë O'Neil"}],
    )
    assert "Copyright (c) Zoë O'Neil" in (folder / "LICENSE").read_text()
    citation = yaml.safe_load((folder / "CITATION.cff").read_text())
    assert {
        "cff-version": "1.2.0",
        "title": "Étude d'ondes",
        "license": "BSD-3-Clause",
        "authors": [{"name": "Zoë O'Neil"}],
    }.items() <= citation.items()
    assert (folder / "README.md").read_text().startswith("# Étude d'ondes\n\nWaves.\n")


@pytest.mark.parametrize(
    ("licence", "line", "declared"),
    [
        ("Apache-2.0", "                                 Apache License", "Apache-2.0"),
        ("MIT", "MIT License", "MIT"),
        ("BSD-3-Clause", "BSD 3-Clause License", "BSD-3-Clause"),
        ("none", "Copyright (c) Anonymous. All rights reserved.", "LicenseRef-Proprietary"),
    ],
)
def test_the_licence(tmp_path, licence, line, declared):
    folder = generate(tmp_path, license=licence)
    assert (folder / "LICENSE").read_text().lstrip("\n").splitlines()[0] == line
    assert tomllib.loads((folder / "pyproject.toml").read_text())["project"]["license"] == declared
    assert yaml.safe_load((folder / "CITATION.cff").read_text()).get("license") == (
        None if licence == "none" else licence
    )
    assert (folder / "LICENSES/bitforbit.txt").read_bytes() == (PROJECT / "LICENSE").read_bytes()


def test_configuration_files_can_be_read(project):
    folder, *_, ci = project
    container = json.loads((folder / ".devcontainer/devcontainer.json").read_text())
    assert container["build"]["args"] == {"IMAGE": "shape-study-7:cpu"}
    assert "IMAGE ?= shape-study-7\n" in (folder / "Makefile").read_text()
    hooks = yaml.safe_load((folder / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["id"] for hook in hooks] == ["ruff-check", "ruff-format", "bitforbit-lint"]
    if ci == "github":
        workflow = yaml.safe_load((folder / WORKFLOW).read_text())
        assert list(workflow["jobs"]) == ["lint", "test", "image", "verify"]
        used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
        assert used and all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", item) for item in used)


def test_the_dev_container_has_an_environment_of_its_own(tmp_path):
    """Where the host's .venv lies in the workspace, its links lead nowhere in the container."""
    folder = generate(tmp_path, task="blank")
    variables = json.loads((folder / ".devcontainer/devcontainer.json").read_text())["containerEnv"]
    assert variables["BITFORBIT_VENV"] == "/home/dev/venv"
    command = ["make", "-n", "test", f"BITFORBIT_VENV={tmp_path}/venv"]
    planned = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert f"-m venv --clear {tmp_path}/venv " in planned and f"{tmp_path}/venv/bin/pytest" in planned
    assert ".venv" not in planned


def test_the_projects_own_files_pass_its_linters(project):
    folder, _, _, ci = project
    tools = Path(sys.executable).parent
    commands = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["hadolint", "docker/Dockerfile", ".devcontainer/Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker/compose.yaml"],
    ]
    if ci == "github":
        commands += [["zizmor", "--offline", "--no-progress", "--pedantic", "."]]
        commands += [["check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW]]
    for command in commands:
        done = subprocess.run([tools / command[0], *command[1:]], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
