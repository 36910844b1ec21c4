"""From a request to a model, its data and the audit of its graphs: all that precedes the first step."""

import contextlib
from collections import Counter
from typing import NamedTuple

import numpy as np

from bitforbit.audit import check, gpu, graph, nodes
from bitforbit.errors import PolicyError, UsageError
from bitforbit.policy import devices
from bitforbit.training import executions, pipeline, seeds
from bitforbit.training.request import Request

# What a model may define in place of Keras's own, so that its steps make other variables.
STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics", "_compute_loss")


class Audited(NamedTuple):
    """What is known of the ops of a model.

    Attributes:
        audit: of its ops on other hosts; on a GPU, which of them have no deterministic kernel.
        uses: how often its graphs have each op.
    """

    audit: check.Audit | gpu.GpuAudit
    uses: Counter


class Prepared(NamedTuple):
    """A model and its data, before the first step.

    Attributes:
        model: compiled, its layers seeded.
        data: see `bitforbit.training.experiment.Data`.
        batches: what `fit` draws from.
        held_out: what it validates on.
        audited: what is known of its ops.
        steps: of an epoch.
        together: steps that one call makes.
    """

    model: object
    data: object
    batches: object
    held_out: object
    audited: Audited
    steps: int
    together: int


def prepare(request: Request, known: Audited | None = None) -> Prepared:
    """Load the data, build the model and audit its graphs, under a policy that is already active.

    Args:
        request: what to train.
        known: of the same request: then no graph is made, see `make_graphs`.
    """
    config, seed = request.config, request.seed
    seeds.seed_globals(0, "data")
    data = request.experiment.load_data(config)
    seeds.seed_globals(seed, "initialization")
    with graph.building() as uses:
        model = request.experiment.build_model(config)
        _check_compiled(model, request)
        _build_optimizer(model)
    seeds.seed_layers(model, seed)
    size = len(_first(data.x_train))
    # On a GPU nobody has held the loop's bits against the single steps'.
    together = executions.together(size, config.batch_size) if request.policy.device == devices.CPU else 1
    executions.loop(model, together)
    batches = pipeline.batches(data.x_train, data.y_train, seed, config.epochs, config.batch_size)
    held_out = pipeline.in_order(data.x_test, data.y_test, config.batch_size)
    _build_metrics(model, batches.element_spec)
    steps = executions.of_epoch(size, config.batch_size)
    audited = known or _audit(request, model, batches, held_out, uses)
    return Prepared(model, data, batches, held_out, audited, steps, together)


def make_graphs(ready: Prepared, batch_size: int) -> None:
    """Make the graphs that `prepare` makes to audit them, in the same order: what a layer does meanwhile counts."""
    with contextlib.suppress(PolicyError):
        for _ in graph.concrete_functions(ready.model, ready.batches, ready.held_out, batch_size):
            pass


def _audit(request: Request, model, batches, held_out, uses: Counter) -> Audited:
    try:
        uses.update(graph.trace(model, batches, held_out, request.config.batch_size))
    except PolicyError:
        if request.strict:
            raise
        uses[nodes.NOT_TRACED] += 1
    return Audited(gpu.audit(uses) if request.policy.device == devices.GPU else check.audit(uses), uses)


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


def _first(value) -> np.ndarray:
    while isinstance(value, (dict, tuple, list)):
        value = next(iter(value.values() if isinstance(value, dict) else value))
    return value
