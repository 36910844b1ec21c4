"""The launcher starts the interpreter anew once, keeps the command line, and never loops."""

import subprocess
import sys

from support import PROJECT, clean_environment

SCRIPT = """
import os, sys
from bitforbit.policy import Policy, launcher
print("start", os.getpid(), sys.flags.hash_randomization, sys.argv[1:], flush=True)
launcher.ensure_environment(Policy())
print("go", os.getpid(), os.environ.get("TF_XLA_FLAGS"), os.environ["TF_CPP_MIN_LOG_LEVEL"], sys.stdin.read())
"""


def start(**changes):
    command = [sys.executable, "-X", "dev", "-c", SCRIPT, "a b", "--x"]
    done = subprocess.run(
        command, cwd=PROJECT, env=clean_environment(**changes), input="in", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_one_new_start_with_the_same_process_arguments_and_input():
    first, second, last = start(PYTHONHASHSEED="5", TF_XLA_FLAGS="--x", TF_CPP_MIN_LOG_LEVEL=None)
    pid = first.split()[1]
    assert first == f"start {pid} 1 ['a b', '--x']"
    assert second == f"start {pid} 0 ['a b', '--x']"
    assert last == f"go {pid} None 3 in"


def test_no_new_start_where_all_is_set():
    from bitforbit.policy import Policy

    lines = start(**Policy().environment())
    assert [line.split()[0] for line in lines] == ["start", "go"]


def test_never_a_second_new_start():
    lines = start(PYTHONHASHSEED="5", BITFORBIT_RELAUNCHED="1")
    assert [line.split()[0] for line in lines] == ["start", "go"]
