"""Which line of code made an op: the frames of the user and of Keras, without TensorFlow's and ours."""

import linecache

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
    """Return the calling frames that matter, as `file:line function`, the innermost last.

    Of a step that Keras calls, what stands outside of the step says nothing about an op and is left out.
    """
    from tensorflow.python.util import tf_stack

    # TensorFlow's, not Python's own: it knows the lines of functions that AutoGraph has rewritten.
    frames = tf_stack.extract_stack()
    found = []
    for frame in reversed(frames):
        name = frame.filename
        if frame.name == "collect" and name.endswith("/bitforbit/diagnosis/trace/tracer.py"):
            break
        if not name.startswith("<") and not any(part in name for part in _LIBRARY):
            found.append((name, frame.lineno, frame.name))
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
