"""A trace on disk: a header, and for each stream a hash chain of every step and the digests of the steps in its window.

`trace.json`: what was traced, where, and each stream's sites. `<n>.chain`: 8 bytes for each step, the BLAKE2b of the
last 8 and the step's digests; the first step where two chains differ is the first step that differs, even where its
digests were not kept. `<n>.digests`: rows of little-endian int64, one column for each site, of the steps in the window.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.trace.sites import Site
from bitforbit.errors import EvidenceError
from bitforbit.evidence import canonical

HEADER, SCHEMA = "trace.json", "bitforbit trace 3"
LINK = 8


def link(before: bytes, row: bytes) -> bytes:
    """Return the chain's next link: BLAKE2b of the link before and of the step's digests."""
    return hashlib.blake2b(before + row, digest_size=LINK).digest()


class Stream(NamedTuple):
    """One stream of a trace, read.

    Attributes:
        name: of the model or optimizer.
        sites: columns of `digests`.
        steps: how many were traced.
        kept: steps whose digests are there.
        epochs: `(epoch, first step)`, epochs counted from 1.
        starts: `(step, state)`: what stood in the state's sites when a fit began before `step`.
        chain: array of shape `(steps,)`, 8 bytes each.
        digests: int64 array of shape `(kept steps, sites)`.
    """

    name: str
    sites: list[Site]
    steps: int
    kept: range
    epochs: list[tuple[int, int]]
    starts: list[tuple[int, dict[str, int]]]
    chain: object
    digests: object

    def row(self, step: int):
        """Return the digests of a kept step, an int64 array of shape `(sites,)`.

        Raises:
            EvidenceError: they do not give the step's link of the chain.
        """
        row = self.digests[step - self.kept.start]
        before = self.chain[step - 1].tobytes() if step else bytes(LINK)
        if link(before, row.tobytes()) != self.chain[step].tobytes():
            raise EvidenceError(
                f"expected the digests of step {step} of {self.name} to give its link of the chain, found that they do"
                " not: the trace is damaged. Next step: bitforbit trace EXPERIMENT --to FOLDER"
            )
        return row


class Trace(NamedTuple):
    """A trace, read; `header` is `trace.json` without its streams."""

    folder: Path
    header: dict
    streams: list[Stream]


def is_trace(folder: Path) -> bool:
    return (folder / HEADER).is_file()


def read(folder: Path) -> Trace:
    """Read a trace; its digests stay on disk until they are looked at.

    Raises:
        EvidenceError: there is none, it is damaged, or another version of bitforbit wrote it.
    """
    try:
        header = json.loads((folder / HEADER).read_bytes())
        if header["schema"] != SCHEMA:
            raise EvidenceError(
                f"expected a trace of this version in {folder}, {SCHEMA!r}, found {header['schema']!r}, whose digests"
                " are others. Next step: trace again, bitforbit trace EXPERIMENT --to FOLDER"
            )
        streams = [_read_stream(folder, number, record) for number, record in enumerate(header.pop("streams"))]
        return Trace(folder, header, streams)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvidenceError(
            f"expected a trace in {folder}, found none or a damaged one ({type(error).__name__}: {error})."
            " Next step: bitforbit trace EXPERIMENT --to FOLDER"
        ) from None


def _read_stream(folder: Path, number: int, record: dict) -> Stream:
    import numpy as np

    sites = [Site(name, dtype, None if shape is None else tuple(shape)) for name, dtype, shape in record["sites"]]
    kept = range(*record["kept"])
    chain = np.fromfile(folder / f"{number}.chain", "<u8")
    path = folder / f"{number}.digests"
    digests = np.memmap(path, "<i8", "r") if path.stat().st_size else np.zeros(0, "<i8")
    if len(chain) != record["steps"] or len(digests) != len(kept) * len(sites):
        raise ValueError(f"stream {number} has {len(chain)} steps, its header says {record['steps']}")
    if canonical.file_digest(folder / f"{number}.chain") != record["chain"]:
        raise ValueError(f"{number}.chain is not the one that was written")
    return Stream(
        record["name"], sites, record["steps"], kept, [tuple(pair) for pair in record["epochs"]],
        [(step, state) for step, state in record["starts"]], chain, digests.reshape(len(kept), len(sites)),
    )  # fmt: skip


def amend(folder: Path, **changes) -> None:
    """Change keys of a trace's header, as `observer` after the check."""
    header = json.loads((folder / HEADER).read_bytes())
    canonical.write(folder / HEADER, canonical.dumps(header | changes))
