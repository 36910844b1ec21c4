"""However cookiecutter ends half-way, nothing half-made stays; what was there before does."""

import subprocess
import sys
import time

import pytest
from support import PROJECT

# cookiecutter as a user runs it, but at one moment what is to happen happens: while it copies, or while a hook runs.
RUN = """
import os, resource, shutil, signal, sys
import cookiecutter.hooks
from cookiecutter.__main__ import main

moment, event, *sys.argv[1:] = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts in the background ignore it

def happen():
    if event == "disk full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    elif event == "SIGINT":
        os.killpg(0, signal.SIGINT)  # Ctrl-C reaches everyone in the terminal's foreground
    elif event != "nothing":
        os.kill(os.getpid(), getattr(signal, event))

def then(function, here=lambda *words: True):
    def changed(*words, **more):
        result = function(*words, **more)
        if here(*words):
            happen()
        return result
    return changed

if moment == "copying":
    shutil.copytree = then(shutil.copytree)
else:
    Popen = cookiecutter.hooks.subprocess.Popen
    started = []
    number = {"the first hook": 1, "the last hook": 2}[moment]
    cookiecutter.hooks.subprocess.Popen = then(Popen, lambda *words: started.append(1) or len(started) == number)
main()
"""


def run(folder, moment, event, *words):
    command = [sys.executable, "-c", RUN, moment, event, "--no-input", *words, str(PROJECT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, start_new_session=True, timeout=60)
    time.sleep(0.3)  # a hook that outlived it
    return done


@pytest.mark.parametrize(
    ("moment", "event"),
    [(m, e) for m in ("copying", "the last hook") for e in ("SIGINT", "SIGTERM", "SIGKILL")]
    + [("copying", "disk full")],
)
def test_nothing_half_made_stays(tmp_path, moment, event):
    done = run(tmp_path, moment, event)
    assert done.returncode != 0
    line = f"bitforbit starter: cookiecutter ended before the project was whole; removed {tmp_path}/my-project"
    assert line in done.stderr.splitlines()
    assert not list(tmp_path.iterdir())


def test_nor_where_it_ends_before_the_guard_is_there(tmp_path):
    done = run(tmp_path, "the first hook", "SIGKILL")
    assert done.returncode != 0 and not list(tmp_path.iterdir())


def test_files_of_the_users_stay(tmp_path):
    (tmp_path / "my-project").mkdir()
    (tmp_path / "my-project" / "mine").write_text("mine")
    assert run(tmp_path, "copying", "SIGKILL", "--overwrite-if-exists").returncode != 0
    assert (tmp_path / "my-project" / "mine").read_text() == "mine"


def test_what_was_to_be_kept_stays(tmp_path):
    assert run(tmp_path, "copying", "SIGINT", "--keep-project-on-failure").returncode != 0
    assert (tmp_path / "my-project" / "docker").is_dir()


def test_a_whole_project_stays(tmp_path):
    run(tmp_path, "copying", "nothing")
    project = tmp_path / "my-project"
    assert (project / "Makefile").is_file() and not (project / ".unfinished").exists()
