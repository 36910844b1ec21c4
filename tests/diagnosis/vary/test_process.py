"""Runs as processes: their end, their failure in their own words, their standard input, what counts as a result."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from diagnosis import faults

from bitforbit.diagnosis.vary import evidence, subject
from bitforbit.diagnosis.vary.change import Change, command_line
from bitforbit.diagnosis.vary.process import Processes
from bitforbit.errors import UsageError


def test_without_room_no_run_is_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(subject.shutil, "disk_usage", lambda folder: SimpleNamespace(free=3 << 19))
    runner = faults.runner(tmp_path, "value = 1")
    with pytest.raises(UsageError, match=r"^expected 32 MiB of room for the runs in .*/work, found 1\.5 MiB\. Next "):
        runner.run("control", Change())
    assert list((tmp_path / "work").iterdir()) == []


def test_a_run_that_fails_as_the_disk_gets_full_is_no_outcome(tmp_path, monkeypatch):
    free = iter((64 << 20, 0))
    monkeypatch.setattr(subject.shutil, "disk_usage", lambda folder: SimpleNamespace(free=next(free)))
    runner = faults.runner(tmp_path, "raise OSError(28, 'No space left on device')")
    with pytest.raises(UsageError, match="found 0.0 MiB"):
        runner.run("control", Change())
    assert runner.outcomes == []


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("ValueError: a symbol\n```\nx = f(y)\n```\nbitforbit run: s seed 1: ValueError", "ValueError: a symbol"),
        ("keras.src.SomeError: a\nbitforbit train: expected a knob", "bitforbit train: expected a knob"),
        (
            "bitforbit train: found in the model:\n  LRN: calls\n  Tan: too",
            "bitforbit train: found in the model: LRN: calls",
        ),
        ("only words", "only words"),
        ("bitforbit run: s seed 1: exit code 3", "bitforbit run: s seed 1: exit code 3"),
    ],
)
def test_a_failure_is_said_in_the_subjects_own_words(tmp_path, printed, expected):
    command = ["sh", "-c", 'printf "%s\\n" "$0" >&2; exit 3', printed]
    assert Processes().execute(command, {"PATH": "/usr/bin:/bin"}, tmp_path, 60) == f"exit 3: {expected}"


def test_stopping_ends_what_runs_and_starts_nothing_more(tmp_path):
    processes = Processes()
    command = ["sh", "-c", "sleep 60 & wait"]
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        said = [pool.submit(processes.execute, command, {}, tmp_path, 60) for _ in range(2)]
        while len(processes._live) < 2:
            time.sleep(0.01)
        processes.stop()
    assert time.monotonic() - began < 30
    assert [future.result() for future in said] == ["interrupted"] * 2
    assert processes.execute(command, {}, tmp_path, 60) == "interrupted"


def test_an_interrupt_ends_the_runs_side_by_side(tmp_path):
    """The main thread is interrupted while it waits for its pool."""
    runner = faults.runner(tmp_path, "import time\ntime.sleep(60)")
    began = time.monotonic()

    def interrupted(outcome):
        raise KeyboardInterrupt

    runner.report = interrupted
    quick = subject.Job("fails at once", Change(prefix=("false",)))
    with pytest.raises(KeyboardInterrupt):
        runner.run_all([quick, subject.Job("sleeps", Change())])
    assert time.monotonic() - began < 30


def test_the_failure_is_the_subjects_own_last_line(tmp_path):
    script = "echo 'ValueError: no data' >&2; echo 'bitforbit run: script seed 1: ValueError' >&2; exit 1"
    assert Processes().execute(["sh", "-c", script], {}, tmp_path, 60) == "exit 1: ValueError: no data"


def test_every_run_gets_the_standard_input_and_so_does_the_printed_line(tmp_path):
    (tmp_path / "input").write_text("forty two\n")
    runner = faults.runner(tmp_path, "value = sys.stdin.read()")
    words = ("sh", "-c", 'exec "$@" <"$0"', str(tmp_path / "input"))
    runner.subject = subject.Subject("program", runner.subject.file, runner.subject.words, prefix=words)
    done = runner.run("control", Change(prefix=("env", "-C", "/")))
    assert json.loads((done.folder / "result.json").read_text()) == {"weights": "'forty two\\n'"}
    assert f'sh -c \'exec "$@" <"$0"\' {tmp_path}/input env -C / ' in done.command


def test_a_scripts_own_words_stay_last_in_the_printed_line():
    line = command_line(Change(options=("--no-strict",)), ["python", "-m", "x", "run"], (), ("script.py", "--lr", "1"))
    assert line == "python -m x run --no-strict script.py --lr 1"


RAN = {"status": "finished", "exit_code": 0, "fits": [{"fit": 1}], "models": {}}


@pytest.mark.parametrize(
    ("result", "failure", "expected"),
    [
        (RAN, "", ""),
        (RAN | {"fits": [], "models": {"model": "0"}}, "", ""),
        (RAN | {"fits": []}, "", evidence.NOTHING),
        (RAN | {"status": "exited", "exit_code": 5}, "exit 5: done", ""),
        (RAN | {"status": "exited", "exit_code": 2, "fits": []}, "exit 2: usage", "exit 2: usage"),
        (RAN | {"status": "raised", "exit_code": 1}, "exit 1: ValueError", "exit 1: ValueError"),
        ({"weights": "0"}, "exit 3: loss is NaN", ""),
    ],
)
def test_what_counts_as_a_result(tmp_path, result, failure, expected):
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "result.json").write_text(json.dumps(result))
    digest, found, folder, trace = evidence.read(tmp_path, failure)
    assert (found, bool(digest), folder, trace) == (expected, not expected, tmp_path / "runs" / "one", None)


def test_nothing_left_behind_is_a_failure(tmp_path):
    assert evidence.read(tmp_path, "") == ("", "left no result.json", None, None)


def test_what_ops_a_script_has_is_no_part_of_what_it_trained(tmp_path):
    """Digests add ops of their own; weights that moved, and an exit code, are another training."""
    seen = []
    for number, change in enumerate(({}, {"unproven": ["Fingerprint"]}, {"exit_code": 1}, {"epoch_digests": "f"})):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "result.json").write_text(json.dumps(RAN | {"epoch_digests": "e"} | change))
        seen.append(evidence.trained(folder))
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3
    assert evidence.trained(None, "told") == "told"


def test_a_trace_is_started_again_by_what_was_set_and_holds_no_secret(monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    given = {"TOKEN": "secret", "OMP_NUM_THREADS": "1", "BITFORBIT_ENTROPY": "2"}
    assert evidence.given(given) == {"OMP_NUM_THREADS": "1", "BITFORBIT_ENTROPY": "2"}
