"""One training run with all measures, or without those that other hosts need: what benchmarks/measures.py compares.

usage: measured.py (with | without) EXPERIMENT [EPOCHS]      prints JSON

Without them (`taken_away`) what one host needs to repeat itself stays: seeds, op determinism, thread pools, the
environment.

With them it also times these functions one by one until the first epoch's steps end: the seconds that the measures
themselves take. To trace evaluation and prediction is not among them, a training does that in any case, only later.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

mode, name, epochs = sys.argv[1], sys.argv[2], sys.argv[3:]

from bitforbit.policy import Policy, deferred, launcher  # noqa: E402

launcher.ensure_environment(Policy())
deferred.install()

import taken_away  # noqa: E402

from bitforbit.audit import check, graph  # noqa: E402
from bitforbit.policy import natives, replacements  # noqa: E402
from bitforbit.training import config, experiment, loop, store  # noqa: E402

own: dict[str, float] = {}
first: dict[str, float] = {}


def timed(place, function: str) -> None:
    """Add what a function's calls take until the first epoch's steps end to `own`."""
    call = getattr(place, function)

    def timing(*args):
        began = time.monotonic()
        try:
            return call(*args)
        finally:
            if not first:
                own[function] = own.get(function, 0.0) + time.monotonic() - began

    setattr(place, function, timing)


def traced_apart(functions):
    """Take the making of each graph out of `graph.trace`'s seconds."""
    while True:
        began = time.monotonic()
        found = next(functions, None)
        own["tracing"] = own.get("tracing", 0.0) - (time.monotonic() - began)
        if found is None:
            return
        yield found


if mode == "without":
    taken_away.take_away()
else:
    for place, function in (
        (natives, "pin_eigen_caches"),
        (natives, "onednn_isa"),
        (natives, "eigen_caches"),
        (replacements, "load"),
        (replacements, "in_force"),
        (graph, "trace"),
        (check, "audit"),
        (check, "hold"),
    ):
        timed(place, function)
    making = graph.concrete_functions
    graph.concrete_functions = lambda *args: traced_apart(making(*args))

from bitforbit.training.recorder import Recorder  # noqa: E402

note = Recorder.on_test_begin


def noted(self, logs=None):
    if not first:
        first.update(wall=store.since_start(time.monotonic()), cpu=time.process_time())
    note(self, logs)


Recorder.on_test_begin = noted
chosen = experiment.load(name)
settings = config.resolve(chosen.config_type, None, [f"epochs={number}" for number in epochs])
with tempfile.TemporaryDirectory() as folder:
    request = loop.Request(chosen, settings, 1, Policy(), Path(folder), strict=mode == "with")
    outcome = loop.train(request)
    timings = json.loads((outcome.published.folder / "run.json").read_bytes())["timings"]
    print(json.dumps({"first": first, "own": own, "weights": outcome.published.result["weights"]} | timings))
