"""What `bitforbit init` writes into a folder, worked out beforehand."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from bitforbit import project
from bitforbit.errors import UsageError

WHOLE = ("docker", "src/bitforbit")
# They start images, so they name the folder's own.
RECIPES = ("docker/compose.yaml", "docker/cluster/pod.yaml", "docker/cluster/slurm.sbatch")
SINGLE = (
    "bitforbit.mk",
    ".dockerignore",
    ".gitignore",
    "requirements*.in",
    "requirements*.lock",
    "requirements-data.txt",
)
LEFTOVERS = {"__pycache__", "_build"}
# A file of the user's may stand in these places: it stays, and `ADVICE` says what it needs.
ADVICE = {
    "Makefile": "add to it: WORK := /work   and: include bitforbit.mk   (or use: make -f bitforbit.mk WORK=/work)",
    ".gitignore": "add to it: /.venv/ /runs/ /data/ /.bitforbit/ /src/bitforbit/kernels/_build/",
    ".dockerignore": "the image needs src, golden, docker, pyproject.toml and requirements*: let none be ignored",
    "pyproject.toml": 'add to it: [tool.bitforbit.scripts] "{script}" = []   and: [tool.ruff] extend-exclude ='
    ' ["src/bitforbit", "docker"]',
    "requirements.in": "add to it the lines of bitforbit's own, then: make lock",
    "golden/README.md": "",
} | dict.fromkeys(RECIPES, "")
MAKEFILE = """\
# `make` prints what there is.
IMAGE ?= {image}
SCRIPT ?= {script}
LINT_SOURCES := "$(SCRIPT)"
# In the image, verify starts where the script is.
WORK := /work

include bitforbit.mk

run: setup ## run SCRIPT natively under the policy, with digests of each fit
	@$(BIN)/bitforbit run "$(SCRIPT)" $(ARGS)

docker-run: ## run SCRIPT in the image, results in RUNS
	@DOCKER="$(DOCKER)" WORK=$(WORK) docker/run.sh "$(RUNS)" $(IMAGE):$(TAG) run "$(SCRIPT)" $(ARGS)
"""
PYPROJECT = """\
[project]
name = "{image}"
version = "0.1.0"
requires-python = ">=3.11,<3.14"

[tool.bitforbit]
# Threads of each pool. It decides bits: after a change, `make image`.
pool-size = 2

# What `make golden` runs twice and records, and `make verify` runs and holds against it: scripts with their arguments.
[tool.bitforbit.scripts]
"{script}" = []

[tool.ruff]
# The machinery comes from its own repository, with its own checks.
extend-exclude = ["src/bitforbit", "docker"]
"""
GOLDEN = "What every machine must give: `make golden` writes it, `make verify` holds against it. Commit it.\n"


class Plan(NamedTuple):
    """What is to be written and what stays.

    Attributes:
        write: content by path in the folder; a `Path` is copied, with its mode.
        kept: the user's own files in places that bitforbit would fill.
        refused: the user's own files where only bitforbit's will do.
    """

    write: dict[str, Path | str]
    kept: list[str]
    refused: list[str]


def find_script(folder: Path, name: str | None) -> str:
    """Return the Keras script to put bitforbit around: `name`, else the only one in `folder`.

    Raises:
        UsageError: there is no such script, or there are several.
    """
    if name is not None:
        if not (folder / name).is_file():
            raise UsageError(f"expected a script at {folder / name}, found no such file")
        inside = os.path.relpath(folder / name, folder)
        if inside.startswith(".."):
            raise UsageError(f"expected a script in {folder}, received {name}. Next step: cd to the script")
        if set(inside) & set('"$`#\\\n'):
            raise UsageError(
                f"expected a script's name that a Makefile can hold, received {name!r}. Next step: rename it"
            )
        return inside
    uses = re.compile(rb"^\s*(import|from) (keras|tensorflow)\b", re.MULTILINE)
    found = sorted(path.name for path in folder.glob("*.py") if uses.search(path.read_bytes()))
    if len(found) != 1:
        listed = f"several: {', '.join(found)}" if found else "none"
        raise UsageError(
            f"expected one script that imports keras or tensorflow in {folder}, found {listed}."
            " Next step: bitforbit init SCRIPT.py"
        )
    return found[0]


def plan(source: Path, folder: Path, script: str) -> Plan:
    """Return what adopting `script` in `folder` means; writes nothing.

    Raises:
        UsageError: `source` has not all that a project needs (an installed package has not).
    """
    if source.resolve() == folder.resolve():
        raise UsageError(
            f"expected a folder of your own, received bitforbit's own {folder}. Next step: cd to the script"
        )
    wanted: dict[str, Path | str] = {}
    for pattern in SINGLE:
        wanted |= {path.name: path for path in sorted(source.glob(pattern))}
    for name in WHOLE:
        for path in sorted((source / name).rglob("*")):
            inside = path.relative_to(source)
            if path.is_file() and not LEFTOVERS & set(inside.parts) and path.suffix != ".pyc":
                wanted[inside.as_posix()] = path
    for name in ("bitforbit.mk", "requirements.lock", "docker/Dockerfile", "src/bitforbit/cli.py"):
        if name not in wanted:
            raise UsageError(
                f"expected {name} in {source}, found none: init copies from a checkout of bitforbit."
                " Next step: run the bitforbit of such a checkout (PATH/.venv/bin/bitforbit init)"
            )
    licence = next((source / n for n in ("LICENSES/bitforbit.txt", "LICENSE") if (source / n).is_file()), None)
    if licence is not None:
        wanted["LICENSES/bitforbit.txt"] = licence
    image = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "project"
    for name in wanted.keys() & set(RECIPES):
        text = (source / name).read_text(encoding="utf-8")
        wanted[name] = re.sub(r"[a-z0-9][\w.-]*:(cpu|cuda)\b", rf"{image}:\1", text)
    wanted["Makefile"] = MAKEFILE.format(image=image, script=script)
    wanted[project.FILE] = PYPROJECT.format(image=image, script=script)
    wanted["golden/README.md"] = GOLDEN
    write = {name: content for name, content in wanted.items() if not os.path.lexists(folder / name)}
    there = [name for name in wanted if name not in write and _read(wanted[name]) != _bytes(folder / name)]
    return Plan(write, [n for n in there if n in ADVICE], [n for n in there if n not in ADVICE])


def _read(content: Path | str) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content.encode()


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
