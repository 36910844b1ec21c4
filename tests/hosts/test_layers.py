"""Every layer, loss and optimizer that stock kernels make host-dependent: the same bits here and on emulated CPUs."""

import pytest

from . import measures, subjects

pytestmark = [pytest.mark.emulation, pytest.mark.slow]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return subjects.Bench(tmp_path_factory.mktemp("layers"))


@pytest.mark.parametrize("host", ["Haswell", "EPYC-Rome"])
def test_same_bits(bench, host):
    bench.prepare("native", [measures.LAYERS])
    bench.prepare(host, [measures.LAYERS])
    expected, here = bench.result("native", measures.LAYERS)
    found, there = bench.result(host, measures.LAYERS)
    assert there["seen"]["brand"] != here["seen"]["brand"]
    assert here["deviations"] == there["deviations"] == []
    assert list(found) == list(expected)
    assert {what.partition(":")[0] for what in found} == set(measures.LAYER_PROBES)
    assert subjects.first_difference(expected, found) == ""
