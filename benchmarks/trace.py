"""What a trace costs: traced against untraced steps, the op-level zoom, and a comparison; ratios of one run.

usage: python benchmarks/trace.py [ROUNDS] [EXPERIMENT ...]      (all four; start it through `bitforbit policy --env`)
       python benchmarks/trace.py memory                         memory and disk of 10,000 tiny steps
"""

import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEMORY = sys.argv[1:] == ["memory"]
ROUNDS = int(sys.argv[1]) if sys.argv[1:] and not MEMORY else 4
EXPERIMENTS = sys.argv[2:] or ["sequence", "digits", "solubility", "peptides"]
EPOCHS = {"sequence": 60, "digits": 4, "solubility": 4, "peptides": 3}


def epochs(request, traced: bool) -> list[float]:
    """Train once, return the seconds of each epoch but the first, which holds the making of the graphs."""
    import keras

    from bitforbit.diagnosis.trace import Tracer
    from bitforbit.training import loop

    class Clock(loop.Silent):
        ends = ()

        def __call__(self, epoch, logs):
            self.ends += (time.perf_counter(),)

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:

        @contextlib.contextmanager
        def watch():
            tracer = Tracer(Path(folder, "trace"))
            yield
            tracer.close({})

        keras.backend.clear_session()
        loop.fit(request, clock, watch=watch if traced else contextlib.nullcontext)
    return [b - a for a, b in itertools.pairwise(clock.ends)]


def zoom(request) -> float:
    """Return the step with every op's output digested over the plain step, both after their graphs are made."""
    import keras
    from keras.src.backend.tensorflow.trainer import TensorFlowTrainer

    from bitforbit.diagnosis.trace import Tracer
    from bitforbit.diagnosis.trace import zoom as zooming
    from bitforbit.training import loop

    stock = TensorFlowTrainer.make_train_function

    def measure(step_of) -> float:
        keras.backend.clear_session()
        prepared = loop.prepare(request)
        model, batches = prepared.model, iter(prepared.batches)
        with tempfile.TemporaryDirectory() as folder:
            tracer = Tracer(Path(folder, "trace"))
            model.steps_per_execution = 1
            function = tracer.made(model, stock, step_of(tracer, model))
            seconds = []
            for _ in range(12):
                began = time.perf_counter()
                function(batches)
                seconds.append(time.perf_counter() - began)
            tracer.discard()
        return min(seconds[3:])

    def plain(tracer, model):
        return model.train_step

    def every_op(tracer, model):
        step = model.train_step

        def train_step(data):
            with zooming.Ops() as ops:
                _, collector = tracer.collect(model, step, data)
            return {"ops": ops.digests.row(), "row": collector.digests.row(), "values": ops.values}

        return train_step

    zoomed = measure(every_op)
    return zoomed / measure(plain)


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

    from bitforbit.diagnosis.trace import Tracer, store

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
            columns = len(store.read(Path(folder, "trace")).streams[0].sites)
        print(f"  on disk, {columns} sites, window {window.first}:{min(window.end, 10_000)}: {sizes}", flush=True)


def main() -> None:
    from bitforbit.policy import Policy, activate
    from bitforbit.training import config, experiment, loop

    policy = Policy.from_environment()
    activate(policy, strict=False)
    if MEMORY:
        memory()
        return
    print("epoch with digests / epoch without: ratio of minima (of medians); step with every op digested / plain step")
    for name in EXPERIMENTS:
        chosen = experiment.load(name)
        resolved = config.resolve(chosen.config_type, None, (f"epochs={EPOCHS[name]}",))
        request = loop.Request(chosen, resolved, 1, policy, Path(), strict=False)
        found: dict[bool, list[float]] = {True: [], False: []}
        for number in range(ROUNDS):
            for traced in ((False, True), (True, False))[number % 2]:
                found[traced] += epochs(request, traced)
        minima, medians = min(found[True]) / min(found[False]), (
            statistics.median(found[True]) / statistics.median(found[False])
        )  # fmt: skip
        print(f"  {name:11} {minima:5.3f} ({medians:.3f})   zoom {zoom(request):5.2f}", flush=True)
    alone, command = comparison()
    print(f"  compare, 1,000 steps x 200 tensors: {alone:.3f} s; the whole command: {command:.2f} s")


if __name__ == "__main__":
    if "BITFORBIT_RELAUNCHED" not in os.environ:
        from bitforbit.policy import Policy

        environment = os.environ | Policy.from_environment().environment()
        environment |= {"BITFORBIT_RELAUNCHED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        sys.exit(subprocess.call([sys.executable, *sys.argv], env=environment))
    main()
