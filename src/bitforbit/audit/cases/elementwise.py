"""Elementwise functions and their gradients: packets and remainders, ordinary, extreme and special values."""

from collections.abc import Iterator

from bitforbit.audit.cases.model import COMPLEX, FLOATS, REALS, Case
from bitforbit.audit.inputs import In

# Below, at and above the widths of a packet; then enough for several blocks of the pool.
SIZES = ((1,), (7,), (8,), (3, 11), (5, 3, 17), (40009,))

NO_BFLOAT = FLOATS[:3]

# Op: domains that suit it, and its dtypes.
UNARY: dict[str, tuple[str, tuple[str, ...]]] = {
    "Acos": ("unit special", FLOATS),
    "Acosh": ("positive special", FLOATS),
    "Asin": ("unit special", FLOATS),
    "Asinh": ("sym wide special", FLOATS),
    "Atan": ("sym wide special", ("float64",)),
    "Atanh": ("unit special", FLOATS),
    "Cos": ("sym wide special", FLOATS),
    "Cosh": ("sym special", FLOATS),
    "Digamma": ("positive special", NO_BFLOAT),
    "Elu": ("sym wide special", FLOATS),
    "Erf": ("sym wide special", FLOATS),
    "Erfc": ("sym special", ("float64",)),
    "Erfinv": ("unit", ("float64",)),
    "Exp": ("sym wide special", FLOATS),
    "Expm1": ("sym wide special", FLOATS),
    "Inv": ("wide special", ("float64",)),
    "Lgamma": ("positive special", NO_BFLOAT),
    "Log": ("positive special", FLOATS),
    "Log1p": ("positive special", FLOATS),
    "Ndtri": ("unit", ("float64",)),
    "Reciprocal": ("wide special", ("float64",)),
    "Rsqrt": ("positive special", ("float64",)),
    "Selu": ("sym wide special", FLOATS),
    "Sigmoid": ("sym wide special", FLOATS),
    "Sin": ("sym wide special", FLOATS),
    "Sinh": ("sym special", FLOATS),
    "Softplus": ("sym wide special", FLOATS),
    "Softsign": ("sym wide special", FLOATS),
    "Sqrt": ("positive special", FLOATS),
    "Tan": ("sym special", FLOATS),
    "Tanh": ("sym wide special", FLOATS),
}
COMPLEX_UNARY = ("Exp", "Sin", "Cos", "Tanh", "Sqrt", "Square", "Reciprocal", "Sigmoid")

BINARY: dict[str, tuple[str, tuple[str, ...]]] = {
    "Atan2": ("sym", ("float64",)),
    "FloorDiv": ("sym wide", FLOATS),
    "FloorMod": ("sym", FLOATS),
    "Mod": ("sym", REALS),
    "NextAfter": ("sym wide", REALS),
    "Pow": ("positive", FLOATS),
    "SquaredDifference": ("sym wide", FLOATS),
    "TruncateMod": ("sym", REALS),
    "Xdivy": ("sym", FLOATS),
    "Xlog1py": ("positive", FLOATS),
    "Xlogy": ("positive", FLOATS),
    "Igamma": ("positive", REALS),
    "Igammac": ("positive", REALS),
    "IgammaGradA": ("positive", REALS),
    "Polygamma": ("positive", REALS),
    "Zeta": ("positive", REALS),
}
NAMES = {
    "Igamma": "a x",
    "Igammac": "a x",
    "IgammaGradA": "a x",
    "Polygamma": "a x",
    "Zeta": "x q",
    "NextAfter": "x1 x2",
}

# Op: names of its two inputs. The first is what the forward op gave or took, the second the incoming gradient.
GRADIENTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "EluGrad": ("outputs", "gradients", FLOATS),
    "InvGrad": ("y", "dy", FLOATS),
    "LeakyReluGrad": ("features", "gradients", FLOATS),
    "ReciprocalGrad": ("y", "dy", FLOATS),
    "Relu6Grad": ("features", "gradients", FLOATS),
    "ReluGrad": ("features", "gradients", FLOATS),
    "RsqrtGrad": ("y", "dy", FLOATS),
    "SeluGrad": ("outputs", "gradients", FLOATS),
    "SigmoidGrad": ("y", "dy", FLOATS),
    "SoftplusGrad": ("features", "gradients", FLOATS),
    "SoftsignGrad": ("features", "gradients", FLOATS),
    "SqrtGrad": ("y", "dy", FLOATS),
    "TanhGrad": ("y", "dy", FLOATS),
}
ARGUMENT = {"Elu": "features", "Selu": "features", "Softplus": "features", "Softsign": "features"}


def cases() -> Iterator[Case]:
    for op, (domains, dtypes) in UNARY.items():
        name = ARGUMENT.get(op, "x")
        for dtype in dtypes:
            for domain in domains.split():
                for shape in SIZES if domain != "special" else ((),):
                    yield Case(op, dtype, f"{domain} {_text(shape)}".strip(), {name: In(shape, domain)})
    for op in COMPLEX_UNARY:
        for dtype in COMPLEX:
            for shape in SIZES[-2:]:
                yield Case(op, dtype, f"sym {_text(shape)}", {"x": In(shape)})
    for op, (domains, dtypes) in BINARY.items():
        first, second = NAMES.get(op, "x y").split()
        for dtype in dtypes:
            for domain in domains.split():
                for left, right in (((7,), (7,)), ((5, 3, 17), (5, 3, 17)), ((31, 1), (1, 129)), ((4099,), ())):
                    arguments = {first: In(left, domain), second: In(right, domain)}
                    yield Case(op, dtype, f"{domain} {_text(left)},{_text(right)}", arguments)
    for op, (first, second, dtypes) in GRADIENTS.items():
        for dtype in dtypes:
            for shape in SIZES:
                domain = "unit" if op in ("SigmoidGrad", "TanhGrad", "RsqrtGrad", "SqrtGrad") else "sym"
                yield Case(op, dtype, _text(shape), {first: In(shape, domain), second: In(shape)})
    for dtype in COMPLEX:
        for op in ("AddV2", "Mul", "RealDiv", "Pow"):
            yield Case(op, dtype, "31x1,1x129", {"x": In((31, 1)), "y": In((1, 129))})
        for op in ("ComplexAbs", "Angle"):
            out = {"complex64": "float32", "complex128": "float64"}[dtype]
            yield from _complex_to_real(op, dtype, out)
    for dtype in REALS:
        yield Case(
            "Betainc",
            dtype,
            "5x31",
            {"a": In((5, 31), "positive"), "b": In((5, 31), "positive"), "x": In((5, 31), "unit")},
        )
    for dtype in FLOATS:
        yield from _ieee(dtype)


def _complex_to_real(op: str, dtype: str, out: str) -> Iterator[Case]:
    import tensorflow as tf

    name = {"ComplexAbs": "x", "Angle": "input"}[op]
    yield Case(op, dtype, "5x3x17", {name: In((5, 3, 17)), "Tout": tf.dtypes.as_dtype(out)})


def _ieee(dtype: str) -> Iterator[Case]:
    """A few ops that IEEE 754 fixes: if one of these differs, the census itself is at fault."""
    for op in ("AddV2", "Sub", "Mul", "RealDiv", "DivNoNan", "MulNoNan", "Maximum", "Minimum"):
        yield Case(op, dtype, "wide 31x1,1x129", {"x": In((31, 1), "wide"), "y": In((1, 129), "wide")})
        yield Case(op, dtype, "special", {"x": In((), "special"), "y": In((), "special")})
    for op in ("Ceil", "Floor", "Round", "Neg", "Abs", "Sign", "Square"):
        yield Case(op, dtype, "wide 4099", {"x": In((4099,), "wide")})


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
