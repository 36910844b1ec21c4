"""The ops inside TensorFlow, with the library built for a sanitizer: the glue around the kernels too is memory-clean."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT

from bitforbit.kernels import build

HERE = Path(__file__).parent
SUBJECTS = ("test_tensorflow.py", "test_batchnorm.py", "test_softmax.py", "test_op_digest.py")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["address", "undefined"])
def test_the_ops_are_clean_inside_tensorflow(kind, tmp_path):
    library = build.build(tmp_path / f"{kind}.so", (f"-fsanitize={kind}", "-fno-sanitize-recover=all", "-g", "-O1"))
    first = {"address": "libasan.so", "undefined": "libubsan.so"}[kind]
    # Python itself is not built for the sanitizer, so its runtime comes first, and with it the C++ library whose exceptions
    # it watches; what Python leaks at exit is not ours.
    preloaded = [
        subprocess.run(
            [*build.compiler(), f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in (first, "libstdc++.so.6")
    ]
    environment = os.environ | {
        "LD_PRELOAD": " ".join(preloaded),
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "BITFORBIT_KERNELS": str(library),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow and not emulation"]
    done = subprocess.run(
        [*command, *(HERE / subject for subject in SUBJECTS)],
        env=environment, cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert " passed" in done.stdout
