"""Every float32 input through every elementwise kernel.

    python -m tests.kernels.exhaustive [--stride N] [FUNCTION ...]

Prints one JSON line a function (see exhaustive.c) and fails where a special result is wrong, vector widths differ, or
the error exceeds the table's bound.  About ten minutes a function on one core; the quantile's reference is slow, so
Ndtri and Erfinv take every 997th input unless a stride is given.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bitforbit.kernels.table import ROWS

from . import native

STRIDES = {"Rsqrt": 1, "Reciprocal": 1, "Erfc": 1, "Atan": 1, "SoftmaxExp": 1, "Ndtri": 997, "Erfinv": 997}
BOUNDS = {"SoftmaxExp": 1.1, **{row.op: row.ulp for row in ROWS}}


def check(program, function, stride):
    """Run one function; returns its JSON record with `ok` added."""
    done = subprocess.run([program, function, str(stride)], capture_output=True, text=True)
    record = json.loads(done.stdout)
    record["ok"] = done.returncode == 0 and record["max_ulp"] <= BOUNDS[function]
    return record


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("functions", nargs="*", default=list(STRIDES), help="default: all")
    parser.add_argument("--stride", type=int, help="take every N-th bit pattern")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        program = native.compile_program(Path(folder), "exhaustive.c")
        for function in options.functions:
            record = check(program, function, options.stride or STRIDES[function])
            failed |= not record["ok"]
            print(json.dumps(record), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
