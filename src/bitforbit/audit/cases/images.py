"""Image ops: resizing, warping, colours."""

from collections.abc import Iterator

from bitforbit.audit.cases.model import F32, FLOATS, REALS, Case
from bitforbit.audit.inputs import In

IMAGES = ((1, 5, 7, 1), (2, 17, 13, 3), (2, 33, 31, 4))
SIZES = ([3, 4], [29, 40])


def cases() -> Iterator[Case]:
    for dtype in FLOATS:
        for shape in IMAGES:
            for size in SIZES:
                yield from _resizing(dtype, shape, size)
            yield from _warping(dtype, shape)
    for dtype in F32:
        for shape in IMAGES[1:2]:
            yield Case(
                "AdjustContrastv2",
                dtype,
                str(shape),
                {"images": In(shape, "unit"), "contrast_factor": In((), "unit", "float32")},
            )
            yield Case(
                "AdjustHue", dtype, str(shape), {"images": In(shape, "unit"), "delta": In((), "unit", "float32")}
            )
            yield Case(
                "AdjustSaturation", dtype, str(shape), {"images": In(shape, "unit"), "scale": In((), "unit", "float32")}
            )
    for dtype in FLOATS:
        yield Case("HSVToRGB", dtype, "2x17x13x3", {"images": In((2, 17, 13, 3), "unit")})
    boxes = {"boxes": In((3, 4), "unit", "float32"), "box_ind": In((3,), "count:2", "int32"), "crop_size": [5, 6]}
    for dtype in REALS:
        for method in ("bilinear", "nearest"):
            yield Case("CropAndResize", dtype, method, {"image": In((2, 17, 13, 3)), "method": method} | boxes)
    for dtype in FLOATS:
        arguments = {"input": In((2, 9, 8, 3)), "filter": In((3, 2, 3)), "strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1]}
        yield Case("Dilation2D", dtype, "2x9x8x3", arguments | {"padding": "SAME"})
    for dtype in FLOATS:
        patches = {"ksizes": [1, 3, 3, 1], "strides": [1, 2, 2, 1], "rates": [1, 1, 1, 1], "padding": "SAME"}
        yield Case("ExtractImagePatches", dtype, "2x9x8x3", {"images": In((2, 9, 8, 3))} | patches)
    limits = {"max_output_size": 9, "iou_threshold": 0.5, "score_threshold": 0.25}
    boxes = {"boxes": In((31, 4), "unit"), "scores": In((31,), "unit")}
    yield Case("NonMaxSuppressionV4", "float32", "31", boxes | limits)


def _resizing(dtype, shape, size) -> Iterator[Case]:
    name, arguments = f"{shape} to {size}", {"images": In(shape, "unit"), "size": size}
    for centers in (False, True):
        halves = {"half_pixel_centers": centers}
        yield Case("ResizeBilinear", dtype, f"{name} {centers}", arguments | halves)
        yield Case("ResizeBicubic", dtype, f"{name} {centers}", arguments | halves)
        yield Case("ResizeNearestNeighbor", dtype, f"{name} {centers}", arguments | halves)
    yield Case("ResizeArea", dtype, name, arguments)
    # Incoming gradients are float32 always; the case's dtype is the image's.
    back = In((shape[0], *size, shape[3]), "sym", "float32")
    if dtype in ("float32", "float64"):
        image = {"grads": back, "original_image": In(shape), "half_pixel_centers": True}
        yield Case("ResizeBilinearGrad", dtype, name, image)
        yield Case("ResizeBicubicGrad", dtype, name, image)
    if dtype == "float32":
        scaled = {
            "scale": In((2,), "unit"),
            "translation": In((2,), "unit"),
            "kernel_type": "lanczos3",
            "antialias": True,
        }
        yield Case("ScaleAndTranslate", dtype, name, arguments | scaled)
        yield Case("ScaleAndTranslateGrad", dtype, name, {"grads": back, "original_image": In(shape)} | scaled)


def _warping(dtype, shape) -> Iterator[Case]:
    for interpolation in ("NEAREST", "BILINEAR"):
        arguments = {
            "images": In(shape, "unit"),
            "transforms": In((shape[0], 8), "unit", "float32"),
            "output_shape": [9, 11],
        }
        arguments |= {"interpolation": interpolation, "fill_mode": "REFLECT"}
        yield Case("ImageProjectiveTransformV2", dtype, f"{shape} {interpolation}", arguments)
        yield Case("ImageProjectiveTransformV3", dtype, f"{shape} {interpolation}", arguments | {"fill_value": 0.0})
