"""Write a trace; its form on disk is in `stored`.

Until `Writer.close` all of it stands in a hidden folder beside: a trace is whole or absent.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.trace.sites import Site
from bitforbit.diagnosis.trace.stored import HEADER, LINK, SCHEMA, is_trace, link
from bitforbit.errors import UsageError
from bitforbit.evidence import canonical
from bitforbit.training import store as staging

# Digests of the first steps are kept up to here; at 44 sites that is 190,000 steps.
LARGEST_BYTES = 64 << 20


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


def require_writable(target: Path) -> None:
    """Raise `UsageError` where a trace could not be written to `target`: now, and not after a training."""
    Writer(target).discard()


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
