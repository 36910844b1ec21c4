"""Every knob, read back in a process of its own: a TensorFlow that does not even load is a finding, not a crash."""

import json
import subprocess
import sys

from bitforbit.doctor.model import FAILURE, OK, Finding

COMMAND = (sys.executable, "-m", "bitforbit", "policy", "--json", "--no-strict")


def check(device: str, seconds: float = 120) -> list[Finding]:
    """Return one finding where all knobs took, else one for each that did not.

    Args:
        device: whose policy: `auto`, `cpu` or `gpu`.
        seconds: how long TensorFlow may take to start.
    """
    try:
        done = subprocess.run([*COMMAND, "--device", device], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return [Finding("knobs", FAILURE, f"TensorFlow did not start within {seconds:g} s", "bitforbit policy")]
    return judge(done.returncode, done.stdout, done.stderr)


def judge(code: int, out: str, err: str) -> list[Finding]:
    """Read what `bitforbit policy --json --no-strict` printed."""
    try:
        report = json.loads(out)
        rows, policy = report["knobs"], report["policy"]
    except (ValueError, KeyError):
        lines = [line for line in err.splitlines() if line.strip()] or [f"exit code {code}"]
        return [Finding("knobs", FAILURE, f"cannot be read back: {lines[-1].strip()}", "bitforbit policy")]
    wrong = [row for row in rows if not row["took"]]
    if not wrong:
        name = f"version {policy['version']}, digest {policy['digest'][:12]}"
        return [Finding("knobs", OK, f"all {len(rows)} read back as the policy wants ({name})")]
    return [
        Finding(
            f"knob {row['name']}",
            FAILURE,
            f"wanted {row['wanted'] or 'empty'}, found {row['found'] or 'empty'}",
            "bitforbit policy",
        )
        for row in wrong
    ]
