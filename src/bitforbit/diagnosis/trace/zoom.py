"""Op level, for one step: the digest of every op's output, who made the op, and the values themselves.

A comparison starts a run again with `BITFORBIT_ZOOM` set; at the step that it names, the training function is made anew
with every op's output digested, and the process ends right after it. `op_callbacks` is private to TensorFlow, which is
why the lock pins the version; it is used in this file and in the audit only.
"""

import json
import os
import posix
import sys
from pathlib import Path
from typing import NamedTuple

from bitforbit.diagnosis.trace import native, sites, stacks

VARIABLE = "BITFORBIT_ZOOM"
REPORT, VALUES = "zoom.json", "values.npz"
# Values of a step are kept up to here; beyond, digests only.
LARGEST_BYTES = 256 << 20
# Ops without bytes of their own, or whose output is the graph's and not the run's.
SKIPPED = frozenset(("Const", "NoOp", "Placeholder", "Assert", "VarHandleOp", "Shape", "Size", "Rank"))


class Zoom(NamedTuple):
    """What a comparison asks for.

    Attributes:
        stream: name of the stream.
        step: counted from 0.
        folder: where the findings go.
        state: look at the state before the step, not at the step.
    """

    stream: str
    step: int
    folder: str
    state: bool = False

    def environment(self) -> dict[str, str]:
        return {VARIABLE: json.dumps(self._asdict())}


def asked() -> Zoom | None:
    """Return what this process was started for, if it was."""
    text = os.environ.get(VARIABLE)
    return Zoom(**json.loads(text)) if text else None


class Ops:
    """Listens to the ops of one step while it is traced or, eagerly, runs.

    Args:
        layer: returns the path of the layer that is being called.
    """

    def __init__(self, layer=lambda: ""):
        import tensorflow as tf

        self.graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        self.records: list[dict] = []
        self.digests = native.Digests()
        self._ring: native.Ring | None = None
        self._dtypes: dict[int, object] = {}
        self._eager: dict[int, object] = {}
        self._layer = layer
        self._noting = False
        self._places: dict[int, tuple] = {}

    def __enter__(self):
        from tensorflow.python.framework import op_callbacks

        op_callbacks.add_op_callback(self._note)
        return self

    def __exit__(self, *_):
        from tensorflow.python.framework import op_callbacks

        op_callbacks.remove_op_callback(self._note)

    def batch(self, path: str, value) -> None:
        """Take a part of the batch as the output of an op of its own."""
        for name, tensor in sites.leaves(path, value):
            if sites.graph_of(tensor) is self.graph and self._has_bytes(tensor):
                self._add("Batch", name, [], [tensor], ())

    def _note(self, op_type, inputs, attrs, outputs, op_name=None, graph=None):
        kind = _text(op_type)
        mine = graph is None if self.graph is None else graph is self.graph
        if not mine or kind in SKIPPED or self._noting:
            return
        # Eagerly, an op of ours would be noted in its turn, and so on.
        self._noting = True
        try:
            known = [self._places[id(tensor)][:2] for tensor in inputs if id(tensor) in self._places]
            self._add(kind, _text(op_name or kind), known, outputs or (), stacks.here())
        finally:
            self._noting = False

    def _add(self, kind: str, name: str, inputs: list, outputs, stack: tuple) -> None:
        number, record = len(self.records), {"type": kind, "name": name, "inputs": inputs, "stack": list(stack)}
        record |= {"layer": self._layer(), "outputs": []}
        for index, tensor in enumerate(outputs):
            if not self._has_bytes(tensor):
                continue
            self._places[id(tensor)] = (number, len(record["outputs"]), tensor)
            record["outputs"].append([index, len(self.digests)])
            self._keep(tensor)
            self.digests.add(tensor)
        if record["outputs"]:
            self.records.append(record)

    def _keep(self, tensor) -> None:
        import tensorflow as tf

        if tensor.dtype == tf.string:
            return
        self._dtypes[len(self.digests)] = tensor.dtype
        if self.graph is None:
            self._eager[len(self.digests)] = tensor

    def row(self):
        """Return the digests as a tensor; a graph also holds the values, without handing them out of it.

        As results of the step, hundreds of tensors would cost Grappler minutes.
        """
        if self.graph is not None:
            self._ring = native.Ring(len(self.digests), lambda: None, keep=True)
        return self.digests.row(self._ring)

    def values(self):
        """Yield `(column, array)` of the step that has run."""
        for column, dtype in self._dtypes.items():
            if self._ring:
                yield str(column), self._ring.value(column, dtype.as_numpy_dtype)
            else:
                yield str(column), self._eager[column]

    @staticmethod
    def _has_bytes(tensor) -> bool:
        import tensorflow as tf

        return tensor.dtype not in (tf.resource, tf.variant) and tensor.shape.rank is not None and (
            tensor.shape.num_elements() != 0
        )  # fmt: skip


def finish(zoom: Zoom, ops: Ops, row: list[str], found: dict) -> None:
    """Write what was found and end the process: nothing after this step is of interest, nothing is published.

    Args:
        ops: of the step, which has run.
        row: names of the step's coarse sites.
        found: what the zoomed step returned: `ops` and `row`, int64 digests.
    """
    import numpy as np

    coarse = dict(zip(row, np.asarray(found["row"]).tolist(), strict=True))
    report = {"ops": ops.records, "digests": np.asarray(found["ops"]).tolist(), "row": coarse}
    _end(zoom, report, ops.values())


def finish_state(zoom: Zoom, add) -> None:
    """Write the state that training starts from, and end the process.

    Args:
        add: adds the state's sites to a collector.
    """
    values: list[tuple] = []
    collector = sites.Collector(lambda name, tensor: values.append((name, tensor)))
    add(collector)
    row = dict(zip([site.name for site in collector.sites], collector.digests.values, strict=True))
    _end(zoom, {"ops": [], "digests": [], "row": row}, values)


def _end(zoom: Zoom, report: dict, values) -> None:
    """Write the report and, of `(name, value)` pairs, those that the budget has room for."""
    import numpy as np

    folder, kept, room = Path(zoom.folder), {}, LARGEST_BYTES
    for name, value in values:
        array = _array(value)
        if array.nbytes <= room:
            kept[name], room = array, room - array.nbytes
    np.savez(folder / VALUES, **kept)
    (folder / REPORT).write_text(json.dumps(report))
    sys.stdout.flush()
    sys.stderr.flush()
    # Past what `bitforbit run` puts into `os._exit` to keep evidence.
    posix._exit(0)


def _array(value):
    import numpy as np

    array = np.asarray(value)
    # bfloat16 is no type of NumPy's own: its bits are kept.
    return array if array.dtype.kind in "fiub" else array.view(np.uint16) if array.dtype.itemsize == 2 else array


def _text(value) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
