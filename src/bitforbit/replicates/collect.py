"""What the runs folder holds of each seed of one configuration, re-verified file by file.

It does not matter who trained a replicate, where and beside what: all engines end here.
"""

from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import EvidenceError
from bitforbit.evidence import runs

FINISHED, DIVERGED, FAILED, MISSING = "finished", "diverged", "failed", "missing"
FAILURE = "failed.txt"


class Replicate(NamedTuple):
    """One seed of one configuration.

    Attributes:
        seed: 0 to 2^64 - 1.
        status: `finished`; `diverged` (a loss or weight was not finite: the evidence up to then is kept); `failed`
            (its training ended with an error, or what stands there does not verify); `missing` (nothing yet).
        folder: where it stands, or would.
        result: the verified content of `result.json` where it finished or diverged, else `None`.
        digest: SHA-256 of `result.json`, 64 hex digits; empty where there is no result.
        note: one line on why it is not finished; empty where it is.
        differs: trained more than once, with different results; both are kept.
    """

    seed: int
    status: str
    folder: Path
    result: dict | None = None
    digest: str = ""
    note: str = ""
    differs: bool = False


def collect(root: Path, experiment: str, config_hash: str, seeds: list[int]) -> list[Replicate]:
    """Return one `Replicate` for each seed, in ascending order; every file of every run is hashed again.

    Args:
        root: folder of all runs.
        experiment: its name, as in `runs/<name>/`.
        config_hash: all 64 digits, as `identity.describe` gives them.
        seeds: which seeds; any order, no duplicates.

    Raises:
        EvidenceError: finished replicates claim different host classes, so they must not be mixed.
    """
    found = [collect_one(root, experiment, config_hash, seed) for seed in sorted(seeds)]
    classes: dict[str, int] = {}
    for replicate in found:
        if replicate.status == FINISHED:
            classes.setdefault(replicate.result["host_class"], replicate.seed)
    if len(classes) > 1:
        listed = ", ".join(f"{name} (seed {seed})" for name, seed in classes.items())
        raise EvidenceError(
            f"expected replicates of one host class, found {listed}. Next step: keep each class in a --runs of its own."
        )
    return found


def collect_one(root: Path, experiment: str, config_hash: str, seed: int) -> Replicate:
    """Return what stands for one seed; see `collect`."""
    folder = runs.folder_of(root, experiment, config_hash, seed)
    differing = sorted(path.name for path in folder.parent.glob(f"{folder.name}.*differs-*"))
    if differing:
        note = f"trained twice with different results: see {differing[0]}"
        return Replicate(seed, FAILED, folder, note=note, differs=True)
    diverged = folder.with_name(f"{folder.name}.diverged")
    try:
        if folder.exists() and diverged.exists():
            note = f"finished once and diverged once: see {diverged.name}"
            return Replicate(seed, FAILED, folder, note=note, differs=True)
        if folder.exists():
            return _verified(FINISHED, folder, experiment, config_hash, seed)
        if diverged.exists():
            return _verified(DIVERGED, diverged, experiment, config_hash, seed)
    except EvidenceError as error:
        return Replicate(seed, FAILED, folder, note=str(error))
    failure = folder.with_name(f"{folder.name}.{FAILURE}")
    if failure.exists():
        lines = failure.read_text(errors="replace").strip().splitlines() or ["no message"]
        return Replicate(seed, FAILED, folder, note=lines[0])
    return Replicate(seed, MISSING, folder)


def _verified(status: str, folder: Path, experiment: str, config_hash: str, seed: int) -> Replicate:
    published = runs.verify(folder)
    wanted = {"experiment": experiment, "config_hash": config_hash, "seed": seed, "status": status}
    for key, value in wanted.items():
        if published.result.get(key) != value:
            raise EvidenceError(f"expected {key} {value} in {folder}, found {published.result.get(key)}")
    note = "" if status == FINISHED else f"diverged after epoch {len(published.result['epochs'])}"
    return Replicate(seed, status, folder, published.result, published.digest, note)
