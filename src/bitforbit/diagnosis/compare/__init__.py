"""Find the first difference of two runs, and say what it is and where it comes from; see docs/diagnosis.md."""

from dataclasses import replace
from pathlib import Path

from bitforbit.diagnosis.compare import causes, epochs, fits, rerun, steps, subjects
from bitforbit.diagnosis.compare.difference import Difference
from bitforbit.diagnosis.compare.subjects import CannotCompareError
from bitforbit.diagnosis.trace.sites import BATCH

__all__ = ["CannotCompareError", "Difference", "compare"]

MORE = (
    "{} on both sides writes digests of every step; bitforbit compare FOLDER FOLDER then names step, layer, op and line"
)


def compare(run_a, run_b, anyway: bool = False, zoom: bool = True) -> Difference | None:
    """Return the first difference of two runs, or `None` where they are the same as far as was recorded.

    Args:
        run_a, run_b: folders of published runs, or of traces.
        anyway: compare even where config, policy or class differ: these then stand among the causes.
        zoom: start both runs again, up to the step that differs, to name op, line and elements.

    Raises:
        CannotCompareError: the two are not of the same training; says in what they differ.
        UsageError, EvidenceError: a folder is not a run, or is damaged.
    """
    a, b = (subjects.read(Path(run)) for run in (run_a, run_b))
    if _word(a) != _word(b):
        raise CannotCompareError(
            f"cannot compare: {run_a} is a {_word(a)}, {run_b} is a {_word(b)}. Next step: two of the same kind"
        )
    obstacles = subjects.obstacles(a.identity, b.identity)
    if obstacles and not anyway:
        listed = "\n".join(f"  {line}" for line in obstacles)
        raise CannotCompareError(
            f"cannot compare {run_a} and {run_b}: not the same training\n{listed}\n"
            "  Next step: compare runs of one config, policy and class; --anyway takes these for causes"
        )
    if a.trace and b.trace:
        found = _of_steps(a, b, zoom)
    else:
        if "fits" in a.result:
            found, command = fits.first(a, b), "bitforbit run --trace FOLDER SCRIPT"
        else:
            found, command = epochs.first(a, b), "bitforbit trace EXPERIMENT --seed N --to FOLDER"
        found = found and replace(found, more=(MORE.format(command),))
    return found and replace(found, causes=causes.rank(a, b, found.kind))


def _of_steps(a, b, zoom: bool) -> Difference | None:
    found = steps.first(a.trace, b.trace)
    if found is None:
        return None
    stream, site = a.trace.streams[found.stream], found.site
    more = () if site else (f"bitforbit trace ... --window {found.step}:{found.step + 1} on both sides",)
    shown = Difference(
        found.kind or "training", "step", found.epoch, found.step, stream.name, site.name if site else "",
        site.path if site else "", _tensor(site) if site else "", found.note, found.differing, len(stream.sites),
        more=more,
    )  # fmt: skip
    # A step that one of them never made, or whose digests were not kept, cannot be seen again.
    if not zoom or site is None:
        return shown
    steps_of = found.step, found.step - found.offset
    if found.before:
        return rerun.with_state(shown, a.trace, b.trace, *steps_of)
    return rerun.zoomed(shown, a.trace, b.trace, *steps_of, ops=site.kind != BATCH)


def _tensor(site) -> str:
    shape = (
        "of unknown shape" if site.shape is None else f"({', '.join('n' if n is None else str(n) for n in site.shape)})"
    )
    return f"{site.dtype} {shape}"


def _word(side) -> str:
    if side.trace:
        return "trace of a script" if side.identity["kind"] == "script" else "trace of an experiment"
    return "published run of a script" if "fits" in side.result else "published run of an experiment"
