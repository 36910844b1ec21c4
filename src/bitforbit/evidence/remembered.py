"""SHA-256 of large files, read once: remembered by what no write leaves as it was.

That is device, inode, size and the times of content and inode to the nanosecond.
"""

import json
import os
import time
from pathlib import Path

from bitforbit.evidence import canonical

# A file that changed just now may change again within one tick of the file system's clock.
SETTLED_NS = 2_000_000_000


class Digests:
    """SHA-256 of files, remembered in a file that may go at any time.

    Args:
        path: of that file.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self.known = dict(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self.known = {}
        self.fresh: dict[str, str] = {}

    def of(self, file: Path) -> str:
        """Return the SHA-256 of a file, in hex.

        Raises:
            OSError: it cannot be read.
        """
        key = self._key(file)
        digest = self.known.get(key) or canonical.file_digest(file)
        if self._key(file) == key:
            self.fresh[key] = digest
        return digest

    def _key(self, file: Path) -> str:
        facts = os.stat(file)
        settled = time.time_ns() - max(facts.st_mtime_ns, facts.st_ctime_ns) > SETTLED_NS
        numbers = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
        return "-".join(map(str, numbers)) if settled else f"unsettled-{os.fspath(file)}"

    def keep(self) -> None:
        """Write what is known now, where the folder can be written; else files are hashed again next time."""
        kept = {key: digest for key, digest in self.fresh.items() if not key.startswith("unsettled")}
        if kept.items() <= self.known.items():
            return
        try:
            self.path.parent.mkdir(exist_ok=True)
            canonical.write(self.path, canonical.dumps(self.known | kept))
        except OSError:
            pass
