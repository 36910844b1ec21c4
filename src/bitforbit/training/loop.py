"""One seeded training run, from a config to a published folder."""

import contextlib
import json
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from bitforbit.audit import check, gpu, graph
from bitforbit.errors import DivergedError, PolicyError, UsageError
from bitforbit.evidence import archive, canonical, curve, digests, runs
from bitforbit.policy import Policy, activate, devices, host, readback
from bitforbit.training import executions, identity, pipeline, seeds, store
from bitforbit.training.experiment import Experiment

# What a model may define in place of Keras's own, so that its steps make other variables.
STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics", "_compute_loss")


class Request(NamedTuple):
    """What to train.

    Attributes:
        experiment: a loaded experiment.
        config: its frozen config.
        seed: 0 to 2^64 - 1.
        policy: what is pinned.
        root: folder of all runs.
        strict: refuse where a knob did not take.
        force: train even where the run is there already.
    """

    experiment: Experiment
    config: object
    seed: int
    policy: Policy
    root: Path
    strict: bool = True
    force: bool = False


class Outcome(NamedTuple):
    """A published run, and whether it was trained just now."""

    published: runs.Published
    trained: bool
    seconds: float


class Report(Protocol):
    """Hears of a run's progress."""

    def begin(self) -> None:
        """Called once, when training is really to happen."""

    def __call__(self, epoch: int, logs: dict) -> None:
        """Called after each epoch, counted from 1."""


class Silent:
    """A report that nobody reads."""

    def begin(self) -> None:
        pass

    def __call__(self, epoch: int, logs: dict) -> None:
        pass


def train(request: Request, report: Report | None = None) -> Outcome:
    """Train, or find the run already there and re-verify it.

    Args:
        request: what to train.
        report: hears of the progress. Defaults to none.

    Raises:
        BitforbitError: see `bitforbit.errors`; nothing half-written is left in the run's place.
    """
    started, report = time.monotonic(), report or Silent()
    host.require_level_v3()
    deviations = []
    if not request.strict:
        deviations = [reading.complaint for reading in activate(request.policy, strict=False)]
    described = identity.describe(request.experiment, request.config, request.policy, deviations)
    target = runs.folder_of(request.root, request.experiment.name, described["config_hash"], request.seed)
    if target.exists() and not request.force:
        return Outcome(runs.verify(target), False, time.monotonic() - started)
    store.prepare(target.parent)
    report.begin()
    if request.strict:
        activate(request.policy)
    evidence = fit(request, report)
    if request.strict:
        readback.refuse(readback.read_effects(request.policy), strict=True, because=readback.CHANGED)
    staged = _stage(request, described, evidence, target, time.monotonic() - started)
    if evidence.failure:
        kept = store.keep_diverged(staged, target)
        raise DivergedError(f"{evidence.failure} See {kept}.")
    runs.publish(staged, target)
    return Outcome(runs.verify(target), True, time.monotonic() - started)


def rehearse(request: Request, report: Report | None = None, watch=contextlib.nullcontext) -> tuple[dict, str]:
    """Train as `train` does, and publish nothing.

    Args:
        request: what to train; again and again in one process, each time from the same start.
        report: hears of the progress. Defaults to none.
        watch: makes a context manager that stands around `fit`, as a trace.

    Returns:
        What `result.json` would hold, and its digest.
    """
    import keras

    report = report or Silent()
    failed = activate(request.policy, request.strict)
    deviations = [reading.complaint for reading in failed]
    described = identity.describe(request.experiment, request.config, request.policy, deviations)
    report.begin()
    keras.backend.clear_session()
    evidence = fit(request, report, watch=watch)
    if request.strict:
        readback.refuse(readback.read_effects(request.policy), strict=True, because=readback.CHANGED)
    with tempfile.TemporaryDirectory(prefix="bitforbit-") as folder:
        staged = _stage(request, described, evidence, Path(folder) / "run", 0.0)
        return json.loads((staged / runs.RESULT).read_bytes()), canonical.file_digest(staged / runs.RESULT)


class Evidence(NamedTuple):
    """What one training run left in memory.

    Attributes:
        model: the trained Keras model (after the last good epoch, where it diverged).
        recorder: see `bitforbit.training.recorder.Recorder`.
        data: leaves of the four parts of the data.
        metrics: name to value on the held-out part.
        predictions: leaves of the predictions for the held-out part.
        failure: why training stopped early, else `None`.
        timings: seconds.
        audit: what is known of the model's ops on other hosts; on a GPU, which of them have no deterministic kernel.
    """

    model: object
    recorder: object
    data: list
    metrics: dict
    predictions: list
    failure: DivergedError | None
    timings: dict
    audit: check.Audit | gpu.GpuAudit


class Prepared(NamedTuple):
    """A model and its data, before the first step."""

    model: object
    data: object
    batches: object
    held_out: object
    audit: check.Audit | gpu.GpuAudit
    uses: Counter


def prepare(request: Request) -> Prepared:
    """Load the data, build the model and audit its graphs, under a policy that is already active."""
    config, seed = request.config, request.seed
    seeds.seed_globals(0, "data")
    data = request.experiment.load_data(config)
    seeds.seed_globals(seed, "initialization")
    with graph.building() as uses:
        model = request.experiment.build_model(config)
        _check_compiled(model, request)
        _build_optimizer(model)
    seeds.seed_layers(model, seed)
    executions.loop(model, _together(request, data))
    batches = pipeline.batches(data.x_train, data.y_train, seed, config.epochs, config.batch_size)
    held_out = pipeline.in_order(data.x_test, data.y_test, config.batch_size)
    _build_metrics(model, batches.element_spec)
    try:
        uses.update(graph.trace(model, batches, held_out, config.batch_size))
    except PolicyError:
        if request.strict:
            raise
        uses[graph.NOT_TRACED] += 1
    audited = gpu.audit(uses) if request.policy.device == devices.GPU else check.audit(uses)
    return Prepared(model, data, batches, held_out, audited, uses)


def fit(request: Request, report: Report, keep_arrays: bool = False, watch=contextlib.nullcontext) -> Evidence:
    """Train in this process, under a policy that is already active; publishes nothing. See `rehearse` for `watch`."""
    from bitforbit.training.recorder import Recorder

    config, began = request.config, time.monotonic()
    model, data, batches, held_out, audited, uses = prepare(request)
    (gpu if isinstance(audited, gpu.GpuAudit) else check).hold(audited, request.strict)
    recorder, failure = Recorder(report, keep_arrays), None
    try:
        with watch():
            model.fit(
                batches,
                epochs=config.epochs,
                steps_per_epoch=executions.of_epoch(len(_first(data.x_train)), config.batch_size),
                validation_data=held_out,
                shuffle=False,
                callbacks=[recorder],
                verbose=0,
            )
    except DivergedError as error:
        failure = error
        model.set_weights(recorder.good_weights)
    except Exception as error:
        refusal = gpu.explain(error, uses)
        if refusal is None:
            raise
        raise refusal from None
    finished = time.monotonic()
    metrics = {} if failure else model.evaluate(held_out, verbose=0, return_dict=True)
    executions.predicting(model, _together(request, data))
    inputs = pipeline.in_order(data.x_test, None, config.batch_size)
    predictions = digests.tree("predictions", model.predict(inputs, verbose=0))
    timings = {
        "fit_seconds": finished - began,
        "start_to_first_validation": store.since_start(recorder.first_validation or finished),
        "epoch_ends": [moment - began for moment in recorder.epoch_ends],
    }
    arrays = [leaf for name, value in zip(data._fields, data, strict=True) for leaf in digests.tree(name, value)]
    scores = {name: float(value) for name, value in metrics.items()}
    return Evidence(model, recorder, arrays, scores, predictions, failure, timings, audited)


def _stage(request: Request, described: dict, evidence: Evidence, target: Path, seconds: float) -> Path:
    from bitforbit.training.recorder import leaves

    recorder = evidence.recorder
    staged = store.stage(target)
    try:
        archive.write_model(evidence.model, staged / runs.MODEL)
        names = list(recorder.epochs[0]["logs"]) if recorder.epochs else []
        history = [[entry["epoch"], *(entry["logs"][name] for name in names)] for entry in recorder.epochs]
        canonical.write(staged / runs.HISTORY, runs.table(["epoch", *names], history))
        canonical.write(staged / runs.DIGESTS, runs.table(["epoch", "variable", "sha256"], recorder.rows))
        variables = leaves(evidence.model.weights)
        # A class that did not hold is not claimed again by an audit.
        lowered = evidence.audit.lowered()
        if described["host_class"] == identity.UNPINNED:
            lowered.pop("host_class", None)
        result = (
            described
            | lowered
            | {
                "seed": request.seed,
                "status": "diverged" if evidence.failure else "finished",
                "data": {"root": digests.root(evidence.data), "arrays": [leaf.record() for leaf in evidence.data]},
                "epochs": recorder.epochs,
                "epoch_digests": canonical.file_digest(staged / runs.DIGESTS),
                "variables": [leaf.record() for leaf in variables],
                "weights": digests.root(variables),
                "metrics": evidence.metrics,
                "predictions": digests.root(evidence.predictions),
                "model": canonical.file_digest(staged / runs.MODEL),
            }
        )
        canonical.write(staged / runs.RESULT, canonical.dumps(result))
        curve.write(staged / runs.CURVE, recorder.epochs, f"{request.experiment.name}, seed {request.seed}")
        timings = evidence.timings | {
            "total_seconds": seconds,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        runs.seal(
            staged,
            {"host": host.facts() | devices.facts(request.policy), "command": store.command_line(), "timings": timings},
        )
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return staged


def _check_compiled(model, request: Request) -> None:
    name = request.experiment.name
    if not getattr(model, "compiled", False):
        raise UsageError(f"expected {name}.build_model to return a compiled model. Next step: model.compile(...)")
    if request.policy.xla:
        model.jit_compile = True
    elif model.jit_compile:
        raise UsageError(
            f"expected {name}.build_model to compile with jit_compile=False, found {model.jit_compile!r}:"
            " XLA's kernels are not part of the policy."
        )


def _build_optimizer(model) -> None:
    """Make the optimizer's variables now, as Keras's first step would: a step that makes none is traced only once.

    A `train_step` of the model's own may give the optimizer other variables, or none, so then it is left alone.
    """
    import keras

    optimizer = model.optimizer
    own = executions.has_own(model, ("train_step",))
    if optimizer is None or optimizer.built or own or not model.built:
        return
    # The scope that `Optimizer.apply` opens: a variable's path begins with it, and digests hold paths.
    with keras.name_scope(optimizer.name, caller=optimizer):
        optimizer.build(model.trainable_weights)
    optimizer.built = True


def _build_metrics(model, spec) -> None:
    """Make the variables of metrics and losses now, for the same reason, as Keras does it for its other backends.

    Only with a built model and steps of Keras's own: then these are what the first step would make.
    """
    if executions.has_own(model, STEPS) or not all(layer.built for layer in model._flatten_layers()):
        return
    try:
        model._symbolic_build(data_batch=spec)
    except (RuntimeError, ValueError):
        # Symbols are not enough for it: its first step makes them.
        return


def _together(request: Request, data) -> int:
    # On a GPU nobody has held the loop's bits against the single steps'.
    on_cpu = request.policy.device == devices.CPU
    return executions.together(len(_first(data.x_train)), request.config.batch_size) if on_cpu else 1


def _first(value) -> np.ndarray:
    while isinstance(value, (dict, tuple, list)):
        value = next(iter(value.values() if isinstance(value, dict) else value))
    return value
