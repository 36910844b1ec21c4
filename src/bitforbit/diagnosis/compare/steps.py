"""The first step at which two traces differ, and where in it."""

from typing import NamedTuple

import numpy as np

from bitforbit.diagnosis.compare.difference import DATA, FORWARD, GRADIENT, INIT, OPTIMIZER
from bitforbit.diagnosis.compare.subjects import CannotCompareError
from bitforbit.diagnosis.trace import sites as names
from bitforbit.diagnosis.trace.stored import Stream, Trace

KINDS = {names.BATCH: DATA, names.FORWARD: FORWARD, names.LOSS: FORWARD, names.GRADIENT: GRADIENT}


class Found(NamedTuple):
    """The first difference of two streams.

    Attributes:
        stream: index.
        step: of the first trace, counted from 0.
        epoch: counted from 1; 0 before training; `None` where the trace knows no epochs.
        kind: see `difference`.
        site: the first one that differs; `None` where the step's digests were not kept.
        differing: names of all that differ in that step.
        before: the difference is in the state before the step.
        note: what is special, in words.
        offset: the step of the first trace at which the second one begins.
    """

    stream: int
    step: int
    epoch: int | None
    kind: str
    site: names.Site | None
    differing: tuple[str, ...]
    before: bool = False
    note: str = ""
    offset: int = 0


def first(a: Trace, b: Trace) -> Found | None:
    """Return the first difference, or `None` where every step of every stream agrees.

    Raises:
        CannotCompareError: the traces are not of the same model.
    """
    if [stream.name for stream in a.streams] != [stream.name for stream in b.streams]:
        left, right = (", ".join(stream.name for stream in side.streams) or "none" for side in (a, b))
        raise CannotCompareError(f"cannot compare: the traced models differ: {left} and {right}")
    found = [_first(index, *pair) for index, pair in enumerate(zip(a.streams, b.streams, strict=True))]
    # Of several models, the one that left the common path at the earliest step.
    return min((item for item in found if item), key=lambda item: (item.step, not item.before), default=None)


def _first(index: int, a: Stream, b: Stream) -> Found | None:
    columns, reordered = _columns(a, b)
    note = "the layers stand in another order" if reordered else ""
    offset = _offset(a, b)
    end = min(a.steps - offset, b.steps)
    step = _first_step(a, b, columns, offset, end, reordered)
    start = _start(index, a, b, offset, note)
    if start is not None and (step is None or start.step <= step + offset):
        return start
    if step is not None:
        return _in_step(index, a, b, columns, offset, step, note)
    if a.steps - offset != b.steps:
        note = f"one run ended after {end + offset} steps, the other went on: {a.steps} and {b.steps + offset} steps"
        return Found(index, end + offset, _epoch(a, end + offset), DATA, None, (), note=note)
    return None


def _columns(a: Stream, b: Stream) -> tuple[list[int], bool]:
    """Return for each site of `a` its column in `b`."""
    places = {site[:2]: column for column, site in enumerate(b.sites)}
    missing = [site.name for site in a.sites if site[:2] not in places]
    if missing or len(a.sites) != len(b.sites):
        extra = sorted({site.name for site in b.sites} - {site.name for site in a.sites})
        raise CannotCompareError(
            f"cannot compare: the steps of {a.name} have other sites: {len(a.sites)} and {len(b.sites)};"
            f" only in the first: {', '.join(missing[:3]) or 'none'};"
            f" only in the second: {', '.join(extra[:3]) or 'none'}"
        )
    columns = [places[site[:2]] for site in a.sites]
    return columns, columns != list(range(len(columns)))


def _offset(a: Stream, b: Stream) -> int:
    """Return the step of `a` at which `b` begins: above 0 where `b` is the trace of a resumed run only."""
    if not a.epochs or not b.epochs or b.epochs[0][0] == a.epochs[0][0]:
        return 0
    return dict(a.epochs).get(b.epochs[0][0], 0)


def _first_step(a: Stream, b: Stream, columns: list[int], offset: int, end: int, reordered: bool) -> int | None:
    """Return the first step of `b` that differs; by the chains where they can be compared, else by kept digests."""
    if not reordered and not offset:
        differ = np.flatnonzero(a.chain[:end] != b.chain[:end])
        return int(differ[0]) if len(differ) else None
    begin = max(a.kept.start - offset, b.kept.start)
    stop = min(a.kept.stop - offset, b.kept.stop, end)
    for block in range(begin, stop, 4096):
        rows = range(block, min(block + 4096, stop))
        left = a.digests[rows.start + offset - a.kept.start : rows.stop + offset - a.kept.start]
        right = b.digests[rows.start - b.kept.start : rows.stop - b.kept.start][:, columns]
        differ = np.flatnonzero((left != right).any(axis=1))
        if len(differ):
            return block + int(differ[0])
    return None


def _start(index: int, a: Stream, b: Stream, offset: int, note: str) -> Found | None:
    """Return the first state that a fit began with and that differs: in the weights that were made or restored."""
    begins = sorted({step for step, _ in a.starts} | {step + offset for step, _ in b.starts})
    for step in begins:
        left, right = _before(a, step), _before(b, step - offset)
        ordered = [site.name for site in a.sites if site.name in left and site.name in right]
        differing = tuple(name for name in ordered if left[name] != right[name])
        if left and right and differing:
            site = next(site for site in a.sites if site.name == differing[0])
            if step:
                note = "the state that a fit was resumed with" + (f"; {note}" if note else "")
            return Found(index, step, _epoch(a, step) if step else 0, INIT, site, differing, True, note, offset)
    return None


def _before(stream: Stream, step: int) -> dict[str, int]:
    """Return the state before a step: what a fit began with there, else what the step before left."""
    for begun, state in stream.starts:
        if begun == step:
            return state
    if step - 1 not in stream.kept:
        return {}
    row = zip(stream.sites, stream.row(step - 1), strict=True)
    return {
        site.name: int(value) for site, value in row if site.kind in names.STATE
    }  # fmt: skip


def _in_step(index, a: Stream, b: Stream, columns: list[int], offset: int, step: int, note: str) -> Found:
    epoch = _epoch(a, step + offset)
    if step + offset not in a.kept or step not in b.kept:
        return Found(index, step + offset, epoch, "", None, (), note="the digests of that step were not kept")
    left, right = a.row(step + offset), b.row(step)[columns]
    differing = [site for site, x, y in zip(a.sites, left, right, strict=True) if x != y]
    return Found(
        index, step + offset, epoch, kind(differing[0], a.sites), differing[0],
        tuple(site.name for site in differing), note=note, offset=offset,
    )  # fmt: skip


def kind(site: names.Site, sites: list[names.Site]) -> str:
    """Return in which part of the step a site's value is made."""
    if site.kind in KINDS:
        return KINDS[site.kind]
    # What has no gradient is moved by the forward pass: a moving mean, the state of a random layer.
    updated = site.kind == names.SLOT or any(other.name == f"{names.GRADIENT}/{site.path}" for other in sites)
    return OPTIMIZER if updated else FORWARD


def _epoch(stream: Stream, step: int) -> int | None:
    return max((pair for pair in stream.epochs if pair[1] <= step), key=lambda pair: pair[1], default=(None, 0))[0]
