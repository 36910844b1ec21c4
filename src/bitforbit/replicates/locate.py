"""Find a configuration that was trained already, by its folder or by a short name, and the seeds that stand in it."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import EvidenceError, UsageError
from bitforbit.evidence import runs
from bitforbit.replicates import collect
from bitforbit.training import seeds as all_seeds

_SEED = re.compile(r"seed-(\d+)(\.diverged|\.failed\.txt|\.differs-.*)?")


class Place(NamedTuple):
    """One configuration's folder.

    Attributes:
        folder: `<root>/<experiment>/<first 12 digits of the config hash>`.
        experiment: its name.
        config_hash: 64 hex digits.
    """

    folder: Path
    experiment: str
    config_hash: str

    def collect(self, seeds: list[int] | None = None) -> list[collect.Replicate]:
        """Return the replicates of `seeds`, by default of every seed that left anything here, re-verified."""
        chosen = standing(self.folder) if seeds is None else seeds
        return collect.collect(self.folder.parents[1], self.experiment, self.config_hash, chosen)


def find(text: str, root: Path) -> Place:
    """Return the configuration that `text` names.

    Args:
        text: a folder; or `<experiment>/<start of the config hash>` below `root`; or `<experiment>`, where there is
            one configuration of it.
        root: folder of all runs.

    Raises:
        UsageError: there is none, or there are several.
    """
    folder = Path(text)
    if not folder.is_dir() or not standing(folder):
        name, _, start = text.strip("/").partition("/")
        found = [path for path in sorted(root.glob(f"{name}/{start}*")) if path.is_dir() and standing(path)]
        if not found:
            raise UsageError(
                f"expected {text} to be a folder of runs, or EXPERIMENT/HASH below {root}, found no seeds there."
                " Next step: bitforbit replicate"
            )
        if len(found) > 1:
            told = ", ".join(f"{path.parent.name}/{path.name}" for path in found)
            raise UsageError(f"expected {text} to name one configuration below {root}, found {told}")
        folder = found[0]
    folder = folder.resolve()
    return Place(folder, folder.parent.name, _hash(folder))


def standing(folder: Path) -> list[int]:
    """Return the seeds that left anything in `folder`, ascending: finished, diverged, failed or contradicting."""
    matches = (_SEED.fullmatch(path.name) for path in folder.iterdir())
    return sorted({int(match[1]) for match in matches if match and int(match[1]) <= all_seeds.LARGEST})


def _hash(folder: Path) -> str:
    for path in sorted(folder.glob(f"seed-*/{runs.RESULT}")):
        try:
            found = json.loads(path.read_bytes())["config_hash"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(found, str) and found.startswith(folder.name):
            return found
    raise EvidenceError(
        f"expected {folder} to hold a finished run of config {folder.name}, found none. Next step: bitforbit replicate"
    )
