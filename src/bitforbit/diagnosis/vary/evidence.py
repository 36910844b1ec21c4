"""What a run left in its folder, as digests that can be compared; and what its trace holds to start it again."""

import json
import os
from pathlib import Path

from bitforbit.diagnosis.trace import environment
from bitforbit.evidence import canonical
from bitforbit.evidence.runs import RESULT

# What a change of surroundings alone may change in result.json.
NOT_OUTCOME = ("policy", "host_class", "config_hash")
NOTHING = "it trained nothing that could be compared: no fit, and no built Keras model among its global names"


def outcome_digest(result: dict) -> str:
    """Return the digest of a `result.json` without what only describes the surroundings."""
    return canonical.digest({key: value for key, value in result.items() if key not in NOT_OUTCOME})


def given(variables: dict[str, str]) -> dict[str, str]:
    """Leave out what the caller's environment holds as it is: a trace that is kept is no place for secrets."""
    deciding = environment.variables()
    return {name: value for name, value in variables.items() if name in deciding or os.environ.get(name) != value}


def trained(evidence: Path | None, told: str = "") -> str:
    """Return a digest of what a training left, the same with digests of steps and without.

    Args:
        evidence: folder of its `result.json`. A script's also tells what ops it has, to which digests add their own.
        told: the digest of the whole file, where nothing was published: an experiment with digests only trains.
    """
    if evidence is None:
        return told
    result = json.loads((evidence / RESULT).read_bytes())
    if "fits" not in result:
        return canonical.file_digest(evidence / RESULT)
    return canonical.digest({key: result[key] for key in ("fits", "models", "exit_code", "epoch_digests")})


def read(folder: Path, failure: str) -> tuple[str, str, Path | None, Path | None]:
    """Return what a run left in its folder: digest, why it counts as failed, folder of its evidence, its trace."""
    trace = folder / "trace" if (folder / "trace" / "trace.json").is_file() else None
    path = next(iter(sorted(folder.glob(f"runs/**/{RESULT}"))), None)
    if path is None:
        if trace and not failure:
            return json.loads((folder / "stdout").read_bytes())["observer"]["traced"], "", None, trace
        return "", failure or "left no result.json", None, trace
    result = json.loads(path.read_bytes())
    if "fits" in result and not (result["fits"] or result["models"]) and not failure:
        return "", NOTHING, path.parent, trace
    # A training that diverges does so again; a script may end with a code of its own.
    if failure.startswith("exit 3: ") or (result.get("status") == "exited" and (result["fits"] or result["models"])):
        failure = ""
    return "" if failure else outcome_digest(result), failure, path.parent, trace
