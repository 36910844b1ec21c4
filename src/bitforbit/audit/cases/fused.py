"""Ops that nobody writes: Grappler makes them of others, so each case builds the graph from which it does."""

from collections.abc import Iterator

from bitforbit.audit.cases.model import Case
from bitforbit.audit.inputs import In


def cases() -> Iterator[Case]:
    import tensorflow as tf

    activations = {"none": tf.identity, "relu": tf.nn.relu, "relu6": tf.nn.relu6, "elu": tf.nn.elu,
                   "tanh": tf.nn.tanh, "sigmoid": tf.nn.sigmoid, "leaky": tf.nn.leaky_relu}  # fmt: skip
    for name, function in activations.items():
        for m, k, n in ((1, 7, 1), (17, 33, 65), (32, 300, 10)):

            def dense(a, b, bias, function=function):
                return function(tf.nn.bias_add(tf.matmul(a, b), bias))

            arguments = {"a": In((m, k)), "b": In((k, n)), "bias": In((n,))}
            yield Case("_FusedMatMul", "float32", f"{m}x{k}x{n} {name}", arguments, dense, mode="graph")
        for image, kernel in (((2, 7, 9, 3), (3, 3, 3, 5)), ((2, 8, 8, 32), (3, 3, 32, 64))):

            def convolve(x, filters, bias, function=function):
                return function(tf.nn.bias_add(tf.nn.conv2d(x, filters, 1, "SAME"), bias))

            arguments = {"x": In(image), "filters": In(kernel), "bias": In(kernel[-1:])}
            yield Case("_FusedConv2D", "float32", f"{image} {name}", arguments, convolve, mode="graph")
