"""The locks: complete, hashed, without an index's name, and installable under each Python that is present."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT, clean_environment

from bitforbit.policy.cuda import LIBRARIES

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-cuda.lock", "requirements-dask.lock")


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ]+) \\$", (PROJECT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_no_index_is_named(name):
    text = (PROJECT / name).read_text()
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins(name))
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"index-url|find-links|trusted-host|https?://", text)
    assert "#    make lock\n" in text


def test_the_named_versions():
    found = pins("requirements.lock")
    assert found["tensorflow-cpu"] == "2.21.0"
    assert found["keras"].startswith("3.15.")
    assert found["numpy"].startswith("2.4.")
    assert "scipy" in found and "scikit-learn" in found
    assert "tensorflow" not in found


def test_common_packages_have_one_version():
    runtime, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert development["pip-tools"].startswith("7.6.")
    for other in (development, pins("requirements-dask.lock")):
        for name in runtime.keys() & other.keys():
            assert runtime[name] == other[name], name


def test_the_cuda_lock_is_the_cpu_lock_with_another_tensorflow_and_nvidias_wheels():
    """Common packages have one version and the same files; every wheel that the extra asks for is pinned."""
    cpu, cuda = (entries(name) for name in ("requirements.lock", "requirements-cuda.lock"))
    nvidia = {name for name in cuda if name.startswith("nvidia-")}
    assert nvidia >= {library.wheel for library in LIBRARIES} | {"nvidia-cuda-nvcc-cu12"}
    assert cuda.keys() - nvidia - {"tensorflow"} == cpu.keys() - {"tensorflow-cpu"}
    assert {name: entry for name, entry in cuda.items() if name in cpu} == {
        name: entry for name, entry in cpu.items() if name in cuda
    }
    assert cuda["tensorflow"][0] == cpu["tensorflow-cpu"][0] == "2.21.0"
    listed = dict(re.findall(r"^(nvidia-[a-z0-9-]+)==(\S+)$", (PROJECT / "requirements-cuda.in").read_text(), re.M))
    assert listed == {name: cuda[name][0] for name in nvidia}


def entries(name: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each package's version and the hashes of its files."""
    blocks = re.split(r"^(?=[a-z0-9])", (PROJECT / name).read_text(), flags=re.MULTILINE)[1:]
    found = (re.match(r"([a-z0-9._-]+)==(\S+)", block) for block in blocks)
    return {
        match[1]: (match[2], tuple(re.findall(r"sha256:[0-9a-f]{64}", block)))
        for match, block in zip(found, blocks, strict=True)
    }


@pytest.mark.network
@pytest.mark.slow
def test_the_cuda_lock_is_what_its_file_resolves_to():
    """Minutes where an index hands out no metadata apart from the wheels, which are 2.5 GB."""
    done = subprocess.run(
        ["make", "lock-check", "LOCKS=requirements-cuda"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def other_pythons() -> list:
    folders = [Path(folder) for folder in os.environ["PATH"].split(":")]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += sorted(root.glob("versions/*/bin"))
    found = {}
    for minor in (11, 12, 13):
        for folder in folders:
            candidate = folder / f"python3.{minor}"
            works = (
                candidate.exists()
                and not subprocess.run([candidate, "-c", "import venv"], capture_output=True).returncode
            )
            if works and minor != sys.version_info.minor:
                found.setdefault(minor, candidate)
    # The image has 3.13, and its digests are held against those of the Python here.
    marks = {13: [pytest.mark.slow]}
    return [pytest.param(path, id=f"3.{minor}", marks=marks.get(minor, [])) for minor, path in found.items()]


@pytest.mark.network
@pytest.mark.parametrize("python", other_pythons())
def test_the_lock_installs_and_trains_under(python, tmp_path):
    """The Python of these tests has it installed already; each other one gets a fresh environment."""
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    fresh = tmp_path / "venv" / "bin" / "python"
    install = [fresh, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
    install += ["--only-binary", ":all:", "--no-compile", "-r", PROJECT / "requirements.lock"]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    subprocess.run([fresh, "-m", "pip", "check"], check=True, capture_output=True)
    train = [fresh, "-m", "bitforbit", "train", "sequence", "--set", "epochs=2", "--runs", tmp_path / "runs"]
    environment = clean_environment(PYTHONPATH=str(PROJECT / "src"))
    done = subprocess.run(train, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    here = subprocess.run(
        [sys.executable, *train[1:-1], tmp_path / "here"], capture_output=True, text=True, env=environment
    )
    assert here.stdout.splitlines()[1:-1] == done.stdout.splitlines()[1:-1]
    shutil.rmtree(tmp_path / "venv")


@pytest.mark.network
def test_a_stale_lock_is_noticed(tmp_path):
    """`make lock-check` passes on the committed locks; on a copy with one pin too many in the .in file it fails."""
    small = "LOCKS=requirements requirements-dev"
    assert subprocess.run(["make", "lock-check", small], cwd=PROJECT, capture_output=True).returncode == 0
    for name in ("Makefile", "bitforbit.mk", "requirements.in", "requirements-dev.in", "requirements-data.txt", *LOCKS):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / ".venv").symlink_to(PROJECT / ".venv")
    with open(tmp_path / "requirements.in", "a") as file:
        file.write("six==1.16.0\n")
    command = ["make", "--old-file=.venv/.ready", "--old-file=.venv/.dev", "lock-check"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "requirements.lock is stale. Next step: make lock" in done.stderr + done.stdout or "six" in done.stderr
