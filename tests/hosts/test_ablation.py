"""Take one measure away, and some host of the comparison must differ: `make test-ablation` prints the table."""

import os
from pathlib import Path

import pytest

from . import ablation, measures, subjects

pytestmark = [pytest.mark.emulation, pytest.mark.slow]

NO_DIFFERENCE_HERE = {"inter-op threads", "exact kernel MatMul"}
"""Measures without which no host of this comparison differs; docs/hosts.md says so too, and why they stay."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """With HOSTS_FOLDER, what was computed is kept there, and an interrupted run goes on."""
    kept = os.environ.get("HOSTS_FOLDER")
    bench = subjects.Bench(Path(kept) if kept else tmp_path_factory.mktemp("ablation"))
    ablation.prepare(bench)
    return bench


def test_with_all_measures_no_host_differs(bench):
    row = ablation.row(bench, measures.BY_NAME[measures.ALL_MEASURES])
    assert row.differences == {}


@pytest.mark.parametrize("name", [n for n in measures.BY_NAME if n not in (measures.ALL_MEASURES, measures.LAYERS)])
def test_without(bench, name):
    row = ablation.row(bench, measures.BY_NAME[name])
    assert bool(row.differences) == (name not in NO_DIFFERENCE_HERE), row.note
