"""One spelling for each value, so that equal evidence is equal bytes; and writes that are whole or absent.

Canonical JSON here means: UTF-8, keys sorted, two spaces of indent, a newline at the end, no NaN or infinity, floats in
Python's shortest form that reads back to the same binary64. `sha256sum result.json` is the result's digest.
"""

import hashlib
import json
import os
from pathlib import Path


def dumps(value) -> bytes:
    """Return the canonical JSON of `value` (dicts with string keys, lists, strings, ints, floats, bools, None)."""
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def digest(value) -> str:
    """Return the SHA-256, in hex, of the canonical JSON of `value`."""
    return hashlib.sha256(dumps(value)).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256, in hex, of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside it, synced, then renamed over it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
