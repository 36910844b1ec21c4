"""All checks in the order in which they depend on each other, and the report."""

from bitforbit.doctor import containers, gpu, knobs, machine, packages
from bitforbit.doctor.model import FAILURE, NONE, OK, WARNING, Eye, Finding

MARKS = {OK: "ok     ", WARNING: "warning", FAILURE: "FAILURE", NONE: "none   "}


def examine(device: str, eye: Eye | None = None) -> list[Finding]:
    """Return all findings.

    Args:
        device: `gpu` where a training must run on one, so that a missing part is a failure; `cpu` to leave the GPU
            alone; `auto` to look at what there is.
        eye: asks the system. Defaults to the real one.
    """
    eye = eye or Eye()
    wanted = device == "gpu"
    found = [*machine.check(eye), packages.check_lock()]
    drivers = [] if device == "cpu" else gpu.check(eye, wanted)
    here = any(finding.check == "driver" and finding.state == OK for finding in drivers)
    found += drivers
    if wanted or (here and device != "cpu"):
        found.append(packages.check_libraries(wanted))
    found += containers.check(eye, here, wanted)
    return found + knobs.check(device)


def text(findings: list[Finding]) -> str:
    """Return the report for a person: a line for each finding, the command that mends it below."""
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{MARKS[finding.state]}  {finding.check:{width}}  {finding.found}")
        if finding.fix and finding.state in (WARNING, FAILURE):
            lines.append(f"{'':9}{'':{width}}    mend: {finding.fix}")
    count = {state: sum(finding.state == state for finding in findings) for state in (FAILURE, WARNING)}
    lines.append(f"{count[FAILURE]} failures, {count[WARNING]} warnings")
    return "\n".join(lines)
