"""What runs with digests say: the observer check, a race that digests hide, and the first difference as compare says it."""

import pytest
from diagnosis import faults

from bitforbit.diagnosis.attribute import localize, unstable
from bitforbit.diagnosis.attribute.found import DIFFERS, REPRODUCIBLE, Diagnosis
from bitforbit.diagnosis.vary.change import Change
from bitforbit.diagnosis.vary.subject import Outcome, Subject


def outcome(digest: str, label: str = "", failure: str = "") -> Outcome:
    return Outcome(label, Change(), digest, failure, None, 1.0, f"run {label}")


class Scripted:
    """A runner whose outcomes are written down: by the start of a run's label, the next digest of that list."""

    jobs = 1
    subject = Subject("script", None, ("run",))

    def __init__(self, **digests):
        self.digests, self.asked = {name: list(values) for name, values in digests.items()}, []

    def run_all(self, jobs):
        self.asked += [(job.label, job.traced) for job in jobs]
        return [outcome(self.digests["traced" if job.traced else "plain"].pop(0), job.label) for job in jobs]


CONTROL = outcome("a", "control")
OBSERVED = [
    ("a", {}, "same", ""),
    ("b", {"plain": "a", "traced": "b"}, "changed", "observer effect: the digests change the run"),
    ("b", {"plain": "a", "traced": "c"}, "race", "a race: the runs are the same without digests, and no two of them"),
    ("b", {"plain": "c", "traced": "b"}, "unstable", "the control gave another result when it was repeated"),
]


@pytest.mark.parametrize(("traced", "later", "verdict", "words"), OBSERVED, ids=[case[2] for case in OBSERVED])
def test_the_observer_check_tells_a_race_from_an_effect(traced, later, verdict, words):
    runner = Scripted(**later)
    found = localize.observer(runner, Change(), CONTROL, outcome(traced))
    assert (found.verdict, found.words.startswith(words), bool(found.words)) == (verdict, True, bool(words))
    assert (found.again.label if found.again else "") == ("control, once more" if verdict == "unstable" else "")
    # Nothing is run again where the two agree.
    assert len(runner.asked) == len(later)


def test_an_observer_effect_is_a_finding_and_agreement_is_none():
    assert Diagnosis(CONTROL, observed="changed").verdict == DIFFERS
    assert Diagnosis(CONTROL, observed="same").verdict == REPRODUCIBLE


def test_a_race_that_digests_hide_is_said_in_these_words():
    found, runner = Diagnosis(CONTROL), Scripted(traced="aaaa")
    unstable._watched(runner, Change(), found)
    assert found.observer.startswith("the runs differ without digests and are the same with them (4 of 4): a race")
    assert (found.observed, found.place) == ("same", None)
    assert runner.asked == [(f"with digests, {number} of 4", True) for number in (1, 2, 3, 4)]


def test_a_race_that_digests_show_is_localized(monkeypatch):
    pairs = []
    monkeypatch.setattr(localize, "between", lambda a, b: pairs.append((a.digest, b.digest)) or "place")
    found = Diagnosis(CONTROL)
    unstable._watched(Scripted(traced="aaba"), Change(), found)
    assert (pairs, found.observed, found.place) == ([("a", "b")], "race", "place")


def test_a_subject_that_fails_with_digests_says_so_once():
    failed = outcome("", failure="exit 1: no")
    assert localize.observer(Scripted(), Change(), CONTROL, failed).words.endswith("does not run: exit 1: no")
    assert localize.places(Scripted(), failed, [Change()]) == [localize.Place(None)]


def test_a_training_without_traced_steps_is_not_said_to_agree(tmp_path):
    from bitforbit.diagnosis.trace import store

    store.Writer(tmp_path / "trace").close({"notes": ["model: jit_compile=True"]})
    traced = outcome("b")._replace(trace=tmp_path / "trace")
    place = localize.between(traced, traced._replace(digest="c"))
    assert place == localize.Place(None, "no step could be digested: model: jit_compile=True")


def test_the_whole_flow_names_kind_step_and_tensor(tmp_path):
    body = "import numpy as np\nvalue = np.random.default_rng().random()"
    found, runner = faults.diagnose(tmp_path, body, ("entropy", "umask"), faults.Traceable)
    (guilty,) = found.guilty
    place = guilty.place.difference
    assert (place.kind, place.epoch, place.step, place.site, place.stream) == ("data", 1, 1, "batch/x", "model")
    assert (guilty.finding.proven, found.under, found.observed) == (True, ["umask"], "same")
    assert [run.label for run in runner.outcomes if run.trace] == ["with digests", "with digests, 1"]


def test_a_pinned_condition_is_localized_too(tmp_path):
    body = "value = list(set('cat dog bird fish cow'.split()))"
    found, _ = faults.diagnose(tmp_path, body, ("umask", "hash seed"), faults.Traceable)
    (hidden,) = found.host
    assert (found.verdict, hidden.condition.name, hidden.place.difference.step) == ("reproducible", "hash seed", 1)


def test_the_whole_flow_on_a_clean_program_with_digests_takes_eight_runs(tmp_path):
    found, runner = faults.diagnose(tmp_path, "value = 1", (), faults.Traceable)
    assert (found.verdict, found.observed, found.observer, len(runner.outcomes)) == ("reproducible", "same", "", 8)


def test_the_whole_flow_on_an_observer_effect(tmp_path):
    body = "import os\nvalue = 'BITFORBIT_TRACE_TO' in os.environ"
    found, runner = faults.diagnose(tmp_path, body, ("entropy", "umask"), faults.Traceable)
    assert (found.verdict, found.observed, found.observer) == (DIFFERS, "changed", localize.EFFECT)
    assert (found.guilty, found.unstable, found.under) == ([], "", ["entropy", "umask"])
    assert len(runner.outcomes) == 7


def test_the_whole_flow_on_a_race_that_digests_hide(tmp_path):
    body = "import os, time\nvalue = 0 if 'BITFORBIT_TRACE_TO' in os.environ else time.perf_counter_ns()"
    found, _ = faults.diagnose(tmp_path, body, ("entropy",), faults.Traceable)
    assert found.unstable.startswith("a race: two runs alike differ")
    assert (found.observer, found.place) == (unstable.HIDDEN, None)


def test_the_whole_flow_on_a_race_that_digests_show(tmp_path):
    found, _ = faults.diagnose(tmp_path, "import time\nvalue = time.perf_counter_ns()", ("entropy",), faults.Traceable)
    assert (found.observed, found.place.difference.step) == ("race", 1)


def test_an_address_is_localized_by_holding_it_still(tmp_path):
    found, _ = faults.diagnose(tmp_path, "value = id(object()) >> 12", ("entropy",), faults.Traceable)
    (guilty,) = found.guilty
    assert (guilty.condition.name, guilty.place.difference.step) == ("addresses", 1)
