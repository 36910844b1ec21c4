"""What is left where a trace ends too early: by Ctrl-C, by a full disk, by a file that is gone or cut off."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support import bitforbit

from bitforbit.diagnosis.trace import scripts, store, stored
from bitforbit.diagnosis.trace.sites import Site
from bitforbit.errors import EvidenceError, UsageError


def write(folder: Path, last: int = 0) -> Path:
    """Write a trace of 100 steps of two sites."""
    writer = store.Writer(folder, store.Window())
    rows = np.arange(200).reshape(100, 2)
    rows[-1, -1] += last
    writer.stream("model", [Site("act/a", "float32", (2,)), Site("act/b", "float32", (2,))]).append(rows)
    writer.close({"subject": {}, "environment": {}, "notes": []})
    return folder


def test_ctrl_c_in_the_run_with_digests_leaves_the_older_trace(tmp_path, monkeypatch):
    write(tmp_path / "t")
    before = (tmp_path / "t" / stored.HEADER).read_bytes()

    def interrupted(command, env, **options):
        # As Python ends a script: the child has closed its trace by then.
        write(Path(env[scripts.TRACE_TO]), last=1)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt, match="^the run is published, its trace is not$"):
        scripts.again(["run", "script.py"], tmp_path / "t", tmp_path / "runs", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
    assert (tmp_path / "t" / stored.HEADER).read_bytes() == before


def test_a_run_with_digests_that_fails_says_its_last_line(tmp_path, monkeypatch):
    done = SimpleNamespace(returncode=2, stderr="Traceback\nbitforbit run: expected more room\n")
    monkeypatch.setattr(subprocess, "run", lambda *words, **options: done)
    with pytest.raises(EvidenceError, match="^no trace was written: expected more room$"):
        scripts.again(["run", "script.py"], tmp_path / "t", tmp_path / "runs", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_run_with_digests_that_ends_otherwise_says_so(tmp_path, monkeypatch):
    def done(command, env, **options):
        write(Path(env[scripts.TRACE_TO]))
        return SimpleNamespace(returncode=1, stderr="Traceback\nValueError: no method\nbitforbit run: published\n")

    monkeypatch.setattr(subprocess, "run", done)
    words = ["run", "script.py"], tmp_path / "t", tmp_path / "runs"
    assert scripts.again(*words, 0)[2:] == ["the run with digests ended with exit 1, not 0: ValueError: no method"]
    assert scripts.again(*words, 1)[2:] == []


def test_the_run_before_is_the_newest_even_where_it_stands_beside_an_older_result(tmp_path):
    def left(folder: str, weights: str, time: int) -> None:
        path = tmp_path / folder / "result.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"fits": [weights], "models": [], "exit_code": 0, "epoch_digests": ""}))
        os.utime(path, (time, time))

    left("runs/script/0123/seed-1", "older", 1)
    left("runs/script/0123/seed-1.differs-abc", "newer", 2)
    left("aside/script/4567/seed-1", "newer", 3)
    traced, untraced = scripts._results(tmp_path / "aside", tmp_path / "runs")
    assert traced == untraced


def test_a_full_disk_is_one_line(tmp_path):
    writer = store.Writer(tmp_path / "t", store.Window())
    stream = writer.stream("model", [Site("act/a", "float32", (2,))])
    (writer.aside / "0.digests").unlink()
    (writer.aside / "0.digests").symlink_to("/dev/full")
    with pytest.raises(UsageError, match=r"found: No space left on device\. Next step: free some space"):
        stream.append(np.arange(4).reshape(4, 1))
    writer.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "train"])
def test_something_else_in_the_traces_place_is_refused_before_the_run(tmp_path, command):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (tmp_path / "script.py").write_text("print('ran')\n")
    subject = tmp_path / "script.py" if command == "run" else "digits"
    done = bitforbit(command, "--runs", tmp_path / "runs", "--trace", tmp_path / "mine", subject)
    expected = f"bitforbit {command}: expected {tmp_path}/mine to be free or a trace, found something else."
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{expected} Next step: another name.\n")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


def gone(folder, name):
    (folder / name).unlink()


def cut(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2 + 1])


def test_a_trace_of_an_older_version_is_told_to_be_one(tmp_path):
    a, b = write(tmp_path / "a"), write(tmp_path / "b")
    header = (b / "trace.json").read_text()
    assert '"bitforbit trace 3"' in header
    (b / "trace.json").write_text(header.replace("bitforbit trace 3", "bitforbit trace 2"))
    done = bitforbit("compare", a, b)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"bitforbit compare: expected a trace of this version in {b}, 'bitforbit trace 3', found 'bitforbit trace 2',"
        " whose digests are others. Next step: trace again, bitforbit trace EXPERIMENT --to FOLDER\n"
    )


@pytest.mark.parametrize("harm", [gone, cut])
@pytest.mark.parametrize("name", ["trace.json", "0.chain", "0.digests"])
def test_compare_says_which_trace_is_damaged(tmp_path, harm, name):
    a, b = write(tmp_path / "a"), write(tmp_path / "b", last=1)
    harm(b, name)
    done = bitforbit("compare", a, b)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert done.stderr.startswith("bitforbit compare: expected a ")
    assert str(b) in done.stderr
