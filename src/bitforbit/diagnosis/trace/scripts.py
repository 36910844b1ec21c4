"""Trace a script: `bitforbit run` runs it as ever, then once more, in silence, with digests of every step.

The second run is another process, so that the first one, with the script's output and exit code, knows nothing of it.
Its own evidence is published beside the trace's place and held against the first run's; then the trace is put there.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

from bitforbit.diagnosis.said import last_words
from bitforbit.diagnosis.trace import environment, observer, second, stored
from bitforbit.diagnosis.trace.environment import TRACE_TO
from bitforbit.diagnosis.trace.tracer import Tracer
from bitforbit.errors import EvidenceError
from bitforbit.evidence import canonical, runs
from bitforbit.policy import Policy, host
from bitforbit.training import identity
from bitforbit.training import store as staging


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


def again(words: list[str], folder: Path, root: Path, code: int) -> list[str]:
    """Run the script once more with digests; return lines for the user.

    Args:
        words: the command line after `bitforbit`, without `--trace`.
        folder: where the trace goes.
        root: folder of all runs, with the first run's evidence.
        code: the first run's exit code.

    Raises:
        EvidenceError: no trace was written; with its verdict it is whole, or absent.
    """
    try:
        with second.run(), staging.beside(folder.absolute()) as aside:
            return _again(words, folder, aside, root, code)
    except OSError as error:
        raise EvidenceError(f"no trace was written: {error.strerror}: {error.filename}") from None


def _again(words: list[str], folder: Path, aside: Path, root: Path, code: int) -> list[str]:
    command = [sys.executable, "-m", "bitforbit", words[0], "--runs", str(aside / "runs"), *words[1:]]
    variables = os.environ | {TRACE_TO: str(aside / "trace")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
    if not stored.is_trace(aside / "trace"):
        raise EvidenceError(f"no trace was written: {lines[-1].removeprefix('bitforbit run: ')}")
    traced, untraced = _results(aside / "runs", root)
    if traced is None or untraced is None:
        verdict = observer.unchecked(traced or "unknown")
        line = "not checked: the two runs left no digests of weights to compare"
    else:
        # Two runs of a script may differ by themselves: `diagnose` tells, a third run here would not.
        word = observer.SAME if traced == untraced else observer.DIFFERENT
        verdict = {"verdict": word, "against": "the run before it", "traced": traced, "untraced": untraced}
        line = observer.sentence(verdict)
    stored.amend(aside / "trace", observer=verdict)
    staging.put(aside / "trace", folder.absolute())
    trace = stored.read(folder)
    steps = sum(stream.steps for stream in trace.streams)
    models = "1 model" if len(trace.streams) == 1 else f"{len(trace.streams)} models"
    told = [f"trace {folder}: {steps} steps of {models}", f"observer: {line}"]
    if done.returncode != code:
        told.append(f"the run with digests ended with exit {done.returncode}, not {code}: {last_words(lines)}")
    return told + [f"not traced: {note}" for note in trace.header["notes"]]


def _results(aside: Path, root: Path) -> tuple[str | None, str | None]:
    """Return the digests of what the traced and the untraced run have trained; `None` where there is nothing."""
    found = sorted(aside.glob(f"*/*/seed-*/{runs.RESULT}"))
    if not found:
        return None, None
    # By name and seed: what the hash of the folder covers may know of the trace.
    name, _, seed, _ = found[0].relative_to(aside).parts
    # A run that gave another result than an older one stands beside it.
    places = [path for where in (seed, f"{seed}.differs-*") for path in root.glob(f"{name}/*/{where}/{runs.RESULT}")]
    first = max(places, key=lambda path: path.stat().st_mtime_ns, default=None)
    return _digest(found[0]), _digest(first) if first else None


def _digest(path: Path) -> str | None:
    try:
        content = json.loads(path.read_bytes())
    except OSError:
        return None
    if not content["fits"] and not content["models"]:
        return None
    return canonical.digest({key: content[key] for key in ("fits", "models", "exit_code", "epoch_digests")})
