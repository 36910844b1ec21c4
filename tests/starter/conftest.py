"""Projects generated from this working tree, as cookiecutter does for a user."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter as in_process
from support import PROJECT

TEMPLATE = PROJECT / "{{cookiecutter.__project_slug}}"
ANSWERS = json.loads((PROJECT / "cookiecutter.json").read_text())
TASKS = tuple(ANSWERS["task"])


def cookiecutter(folder: Path, *arguments, source=PROJECT, **answers) -> subprocess.CompletedProcess:
    """Run cookiecutter's command line in `folder`, without questions."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", *arguments, str(source)]
    command += [f"{key}={value}" for key, value in answers.items()]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def generate(folder: Path, **answers) -> Path:
    """Return a new project's folder below `folder`; in this process, which is quicker."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(in_process(str(PROJECT), no_input=True, extra_context=answers, output_dir=str(folder)))


def files(project: Path) -> dict[str, Path]:
    """Every file of a project by its path in it."""
    return {str(path.relative_to(project)): path for path in sorted(project.rglob("*")) if not path.is_dir()}


def tracked(*paths: str) -> set[str]:
    """Files of this repository below `paths`, those included that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *paths]
    names = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name for name in names if name and (PROJECT / name).exists()}


def links() -> dict[str, Path]:
    """What the template links to, by path in the template."""
    return {
        str(path.relative_to(TEMPLATE)): path.resolve() for path in sorted(TEMPLATE.rglob("*")) if path.is_symlink()
    }


def machinery() -> dict[str, Path]:
    """Every file that comes from this repository's own tree through a link, by its path in a project."""
    found = {}
    for name, target in links().items():
        if target.is_dir():
            inside = tracked(str(target.relative_to(PROJECT)))
            found |= {f"{name}/{Path(PROJECT / path).relative_to(target)}": PROJECT / path for path in inside}
        else:
            found[name] = target
    return found


COMBINATIONS = [(t, c, ci) for t in TASKS for c in ("no", "yes") for ci in ("github", "none")]
# Each task once, and each of the four pairs of CUDA and CI; `make test-starter` has the others too.
FEW = COMBINATIONS[::5]


@pytest.fixture(
    scope="session",
    params=[c if c in FEW else pytest.param(c, marks=pytest.mark.slow) for c in COMBINATIONS],
    ids="-".join,
)
def project(request, tmp_path_factory):
    """Each combination of task, CUDA and CI, generated once."""
    task, cuda, ci = request.param
    folder = tmp_path_factory.mktemp("project")
    return generate(folder, project_name="Shape study 7", task=task, cuda=cuda, ci=ci), task, cuda, ci
