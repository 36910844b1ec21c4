"""Matrix products, factorizations and Fourier transforms."""

from collections.abc import Iterator

from bitforbit.audit.cases.model import COMPLEX, FLOATS, REALS, Case
from bitforbit.audit.inputs import In

# Rows, inner, columns: vectors, packets and remainders, more than one block of Eigen's cache sizes.
PRODUCTS = (
    (1, 7, 1),
    (1, 300, 10),
    (17, 33, 65),
    (127, 129, 131),
    (32, 1024, 64),
    (3, 2000, 5),
    (300, 17, 300),
    (64, 64, 64),
)
EINSUMS = (
    ("ab,bc->ac", (7, 33), (33, 65)),
    ("abc,cd->abd", (3, 7, 33), (33, 9)),
    ("abhd,achd->ahbc", (3, 17, 2, 9), (3, 13, 2, 9)),
    ("abc,abd->cd", (3, 17, 9), (3, 17, 5)),
)


def cases() -> Iterator[Case]:
    for dtype in (*FLOATS, *COMPLEX, "int32", "int64"):
        domain = "count:9" if dtype.startswith("int") else "sym"
        for m, k, n in PRODUCTS if dtype in ("float32", "float64") else PRODUCTS[::3]:
            for left in (False, True):
                for right in (False, True):
                    a, b = In((k, m) if left else (m, k), domain), In((n, k) if right else (k, n), domain)
                    variant = f"{m}x{k}x{n} {'T' if left else 'N'}{'T' if right else 'N'}"
                    yield Case("MatMul", dtype, variant, {"a": a, "b": b, "transpose_a": left, "transpose_b": right})
        for op in ("BatchMatMul", "BatchMatMulV2"):
            for m, k, n in PRODUCTS[::2]:
                for adjoint in (False, True):
                    y = In((3, n, k) if adjoint else (3, k, n), domain)
                    arguments = {"x": In((3, m, k), domain), "y": y, "adj_x": False, "adj_y": adjoint}
                    yield Case(op, dtype, f"3 of {m}x{k}x{n} N{'T' if adjoint else 'N'}", arguments)
    for dtype in FLOATS:
        for equation, left, right in EINSUMS:
            yield Case("Einsum", dtype, equation, {"inputs": [In(left), In(right)], "equation": equation})
    for dtype in (*REALS, *COMPLEX):
        for size in (1, 5, 33):
            yield from _factorizations(dtype, size)
    for size in (8, 30, 101):
        for dtype in COMPLEX:
            for op in ("FFT", "IFFT"):
                yield Case(op, dtype, f"5x{size}", {"input": In((5, size))})
            for op in ("FFT2D", "IFFT2D"):
                yield Case(op, dtype, f"5x{size}x9", {"input": In((5, size, 9))})
            yield Case("FFT3D", dtype, f"{size}x3x5", {"input": In((size, 3, 5))})
        for dtype, other in zip(REALS, COMPLEX, strict=True):
            yield from _real_transforms(dtype, other, size)


def _real_transforms(dtype: str, other: str, size: int) -> Iterator[Case]:
    import tensorflow as tf

    complex_type, real_type = tf.dtypes.as_dtype(other), tf.dtypes.as_dtype(dtype)
    yield Case("RFFT", dtype, f"5x{size}", {"input": In((5, size)), "fft_length": [size], "Tcomplex": complex_type})
    yield Case(
        "RFFT2D", dtype, f"5x{size}x9", {"input": In((5, size, 9)), "fft_length": [size, 9], "Tcomplex": complex_type}
    )
    spectrum = In((5, size // 2 + 1), "sym", other)
    yield Case("IRFFT", dtype, f"5x{size}", {"input": spectrum, "fft_length": [size], "Treal": real_type})


def _factorizations(dtype: str, size: int) -> Iterator[Case]:
    square, right, positive = In((2, size, size)), In((2, size, 3)), In((2, size, size), "spd")
    name = f"2 of {size}x{size}"
    yield Case("Cholesky", dtype, name, {"input": positive})
    if dtype in REALS:
        yield Case("CholeskyGrad", dtype, name, {"l": positive, "grad": square})
    yield Case("Qr", dtype, name, {"input": square, "full_matrices": False})
    yield Case("Qr", dtype, f"2 of {size + 4}x{size} full", {"input": In((2, size + 4, size)), "full_matrices": True})
    yield Case("Svd", dtype, name, {"input": square, "compute_uv": True, "full_matrices": False})
    yield Case("MatrixInverse", dtype, name, {"input": positive})
    yield Case("MatrixDeterminant", dtype, name, {"input": square})
    yield Case("LogMatrixDeterminant", dtype, name, {"input": square})
    yield Case("MatrixSolve", dtype, name, {"matrix": positive, "rhs": right})
    yield Case("MatrixTriangularSolve", dtype, name, {"matrix": positive, "rhs": right})
    yield Case("Lu", dtype, name, {"input": square})
    # Self-adjoint input: the op reads one triangle.
    if dtype in REALS:
        yield Case("SelfAdjointEigV2", dtype, name, {"input": positive, "compute_v": True})
    yield Case(
        "MatrixSolveLs",
        dtype,
        name,
        {"matrix": In((2, size + 2, size)), "rhs": In((2, size + 2, 3)), "l2_regularizer": 0.5},
    )
