"""Every float32 input through every elementwise kernel.

    python -m tests.kernels.exhaustive [--stride N] [--jobs N] [FUNCTION ...]

Prints one JSON line a function (see exhaustive.c) and fails where a special result is wrong, vector widths differ, or
the error exceeds the table's bound.  One to three minutes a function on one free core; two at a time by default.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bitforbit.kernels.table import ROWS

from . import native

FUNCTIONS = ("Rsqrt", "Reciprocal", "Erfc", "Atan", "SoftmaxExp", "Ndtri", "Erfinv")
BOUNDS = {"SoftmaxExp": 1.1, **{row.op: row.ulp for row in ROWS}}


def check(program, function, stride):
    """Run one function; returns its JSON record with `ok` added."""
    done = subprocess.run([program, function, str(stride)], capture_output=True, text=True)
    record = json.loads(done.stdout)
    record["ok"] = done.returncode == 0 and record["max_ulp"] <= BOUNDS[function]
    return record


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("functions", nargs="*", default=FUNCTIONS, help="default: all")
    parser.add_argument("--stride", type=int, default=1, help="take every N-th bit pattern")
    parser.add_argument("--jobs", type=int, default=2, help="functions at a time")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        program = native.compile_program(Path(folder), "exhaustive.c")
        with ThreadPoolExecutor(options.jobs) as pool:
            for record in pool.map(lambda function: check(program, function, options.stride), options.functions):
                failed |= not record["ok"]
                print(json.dumps(record), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
