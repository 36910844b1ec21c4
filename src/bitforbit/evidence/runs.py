"""A run's folder: published whole by one rename, and re-verified before it counts as done."""

import csv
import io
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import EvidenceError
from bitforbit.evidence import canonical

RESULT, RUN, HISTORY, DIGESTS, MODEL, CURVE = (
    "result.json", "run.json", "history.csv", "digests.csv", "model.keras", "loss.png",
)  # fmt: skip


TRAIN_AGAIN = "train again with --force; this folder is then kept aside."


class Published(NamedTuple):
    """A verified run.

    Attributes:
        folder: where it stands.
        result: the content of `result.json`.
        digest: SHA-256 of `result.json`, 64 hex digits.
    """

    folder: Path
    result: dict
    digest: str


def folder_of(root: Path, experiment: str, config_hash: str, seed: int) -> Path:
    """Return `<root>/<experiment>/<first 12 digits of the config hash>/seed-<seed>`."""
    return root / experiment / config_hash[:12] / f"seed-{seed}"


def verify(folder: Path, next_step: str = TRAIN_AGAIN) -> Published:
    """Read a published run and recompute the SHA-256 of each of its files.

    Args:
        folder: of the run.
        next_step: the advice where it is not whole.

    Raises:
        EvidenceError: a file is missing, unreadable, or not the one that was published.
    """
    try:
        run = json.loads((folder / RUN).read_bytes())
        expected = run["files"]
        for name, digest in expected.items():
            found = canonical.file_digest(folder / name)
            if found != digest:
                raise EvidenceError(
                    f"expected {folder / name} with SHA-256 {digest}, found {found}: the run was altered after it was"
                    f" published. Next step: {next_step}"
                )
        return Published(folder, json.loads((folder / RESULT).read_bytes()), expected[RESULT])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(
            f"expected a complete run in {folder}, found it damaged ({type(error).__name__}: {error})."
            f" Next step: {next_step}"
        ) from None


def seal(folder: Path, run: dict) -> None:
    """Write `run.json` with the SHA-256 of every other file in `folder`, and sync all of them."""
    names = sorted(path.name for path in folder.iterdir() if path.name != RUN)
    canonical.write(
        folder / RUN, canonical.dumps(run | {"files": {n: canonical.file_digest(folder / n) for n in names}})
    )
    sync(folder)


def publish(staged: Path, target: Path) -> Path:
    """Move a sealed folder to `target` by rename. A different result that stands there is never overwritten.

    Returns:
        Where the run stands: `target`.

    Raises:
        EvidenceError: `target` holds a run with another digest. Both are kept.
    """
    mine = canonical.file_digest(staged / RESULT)
    try:
        os.rename(staged, target)
    except OSError:
        if not target.exists():
            raise
        _replace(staged, target, mine)
    _sync(target.parent)
    return target


def _replace(staged: Path, target: Path, mine: str) -> None:
    """Another run stands at `target`: take its place where it has the same result, else keep both and say so."""
    try:
        theirs = verify(target).digest
    except EvidenceError:
        os.rename(target, _free(target, "damaged"))
        os.rename(staged, target)
        return
    if theirs == mine:
        aside = _free(target, "replaced")
        os.rename(target, aside)
        os.rename(staged, target)
        shutil.rmtree(aside)
        return
    kept = _free(target, f"differs-{mine[:12]}")
    os.rename(staged, kept)
    raise EvidenceError(
        f"expected the result {theirs[:16]} that stands in {target}, found {mine[:16]} for the same config and seed."
        f" Both are kept; the new one is {kept}. Next step: compare their result.json and digests.csv."
    )


def _free(target: Path, word: str) -> Path:
    candidates = (target.with_name(f"{target.name}.{word}" + (f".{n}" if n else "")) for n in range(10**6))
    return next(path for path in candidates if not path.exists())


def sync(folder: Path) -> None:
    """Make the files of a folder, and the folder, survive a loss of power."""
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def table(header: list[str], rows) -> bytes:
    """Return CSV text (`\\n` line ends) of rows whose floats are written in shortest round-trip form."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
