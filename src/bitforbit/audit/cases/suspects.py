"""Ops that are not claimed to give the same bits everywhere, so that the census can show which of them do not.

Their wider relatives (float64, complex128) are claimed: no kernel uses a 12-bit table where 53 bits are asked for.
"""

from collections.abc import Iterator

from bitforbit.audit.cases.model import FLOATS, REALS, Case
from bitforbit.audit.inputs import In

BESSEL = tuple(f"Bessel{kind}{order}{scaled}" for kind in "IK" for order in "01" for scaled in ("", "e"))
BESSEL += ("BesselJ0", "BesselJ1", "BesselY0", "BesselY1")
SPECIAL = ("Dawsn", "Expint", "FresnelCos", "FresnelSin", "Spence")
# Optimizer kernels that divide and take square roots in place of Eigen's rsqrt.
STEADY = ("ResourceApplyAdam", "ResourceApplyAdaMax", "ResourceApplyGradientDescent", "ResourceApplyMomentum",
          "ResourceApplyPowerSign")  # fmt: skip
SLOTS = {
    "ResourceApplyAdadelta": ("var accum accum_update", "lr rho epsilon"),
    "ResourceApplyAdagrad": ("var accum", "lr"),
    "ResourceApplyAdagradV2": ("var accum", "lr epsilon"),
    "ResourceApplyAdam": ("var m v", "beta1_power beta2_power lr beta1 beta2 epsilon"),
    "ResourceApplyAdaMax": ("var m v", "beta1_power lr beta1 beta2 epsilon"),
    "ResourceApplyCenteredRMSProp": ("var mg ms mom", "lr rho momentum epsilon"),
    "ResourceApplyFtrl": ("var accum linear", "lr l1 l2 lr_power"),
    "ResourceApplyGradientDescent": ("var", "alpha"),
    "ResourceApplyMomentum": ("var accum", "lr momentum"),
    "ResourceApplyPowerSign": ("var m", "lr logbase sign_decay beta"),
    "ResourceApplyProximalAdagrad": ("var accum", "lr l1 l2"),
    "ResourceApplyRMSProp": ("var ms mom", "lr rho momentum epsilon"),
}


def cases() -> Iterator[Case]:
    for op in BESSEL:
        for dtype in FLOATS[:3]:
            yield Case(op, dtype, "4099", {"x": In((4099,), "positive")}, suspect=dtype != "float64")
    for op in SPECIAL:
        for dtype in REALS:
            yield Case(op, dtype, "4099", {"x": In((4099,), "positive")})
    for dtype in FLOATS:
        image = In((2, 257, 511, 3), "unit")
        yield Case("RGBToHSV", dtype, "2x257x511x3", {"images": image}, suspect=dtype != "float64")
    for dtype in ("float32", "float16"):
        image = In((2, 7, 9, 13))
        yield Case("LRN", dtype, "2x7x9x13", {"input": image}, suspect=True)
        back = {"input_grads": image, "input_image": image, "output_image": image}
        yield Case("LRNGrad", dtype, "2x7x9x13", back, suspect=True)
    for dtype in ("complex64", "complex128"):
        for op in ("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Log", "Log1p", "Rsqrt", "Inv", "Expm1", "Tan"):
            yield Case(op, dtype, "5x3x17", {"x": In((5, 3, 17))}, suspect=dtype == "complex64")
        for op in ("Xlogy", "Xdivy"):
            arguments = {"x": In((5, 3, 17)), "y": In((5, 3, 17))}
            yield Case(op, dtype, "5x3x17", arguments, suspect=dtype == "complex64")
    for op in SLOTS:
        for dtype in REALS:
            yield _apply(op, dtype)


def _apply(op: str, dtype: str) -> Case:
    """An optimizer's kernel: it works on variables, so the case makes them and gives back what is in them after."""
    slots, numbers = (text.split() for text in SLOTS[op])

    def build(**tensors):
        import tensorflow as tf

        variables = {name: tf.Variable(tensors[name]) for name in slots}
        handles = {name: variable.handle for name, variable in variables.items()}
        last = "delta" if op.endswith("GradientDescent") else "grad"
        getattr(tf.raw_ops, op)(**handles, **{name: tensors[name] for name in numbers}, **{last: tensors["grad"]})
        return list(variables.values())

    arguments = {name: In((4099,), "positive") for name in slots} | {name: In((), "unit") for name in numbers}
    return Case(
        op,
        dtype,
        "4099",
        arguments | {"grad": In((4099,))},
        build,
        "eager",
        suspect=dtype == "float32" and op not in STEADY,
    )
