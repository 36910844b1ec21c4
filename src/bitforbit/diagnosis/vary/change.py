"""One change of a run's surroundings as a value: variables, words before the interpreter, options; and as a command."""

import os
import shlex
from dataclasses import dataclass, field

from bitforbit.policy import Policy, knobs
from bitforbit.policy.launcher import RELAUNCHED

# What decides nothing of the training: kept out of the printed commands.
SILENT = ("BITFORBIT_SEAL_LOG", "BITFORBIT_FIRST_USE", "MPLCONFIGDIR", "TF_CPP_MIN_LOG_LEVEL", "COLUMNS")
# Variables of ours that say where something lies, as in the image; the others are the change's to set.
PLACES = ("BITFORBIT_KERNELS", "BITFORBIT_DATA")


@dataclass(frozen=True)
class Change:
    """A change of surroundings; `a | b` is both, b's variables winning.

    Attributes:
        variables: environment variables to set.
        prefix: words before the interpreter, each group a command that executes the rest: `taskset -c 0`.
        options: words added to the end of the command line.
        unpinned: the variables stand in place of the policy's, which the launcher then does not set back.
    """

    variables: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    unpinned: bool = False

    def __or__(self, other: "Change") -> "Change":
        return Change(
            self.variables | other.variables,
            self.prefix + other.prefix,
            self.options + other.options,
            self.unpinned or other.unpinned,
        )


def environment(change: Change, policy: Policy) -> dict[str, str]:
    """Return the whole environment of a child: the caller's without what decides bits, the policy's, the change's.

    A variable of the policy that a pinned change sets stands in the child's environment as a caller would leave it; the
    launcher then sets it back.
    """
    ours = set(policy.environment()) | set(knobs.MUST_STAY_UNSET) | {RELAUNCHED, "LD_PRELOAD"}
    kept = {k: v for k, v in os.environ.items() if k not in ours and (k in PLACES or not k.startswith("BITFORBIT_"))}
    marked = {RELAUNCHED: "1"} if change.unpinned else {}
    return kept | {"TF_CPP_MIN_LOG_LEVEL": "3"} | policy.environment() | marked | change.variables


def command_line(change: Change, words: list[str], prefix: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> str:
    """Return one complete line for a shell that does what a child did.

    Args:
        change: what was changed.
        words: the interpreter, its module and options.
        prefix: words before all others that no change adds.
        after: words that stay last.
    """
    variables = {name: value for name, value in change.variables.items() if name not in SILENT}
    settings = [shlex.quote(f"{name}={value}") for name, value in variables.items()]
    if change.unpinned:
        policy_environment = shlex.join([words[0], "-m", "bitforbit", "policy", "--env"])
        settings = [f"$({policy_environment})", f"{RELAUNCHED}=1", *settings]
    start = ["env", *settings] if settings else []
    return " ".join([*start, shlex.join([*prefix, *change.prefix, *words, *change.options, *after])])
