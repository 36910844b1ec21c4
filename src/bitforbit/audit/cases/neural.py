"""Convolutions, pooling, recurrent cells and losses, forward and backward."""

from collections.abc import Iterator

from bitforbit.audit.cases.model import FLOATS, REALS, Case
from bitforbit.audit.inputs import In

# Image, kernel, stride, padding, dilation.
CONVOLUTIONS = (
    ((1, 1, 1, 1), (1, 1, 1, 1), 1, "VALID", 1),
    ((2, 7, 9, 3), (3, 3, 3, 5), 1, "SAME", 1),
    ((2, 8, 8, 32), (3, 3, 32, 64), 2, "SAME", 1),
    ((3, 17, 13, 4), (5, 3, 4, 9), 2, "VALID", 1),
    ((2, 13, 13, 8), (3, 3, 8, 17), 1, "VALID", 2),
    ((2, 16, 16, 16), (1, 1, 16, 33), 1, "VALID", 1),
    ((5, 1, 40, 9), (1, 7, 9, 16), 1, "SAME", 1),
    ((2, 32, 32, 3), (7, 7, 3, 24), 2, "SAME", 1),
)
POOLS = (
    ((1, 1, 1, 1), 1, 1, "VALID"),
    ((2, 9, 7, 5), 2, 2, "SAME"),
    ((2, 9, 7, 33), 3, 2, "VALID"),
    ((3, 8, 8, 16), 3, 1, "SAME"),
)
VOLUMES = (((2, 5, 6, 4, 3), (3, 3, 3, 3, 5), 1, "SAME"), ((2, 9, 7, 8, 2), (2, 3, 2, 2, 7), 2, "VALID"))


def _out(size: int, kernel: int, stride: int, padding: str, dilation: int = 1) -> int:
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == "SAME" else -(-(size - reach + 1) // stride)


def cases() -> Iterator[Case]:
    for dtype in FLOATS:
        for image, kernel, stride, padding, dilation in CONVOLUTIONS:
            yield from _convolution(dtype, image, kernel, stride, padding, dilation)
        for image, size, stride, padding in POOLS:
            yield from _pooling(dtype, image, size, stride, padding)
        for image, kernel, stride, padding in VOLUMES:
            yield from _volume(dtype, image, kernel, stride, padding)
    for dtype in ("float32", "bfloat16"):
        yield from _volume_pooling(dtype)
    for dtype in FLOATS:
        for rows, classes in ((1, 2), (7, 10), (65, 1000)):
            logits, labels = In((rows, classes)), In((rows, classes), "unit")
            yield Case(
                "SoftmaxCrossEntropyWithLogits", dtype, f"{rows}x{classes}", {"features": logits, "labels": labels}
            )
    for dtype in REALS:
        arguments = {"inputs": In((6, 2, 5)), "labels_indices": [[0, 0], [0, 1], [1, 0]], "labels_values": [1, 2, 3]}
        yield Case("CTCLoss", dtype, "6x2x5", arguments | {"sequence_length": [6, 5]})
    yield from _recurrent()


def _convolution(dtype, image, kernel, stride, padding, dilation) -> Iterator[Case]:
    batch, height, width, channels = image
    steps = {"strides": [1, stride, stride, 1], "padding": padding, "dilations": [1, dilation, dilation, 1]}
    rows, columns = (_out(size, k, stride, padding, dilation) for size, k in zip((height, width), kernel, strict=False))
    name = f"{'x'.join(map(str, image))} {'x'.join(map(str, kernel))} {padding} {stride} {dilation}"
    back = In((batch, rows, columns, kernel[3]))
    yield Case("Conv2D", dtype, name, {"input": In(image), "filter": In(kernel)} | steps)
    if dilation > 1:
        # TensorFlow has no other CPU kernel for these: dilated products go through SpaceToBatchND.
        return
    yield Case("Conv2DBackpropInput", dtype, name,
               {"input_sizes": list(image), "filter": In(kernel), "out_backprop": back} | steps)  # fmt: skip
    yield Case("Conv2DBackpropFilter", dtype, name,
               {"input": In(image), "filter_sizes": list(kernel), "out_backprop": back} | steps)  # fmt: skip
    deep = (*kernel[:2], channels, 2)
    back = In((batch, rows, columns, channels * 2))
    yield Case("DepthwiseConv2dNative", dtype, name, {"input": In(image), "filter": In(deep)} | steps)
    yield Case("DepthwiseConv2dNativeBackpropInput", dtype, name,
               {"input_sizes": list(image), "filter": In(deep), "out_backprop": back} | steps)  # fmt: skip
    yield Case("DepthwiseConv2dNativeBackpropFilter", dtype, name,
               {"input": In(image), "filter_sizes": list(deep), "out_backprop": back} | steps)  # fmt: skip


def _pooling(dtype, image, size, stride, padding) -> Iterator[Case]:
    batch, height, width, channels = image
    steps = {"ksize": [1, size, size, 1], "strides": [1, stride, stride, 1], "padding": padding}
    rows, columns = (_out(side, size, stride, padding) for side in (height, width))
    out, name = In((batch, rows, columns, channels)), f"{'x'.join(map(str, image))} {size} {padding} {stride}"
    yield Case("AvgPool", dtype, name, {"value": In(image)} | steps)
    yield Case("AvgPoolGrad", dtype, name, {"orig_input_shape": list(image), "grad": out} | steps)
    yield Case("MaxPool", dtype, name, {"input": In(image)} | steps)
    yield Case("MaxPool", dtype, f"{name} ties", {"input": In(image, "count:3")} | steps)
    yield Case("MaxPoolGrad", dtype, name, {"orig_input": In(image), "orig_output": out, "grad": out} | steps)


def _volume(dtype, image, kernel, stride, padding) -> Iterator[Case]:
    steps = {"strides": [1, stride, stride, stride, 1], "padding": padding}
    sides = [_out(side, k, stride, padding) for side, k in zip(image[1:4], kernel, strict=False)]
    back, name = In((image[0], *sides, kernel[4])), f"{'x'.join(map(str, image))} {padding}"
    yield Case("Conv3D", dtype, name, {"input": In(image), "filter": In(kernel)} | steps)
    yield Case("Conv3DBackpropInputV2", dtype, name,
               {"input_sizes": list(image), "filter": In(kernel), "out_backprop": back} | steps)  # fmt: skip
    yield Case("Conv3DBackpropFilterV2", dtype, name,
               {"input": In(image), "filter_sizes": list(kernel), "out_backprop": back} | steps)  # fmt: skip


def _volume_pooling(dtype) -> Iterator[Case]:
    image, steps = (2, 5, 6, 4, 3), {"ksize": [1, 2, 2, 2, 1], "strides": [1, 2, 2, 2, 1], "padding": "VALID"}
    out = In((2, 2, 3, 2, 3))
    for op, extra in (("AvgPool3D", {}), ("MaxPool3D", {})):
        yield Case(op, dtype, "2x5x6x4x3", {"input": In(image)} | extra | steps)
    yield Case("AvgPool3DGrad", dtype, "2x5x6x4x3", {"orig_input_shape": list(image), "grad": out} | steps)
    yield Case("MaxPool3DGrad", dtype, "2x5x6x4x3", {"orig_input": In(image), "orig_output": out, "grad": out} | steps)


def _recurrent() -> Iterator[Case]:
    for batch, inputs, units in ((1, 3, 5), (7, 9, 16)):
        name, state = f"{batch} {inputs} {units}", In((batch, units))
        peephole = {key: In((units,)) for key in ("wci", "wcf", "wco")}
        weights = {"w": In((inputs + units, 4 * units)), **peephole, "b": In((4 * units,))}
        cell = {"x": In((batch, inputs)), "cs_prev": state, "h_prev": state}
        yield Case("LSTMBlockCell", "float32", name, cell | weights)
        block = {"seq_len_max": 4, "x": In((4, batch, inputs)), "cs_prev": state, "h_prev": state}
        yield Case("BlockLSTMV2", "float32", name, block | weights)
        gates = {"w_ru": In((inputs + units, 2 * units)), "w_c": In((inputs + units, units))}
        biases = {"b_ru": In((2 * units,)), "b_c": In((units,))}
        yield Case("GRUBlockCell", "float32", name, {"x": In((batch, inputs)), "h_prev": state} | gates | biases)
