"""Hold a model's ops against the table: refuse what differs between hosts, warn of what nobody has looked at."""

import sys
from collections import Counter
from typing import NamedTuple

from bitforbit.audit import nodes, table
from bitforbit.errors import PolicyError
from bitforbit.policy import host


class Finding(NamedTuple):
    """One op and element type of a model, with its verdict.

    Attributes:
        op, dtype: as in `nodes.Use`.
        count: how often it stands in the graphs.
        row: the table's row.
        graphs: where it stands, of `build`, `train`, `test` and `predict`.
        layers: which layers, losses, metrics and optimizers made it.
    """

    op: str
    dtype: str
    count: int
    row: table.Row
    graphs: tuple[str, ...]
    layers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.op} {self.dtype}".strip() + (f" in {', '.join(self.layers)}" if self.layers else "")


class Audit(NamedTuple):
    """All findings of a model, worst first."""

    findings: list[Finding]

    def of(self, verdict: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.row.verdict == verdict]

    def lowered(self) -> dict:
        """Return what a result says in place of its class: nothing where every op is known to be the same."""
        doubtful = {
            "unproven_ops": self.of(table.UNPROVEN),
            "host_dependent_ops": self.of(table.HOST_DEPENDENT),
            "libc_dependent_ops": self.of(table.LIBC),
        }
        named = {key: [f"{f.op} {f.dtype}".strip() for f in found] for key, found in doubtful.items() if found}
        return named and {"host_class": self.host_class()} | named

    def host_class(self) -> str:
        """Return the class that the result may claim, narrowed to this CPU model or this C library where need be."""
        any_cpu = not self.of(table.UNPROVEN) and not self.of(table.HOST_DEPENDENT)
        claimed = host.CPU_CLASS if any_cpu else this_cpu()
        return f"{claimed}/{host.libc()}" if self.of(table.LIBC) else claimed


NOTHING = Audit([])


def audit(uses: Counter) -> Audit:
    """Return the findings for `uses`, a count of `nodes.Use`."""
    grouped: dict[tuple[str, str], list[nodes.Use]] = {}
    for use in uses:
        grouped.setdefault((use.op, use.dtype), []).append(use)
    findings = [
        Finding(
            op,
            dtype,
            sum(uses[use] for use in members),
            table.lookup(op, dtype),
            tuple(name for name in ("build", "train", "test", "predict") if any(use.graph == name for use in members)),
            tuple(sorted({use.layer for use in members if use.layer})),
        )
        for (op, dtype), members in grouped.items()
    ]
    findings.sort(key=lambda f: (-table.VERDICTS.index(f.row.verdict), f.op, f.dtype))
    return Audit(findings)


def hold(found: Audit, strict: bool) -> None:
    """Refuse or warn, before the first step.

    Raises:
        PolicyError: there is an op whose bits depend on the host, under `strict`.
    """
    refused, unproven = found.of(table.HOST_DEPENDENT), found.of(table.UNPROVEN)
    if refused and strict:
        raise PolicyError(f"{_refusal(refused)}\n  (--no-strict goes on, for this CPU model only)")
    if refused:
        print(f"warning: {_refusal(refused)}", file=sys.stderr)
    if unproven:
        lines = "\n".join(f"  {finding}" for finding in unproven)
        print(f"warning: not known to give the same bits on every host:\n{lines}", file=sys.stderr)
    if found.of(table.LIBC):
        lines = "\n".join(f"  {finding}" for finding in found.of(table.LIBC))
        print(f"warning: these call the C library, whose versions round differently:\n{lines}", file=sys.stderr)
    if found.lowered():
        print(f"warning: the result claims no more than the class {found.host_class()}", file=sys.stderr)


def _refusal(refused: list[Finding]) -> str:
    lines = "\n".join(f"  {finding}. Next step: use {finding.row.instead}." for finding in refused)
    return f"expected ops that give the same bits on every host, found in the model:\n{lines}"


def this_cpu() -> str:
    """Return the host class of this very CPU model, as `cpu-x86-64-v3/intel-6-85-7`."""
    return f"{host.CPU_CLASS}/{_vendor()}-{host.cpu_signature()}"


def _vendor() -> str:
    """Ask CPUID, which tells of the emulated CPU where there is one; the kernels' library can."""
    from bitforbit.kernels import loader

    if loader._loaded is None:
        return "unknown"
    name = loader._loaded.vendor
    return {"GenuineIntel": "intel", "AuthenticAMD": "amd"}.get(name, name.strip().lower().replace(" ", "-"))
