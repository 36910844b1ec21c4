"""Which line of code made an op: the frames of the user and of Keras, without TensorFlow's and ours."""

import linecache
import sys

_LIBRARY = (
    "/tensorflow/",
    "/bitforbit/diagnosis/",
    "/bitforbit/training/",
    "/bitforbit/commands/",
    "/bitforbit/cli.py",
    "/bitforbit/__main__",
    "/bin/bitforbit",
    "/contextlib.py",
    "/threading.py",
    "/absl/",
    "/runpy.py",
)
_KERAS_PLUMBING = (
    "/keras/src/utils/traceback_utils.py", "/keras/src/layers/layer.py", "/keras/src/ops/operation.py",
    "/keras/src/ops/function.py", "/keras/src/models/", "/keras/src/backend/tensorflow/trainer.py",
    "/keras/src/backend/tensorflow/layer.py",
)  # fmt: skip


def here() -> tuple[str, ...]:
    """Return the calling frames that matter, as `file:line function`, the innermost last."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith("<") and not any(part in name for part in _LIBRARY):
            found.append((name, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    found.reverse()
    kept = [entry for entry in found if not any(part in entry[0] for part in _KERAS_PLUMBING)]
    return tuple(f"{name}:{line} {function}" for name, line, function in (kept or found)[-8:])


def short(entry: str) -> str:
    """Return `file:line` with an installed package's path from the package on."""
    place = entry.rpartition(" ")[0] or entry
    return place.rpartition("/site-packages/")[2]


def code(entry: str) -> str:
    """Return the text of an entry's line, empty where its file cannot be read here."""
    name, _, line = (entry.rpartition(" ")[0]).rpartition(":")
    return linecache.getline(name, int(line)).strip() if line.isdecimal() else ""
