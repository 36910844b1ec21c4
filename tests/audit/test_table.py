"""The op table: whole, sorted, and each `pinned` with its evidence."""

import csv

from bitforbit.audit import cases, table
from bitforbit.kernels import table as kernels

ROWS = table.rows()


def test_the_file_is_sorted_and_says_nothing_twice():
    with open(table.FILE, newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["op", "verdict", "dtypes", "evidence", "instead"]
    assert lines[1:] == sorted(lines[1:])
    named = [(row.op, dtype) for row in ROWS for dtype in table.expand(row.dtypes)]
    assert len(named) == len(set(named))


def test_every_row_is_of_known_words():
    verdicts = {table.EXACT, table.PINNED, table.LIBC, table.HOST_DEPENDENT}
    for row in ROWS:
        assert row.verdict in verdicts, row
        assert row.dtypes, row
        assert row.evidence, row


def test_host_dependent_rows_say_what_to_use_instead_and_no_others_do():
    for row in ROWS:
        assert bool(row.instead) is (row.verdict == table.HOST_DEPENDENT), row
        assert not row.instead.endswith("."), row


def test_every_op_is_one_that_this_tensorflow_knows():
    from tensorflow.python.framework import op_def_registry

    # Some ops are made by the runtime while it rewrites a graph: they have kernels and no public definition.
    assert [row.op for row in ROWS if op_def_registry.get(row.op) is None and not row.op.startswith("_")] == []


def test_pinned_is_what_the_census_shows():
    shown = {(case.op, case.dtype) for case in cases.load() if not case.suspect}
    pinned = {(row.op, dtype) for row in ROWS if row.verdict == table.PINNED for dtype in table.expand(row.dtypes)}
    assert pinned - shown == set()


def test_the_census_has_no_case_that_the_table_does_not_claim():
    claimed = {table.EXACT, table.PINNED, table.LIBC, table.REPLACED}
    for case in cases.load():
        found = table.lookup(case.op, case.dtype).verdict
        assert found in claimed or case.suspect, f"{case.key} is {found}"


def test_what_we_replace_is_replaced_whatever_the_file_says():
    for row in kernels.ROWS:
        for dtype in row.dtypes:
            assert table.lookup(row.op, dtype).verdict == table.REPLACED


def test_an_element_type_decides():
    assert table.lookup("Sum", "float32").verdict == table.PINNED
    assert table.lookup("Sum", "int64").verdict == table.EXACT
    assert table.lookup("Sum", "qint8").verdict == table.UNPROVEN
    assert table.lookup("NoSuchOp", "") == table.Row("NoSuchOp", table.UNPROVEN, ("",), "", "")


def test_counts_are_those_of_the_documentation():
    from support import PROJECT

    text = (PROJECT / "docs" / "ops.md").read_text()
    for verdict in (table.EXACT, table.PINNED, table.LIBC, table.HOST_DEPENDENT):
        count = table.counts()[verdict]
        assert f"| `{verdict}` | {count} |" in text, f"python -m bitforbit.audit.table prints {verdict}: {count}"
