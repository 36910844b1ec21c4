"""Which TensorFlow CPU kernels are replaced, why, by what, and how exactly: one row per op.

The documentation and the tests walk over `ROWS`; the registrations of the C library are held against it by a test.
Evidence is how the stock kernel was found to depend on the CPU: `"disassembly"` (RCPPS or RSQRTPS stands in its code),
`"emulation"` (its bits differ between this CPU and an emulated one), `"caller"` (it shares the code of such a kernel).
"""

from dataclasses import dataclass

F32, HALVES = ("float32",), ("float32", "float16", "bfloat16")
RCP, RSQRT = "RCPPS: 12-bit reciprocal table of the vendor", "RSQRTPS: 12-bit table of the vendor"


@dataclass(frozen=True)
class Row:
    """One replaced op.

    Attributes:
        op: str, TensorFlow's op type.
        dtypes: tuple of str, Values of attribute T that are replaced.
        why: str, What in the stock kernel depends on the CPU.
        formula: str, What our kernel computes.
        ulp: float, Largest error in units in the last place of float32, over all finite results in the normal range.
        evidence: tuple of str, How the dependence was found.
        reached_by: str, What in Keras reaches the op.
    """

    op: str
    dtypes: tuple
    why: str
    formula: str
    ulp: float
    evidence: tuple
    reached_by: str


BOTH = ("disassembly", "emulation")
BATCH_NORM = "a = scale / sqrt(variance + epsilon), y = x a + (offset - mean a); statistics and coefficients in double"
GRADIENT = "two sums over rows in double, dx = dy a + x b + c with coefficients in double"

ROWS = (
    Row(
        "Rsqrt",
        HALVES,
        RSQRT,
        "integer seed, one cubic step, one step on an exact residual, all in fma",
        0.52,
        BOTH,
        "layer, batch, group and unit normalization; Grappler's a/sqrt(b)",
    ),
    Row(
        "Reciprocal",
        HALVES,
        RCP,
        "1/x, divided or by fma, rounded once",
        0.5,
        BOTH,
        "keras.ops.reciprocal; Grappler's x/const",
    ),
    Row("Inv", HALVES, RCP, "1/x, divided or by fma, rounded once", 0.5, BOTH, "older graphs"),
    Row(
        "Erfc",
        HALVES,
        RCP,
        "exp(-x^2) r P(r) in double, r = 1/(x + 3), rounded once",
        0.541,
        BOTH,
        "exact GELU, keras.ops.erfc",
    ),
    Row(
        "Atan",
        HALVES,
        RCP,
        "odd polynomial in double after t = 1/x for |x| > 1, rounded once",
        0.51,
        BOTH,
        "keras.ops.arctan",
    ),
    Row(
        "Ndtri",
        F32,
        RCP,
        "polynomial in x^2 around 1/2, in 1/(2 + sqrt(-2 log q)) in the tails; double, rounded once",
        0.51,
        BOTH,
        "tf.math.ndtri",
    ),
    Row(
        "Erfinv",
        F32,
        RCP,
        "quantile((1 + y)/2) / sqrt(2) with Ndtri's polynomials in double, rounded once",
        0.51,
        BOTH,
        "keras.ops.erfinv",
    ),
    Row(
        "Softmax",
        HALVES,
        RCP,
        "exp(x - max) in fma, sum in double over 16 fixed lanes, one division",
        3.0,
        BOTH,
        "attention, softmax activations",
    ),
    Row("FusedBatchNorm", F32, RSQRT, BATCH_NORM, 1.0, BOTH, "tf.compat.v1.nn.fused_batch_norm, older graphs"),
    Row("FusedBatchNormV2", HALVES, RSQRT, BATCH_NORM, 1.0, BOTH, "older graphs"),
    Row("FusedBatchNormV3", HALVES, RSQRT, BATCH_NORM, 1.0, BOTH, "tf.nn.fused_batch_norm"),
    Row(
        "_FusedBatchNormEx",
        ("float32", "bfloat16"),
        RSQRT,
        BATCH_NORM + "; then + side input, then relu",
        1.0,
        ("caller",),
        "Grappler's batch norm + activation",
    ),
    Row("FusedBatchNormGrad", F32, RSQRT, GRADIENT, 1.0, BOTH, "gradient of FusedBatchNorm"),
    Row("FusedBatchNormGradV2", HALVES, RSQRT, GRADIENT, 1.0, BOTH, "gradient of FusedBatchNormV2"),
    Row("FusedBatchNormGradV3", HALVES, RSQRT, GRADIENT, 1.0, BOTH, "gradient of FusedBatchNormV3"),
    Row(
        "Atan2",
        HALVES,
        RCP,
        "atan(min/max) in double, quadrant from the signs, rounded once",
        0.51,
        BOTH,
        "keras.ops.arctan2",
    ),
    Row(
        "_UnaryOpsComposition",
        ("float32", "float16"),
        RCP + "; " + RSQRT,
        "the parts themselves, one after another: fusing changes no bit",
        0.55,
        BOTH,
        "Grappler, from any chain of unary ops",
    ),
)
"""Every op that the C library registers, in the order of its tables."""


def names():
    """Return `"Op/dtype"` of every row and dtype, as the C library names its kernels."""
    return tuple(f"{row.op}/{dtype}" for row in ROWS for dtype in row.dtypes)
