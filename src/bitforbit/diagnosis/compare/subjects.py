"""What is compared: a published run, a trace, or both; and whether the two are of one and the same training."""

import json
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis import trace
from bitforbit.errors import BitforbitError, UsageError
from bitforbit.evidence import runs


class CannotCompareError(BitforbitError):
    """Raised when two runs are not of the same training: which of config, data, policy, class differs is named."""


class Subject(NamedTuple):
    """One side of a comparison.

    Attributes:
        folder: as the user gave it.
        identity: what decides the bits, as `result.json` has it: `experiment`, `source`, `config`, `seed`, `policy`,
            `stack`, `host_class`, `data`.
        trace: digests of its steps, or `None`.
        result: content of `result.json`, or `None`.
        environment: what was recorded of the process and the host.
    """

    folder: Path
    identity: dict
    trace: trace.Trace | None
    result: dict | None
    environment: dict


def read(folder: Path) -> Subject:
    """Read a published run or a trace.

    Raises:
        UsageError: the folder is neither.
        EvidenceError: it is damaged.
    """
    if trace.is_trace(folder):
        found = trace.read(folder)
        return Subject(folder, found.header["subject"], found, None, found.header["environment"])
    if (folder / runs.RESULT).is_file() or (folder / runs.RUN).is_file():
        published = runs.verify(folder)
        run = json.loads((folder / runs.RUN).read_bytes())
        return Subject(folder, published.result, None, published.result, {"host": run.get("host", {})})
    raise UsageError(
        f"expected a published run or a trace in {folder}, found {'neither' if folder.is_dir() else 'no such folder'}."
        " Next step: bitforbit train --trace FOLDER, or the folder that train has printed"
    )


def obstacles(a: dict, b: dict) -> list[str]:
    """Return in what two identities differ so that their bits need not agree, each as `what: one, other`."""
    found = []
    for word, keys in (("experiment", ("kind", "experiment", "script")), ("config", ("source", "arguments", "seed"))):
        found += [
            f"{word}: {key} {_short(a.get(key))} and {_short(b.get(key))}" for key in keys if a.get(key) != b.get(key)
        ]
    found += _nested("config", a.get("config", {}), b.get("config", {}))
    found += _nested("policy", a.get("policy", {}), b.get("policy", {}), hidden=("digest",))
    found += _nested("class", a.get("stack", {}), b.get("stack", {}))
    if a.get("host_class") != b.get("host_class"):
        found.append(f"class: {a.get('host_class')} and {b.get('host_class')}")
    left, right = (_layout(side.get("data")) for side in (a, b))
    if left != right:
        names = sorted(key for key in left.keys() | right.keys() if left.get(key) != right.get(key))
        found.append(f"data: {names[0]} is {left.get(names[0], 'absent')} and {right.get(names[0], 'absent')}")
    return found


def _nested(word: str, a: dict, b: dict, hidden: tuple = ()) -> list[str]:
    keys = [key for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key) and key not in hidden]
    return [f"{word}: {key} {_short(a.get(key))} and {_short(b.get(key))}" for key in keys]


def _short(value) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _layout(data: dict | None) -> dict[str, str]:
    arrays = (data or {}).get("arrays", [])
    return {item["path"]: f"{item['dtype']} {tuple(item['shape'])}" for item in arrays}
