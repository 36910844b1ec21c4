"""One probe for each replaced op."""

import numpy as np

from hosts.inputs import values


def op_probes():
    """Return `op <name> -> computation` for every replaced op, eager but for the one that only Grappler makes."""
    import tensorflow as tf

    x, positive, inside = values((40, 257), 5, -8, 8), values((40, 257), 6, 0.01, 40), values((40, 257), 7, -0.99, 0.99)
    calls = {
        "Rsqrt": lambda: tf.math.rsqrt(positive),
        "Reciprocal": lambda: tf.math.reciprocal(positive),
        "Inv": lambda: tf.raw_ops.Inv(x=positive),
        "Erfc": lambda: tf.math.erfc(x),
        "Atan": lambda: tf.math.atan(x),
        "Atan2": lambda: tf.math.atan2(x, positive),
        "Ndtri": lambda: tf.math.ndtri((inside + 1) / 2),
        "Erfinv": lambda: tf.math.erfinv(inside),
        "Softmax": lambda: tf.nn.softmax(x),
        "_UnaryOpsComposition": lambda: _composition(tf)(positive),
    }
    probes = {f"op {name}": lambda call=call: [("result", call())] for name, call in calls.items()}
    return probes | {"op FusedBatchNorm": _batch_norms, "op FusedBatchNormGrad": _batch_norm_gradients}


def _batch_norms():
    import tensorflow as tf

    image, ones = values((8, 6, 6, 20), 8), np.ones(20, np.float32)
    for version in ("", "V2", "V3"):
        norm = getattr(tf.raw_ops, f"FusedBatchNorm{version}")
        for training, moments in ((True, ones[:0]), (False, ones * 3)):
            y = norm(x=image, scale=ones, offset=ones, mean=moments, variance=moments, is_training=training).y
            yield f"version {version or 'V1'}, {'training' if training else 'inference'}", y


def _batch_norm_gradients():
    import tensorflow as tf

    image, ones = values((8, 6, 6, 20), 8), np.ones(20, np.float32)
    for version in ("", "V2", "V3"):
        gradient = getattr(tf.raw_ops, f"FusedBatchNormGrad{version}")
        statistics = {"reserve_space_1": ones / 64, "reserve_space_2": ones * 3}
        if version == "V3":
            statistics["reserve_space_3"] = ones[:0]
        for training in (True, False):
            y = gradient(y_backprop=image, x=image[::-1], scale=ones, is_training=training, **statistics)
            yield f"version {version or 'V1'}, {'training' if training else 'frozen'}", y.x_backprop


def _composition(tf):
    """A chain that Grappler fuses into one op."""
    return tf.function(lambda v: tf.math.tanh(tf.math.reciprocal(tf.math.rsqrt(v))))
