"""docs/hosts.md names every measure and every emulated host."""

from support import PROJECT

from bitforbit.hosts import models

from . import measures

TEXT = (PROJECT / "docs" / "hosts.md").read_text()


def test_every_measure_has_a_row():
    names = set(measures.BY_NAME) - {measures.ALL_MEASURES, measures.LAYERS}
    assert not [name for name in sorted(names) if f"\n| {name}" not in TEXT], "make test-ablation, then add the row"


def test_every_default_host_is_there():
    assert not [host for host in models.DEFAULT if f"`{host}`" not in TEXT]
