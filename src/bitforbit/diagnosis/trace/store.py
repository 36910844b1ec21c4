"""A trace on disk: a header, and for each stream a hash chain of every step and the digests of the steps in its window.

`trace.json`: what was traced, where, and each stream's sites. `<n>.chain`: 8 bytes for each step, the BLAKE2b of the
last 8 and the step's digests; the first step where two chains differ is the first step that differs, even where its
digests were not kept. `<n>.digests`: rows of little-endian int64, one column for each site, of the steps in the window.
Until `Writer.close` all of it stands in a hidden folder beside: a trace is whole or absent.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.trace.sites import Site
from bitforbit.errors import EvidenceError, UsageError
from bitforbit.evidence import canonical
from bitforbit.training import store as staging

HEADER, SCHEMA = "trace.json", "bitforbit trace 3"
LINK = 8
# Digests of the first steps are kept up to here; at 44 sites that is 190,000 steps.
LARGEST_BYTES = 64 << 20


def link(before: bytes, row: bytes) -> bytes:
    """Return the chain's next link: BLAKE2b of the link before and of the step's digests."""
    return hashlib.blake2b(before + row, digest_size=LINK).digest()


class Window(NamedTuple):
    """The steps whose digests are kept, `first` to before `end`."""

    first: int = 0
    end: int = 1 << 62


class StreamWriter:
    """Writes one stream; memory stays that of one block of rows.

    Raises `UsageError` where the disk is full: nobody can go on without the steps.

    Args:
        folder: where its files go.
        number: of the stream in this trace.
        name: of the model or optimizer.
        sites: columns of each row.
        window: steps to keep in full.
    """

    def __init__(self, folder: Path, number: int, name: str, sites: list[Site], window: Window):
        self.number, self.name, self.sites, self.window = number, name, sites, window
        self.steps = 0
        self.kept = 0
        self.epochs: list[list[int]] = []
        self.starts: list[tuple[int, dict[str, int]]] = []
        self._link = bytes(LINK)
        self._files = folder / f"{number}.chain", folder / f"{number}.digests"
        for file in self._files:
            file.touch()

    def append(self, rows) -> None:
        """Append steps, an int64 array of shape `(steps, sites)`."""
        rows = rows.astype("<i8", copy=False)
        links = bytearray()
        for row in rows:
            self._link = link(self._link, row.tobytes())
            links += self._link
        first = max(self.window.first - self.steps, 0)
        room = LARGEST_BYTES // max(8 * len(self.sites), 1) - self.kept
        kept = rows[first : max(min(self.window.end - self.steps, first + room), 0)]
        # Opened for each block: a script may train hundreds of models.
        for file, content in zip(self._files, (links, kept.tobytes()), strict=True):
            try:
                with open(file, "ab") as opened:
                    opened.write(content)
            except OSError as error:
                raise UsageError(
                    f"expected to write the trace's steps to {file.parent}, found: {error.strerror}."
                    " Next step: free some space, or keep fewer steps with --window A:B"
                ) from None
        self.kept += len(kept)
        self.steps += len(rows)

    def record(self) -> dict:
        return {
            "name": self.name,
            "sites": [[site.name, site.dtype, None if site.shape is None else list(site.shape)] for site in self.sites],
            "steps": self.steps,
            "chain": canonical.file_digest(self._files[0]),
            "kept": [self.window.first, self.window.first + self.kept],
            "epochs": self.epochs,
            "starts": [[step, state] for step, state in self.starts],
        }

    def sync(self) -> None:
        for file in self._files:
            with open(file, "rb+") as opened:
                os.fsync(opened.fileno())


def require_free(target: Path) -> None:
    """Raise `UsageError` where something else than a trace stands at `target`."""
    if target.exists() and not is_trace(target):
        raise UsageError(f"expected {target} to be free or a trace, found something else. Next step: another name.")


class Writer:
    """Writes a trace, whole or not at all.

    Raises:
        UsageError: the target stands there already and is no trace, or cannot be written.
    """

    def __init__(self, target: Path, window: Window = Window()):  # noqa: B008  (a value)
        self.target, self.window = target, window
        self.streams: list[StreamWriter] = []
        self.aside = staging.staged(target)
        require_free(target)
        try:
            shutil.rmtree(self.aside, ignore_errors=True)
            self.aside.mkdir(parents=True)
            staging.sweep(target.parent)
        except OSError as error:
            raise UsageError(f"expected to write a trace to {target}, found: {error.strerror}") from None

    def stream(self, name: str, sites: list[Site]) -> StreamWriter:
        self.streams.append(StreamWriter(self.aside, len(self.streams), self.free(name), sites, self.window))
        return self.streams[-1]

    def free(self, name: str) -> str:
        """Return the name, with a number where an earlier stream has it."""
        names = {stream.name for stream in self.streams}
        if name not in names:
            return name
        return next(f"{name} ({n})" for n in range(2, 10**6) if f"{name} ({n})" not in names)

    def close(self, header: dict) -> None:
        """Write the header and move the trace to its place; an older trace makes way."""
        for stream in self.streams:
            stream.sync()
        records = [stream.record() for stream in self.streams]
        canonical.write(self.aside / HEADER, canonical.dumps({"schema": SCHEMA, **header, "streams": records}))
        staging.put(self.aside, self.target)

    def discard(self) -> None:
        shutil.rmtree(self.aside, ignore_errors=True)


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
