"""Every way to train leaves a trace and the same weights as without one."""

from pathlib import Path

import pytest

from bitforbit.diagnosis import trace
from bitforbit.diagnosis.compare import compare, frontier

TRAININGS = Path(__file__).with_name("trainings.py")
FORMS = ("fit", "loop-of-steps", "eager", "batches", "own-step", "mixed", "tape", "tape-in-graph")
FLIP = {
    "fit": "inner/flip", "loop-of-steps": "inner/flip", "eager": "inner/flip", "mixed": "inner/flip",
    "own-step": "own/flip",
}  # fmt: skip
STEPS = {"batches": 4, "tape": 70, "tape-in-graph": 70}


@pytest.mark.parametrize("form", FORMS)
def test_the_trace_changes_no_bit(trainings, form):
    with_trace, without = trainings[1]["forms"][form]
    assert with_trace == without


@pytest.mark.parametrize("form", FORMS)
def test_one_flipped_bit_is_named_by_step_and_layer(trainings, form):
    found = compare(trainings[0] / form, trainings[0] / f"{form}-flip", zoom=False)
    assert (found.kind, found.step, found.site) == ("forward", 2, f"act/{FLIP.get(form, 'tiny/flip')}")


@pytest.mark.parametrize("form", FORMS)
def test_one_flipped_bit_is_named_by_op_and_line(trainings, form):
    op = frontier.find(*(frontier.read(trainings[0] / f"{form}-{side}-op") for side in ("zoom", "flip")))
    line = next(n for n, text in enumerate(TRAININGS.read_text().splitlines(), 1) if text.endswith("# the fault"))
    assert (op.type, op.line) == ("LogicalAnd", f"{TRAININGS}:{line}")
    assert op.layer == FLIP.get(form, "tiny/flip")
    assert (op.elements.count, op.elements.size) == (1, 1)


@pytest.mark.parametrize("form", FORMS)
def test_every_step_is_there_in_full(trainings, form):
    (stream,) = trace.read(trainings[0] / form).streams
    steps = STEPS.get(form, 6)
    assert (stream.steps, stream.kept, len(set(stream.chain.tolist()))) == (steps, range(steps), steps)
    kinds = [site.kind for site in stream.sites]
    assert list(dict.fromkeys(kinds))[:4] == ["batch", "act", "loss", "grad"]
    assert {"weight", "slot"} <= set(kinds)


def test_sites_of_a_model_with_two_inputs_two_outputs_and_a_nested_one(trainings):
    (stream,) = trace.read(trainings[0] / "fit").streams
    names = [site.name for site in stream.sites]
    assert names[:8] == [
        "batch/x/0", "batch/x/1", "batch/y/0", "batch/y/1", "act/inner/dense", "act/inner/flip",
        "act/inner/batch_normalization", "act/concatenate",
    ]  # fmt: skip
    assert (sorted(names[8:10]), names[10]) == (["act/a", "act/b"], "loss/loss")
    assert {"grad/inner/dense/kernel", "weight/inner/batch_normalization/moving_mean"} <= set(names)
    assert stream.epochs == [(1, 0), (2, 3)]
    (start,) = stream.starts
    assert start[0] == 0
    # Slots are made in the first step.
    assert set(start[1]) >= {site.name for site in stream.sites if site.kind in ("weight", "seed")}


def test_steps_inside_a_while_loop_have_the_digests_of_steps_outside(trainings):
    (outside,), (inside,) = (trace.read(trainings[0] / name).streams for name in ("fit", "loop-of-steps"))
    assert outside.sites == inside.sites
    assert outside.chain.tolist() == inside.chain.tolist()


def test_mixed_precision_keeps_the_dtypes(trainings):
    (stream,) = trace.read(trainings[0] / "mixed").streams
    dtypes = {site.name: site.dtype for site in stream.sites}
    assert (dtypes["act/inner/dense"], dtypes["act/a"], dtypes["grad/inner/dense/kernel"]) == (
        "float16", "float32", "float32",
    )  # fmt: skip


def test_a_digest_that_changes_the_run_is_called_by_its_name(trainings):
    planted = trainings[1]["planted"]
    assert planted["verdict"] == "changed by the trace"
    assert planted["traced"] != planted["untraced"]


@pytest.mark.parametrize("form", FORMS)
def test_the_batch_of_a_zoomed_step_can_be_compared_by_element(trainings, form):
    step = frontier.read(trainings[0] / f"{form}-zoom-op")
    batch = [site for site in step.row if site.startswith("batch/")]
    columns = {digest: str(column) for column, digest in enumerate(step.digests)}
    shapes = [step.values[columns[step.row[site]]].shape for site in batch]
    assert batch
    assert {shape[-1] for shape in shapes} <= {1, 2, 6}
