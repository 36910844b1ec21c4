"""The observer check: a trace counts only where the run with digests gave the result of the run without."""

from collections.abc import Callable

SAME, CHANGED, UNSTABLE, UNCHECKED = "same", "changed by the trace", "the run does not repeat itself", "not checked"
DIFFERENT = "different"


def check(traced: str, untraced: str, against: str, again: Callable[[], str]) -> dict:
    """Return the verdict for a trace's header.

    Args:
        traced: digest of the traced run's result.
        untraced: digest of the run without a trace.
        against: what `untraced` is of, in words.
        again: trains once more without a trace and returns the digest: called only where the two differ, because then
            either the trace changed the run, or the run does not even give the same result twice.
    """
    verdict = SAME if traced == untraced else CHANGED if again() == untraced else UNSTABLE
    return {"verdict": verdict, "against": against, "traced": traced, "untraced": untraced}


def unchecked(traced: str) -> dict:
    return {"verdict": UNCHECKED, "against": "none", "traced": traced, "untraced": "none"}


def sentence(record: dict) -> str:
    """Return the verdict as a line for people."""
    verdict, against = record["verdict"], record["against"]
    return {
        SAME: f"same result with and without digests ({against})",
        CHANGED: f"THE DIGESTS CHANGED THE RUN: {against} has another result, and has it again when trained once more."
        " The trace shows another run than the one that you have; race or fused kernel suspected",
        UNSTABLE: f"the run does not repeat itself: without digests it gave two results ({against}, and once more)."
        " Next step: bitforbit diagnose",
        DIFFERENT: "the run with digests has another result than the one before it: the script does not repeat itself,"
        " or the digests changed it. Next step: bitforbit diagnose",
        UNCHECKED: "not checked, as asked: that the digests change nothing is not shown for this run",
    }[verdict]
