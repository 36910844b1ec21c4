"""Reductions, scans and segment sums: their order of additions is what threads, caches and packets decide."""

from collections.abc import Iterator

from bitforbit.audit.cases.model import FLOATS, REALS, Case
from bitforbit.audit.inputs import In

# Shape and axes: all, inner, outer, middle, outer and inner.
REDUCED = (
    ((1,), (0,)),
    ((17,), (0,)),
    ((40009,), (0,)),
    ((37, 129), (0, 1)),
    ((37, 129), (1,)),
    ((37, 129), (0,)),
    ((1025, 65), (0,)),
    ((7, 65, 33), (1,)),
    ((7, 65, 33), (0, 2)),
    ((3, 9, 5, 7), (0, 1, 2)),
    ((3, 9, 5, 7), (1, 2)),
    ((300, 1000), (1,)),
)
SUMS = {"Sum": FLOATS, "Mean": FLOATS, "Prod": FLOATS, "EuclideanNorm": FLOATS, "Max": FLOATS, "Min": FLOATS}
SCANS = {"Cumsum": FLOATS, "Cumprod": FLOATS, "CumulativeLogsumexp": ("float32", "float64", "float16")}
UNSORTED = ("UnsortedSegmentSum", "UnsortedSegmentProd", "UnsortedSegmentMax", "UnsortedSegmentMin")
SORTED = ("SegmentSum", "SegmentMean", "SegmentProd", "SegmentMax", "SegmentMin")
SPARSE = ("SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN")


def cases() -> Iterator[Case]:
    for op, dtypes in SUMS.items():
        for dtype in dtypes:
            for shape, axes in REDUCED:
                domain = "near" if op == "Prod" else "sym"
                yield Case(op, dtype, f"{shape} over {axes}", {"input": In(shape, domain), "axis": list(axes)})
    for op, dtypes in SCANS.items():
        for dtype in dtypes:
            for shape, axis in (((4099,), 0), ((7, 65, 33), 1), ((37, 129), 1)):
                domain = "near" if op == "Cumprod" else "sym"
                yield Case(op, dtype, f"{shape} over {axis}", {"x": In(shape, domain), "axis": axis})
    for dtype in FLOATS:
        parts = {"inputs": [In((5, 33)) for _ in range(9)]}
        yield Case("AddN", dtype, "9 of 5x33", parts)
        for shape in ((1, 3), (65, 33), (4, 9, 7, 5), (2, 3, 5, 7, 9)):
            yield Case("BiasAddGrad", dtype, str(shape), {"out_backprop": In(shape)})
            yield Case("BiasAdd", dtype, str(shape), {"value": In(shape), "bias": In(shape[-1:])})
        for shape in ((1,), (4099,), (37, 129)):
            yield Case("L2Loss", dtype, str(shape), {"t": In(shape)})
        yield Case("LogSoftmax", dtype, "5x7", {"logits": In((5, 7))})
        yield Case("LogSoftmax", dtype, "65x1000", {"logits": In((65, 1000))})
        yield Case("LogSoftmax", dtype, "3x1", {"logits": In((3, 1))})
        yield from _segments(dtype)
    for shape in ((5, 7), (65, 1000)):
        yield Case("Softmax", "float64", str(shape), {"logits": In(shape)})
    for dtype in REALS:
        yield Case(
            "Range", dtype, "31", {"start": In((), "unit"), "limit": In((), "positive"), "delta": In((), "unit")}
        )
        yield Case("LinSpace", dtype, "31", {"start": In((), "unit"), "stop": In((), "positive"), "num": 31})
        yield Case("Bincount", dtype, "300", {"arr": In((300,), "count:9", "int32"), "size": 9, "weights": In((300,))})
        yield Case(
            "DenseBincount", dtype, "300", {"input": In((300,), "count:9", "int32"), "size": 9, "weights": In((300,))}
        )
        yield Case("Cross", dtype, "31x3", {"a": In((31, 3)), "b": In((31, 3))})


def _segments(dtype: str) -> Iterator[Case]:
    for shape in ((300,), (300, 17), (65, 5, 9)):
        rows = shape[0]
        for op in UNSORTED:
            ids, data = In((rows,), "count:11", "int32"), In(shape, "near" if op.endswith("Prod") else "sym")
            yield Case(op, dtype, str(shape), {"data": data, "segment_ids": ids, "num_segments": 11})
        for op in SORTED:
            ids, data = In((rows,), "sorted:11", "int32"), In(shape, "near" if op == "SegmentProd" else "sym")
            yield Case(op, dtype, str(shape), {"data": data, "segment_ids": ids})
        for op in SPARSE:
            arguments = {"data": In(shape), "indices": In((40,), f"count:{rows}", "int32")}
            yield Case(op, dtype, str(shape), arguments | {"segment_ids": In((40,), "sorted:5", "int32")})
    indices = In((300, 1), "count:11", "int32")
    yield Case("ScatterNd", dtype, "300x17", {"indices": indices, "updates": In((300, 17)), "shape": [11, 17]})
    for op in ("TensorScatterAdd", "TensorScatterSub", "TensorScatterMax", "TensorScatterMin"):
        yield Case(op, dtype, "300x17", {"tensor": In((11, 17)), "indices": indices, "updates": In((300, 17))})
    for op in ("ResourceScatterAdd", "ResourceScatterSub", "ResourceScatterMax", "ResourceScatterMin"):
        yield _scattered(op, dtype)


def _scattered(op: str, dtype: str) -> Case:
    """What the gradient of an embedding does: rows, some of them several times, into a variable."""

    def build(variable, indices, updates):
        import tensorflow as tf

        held = tf.Variable(variable)
        getattr(tf.raw_ops, op)(resource=held.handle, indices=indices, updates=updates)
        return held.value()

    arguments = {"variable": In((11, 17)), "indices": In((300,), "count:11", "int32"), "updates": In((300, 17))}
    return Case(op, dtype, "300x17", arguments, build, "eager")
