"""What a trace costs, by experiment: traced against untraced in one process, in turns; ratios of one run.

usage: python benchmarks/trace.py [EXPERIMENT ...]      single steps and zoom of each (default: all four)
       python benchmarks/trace.py compare               two traces of 1,000 steps and 200 tensors
       python benchmarks/trace.py memory                memory and disk of 10,000 tiny steps

Two models that are alike differ by some per cent for as long as they live: `stepped.py trace` takes many pairs, and
steps as `train` makes them, many in one call.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workers import request_of

from bitforbit.training.experiment import BUILT_IN

# A block of steps empties the ring of digests once, so that no block is without its part of the writing.
BLOCK, ZOOMED = 64, 8
BUDGET = 15.0  # seconds for the blocks of one comparison
MOST_BLOCKS = 40


def ratio(names: tuple[str, ...], seconds: dict[str, list[float]]) -> str:
    """Return minima and medians of the first name's seconds over the second's."""
    a, b = (seconds[name] for name in names)
    return f"{min(a) / min(b):.3f} ({statistics.median(a) / statistics.median(b):.3f})"


def in_turns(functions: dict) -> dict[str, list[float]]:
    """Call each in turns, the order reversed each time, until the budget is spent; return the seconds of each call."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    end, order = time.perf_counter() + BUDGET, list(functions)
    while len(seconds[order[0]]) < MOST_BLOCKS and (time.perf_counter() < end or len(seconds[order[0]]) < 4):
        for name in order:
            began = time.perf_counter()
            functions[name]()
            seconds[name].append(time.perf_counter() - began)
        order.reverse()
    return seconds


def prepared(request):
    """Return a model, whose train function makes one step a call, with its batches."""
    from bitforbit.training import prepare

    found = prepare.prepare(request)
    found.model.steps_per_execution = 1
    found.model.make_train_function(force=True)
    return found.model, iter(found.batches)


def block(model, batches):
    """Return a function that makes 64 steps."""

    def run():
        for _ in range(BLOCK):
            model.train_function(batches)

    run()  # makes the graph
    return run


def steps(name: str) -> None:
    """Print the cost of digests for single steps, and for the zoomed step."""
    from keras.src.backend.tensorflow.trainer import TensorFlowTrainer

    from bitforbit.diagnosis.trace import Tracer

    request, stock = request_of(name, 10**6), TensorFlowTrainer.make_train_function
    plain = prepared(request)
    blocks = {"plain": block(*plain)}
    with tempfile.TemporaryDirectory() as folder:
        tracer = Tracer(Path(folder, "trace"))
        traced = prepared(request)
        blocks["traced"] = block(*traced)
        seconds = in_turns(blocks)
        each = min(seconds["plain"]) / BLOCK * 1000
        print(f"  {name:11} {each:7.3f} ms a step:"
              f" {ratio(('traced', 'plain'), seconds)}, {len(seconds['plain'])} blocks", flush=True)  # fmt: skip
        zoom(name, tracer, stock, traced, plain)
        tracer.discard()


def zoom(name: str, tracer, stock, traced: tuple, plain: tuple) -> None:
    """Print the cost of the one step in which every op's output is digested and kept; both are `(model, batches)`."""
    from bitforbit.diagnosis.trace import zoom as zooming

    model, batches = traced
    step = model.train_step

    def train_step(data):
        with zooming.Ops() as ops:
            _, collector = tracer.collect(model, step, data)
        return {"ops": ops.row(), "row": collector.digests.row()}

    began = time.perf_counter()
    zoomed = tracer.made(model, stock, train_step)
    zoomed(batches)
    made = time.perf_counter() - began
    single = plain[0].train_function
    seconds = in_turns({"zoomed": lambda: zoomed(batches), "plain": lambda: single(plain[1])})
    print(f"  {name:11} zoomed step: {ratio(('zoomed', 'plain'), seconds)}; its graph takes {made:.1f} s", flush=True)


def comparison() -> tuple[float, float]:
    """Compare two traces of 1,000 steps and 200 tensors that differ in the last step.

    Returns:
        The seconds of the comparison, and those of the whole command.
    """
    import numpy as np

    from bitforbit.diagnosis.compare import compare
    from bitforbit.diagnosis.trace import store
    from bitforbit.diagnosis.trace.sites import Site

    sites = [Site(f"act/{n}", "float32", (32, 10)) for n in range(200)]
    rows = np.arange(1000 * 200).reshape(1000, 200)
    with tempfile.TemporaryDirectory() as folder:
        for name, last in (("a", 0), ("b", 1)):
            writer = store.Writer(Path(folder, name), store.Window())
            rows[-1, -1] += last
            writer.stream("model", sites).append(rows)
            writer.close({"subject": {}, "environment": {}})
        a, b = Path(folder, "a"), Path(folder, "b")
        moments = [time.perf_counter()]
        assert compare(a, b, zoom=False).step == 999
        moments.append(time.perf_counter())
        command = [sys.executable, "-m", "bitforbit", "compare", a, b, "--no-zoom"]
        assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 1
        moments.append(time.perf_counter())
    return moments[1] - moments[0], moments[2] - moments[1]


def memory() -> None:
    """Print the process's memory along 10,000 traced steps, and what they leave on disk."""
    import keras
    import numpy as np

    from bitforbit.diagnosis.trace import Tracer, store, stored

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch + 1 in (1000, 2000, 4000, 8000, 10_000):
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                print(f"  step {batch + 1:6}: {pages * os.sysconf('SC_PAGE_SIZE') / 1e6:7.1f} MB resident", flush=True)

    x = np.ones((10_000, 1), "float32")
    for window in (store.Window(), store.Window(5000, 5100)):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
        model.compile("adam", "mse", jit_compile=False)
        with tempfile.TemporaryDirectory() as folder:
            tracer = Tracer(Path(folder, "trace"), window)
            model.fit(x, x, batch_size=1, shuffle=False, verbose=0, callbacks=[Watch()])  # noqa: BFB107 no bits count here
            tracer.close({"subject": {}, "environment": {}})
            sizes = {path.name: path.stat().st_size for path in sorted(Path(folder, "trace").iterdir())}
            columns = len(stored.read(Path(folder, "trace")).streams[0].sites)
        print(f"  on disk, {columns} sites, window {window.first}:{min(window.end, 10_000)}: {sizes}", flush=True)


def main(words: list[str]) -> None:
    from bitforbit.policy import Policy, activate

    if words == ["compare"]:
        alone, command = comparison()
        print(f"compare, 1,000 steps x 200 tensors: {alone:.3f} s; the whole command: {command:.2f} s")
        return
    activate(Policy.from_environment(), strict=False)
    if words == ["memory"]:
        memory()
        return
    print("with digests / without: ratio of minima (of medians)")
    for name in words or BUILT_IN:
        steps(name)


if __name__ == "__main__":
    if "BITFORBIT_RELAUNCHED" not in os.environ:
        from bitforbit.policy import Policy

        environment = os.environ | Policy.from_environment().environment()
        environment |= {"BITFORBIT_RELAUNCHED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        sys.exit(subprocess.call([sys.executable, *sys.argv], env=environment))
    main(sys.argv[1:])
