"""The ops whose stock kernels ask the CPU's 12-bit tables: with our kernels they are the same, without them not."""

from collections.abc import Iterator

from bitforbit.audit.cases.elementwise import SIZES
from bitforbit.audit.cases.model import Case
from bitforbit.audit.inputs import In

DOMAINS = {"Rsqrt": "positive", "Ndtri": "unit", "Erfinv": "unit", "Atan": "wide", "Erfc": "sym"}
UNARY = ("Atan", "Erfc", "Erfinv", "Inv", "Ndtri", "Reciprocal", "Rsqrt")
NORMALIZED = ((2, 7, 9, 5), (3, 8, 8, 32), (5, 1, 1, 3))


def cases() -> Iterator[Case]:
    from bitforbit.kernels import table

    for row in table.ROWS:
        for dtype in row.dtypes:
            if row.op in UNARY:
                domain = DOMAINS.get(row.op, "wide")
                for shape in SIZES:
                    yield Case(row.op, dtype, f"{domain} {'x'.join(map(str, shape))}", {"x": In(shape, domain)})
            if row.op == "Atan2":
                yield Case(row.op, dtype, "31x1,1x129", {"y": In((31, 1)), "x": In((1, 129))})
            if row.op == "Softmax":
                for shape in ((1, 1), (5, 7), (65, 1000)):
                    yield Case(row.op, dtype, f"{shape}", {"logits": In(shape)})
            if row.op == "FusedBatchNormV3":
                yield from _normalized(dtype)


def _normalized(dtype: str) -> Iterator[Case]:
    for shape in NORMALIZED:
        weights = {name: In(shape[-1:], "positive", "float32") for name in ("scale", "offset", "mean", "variance")}
        for training in (False, True):
            moments = {} if not training else {"mean": [], "variance": []}
            arguments = {"x": In(shape)} | weights | {"is_training": training, "epsilon": 0.001}
            yield Case("FusedBatchNormV3", dtype, f"{shape} {training}", arguments | moments)
            back = {"y_backprop": In(shape), "x": In(shape), "scale": weights["scale"]}
            back |= {f"reserve_space_{i}": weights["variance"] for i in (1, 2, 3)} | {"is_training": training}
            yield Case("FusedBatchNormGradV3", dtype, f"{shape} {training}", back | {"epsilon": 0.001})
