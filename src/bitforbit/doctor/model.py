"""What the doctor says: one finding a line. And what it looks with: an eye that tests replace."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

OK, WARNING, FAILURE, NONE = "ok", "warning", "failure", "none"


class Finding(NamedTuple):
    """One line of the report.

    Attributes:
        check: what was looked at, as `driver`.
        state: `ok`, `warning` (works, but), `failure` (does not work) or `none` (not here, and not needed).
        found: what was seen, and for a warning or failure why that is one.
        fix: one command that mends it; empty where nothing is to be mended.
    """

    check: str
    state: str
    found: str
    fix: str = ""


class Answer(NamedTuple):
    """What a command gave: exit code (127: no such command, 124: it hung), and its two streams as text."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The last line that tells something, of stderr before stdout."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Eye:
    """Asks the system. Tests hand in another one, with recorded answers."""

    def run(self, *command: str, seconds: float = 20) -> Answer:
        """Run a command, never raising: see `Answer` for the codes."""
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=seconds, stdin=subprocess.DEVNULL
            )
        except FileNotFoundError:
            return Answer(127, "", f"{command[0]}: not found")
        except subprocess.TimeoutExpired:
            return Answer(124, "", f"{command[0]} gave no answer within {seconds:g} s")
        except OSError as error:
            return Answer(126, "", f"{command[0]}: {error.strerror}")
        return Answer(done.returncode, done.stdout, done.stderr)

    def read(self, path: str) -> str | None:
        """Return a text file's content, or `None` where it cannot be read."""
        try:
            return Path(path).read_text(errors="replace")
        except OSError:
            return None

    def glob(self, pattern: str) -> list[str]:
        """Return the paths that match an absolute pattern, sorted."""
        return sorted(str(path) for path in Path("/").glob(pattern.lstrip("/")))

    def environment(self, name: str) -> str | None:
        return os.environ.get(name)


def version(text: str) -> tuple[int, ...]:
    """Return `535.104.05` as `(535, 104, 5)`; parts that are no numbers end it."""
    parts: list[int] = []
    for part in text.strip().split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
