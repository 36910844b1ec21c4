"""The first step that differs, from chains and kept digests; without TensorFlow."""

import numpy as np
import pytest

from bitforbit.diagnosis import trace
from bitforbit.diagnosis.compare import CannotCompareError, compare
from bitforbit.diagnosis.trace import store
from bitforbit.diagnosis.trace.sites import Site

NAMES = ("batch/x", "act/a", "act/b", "loss/loss", "grad/a/kernel", "weight/a/kernel", "weight/bn/mean", "slot/m")
SITES = [Site(name, "float32", (None, 2)) for name in NAMES]
SUBJECT = {"kind": "script", "script": "s"}


def write(folder, rows, sites=SITES, window=None, subject=SUBJECT, starts=(), epochs=((1, 0), (2, 5))):
    writer = store.Writer(folder, window or store.Window())
    stream = writer.stream("model", sites)
    stream.append(np.asarray(rows, "int64"))
    stream.epochs += [list(pair) for pair in epochs]
    stream.starts += starts
    writer.close({"subject": subject, "environment": {"variables": {}}})
    return folder


def rows():
    return np.arange(10 * len(SITES)).reshape(10, len(SITES))


@pytest.mark.parametrize(
    ("site", "kind"), [(0, "data"), (1, "forward"), (3, "forward"), (4, "gradient"), (5, "optimizer"), (6, "forward"),
                       (7, "optimizer")]
)  # fmt: skip
def test_the_first_site_names_the_part_of_the_step(tmp_path, site, kind):
    other = rows()
    other[7, site:] += 1
    found = compare(write(tmp_path / "a", rows()), write(tmp_path / "b", other), zoom=False)
    assert (found.kind, found.epoch, found.step, found.site) == (kind, 2, 7, NAMES[site])
    assert found.differing == NAMES[site:]


def test_a_step_outside_of_the_window_is_found_by_its_chain(tmp_path):
    other = rows()
    other[7, 2] += 1
    a, b = (write(tmp_path / n, r, window=trace.Window(0, 3)) for n, r in (("a", rows()), ("b", other)))
    found = compare(a, b)
    assert (found.step, found.site, found.kind) == (7, "", "training")
    assert found.more == ("bitforbit trace ... --window 7:8 on both sides",)
    assert trace.read(a).streams[0].digests.shape == (3, len(SITES))


def test_a_longer_run_differs_where_the_shorter_one_ends(tmp_path):
    found = compare(write(tmp_path / "a", rows()), write(tmp_path / "b", rows()[:6]))
    assert (found.kind, found.step) == ("data", 6)
    assert found.summary == "one run ended after 6 steps, the other went on: 10 and 6 steps"


def test_layers_in_another_order_are_held_against_each_other_by_name(tmp_path):
    order = [0, 2, 1, 3, 4, 5, 6, 7]
    a = write(tmp_path / "a", rows())
    same = write(tmp_path / "b", rows()[:, order], [SITES[n] for n in order])
    assert compare(a, same) is None


def test_other_sites_cannot_be_compared(tmp_path):
    a, b = write(tmp_path / "a", rows()), write(tmp_path / "b", rows()[:, :7], SITES[:7])
    with pytest.raises(CannotCompareError, match="8 and 7; only in the first: slot/m"):
        compare(a, b)


def test_the_state_before_training_comes_first(tmp_path):
    starts = [(0, {"weight/a/kernel": 1, "slot/m": 2})]
    other = [(0, {"weight/a/kernel": 1, "slot/m": 3})]
    changed = rows()
    changed[0] += 1
    found = compare(write(tmp_path / "a", rows(), starts=starts), write(tmp_path / "b", changed, starts=other))
    assert (found.kind, found.epoch, found.step, found.site) == ("init", 0, 0, "slot/m")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"config": {"units": 9}}, "config: units 8 and 9"),
        ({"seed": 2}, "config: seed 1 and 2"),
        ({"policy": {"pool_size": 1, "digest": "y"}}, "policy: pool_size 2 and 1"),
        ({"host_class": "unpinned"}, "class: cpu and unpinned"),
        (
            {"data": {"arrays": [{"path": "x", "dtype": "float32", "shape": [3]}]}},
            "data: x is float32 (2,) and float32 (3,)",
        ),
    ],
)
def test_what_cannot_be_compared_is_named(tmp_path, change, line):
    subject = {
        "kind": "experiment", "experiment": "e", "config": {"units": 8}, "seed": 1, "host_class": "cpu",
        "policy": {"pool_size": 2, "digest": "x"}, "data": {"arrays": [{"path": "x", "dtype": "float32", "shape": [2]}]},
    }  # fmt: skip
    a = write(tmp_path / "a", rows(), subject=subject)
    b = write(tmp_path / "b", rows(), subject=subject | change)
    with pytest.raises(CannotCompareError) as error:
        compare(a, b)
    assert str(error.value).splitlines()[1] == f"  {line}"
    assert compare(a, b, anyway=True) is None


def test_a_cut_trace_is_damaged_not_shorter(tmp_path):
    from bitforbit.errors import EvidenceError

    a = write(tmp_path / "a", rows())
    chain = a / "0.chain"
    chain.write_bytes(chain.read_bytes()[:-8])
    with pytest.raises(EvidenceError, match="stream 0 has 9 steps, its header says 10"):
        trace.read(a)


def test_disk_stays_within_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "LARGEST_BYTES", 4 * 8 * len(SITES))
    a = write(tmp_path / "a", rows())
    assert ((a / "0.digests").stat().st_size, (a / "0.chain").stat().st_size) == (4 * 8 * len(SITES), 80)
    assert trace.read(a).streams[0].kept == range(4)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    from bitforbit.errors import UsageError

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine").write_text("x")
    with pytest.raises(UsageError, match="to be free or a trace"):
        store.Writer(tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_changed_byte_is_damage_and_no_difference(tmp_path):
    from bitforbit.errors import EvidenceError

    other = rows()
    other[7, 2] += 1
    a, b = write(tmp_path / "a", rows()), write(tmp_path / "b", other)
    digests = bytearray((b / "0.digests").read_bytes())
    digests[7 * 8 * len(SITES)] ^= 1
    (b / "0.digests").write_bytes(digests)
    with pytest.raises(EvidenceError, match="step 7 of model to give its link of the chain"):
        compare(a, b, zoom=False)
    chain = bytearray((b / "0.chain").read_bytes())
    chain[0] ^= 1
    (b / "0.chain").write_bytes(chain)
    with pytest.raises(EvidenceError, match="0.chain is not the one that was written"):
        compare(a, b, zoom=False)
