"""Train the reference experiments in two processes and hold one against the other."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bitforbit.errors import HostError
from bitforbit.evidence import golden
from bitforbit.policy import Policy, devices


def train(names: list[str], policy: Policy) -> tuple[dict, dict, list[golden.Mismatch]]:
    """Return what the first process found, and where the second one differs.

    Returns:
        The entry of each experiment, its weights of each epoch, and the first difference of each that has one.

    Raises:
        HostError: a process did not finish; its own words are in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.json" for number in ("first", "second")]
        for path in paths:
            _process(names, policy, path)
        first, second = (json.loads(path.read_bytes())["experiments"] for path in paths)
        arrays = {name: golden.read_weights(paths[0], name) for name in names}
        unequal = []
        for name in names:
            weights = golden.read_weights(paths[1], name)
            found = golden.compare(name, first[name], second[name], weights, golden.weights_path(paths[0], name))
            unequal += [found] if found else []
    return first, arrays, unequal


def _process(names: list[str], policy: Policy, path: Path) -> None:
    command = [sys.executable, "-m", "bitforbit", "verify", *names, "--times", "1", "--write", "--golden", str(path)]
    done = subprocess.run([*command, *_options(policy)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise HostError(f"expected a process to train {', '.join(names)}, found that it stopped: {lines[-1]}")


def _options(policy: Policy) -> list[str]:
    options = ["--device", policy.device, "--pool-size", str(policy.pool_size)]
    if policy.device == devices.GPU:
        options += ["--gpus", str(policy.gpus), "--precision", policy.precision, *(["--xla"] if policy.xla else [])]
    return options
