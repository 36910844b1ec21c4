"""The table of conditions: one row for each surrounding of a run, and how it is changed without privileges.

All of them come from the seed of the variation, none from chance. A row with a `source` can be searched event by event.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from bitforbit.diagnosis.vary import generators, sources
from bitforbit.diagnosis.vary.change import Change

PROGRAM, HOST = "program", "host"
HASH_SEED = "hash seed"


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        name: as in reports and `--only`.
        words: what a difference under it means.
        fix: the next step.
        change: what is changed against the control.
        kind: `program`: a difference is the program's own; `host`: the policy pins it, so that a difference tells how
            the program would do elsewhere without it.
        source: its numbered events, or `None`.
        missing: why this machine cannot vary it; empty where it can.
        pinned: how a difference of the kind `host` is introduced.
        generator: the module whose generator gets another seed; empty in the other rows.
    """

    name: str
    words: str
    fix: str
    change: Change
    kind: str = PROGRAM
    source: sources.Source | None = None
    missing: str = ""
    pinned: str = "host-sensitive, pinned by the policy"
    generator: str = ""


def table(seed: int = 1, pool_size: int = 2, files: tuple[str, ...] = (), of_script: bool = False) -> list[Condition]:
    """Return every condition, those with sources first.

    Args:
        seed: of the variation, from 1; recorded in the report.
        pool_size: the policy's, to take another one.
        files: what a run must be able to read, to know whether another user can.
        of_script: with the generators that `run` seeds; an experiment is built to draw from one seed.
    """
    own = _of_generators() if of_script else []
    return [*_of_sources(seed), *_of_surroundings(seed, files), *_of_the_host(seed, pool_size), *own]


def control() -> Change:
    """Return what every sealed run shares: each source from its first stream."""
    return Change({name: value for source in sources.ALWAYS for name, value in source.sealed().items()})


def _of_sources(seed: int) -> list[Condition]:
    titles = {"listing": "directory order", "threads": "thread timing"}
    return [
        Condition(titles.get(source.name, source.name), source.words, source.fix,
                  Change(source.sealed(1 + seed)), source=source)
        for source in sources.ALWAYS
    ]  # fmt: skip


def _of_surroundings(seed: int, files: tuple[str, ...]) -> list[Condition]:
    core = str(sorted(os.sched_getaffinity(0))[seed % len(os.sched_getaffinity(0))])
    one_core = "" if len(os.sched_getaffinity(0)) > 1 else "this process may use one core only"
    other_user = _setpriv(*files)
    still = ("setarch", "-R") if _works("setarch", "-R", "true") else ()
    home = os.environ.get("HOME", "/root")
    fonts = os.environ.get("MPLCONFIGDIR") or f"{home}/.cache/matplotlib"
    return [
        Condition("caller's variables", "a variable of the caller's environment passes through the policy",
                  "report it: the launcher sets these back",
                  Change({"PYTHONHASHSEED": str(16 + seed), "TZ": "Asia/Kolkata", "LC_ALL": "C",
                          "TF_NUM_INTRAOP_THREADS": "7", "OMP_NUM_THREADS": "3", "ONEDNN_MAX_CPU_ISA": "SSE41"})),
        Condition("user" if other_user else "user name", "the user's name or id reaches the result",
                  "take no path, name or seed from the user",
                  Change({"USER": "nobody", "LOGNAME": "nobody", "USERNAME": "nobody"}, other_user)),
        Condition("umask", "the mode of new files reaches the result", "set modes explicitly",
                  Change(prefix=("sh", "-c", 'umask 077; exec "$@"', "-"))),
        Condition("working directory", "the working directory reaches the result", "build paths from __file__",
                  Change(prefix=("env", "-C", "/"))),
        Condition("home", "a file in the home folder reaches the result", "name the file in the config",
                  Change({"HOME": "/nonexistent", "MPLCONFIGDIR": fonts})),
        Condition("host name", "the host's name reaches the result", "take no seed from the host's name",
                  Change({"BITFORBIT_HOSTNAME": f"other-{seed}"})),
        Condition("addresses", "addresses of objects reach the result: id(), or the order of a set of objects",
                  "order by a name or an index, never by id() or by a set of objects",
                  Change({"BITFORBIT_ADDRESSES": str(7919 * seed)}, still)),
        Condition("cores", "the number of usable cores, or what runs side by side on them, reaches the result",
                  "give every pool a fixed size; join threads in a fixed order",
                  Change(prefix=("taskset", "-c", core)), missing=one_core or _absent("taskset")),
        Condition("memory", "memory is read before it is written", "np.empty has no values: use np.zeros",
                  Change({"MALLOC_PERTURB_": str(1 + 164 * seed % 254), "PYTHONMALLOC": "malloc"})),
        Condition("load", "speed reaches the result: a deadline, a timeout or a race",
                  "count steps, not seconds; join threads in a fixed order",
                  Change(prefix=("nice", "-n", "19")), missing=_absent("nice")),
    ]  # fmt: skip


def _of_the_host(seed: int, pool_size: int) -> list[Condition]:
    other = pool_size - 1 if pool_size > 1 else 2
    unpinned = ("--no-strict",)
    return [
        Condition("thread pools", f"{other} in place of {pool_size} threads split sums and products elsewhere",
                  "nothing to do: the pool size is part of the policy",
                  Change(options=("--pool-size", str(other))), HOST),
        Condition("instruction set", "matrix products of another instruction set round elsewhere",
                  "nothing to do: the policy caps it",
                  Change({"ONEDNN_MAX_CPU_ISA": "SSE41"}, (), unpinned, True), HOST),
        Condition(HASH_SEED, "the order of a set of strings, or hash(), reaches the result",
                  "sort the set, take hashlib in place of hash(): under plain Python each start differs",
                  Change({"PYTHONHASHSEED": str(16 + seed)}, (), unpinned, True), HOST),
        Condition("time zone", "local time reaches the result", "use UTC",
                  Change({"TZ": "Asia/Kolkata"}, (), unpinned, True), HOST),
        Condition("locale", "the locale reaches the result", "open files with encoding='utf-8'; sort by bytes",
                  Change({"LC_ALL": "C"}, (), unpinned, True), HOST),
    ]  # fmt: skip


def _of_generators() -> list[Condition]:
    """Conditions of scripts alone: the generators that `run` seeds."""
    return [
        Condition(title, "the script draws from it, and does not seed it before",
                  "seed it in the script: keras.utils.set_random_seed(1) above the first use",
                  Change({variable: "1"}), HOST, pinned="seeded by bitforbit run only", generator=library)
        for title, library, variable in generators.ALL
    ]  # fmt: skip


def _setpriv(*files: str) -> tuple[str, ...]:
    """Another user id, where this process may take one and that user can read what a run reads; else nothing."""
    words = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    # Behind one more exec: the first one still has the old user's rights.
    script = "import sys, bitforbit.cli, numpy; [open(name, 'rb') for name in sys.argv[1:]]"
    return words if os.getuid() == 0 and _works(*words, "env", sys.executable, "-c", script, *files) else ()


def _works(*words: str) -> bool:
    return bool(shutil.which(words[0])) and subprocess.run(words, capture_output=True, cwd="/").returncode == 0


def _absent(program: str) -> str:
    return "" if shutil.which(program) else f"no {program} here"
