"""Train in this process, and keep in memory what the training leaves."""

import contextlib
import time
from typing import NamedTuple

from bitforbit.audit import check, gpu
from bitforbit.errors import DivergedError
from bitforbit.evidence import digests
from bitforbit.training import executions, pipeline, prepare, store
from bitforbit.training.request import Report, Request


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
        audited: what is known of the model's ops.
    """

    model: object
    recorder: object
    data: list
    metrics: dict
    predictions: list
    failure: DivergedError | None
    timings: dict
    audited: prepare.Audited


def fit(
    request: Request,
    report: Report,
    keep_arrays: bool = False,
    watch=contextlib.nullcontext,
    known: prepare.Audited | None = None,
) -> Evidence:
    """Train in this process, under a policy that is already active; publishes nothing.

    Args:
        request: what to train.
        report: hears of the progress.
        keep_arrays: the recorder keeps each epoch's weights, not their digests only.
        watch, known: see `loop.rehearse`.
    """
    from bitforbit.training.recorder import Recorder

    config, began = request.config, time.monotonic()
    ready = prepare.prepare(request, known)
    model, data, audited = ready.model, ready.data, ready.audited
    (gpu if isinstance(audited.audit, gpu.GpuAudit) else check).hold(audited.audit, request.strict)
    recorder, failure = Recorder(report, keep_arrays), None
    try:
        with watch():
            if known:
                prepare.make_graphs(ready, config.batch_size)
            model.fit(
                ready.batches,
                epochs=config.epochs,
                steps_per_epoch=ready.steps,
                validation_data=ready.held_out,
                shuffle=False,
                callbacks=[recorder],
                verbose=0,
            )
    except DivergedError as error:
        failure = error
        model.set_weights(recorder.good_weights)
    except Exception as error:
        refusal = gpu.explain(error, audited.uses)
        if refusal is None:
            raise
        raise refusal from None
    finished = time.monotonic()
    metrics = {} if failure else model.evaluate(ready.held_out, verbose=0, return_dict=True)
    executions.predicting(model, ready.together)
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
