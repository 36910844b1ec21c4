"""The environment of a varied run: the caller's, without what decides bits."""

from bitforbit.diagnosis.vary.change import Change, environment
from bitforbit.policy import Policy


def test_what_decides_bits_is_left_out_and_where_things_lie_is_kept(monkeypatch):
    given = {"BITFORBIT_KERNELS": "/lib/k.so", "BITFORBIT_DATA": "/data", "BITFORBIT_ENTROPY": "9", "MINE": "1"}
    for name, value in (given | {"TF_NUM_INTRAOP_THREADS": "7", "LD_PRELOAD": ""}).items():
        monkeypatch.setenv(name, value)
    child = environment(Change({"BITFORBIT_CLOCK": "2"}), Policy())
    assert {name: child.get(name) for name in given} == given | {"BITFORBIT_ENTROPY": None}
    assert (child["TF_NUM_INTRAOP_THREADS"], child["BITFORBIT_CLOCK"], "LD_PRELOAD" in child) == ("2", "2", False)
