"""Print an audit: a table for a person, JSON for a machine."""

import json

from bitforbit.audit import check, table

CLEAN, HOST_DEPENDENT = 0, 1


def show(found: check.Audit, as_json: bool) -> int:
    """Print the audit; return the exit code: 1 where an op's bits depend on the host."""
    rows = [
        {"op": f.op, "dtype": f.dtype, "count": f.count, "verdict": f.row.verdict, "evidence": f.row.evidence,
         "instead": f.row.instead, "graphs": list(f.graphs), "layers": list(f.layers)} for f in found.findings
    ]  # fmt: skip
    verdicts = {verdict: len(found.of(verdict)) for verdict in table.VERDICTS}
    if as_json:
        print(json.dumps({"ops": rows, "verdicts": verdicts, "lowered": found.lowered()}, indent=2))
    else:
        columns = ("op", "dtype", "count", "verdict", "evidence")
        _table([(*columns, "layers"), *((*(str(row[key]) for key in columns), _few(row["layers"])) for row in rows)])
        print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
        for finding in found.of(table.HOST_DEPENDENT):
            print(f"  {finding}. Next step: use {finding.row.instead}.")
    return HOST_DEPENDENT if verdicts[table.HOST_DEPENDENT] else CLEAN


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _few(layers: list[str]) -> str:
    names = [layer.partition(" ")[0] for layer in layers]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
