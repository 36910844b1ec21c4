"""Write a Keras model as a `.keras` file with canonical bytes: two equal models give the same file.

Keras writes the time of saving, zip times and addresses of Python objects (`shared_object_id`) into the archive. Here
members stand in the order of their names, uncompressed, with the zip format's first date; ids are numbered as they
come. The weights' HDF5 file holds no times as Keras writes it.
"""

import io
import json
import tempfile
import zipfile
from pathlib import Path

from bitforbit.evidence import canonical

FIRST_DATE = (1980, 1, 1, 0, 0, 0)
DATE_SAVED = "1980-01-01@00:00:00"


def write_model(model, path: Path) -> None:
    """Save a built Keras model to `path`; `keras.saving.load_model` reads it as any other `.keras` file."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".archive-") as folder:
        stock = Path(folder) / "model.keras"
        model.save(stock)
        content = canonical_bytes(stock.read_bytes())
    canonical.write(path, content)


def canonical_bytes(archive: bytes) -> bytes:
    """Return the canonical form of a `.keras` archive's bytes; applied twice, it changes nothing."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as sink:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                content = _metadata(content)
            elif name == "config.json":
                content = _config(content)
            member = zipfile.ZipInfo(name, FIRST_DATE)
            member.external_attr = 0o644 << 16
            member.create_system = 3
            sink.writestr(member, content)
    return target.getvalue()


def _metadata(content: bytes) -> bytes:
    return canonical.dumps(json.loads(content) | {"date_saved": DATE_SAVED})


def _config(content: bytes) -> bytes:
    config = json.loads(content)
    _number_shared_objects(config, {})
    return canonical.dumps(config)


def _number_shared_objects(value, numbers: dict) -> None:
    if isinstance(value, dict):
        if "shared_object_id" in value:
            value["shared_object_id"] = numbers.setdefault(value["shared_object_id"], len(numbers) + 1)
        # Sorted, because Keras' own order of keys may differ between versions of Python.
        for key in sorted(value):
            _number_shared_objects(value[key], numbers)
    elif isinstance(value, list):
        for item in value:
            _number_shared_objects(item, numbers)
