"""data.lock: what is recorded is what is held, at each run."""

import hashlib
import os
import re
import shutil
import subprocess

import pytest
from support import bitforbit

from bitforbit import datalock
from bitforbit.errors import DataError, UsageError
from bitforbit.evidence import remembered
from bitforbit.training import experiment

EXPERIMENT = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    epochs: int = 1
    batch_size: int = 2

def load_data(config): ...
def build_model(config): ...
"""
A, B = (hashlib.sha256(text).hexdigest() for text in (b"a\n", b"b\n"))


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A project with two data files and an experiment."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "b.csv").write_bytes(b"b\n")
    (tmp_path / "data" / "deep" / "a.csv").write_bytes(b"a\n")
    (tmp_path / "data" / ".hidden").write_bytes(b"x")
    (tmp_path / "src" / "mine_of_test").mkdir(parents=True)
    (tmp_path / "src" / "mine_of_test" / "experiment.py").write_text(EXPERIMENT)
    return tmp_path


def test_add_records_files_and_folders_sorted_as_sha256sum_does(mine):
    done = bitforbit("data", "add", "data", cwd=mine)
    assert (done.returncode, done.stdout) == (0, f"recorded  {B}  data/b.csv\nrecorded  {A}  data/deep/a.csv\n")
    assert (mine / "data.lock").read_text() == f"# whole folder data\n{B}  data/b.csv\n{A}  data/deep/a.csv\n"
    subprocess.run(["sha256sum", "--check", "--strict", "data.lock"], cwd=mine, check=True, capture_output=True)
    again = bitforbit("data", "add", "b.csv", cwd=mine / "data")
    assert (again.returncode, again.stdout) == (0, "")
    assert (mine / "data.lock").read_text() == f"# whole folder data\n{B}  data/b.csv\n{A}  data/deep/a.csv\n"


def load(mine):
    return experiment.load(str(mine / "src" / "mine_of_test" / "experiment.py"))


def test_each_run_checks_and_names_what_changed_or_is_missing(mine):
    datalock.add(mine / "data", mine / "data.lock")
    load(mine)
    (mine / "data" / "b.csv").write_bytes(b"c\n")
    (mine / "data" / "deep" / "a.csv").unlink()
    done = bitforbit("train", "src/mine_of_test/experiment.py", cwd=mine)
    c = hashlib.sha256(b"c\n").hexdigest()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"bitforbit train: data is not as recorded in {mine}/data.lock: data/b.csv: changed, expected SHA-256 {B}, found {c};"
        " data/deep/a.csv: missing. Next step: put back what was recorded, or, if the change is meant, bitforbit data add PATH."
    ]


def test_a_file_too_many_in_a_whole_folder_is_named(mine):
    (mine / "data" / "deep" / "c d.csv").write_bytes(b"c\n")
    datalock.add(mine / "data" / "deep", mine / "data.lock")
    for name in ("data/deep/new.csv", "data/deep/.hidden", "data/elsewhere.csv"):
        (mine / name).write_bytes(b"")
    line = f"data is not as recorded in {mine}/data.lock: data/deep/new.csv: not recorded. Next step: "
    with pytest.raises(DataError, match=re.escape(line)):
        load(mine)
    (mine / "data" / "deep" / "new.csv").unlink()
    load(mine)


def test_a_hidden_file_recorded_by_name_stays(mine):
    lock = mine / "data.lock"
    datalock.add(mine / "data" / ".hidden", lock)
    datalock.add(mine / "data", lock)
    assert list(datalock.read(lock)) == ["data/.hidden", "data/b.csv", "data/deep/a.csv"]
    (mine / "data" / ".hidden").unlink()
    assert datalock.add(mine / "data", lock) == {"data/.hidden": None}


def test_a_folder_that_became_a_file_is_named(mine):
    datalock.add(mine / "data" / "deep", mine / "data.lock")
    shutil.rmtree(mine / "data" / "deep")
    (mine / "data" / "deep").write_bytes(b"")
    line = "data/deep/a.csv: cannot be read (Not a directory); data/deep: cannot be read (Not a directory). Next"
    with pytest.raises(DataError, match=re.escape(line)):
        datalock.check(mine / "data.lock")


def test_what_is_gone_for_good_is_taken_out_by_adding_its_place_again(mine):
    lock = mine / "data.lock"
    datalock.add(mine / "data", lock)
    datalock.add(mine / "src", lock)
    (mine / "data" / "deep" / "a.csv").unlink()
    assert datalock.add(mine / "data" / "deep" / "a.csv", lock) == {"data/deep/a.csv": None}
    load(mine)
    (mine / "data" / "b.csv").unlink()
    (mine / "data" / "c.csv").write_bytes(b"a\n")
    assert datalock.add(mine / "data", lock) == {"data/c.csv": A, "data/b.csv": None}
    shutil.rmtree(mine / "data")
    done = bitforbit("data", "add", "data", cwd=mine)
    assert (done.returncode, done.stdout) == (0, "gone  data/c.csv\n")
    assert datalock.whole_folders(lock) == ["src"]
    load(mine)


def test_links_are_followed_but_not_in_circles(mine):
    disk = mine.parent / f"{mine.name}-disk"
    disk.mkdir()
    (disk / "a.csv").write_bytes(b"a\n")
    (mine / "data" / "disk").symlink_to(disk)
    (mine / "data" / "deep" / "up").symlink_to("..")
    (mine / "data" / "dangling").symlink_to("nowhere")
    added = datalock.add(mine / "data", mine / "data.lock")
    assert added == {"data/b.csv": B, "data/deep/a.csv": A, "data/disk/a.csv": A}
    (disk / "a.csv").write_bytes(b"b\n")
    with pytest.raises(DataError, match="data/disk/a.csv: changed"):
        datalock.check(mine / "data.lock")


def test_many_complaints_are_counted(mine):
    for number in range(30):
        (mine / "data" / f"{number:02}").write_bytes(b"")
    datalock.add(mine / "data", mine / "data.lock")
    shutil.rmtree(mine / "data")
    with pytest.raises(DataError, match="data/09: missing; and 22 more. Next step: "):
        datalock.check(mine / "data.lock")


def test_a_meant_change_is_another_run(mine):
    before = load(mine).source
    datalock.add(mine / "data" / "b.csv", mine / "data.lock")
    recorded = load(mine).source
    (mine / "data" / "b.csv").write_bytes(b"c\n")
    datalock.add(mine / "data" / "b.csv", mine / "data.lock")
    assert len({before, recorded, load(mine).source}) == 3


def test_a_change_elsewhere_in_the_experiments_package_is_another_run(mine, monkeypatch):
    monkeypatch.syspath_prepend(mine / "src")
    before = experiment.load("mine_of_test.experiment").source
    (mine / "src" / "mine_of_test" / "features.py").write_text("x = 1\n")
    assert experiment.load("mine_of_test.experiment").source != before


def test_an_unchanged_file_is_hashed_once(mine, monkeypatch):
    lock, now = mine / "data.lock", 1_700_000_000
    monkeypatch.setattr(remembered, "SETTLED_NS", -1)
    datalock.add(mine / "data", lock)
    read = []
    real = remembered.canonical.file_digest
    monkeypatch.setattr(remembered.canonical, "file_digest", lambda path: read.append(path.name) or real(path))
    datalock.check(lock)
    assert read == []
    # Same size, and a time set back by hand: the change of the inode still shows.
    (mine / "data" / "b.csv").write_bytes(b"c\n")
    os.utime(mine / "data" / "b.csv", (now, now))
    with pytest.raises(DataError, match=r"data/b\.csv: changed"):
        datalock.check(lock)
    shutil.rmtree(mine / ".bitforbit")
    with pytest.raises(DataError, match=r"data/b\.csv: changed"):
        datalock.check(lock)


def test_built_in_experiments_need_none_of_it(mine, monkeypatch):
    monkeypatch.setattr(datalock, "check", lambda lock: pytest.fail("checked"))
    experiment.load("sequence")


@pytest.mark.parametrize("line", ["abc  x", f"{A} x", f"{A}  /etc/passwd", f"{A}  ../x", f"{A}  x\n{A}  x"])
def test_a_damaged_lock_is_named(tmp_path, line):
    (tmp_path / "data.lock").write_text(line + "\n")
    with pytest.raises(DataError, match=re.escape(f"of {tmp_path / 'data.lock'}, each path once, found")):
        datalock.read(tmp_path / "data.lock")


def test_what_cannot_be_recorded(mine):
    os.mkfifo(mine / "pipe")
    for path, text in (
        (mine / "no", "found none"),
        (mine.parent, "found it outside"),
        (mine / "data" / "x\ny", "printable"),
        (mine, "expected data in the project"),
        (mine / "empty", "expected files in"),
        (mine / "pipe", "expected a file or folder at .*pipe, found something else"),
    ):
        if "\n" in path.name:
            path.write_text("")
        (mine / "empty").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match=text):
            datalock.add(path, mine / "data.lock")
    assert not (mine / "data.lock").exists()
