"""Start the interpreter anew, once, where a variable that it reads at start is missing or wrong."""

import os
import sys

from bitforbit.policy import readback
from bitforbit.policy.model import Policy

# Set on the second start: if a knob is still wrong then, the read-back names it instead of starting for ever.
RELAUNCHED = "BITFORBIT_RELAUNCHED"


# TensorFlow's own log lines say nothing of this policy and hide what does; a user's setting wins.
QUIET = ("TF_CPP_MIN_LOG_LEVEL", "3")


def ensure_environment(policy: Policy) -> None:
    """Return where every variable of the policy stands; else replace this process by one in which it does.

    The new process has the same command line, standard streams, working directory and process id. Under an emulator
    of another CPU the new process would leave the emulation in silence: set `bitforbit policy --env` beforehand.
    """
    os.environ.setdefault(*QUIET)
    if os.environ.get(RELAUNCHED) or all(reading.took for reading in readback.read_environment(policy)):
        return
    environment = {name: value for name, value in os.environ.items() if name not in policy.must_stay_unset}
    environment |= policy.environment() | {RELAUNCHED: "1"}
    environment.setdefault(*QUIET)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
