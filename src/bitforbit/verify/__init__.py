"""`bitforbit verify`: train the reference experiments here and hold them against the goldens."""

import json
import os
import sys
import time
from pathlib import Path

from bitforbit import project
from bitforbit.errors import UsageError
from bitforbit.evidence import canonical, digests, golden
from bitforbit.policy import Policy, activate, devices, host
from bitforbit.training import config, experiment, fitting, identity, loop
from bitforbit.verify import twice

SAME, DIFFERENT = 0, 1


def command(options, policy: Policy) -> int:
    """Hold the experiments `options.experiment` against the goldens; see `bitforbit verify --help`.

    Raises:
        UsageError: there is nothing to compare with; exit 2, never a pass.
    """
    references, names = _references(), options.experiment
    for name in names:
        if name not in references:
            known = ", ".join([*references, *project.settings().scripts])
            raise UsageError(f"unknown reference experiment {name!r}. Expected: {known}.")
    host_class = devices.host_class(policy)
    path = Path(options.golden) if options.golden else golden.default_path(host_class)
    record, stack = policy.record(), identity.stack(policy.device)
    times = options.times or (2 if policy.device == devices.GPU else 1)
    if times == 2:
        entries, arrays, unequal = twice.train(names, policy)
        if unequal:
            return _conclude(options, names, unequal, "the first of two processes on this host")
        print(f"{', '.join(names)}: the same bits in two processes", file=sys.stderr, flush=True)
    expected = None
    if not options.write:
        expected = golden.read(path, host_class, policy.device)
        reason = golden.comparable(expected, record, stack)
        if reason:
            raise UsageError(f"cannot compare: {reason}. Next step: install the lock's versions, or --pool-size.")
    if times == 1:
        activate(policy)
        entries, arrays = {}, {}
    mismatches = []
    for name in names:
        began = time.monotonic()
        if name not in entries:
            entries[name], arrays[name] = reference(name, policy)
        line = f"{name}: trained in {time.monotonic() - began:.1f} s"
        if expected is not None:
            wanted = expected["experiments"].get(name)
            if wanted is None or wanted["config"] != entries[name]["config"]:
                raise UsageError(f"cannot compare: {path} holds no goldens for {name} with this config.")
            found = golden.compare(name, wanted, entries[name], arrays[name], golden.weights_path(path, name))
            mismatches += [found] if found else []
            line = str(found) if found else f"{name}: same, {len(entries[name]['epochs']) - 1} epochs"
        if expected is not None or times == 1:
            print(line, file=sys.stderr, flush=True)
    if options.write:
        document = {"host_class": host_class, "policy": record, "stack": stack, "experiments": entries}
        return _write(path, document, arrays, partial=bool(options.golden))
    if options.attest:
        _attest(Path(options.attest), path, policy, names, mismatches)
    return _conclude(options, names, mismatches, path.name)


def chosen(names: list[str]) -> tuple[list[str], list[str]]:
    """Return which experiments and which scripts are meant by `names`: all of the project where there are none.

    Raises:
        UsageError: it is a project of the user's own that has neither.
    """
    own = project.settings()
    if names:
        return [name for name in names if name not in own.scripts], [name for name in names if name in own.scripts]
    if own.reference is None and not own.scripts and not project.is_bitforbit():
        raise UsageError(
            f"expected reference experiments or scripts in {project.root() / project.FILE}, found none."
            ' Next step: add [tool.bitforbit.scripts] with "train.py" = [], its arguments'
        )
    return list(own.reference or ({} if own.scripts else golden.REFERENCE)), list(own.scripts)


def _references() -> dict[str, dict]:
    """Return the project's reference experiments, each with what it overrides of its config."""
    return project.settings().reference or golden.REFERENCE


def reference(name: str, policy: Policy) -> tuple[dict, list[dict]]:
    """Train one reference experiment in this process; return its goldens entry and the weights of each epoch."""
    import keras

    keras.backend.clear_session()
    chosen = experiment.load(name)
    settings = tuple(f"{key}={value}" for key, value in _references()[name].items())
    resolved = config.resolve(chosen.config_type, None, settings)
    request = loop.Request(chosen, resolved, golden.SEED, policy, Path())
    evidence = fitting.fit(request, loop.Silent(), keep_arrays=True)
    entry = golden.entry(
        evidence, config.values(resolved), digests.root(evidence.data), digests.root(evidence.predictions)
    )
    return entry, evidence.recorder.arrays


def _write(path: Path, document: dict, arrays: dict, partial: bool) -> int:
    if not partial and set(document["experiments"]) != set(_references()):
        raise UsageError("expected --write with all reference experiments. Next step: bitforbit verify --write")
    golden.write(path, document, arrays)
    print(f"wrote {path}")
    return SAME


def _attest(target: Path, path: Path, policy: Policy, names: list[str], mismatches: list) -> None:
    """Write what this host reproduced: its facts, the policy, the goldens' digest, each experiment's outcome."""
    failed = {mismatch.experiment: str(mismatch) for mismatch in mismatches}
    statement = {
        "schema": "bitforbit attestation 1",
        "goldens": {"file": path.name, "sha256": canonical.file_digest(path)},
        "policy": policy.record(),
        "stack": identity.stack(policy.device),
        "host": host.facts() | devices.facts(policy) | {"image": os.environ.get("BITFORBIT_IMAGE", "none")},
        "experiments": {name: failed.get(name, "same") for name in names},
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    canonical.write(target, canonical.dumps(statement))


def _conclude(options, names: list[str], mismatches: list, yardstick: str) -> int:
    facts = host.facts()
    if options.json:
        rows = [{"experiment": m.experiment, "where": m.where, "variable": m.variable,
                 "difference": m.difference._asdict() if m.difference else None} for m in mismatches]  # fmt: skip
        print(json.dumps({"same": not mismatches, "compared": names, "differences": rows, "host": facts}, indent=2))
    elif mismatches:
        print(f"different from {yardstick}: {len(mismatches)} of {len(names)} experiments")
        for mismatch in mismatches:
            print(f"  {mismatch}")
        print("  this host: " + ", ".join(f"{key} {facts[key]}" for key in ("cpu", "cpu_signature", "libc", "kernel")))
    else:
        print(f"same bits as {yardstick}: {', '.join(names)}")
    return DIFFERENT if mismatches else SAME
