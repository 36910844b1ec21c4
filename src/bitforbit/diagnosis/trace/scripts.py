"""Trace a script: `bitforbit run` runs it as ever, then once more, in silence, with digests of every step.

The second run is another process, so that the first one, with the script's output and exit code, knows nothing of it.
Its own evidence is published into a temporary folder and held against the first run's.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bitforbit.diagnosis.trace import environment, observer, store
from bitforbit.diagnosis.trace.environment import TRACE_TO
from bitforbit.diagnosis.trace.tracer import Tracer
from bitforbit.evidence import canonical, runs
from bitforbit.policy import Policy, host
from bitforbit.training import identity


def contexts(name: str, path: str, arguments, seed: int, policy: Policy) -> tuple:
    """Return what stands around the script in this process: a tracer, where this is the silent run."""
    folder = os.environ.get(TRACE_TO)
    if not folder:
        return ()
    subject = {
        "kind": "script", "script": name, "source": canonical.file_digest(Path(path)), "arguments": list(arguments),
        "seed": seed, "policy": policy.record(), "stack": identity.stack(), "host_class": host.CPU_CLASS,
    }  # fmt: skip
    return (_traced(Path(folder), subject, Path(path)),)


@contextlib.contextmanager
def _traced(folder: Path, subject: dict, source: Path):
    tracer = Tracer(folder)
    try:
        yield
    finally:
        tracer.close({
            "subject": subject, "observer": observer.unchecked("unknown"),
            "environment": environment.record(source.absolute()), "rerun": environment.rerun(),
        })  # fmt: skip


def again(words: list[str], folder: Path, root: Path) -> list[str]:
    """Run the script once more with digests; return lines for the user.

    Args:
        words: the command line after `bitforbit`, without `--trace`.
        folder: where the trace goes.
        root: folder of all runs, with the first run's evidence.
    """
    target = folder.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bitforbit-traced-") as aside:
        command = [sys.executable, "-m", "bitforbit", words[0], "--runs", aside, *words[1:]]
        variables = os.environ | {TRACE_TO: str(target)}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if not store.is_trace(target):
            last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
            return [f"no trace was written: {last}"]
        traced, untraced = _results(Path(aside), root)
    if traced is None or untraced is None:
        verdict = observer.unchecked(traced or "unknown")
        line = "not checked: the two runs left no digests of weights to compare"
    else:
        # Two runs of a script may differ by themselves: `diagnose` tells, a third run here would not.
        word = observer.SAME if traced == untraced else observer.DIFFERENT
        verdict = {"verdict": word, "against": "the run before it", "traced": traced, "untraced": untraced}
        line = observer.sentence(verdict)
    store.amend(target, observer=verdict)
    trace = store.read(target)
    steps = sum(stream.steps for stream in trace.streams)
    return [f"trace {folder}: {steps} steps of {len(trace.streams)} models", f"observer: {line}",
            *(f"not traced: {note}" for note in trace.header["notes"])]  # fmt: skip


def _results(aside: Path, root: Path) -> tuple[str | None, str | None]:
    """Return the digests of what the traced and the untraced run have trained; `None` where there is nothing."""
    found = sorted(aside.glob(f"*/*/seed-*/{runs.RESULT}"))
    if not found:
        return None, None
    # By name and seed: what the hash of the folder covers may know of the trace.
    name, _, seed, _ = found[0].relative_to(aside).parts
    first = max(root.glob(f"{name}/*/{seed}/{runs.RESULT}"), key=lambda path: path.stat().st_mtime_ns, default=None)
    return _digest(found[0]), _digest(first) if first else None


def _digest(path: Path) -> str | None:
    try:
        content = json.loads(path.read_bytes())
    except OSError:
        return None
    if not content["fits"] and not content["models"]:
        return None
    return canonical.digest({key: content[key] for key in ("fits", "models", "exit_code", "epoch_digests")})
