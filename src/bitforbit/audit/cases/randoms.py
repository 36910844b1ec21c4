"""Random numbers: counter-based bits are integers, but what is made of them calls log, sin, cos and powers."""

from collections.abc import Iterator

from bitforbit.audit.cases.model import FLOATS, REALS, Case
from bitforbit.audit.inputs import In

KEY = {"key": In((1,), "count:65521", "uint64"), "counter": In((2,), "count:65521", "uint64"), "alg": 1}
SEED = {"seed": In((2,), "count:65521", "int32")}
SHAPES = ([1], [7], [4099], [37, 129])


def cases() -> Iterator[Case]:
    import tensorflow as tf

    for name in FLOATS:
        dtype = tf.dtypes.as_dtype(name)
        for shape in SHAPES:
            for op in ("StatelessRandomUniformV2", "StatelessRandomNormalV2", "StatelessTruncatedNormalV2"):
                yield Case(op, name, f"philox {shape}", {"shape": shape, "dtype": dtype} | KEY)
            for op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"):
                yield Case(op, name, f"{shape}", {"shape": shape, "dtype": dtype} | SEED)
            for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
                yield Case(op, name, f"{shape}", {"shape": shape, "dtype": dtype, "seed": 3, "seed2": 5})
    for name in REALS:
        yield Case("StatelessRandomGammaV3", name, "300", {"shape": [300], "alpha": In((300,), "positive")} | KEY)
        yield Case("StatelessRandomGammaV2", name, "300", {"shape": [300], "alpha": In((300,), "positive")} | SEED)
        rates = {"shape": [300], "lam": In((300,), "positive"), "dtype": tf.dtypes.as_dtype(name)}
        yield Case("StatelessRandomPoisson", name, "300", rates | SEED)
        counts = {"counts": In((300,), "count:30"), "probs": In((300,), "unit"), "dtype": tf.dtypes.as_dtype(name)}
        yield Case("StatelessRandomBinomial", name, "300", {"shape": [300]} | counts | SEED)
    for name in FLOATS:
        yield Case("StatelessMultinomial", name, "7x10", {"logits": In((7, 10)), "num_samples": 33} | SEED)
