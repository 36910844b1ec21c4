"""data.lock: the SHA-256 of a project's own data files, recorded once and checked at each run.

A line is `<64 hex digits>  <path>`, as sha256sum writes it: `sha256sum -c data.lock` checks the same. Paths are
relative to the folder of data.lock, with `/`, sorted. `# whole folder <path>`, to sha256sum a comment, says that no
other file may lie there but hidden ones. Hashes of unchanged files are remembered, so that a large file is read once.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from bitforbit.errors import DataError, UsageError
from bitforbit.evidence import canonical, remembered

FILE = "data.lock"
WHOLE = "# whole folder "
REMEMBERED = Path(".bitforbit", "data.json")
SHOWN = 10


def find(start: Path) -> Path | None:
    """Return the data.lock of the nearest folder from `start` upwards that holds one or a pyproject.toml."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        if (folder / "pyproject.toml").is_file():
            return None
    return None


def read(lock: Path) -> dict[str, str]:
    """Return the SHA-256 of each recorded path; empty where there is no such file.

    Raises:
        DataError: a line is none of `<64 hex digits>  <path below the folder>`.
    """
    entries: dict[str, str] = {}
    for number, line in enumerate(_lines(lock), 1):
        if line.startswith("#"):
            continue
        found = re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)
        inside = found and not Path(found[2]).is_absolute() and ".." not in Path(found[2]).parts
        if not inside or found[2] in entries:
            raise DataError(
                f"expected `<sha256>  <path>` in line {number} of {lock}, each path once, found {line!r}."
                " Next step: bitforbit data add PATH, on a data.lock without this line."
            )
        entries[found[2]] = found[1]
    return entries


def whole_folders(lock: Path) -> list[str]:
    """Return the folders that were recorded whole, sorted."""
    return sorted(line.removeprefix(WHOLE) for line in _lines(lock) if line.startswith(WHOLE))


def _lines(lock: Path) -> list[str]:
    try:
        return lock.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise DataError(f"expected lines of text in {lock}, found: {error}") from None


def add(path: Path, lock: Path) -> dict[str, str | None]:
    """Record a file, or a folder whole: every file in it but hidden ones, through links too.

    Returns:
        The SHA-256 of what is new or changed, `None` for what was recorded and is gone.

    Raises:
        UsageError: there is no such file, it lies outside the lock's folder, or its name cannot stand in a line.
    """
    name = _name(path, lock.parent)
    before, folders = read(lock), set(whole_folders(lock))
    was_below = {known for known in before if known == name or known.startswith(f"{name}/")}
    if not (path.is_file() or path.is_dir()) and (path.exists() or not was_below):
        raise UsageError(f"expected a file or folder at {path}, found {'something else' if path.exists() else 'none'}")
    if name == "." or os.path.abspath(path) == os.path.abspath(lock):
        raise UsageError(f"expected data in the project, received {str(path)!r}. Next step: bitforbit data add data/")
    files = list(_files(path)) if path.is_dir() else [path] if path.exists() else []
    if path.exists() and not files:
        raise UsageError(f"expected files in {path}, found none")
    digests = remembered.Digests(lock.parent / REMEMBERED)
    found = {_name(file, lock.parent): digests.of(file) for file in files}
    digests.keep()
    # A hidden file that was recorded by its name stays.
    gone = sorted(known for known in was_below - found.keys() if not (lock.parent / known).is_file())
    changed = {name: digest for name, digest in found.items() if before.get(name) != digest} | dict.fromkeys(gone)
    whole = {folder for folder in folders if folder != name and not folder.startswith(f"{name}/")}
    if path.is_dir() and not any(name.startswith(f"{folder}/") for folder in whole):
        whole.add(name)
    if changed or whole != folders:
        after = {name: digest for name, digest in (before | found).items() if name not in gone}
        lines = [f"{WHOLE}{folder}\n" for folder in sorted(whole)]
        lines += [f"{digest}  {name}\n" for name, digest in sorted(after.items())]
        canonical.write(lock, "".join(lines).encode())
    return changed


def check(lock: Path) -> None:
    """Return where every recorded file is the recorded one, and nothing else lies in a folder recorded whole.

    Raises:
        DataError: one is missing, another, or too many; the first ones are named.
    """
    digests, complaints, recorded = remembered.Digests(lock.parent / REMEMBERED), [], read(lock)
    for name, expected in recorded.items():
        try:
            found = digests.of(lock.parent / name)
        except FileNotFoundError:
            complaints.append(f"{name}: missing")
            continue
        except OSError as error:
            complaints.append(f"{name}: cannot be read ({error.strerror})")
            continue
        if found != expected:
            complaints.append(f"{name}: changed, expected SHA-256 {expected}, found {found}")
    for folder in whole_folders(lock):
        try:
            inside = [os.path.relpath(file, lock.parent) for file in _files(lock.parent / folder)]
        except FileNotFoundError:  # as each of its files
            continue
        except OSError as error:
            complaints.append(f"{folder}: cannot be read ({error.strerror})")
            continue
        complaints += [f"{name}: not recorded" for name in inside if name not in recorded]
    digests.keep()
    if complaints:
        more = f"; and {len(complaints) - SHOWN} more" if len(complaints) > SHOWN else ""
        raise DataError(
            f"data is not as recorded in {lock}: {'; '.join(complaints[:SHOWN])}{more}."
            " Next step: put back what was recorded, or, if the change is meant, bitforbit data add PATH."
        )


def _files(folder: Path, around: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield the files below a folder but hidden ones, sorted; a link to a folder around it is not followed."""
    real = os.path.realpath(folder)
    if real in around:
        return
    for path in sorted(Path(folder).iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path, (*around, real))
        elif path.is_file():
            yield path


def _name(file: Path, root: Path) -> str:
    try:
        # Of the folder it lies in, not of where a link points: data may be linked from another disk.
        name = Path(os.path.abspath(file)).relative_to(os.path.abspath(root)).as_posix()
    except ValueError:
        raise UsageError(
            f"expected {file} in the project {root}, found it outside."
            " Next step: move it there, or link to it from data/"
        ) from None
    if not name.isprintable() or "\\" in name or name != name.strip():
        raise UsageError(f"expected a printable name without backslash, received {name!r}. Next step: rename the file")
    return name
