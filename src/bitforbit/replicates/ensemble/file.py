"""An ensemble's file: a `.keras` archive as any other, with one more text inside that says what its members must be.

Keras reads past `bitforbit.json`. The members' digests in it are those of their own `result.json`.
"""

import io
import json
import tempfile
import zipfile
from pathlib import Path

from bitforbit.errors import UsageError
from bitforbit.evidence import archive

RECORD = "bitforbit.json"
SCHEMA = "bitforbit ensemble 1"


def pack(model, record: dict) -> bytes:
    """Return the canonical bytes of an ensemble with its record."""
    from bitforbit.evidence import canonical

    with tempfile.TemporaryDirectory(prefix="bitforbit-") as folder:
        path = Path(folder) / "ensemble.keras"
        model.save(path)
        stock = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(stock, "a") as file:
        file.writestr(RECORD, canonical.dumps(record))
    return archive.canonical_bytes(stock.getvalue())


def read(path: Path) -> tuple[dict, dict]:
    """Return the record and Keras' own `config.json` of an ensemble's file.

    Raises:
        UsageError: there is no such file, it is no archive, or it was not made by `bitforbit ensemble`.
    """
    try:
        with zipfile.ZipFile(path) as file:
            record, config = json.loads(file.read(RECORD)), json.loads(file.read("config.json"))
    except FileNotFoundError:
        raise UsageError(f"expected an ensemble at {path}, found no such file. Next step: bitforbit ensemble") from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"expected an ensemble made by bitforbit ensemble at {path}, found another or a damaged file ({error})"
        ) from None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise UsageError(f"expected {path} to hold {SCHEMA!r}, found {str(record)[:60]}")
    return record, config
