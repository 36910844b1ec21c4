"""Keep of what was copied only what was asked for: one task, one licence, the GPU and CI parts or none."""

import json
import re
import shutil
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
# Git follows no link named .gitignore, and ruff would read a pyproject.toml before it is rendered.
RENAMED = {"gitignore": ".gitignore", "project.toml": "pyproject.toml"}
# What use leaves in a working tree that a project was generated from.
LEFTOVERS = ("__pycache__", "_build", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints", "*.egg-info")
LEFTOVER_FILES = ("*.py[co]", "*~", ".*.sw?", "*.orig", "*.rej", ".DS_Store")


def main(answers, folder):
    choose(folder / "tasks", answers["task"] + ".py", folder / "src" / answers["package_name"] / "experiment.py")
    for name, final in RENAMED.items():
        (folder / name).rename(folder / final)
    licence = folder / "LICENSES" / (answers["license"] + ".txt")
    shutil.copyfile(licence, folder / "LICENSE")
    for path in (folder / "LICENSES").iterdir():
        if path.name != "bitforbit.txt":
            path.unlink()
    name_images(folder / "docker", answers["__project_slug"])
    if answers["cuda"] == "no":
        without_cuda(folder)
    if answers["ci"] == "none":
        shutil.rmtree(folder / ".github")
    clear(folder)
    # Whole from here on: pre_gen_project.py's guard leaves it.
    (folder / ".unfinished").unlink(missing_ok=True)


def choose(tasks, name, target):
    """Move one task's experiment to `target` and drop the others."""
    shutil.move(str(tasks / name), str(target))
    shutil.rmtree(tasks)


def clear(folder):
    """Remove what running the template's own code left in the folders that were copied whole."""
    for pattern in LEFTOVERS:
        for path in list(folder.rglob(pattern)):
            shutil.rmtree(path, ignore_errors=True)
    for pattern in LEFTOVER_FILES:
        for path in list(folder.rglob(pattern)):
            path.unlink()


def name_images(docker, image):
    """Name the project's own images in the files that start them."""
    for path in (docker / "compose.yaml", *(docker / "cluster").iterdir()):
        rewrite(path, lambda text: re.sub(r"\bbitforbit:(cpu|cuda)\b", rf"{image}:\1", text))


def without_cuda(folder):
    """Drop the GPU's lock, its files, its stages of the Dockerfile, its service and its make targets."""
    shutil.rmtree(folder / "docker" / "cluster")
    for path in [*folder.glob("requirements-cuda*"), *folder.glob("docker/*cuda*"), *folder.glob("*cuda*.mk")]:
        path.unlink()
    rewrite(folder / "docker" / "Dockerfile", drop_stages)
    rewrite(folder / "docker" / "compose.yaml", drop_service)
    rewrite(folder / "bitforbit.mk", drop_targets)


def rewrite(path, change):
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def drop_stages(text):
    """Return a Dockerfile without the stages that have `cuda` in their name; two empty lines part the stages."""
    stages = text.split("\n\n\n")
    return "\n\n\n".join(part for part in stages if not re.search(r"^FROM \S+ AS \S*cuda\S*$", part, re.M))


def drop_service(text):
    """Return a compose file without the GPU's service and the volume that it alone has."""
    return "\n\n".join(part for part in text.split("\n\n") if not re.match(r"(?:  #.*\n)?  gpu:|volumes:", part)) + "\n"


def drop_targets(text):
    """Return a makefile without the blocks, parted by empty lines, whose first target has `cuda` in its name."""
    blocks = text.split("\n\n")
    return "\n\n".join(block for block in blocks if not re.match(r"(?:#.*\n)*[\w-]*cuda[\w-]*:", block))


if __name__ == "__main__":
    main(ANSWERS, Path.cwd())
