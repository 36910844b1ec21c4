"""Exact kernels against the stock ones, side by side.

    python benchmarks/kernels.py [--threads 1 2] [--isa avx2] [--only Rsqrt ...] [--pairs 3] [--quick] [--json]

Two worker processes, one with the stock kernels and one with ours, take turns on every case, so that a busy machine
slows both alike.  A turn begins with calls that are not timed, because the other one has just emptied the caches.  A
number is stock time / our time (above 1: ours is faster), each time the smallest of its rounds, over several pairs of
processes, since where a process got its memory stays with it for life; a row ends with the median over its sizes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def cases():
    """Name to a function of the number of elements that returns a call without arguments. Imports TensorFlow."""
    import numpy as np
    import tensorflow as tf

    raw = tf.raw_ops

    def values(n, *shape):
        return tf.reshape(tf.constant(np.random.default_rng(0).random(n, np.float32) * 4 + 0.1), shape or (n,))

    def unary(op, argument="x", columns=None):
        def make(n):
            x = values(n // columns * columns, -1, columns) if columns else values(n)
            return lambda: op(**{argument: x})

        return make

    def batch_norm(training, gradient=False, channels=32):
        def make(n):
            rows = n // channels
            x, c = values(rows * channels, rows, 1, 1, channels), tf.ones(channels)
            if gradient:
                return lambda: raw.FusedBatchNormGradV3(
                    y_backprop=x,
                    x=x,
                    scale=c,
                    reserve_space_1=c,
                    reserve_space_2=c,
                    reserve_space_3=c,
                    is_training=training,
                )
            return lambda: raw.FusedBatchNormV3(x=x, scale=c, offset=c, mean=c, variance=c, is_training=training)

        return make

    return {
        "Rsqrt": unary(raw.Rsqrt),
        "Reciprocal": unary(raw.Reciprocal),
        "Erfc": unary(raw.Erfc),
        "Softmax, 10 columns": unary(raw.Softmax, "logits", 10),
        "Softmax, 32 columns": unary(raw.Softmax, "logits", 32),
        "Softmax, 100 columns": unary(raw.Softmax, "logits", 100),
        "Softmax, 1000 columns": unary(raw.Softmax, "logits", 1000),
        "batch norm, training": batch_norm(True),
        "batch norm, inference": batch_norm(False),
        "batch norm, gradient": batch_norm(True, gradient=True),
        "Atan": unary(raw.Atan),
    }


def worker(which, threads):
    """Answer lines `name TAB elements` with the seconds of one call, until the end of input."""
    import tensorflow as tf

    if threads == 1:  # both on one CPU, whose neighbours are the same then
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if which == "ours":
        from bitforbit.kernels import load

        load(threads)
    table, ready = cases(), {}
    for line in sys.stdin:
        name, n = line.rstrip("\n").split("\t")
        call = ready.get((name, n))
        if call is None:
            ready.clear()
            call = ready[name, n] = table[name](int(n))
            call()
        repeats = max(2, min(200, 10_000_000 // int(n)))
        for _ in range(max(1, repeats // 4)):
            call()
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        print((time.perf_counter() - start) / repeats, flush=True)


def start(which, threads, isa):
    env = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}
    if isa:
        env["BITFORBIT_KERNEL_ISA"] = isa
    return subprocess.Popen(
        [sys.executable, __file__, "--worker", which, "--threads", str(threads)],
        env=env,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def seconds(process, name, n):
    process.stdin.write(f"{name}\t{n}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def measure(threads, isa, rounds, pairs, sizes, only=None):
    """Return `{name: [stock seconds / our seconds for each size]}`, of the smallest seconds over rounds and pairs."""
    best = {}
    for _ in range(pairs):
        workers = {which: start(which, threads, isa) for which in ("stock", "ours")}
        for name in only or cases():
            for n in sizes:
                for _ in range(rounds):
                    for which, process in workers.items():
                        key = name, n, which
                        best[key] = min(best.get(key, 1e9), seconds(process, name, n))
        for process in workers.values():
            process.stdin.close()
            process.wait()
    return {name: [best[name, n, "stock"] / best[name, n, "ours"] for n in sizes] for name in only or cases()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--isa", choices=("avx2",), help="cap our kernels' vector width")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these rows (default: all)")
    parser.add_argument("--rounds", type=int, help="turns of each worker (default: 10, or 8 with --quick)")
    parser.add_argument("--pairs", type=int, help="pairs of workers, one after another (default: 3, or 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no 10^7")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", choices=("stock", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker, options.threads[0])
    sizes = SIZES[:-1] if options.quick else SIZES
    rounds, pairs = options.rounds or (8 if options.quick else 10), options.pairs or (1 if options.quick else 3)
    for threads in options.threads:
        ratios = measure(threads, options.isa, rounds, pairs, sizes, options.only)
        if options.json:
            print(json.dumps({"threads": threads, "isa": options.isa or "best", "sizes": sizes, "ratios": ratios}))
            continue
        print(f"\n{threads} thread(s), {options.isa or 'best vector width'}: stock time / our time")
        print(f"{'':24}" + "".join(f"{n:>11,}" for n in sizes) + f"{'median':>9}")
        for name, row in ratios.items():
            print(f"{name:24}" + "".join(f"{r:11.2f}" for r in row) + f"{statistics.median(row):9.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
