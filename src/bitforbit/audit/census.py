"""The op census: hundreds of one-op programs whose output bits are held against those of another host.

    python -m bitforbit.audit.census --check golden/census-x86-64-v3.json
    python -m bitforbit.audit.census --write golden/census-x86-64-v3.json

Every op that the table calls `pinned` has cases here; each runs eagerly and inside a `tf.function`, under the policy.
No process is started, so that under an emulator of another CPU the census stays there. Exit codes: 0 same,
1 different, 2 cannot compare.
"""

import argparse
import hashlib
import itertools
import json
import sys
import time
from pathlib import Path

from bitforbit.audit import table
from bitforbit.audit.cases import Case
from bitforbit.errors import BitforbitError, UsageError
from bitforbit.evidence import canonical
from bitforbit.kernels.build import tensorflow_version
from bitforbit.policy import Policy, activate, devices, host, launcher

SCHEMA = "bitforbit census 1"
SHOWN = 20
# Each case has two digests: of all bits, and of bits settled for an emulator. Where two NaNs meet, x86 keeps the first;
# halves of F16C are never flushed; max and min of denormals under DAZ are zero (Intel's manual, volumes 1 and 2).
# qemu-user does otherwise in all three: so NaN payloads and denormal results are made alike in the second digest.
EXACTLY, SETTLED = 0, 1
LAYOUT = {2: ("u2", 0x7C00, 0x03FF), 4: ("u4", 0x7F800000, 0x007FFFFF), 8: ("u8", 0x7FF << 52, (1 << 52) - 1)}
MEASURES = {"kernels": ("replacements", "load"), "caches": ("natives", "pin_eigen_caches")}
# Without the pin Eigen asks CPUID. A CPU may answer with the pinned sizes, or ones that split alike: so another CPU's.
OTHER_CACHES = (48 << 10, 2 << 20, 480 << 20)


def run(cases: list[Case], failures: dict[str, str] | None = None) -> dict[str, list[str]]:
    """Return the digests of each case's outputs, `key -> (exactly, settled)`, 16 hex digits each.

    Args:
        cases: what to run.
        failures: receives `key -> error` of cases that no kernel takes. Defaults to none: they raise.
    """
    found: dict[str, list[str]] = {}
    ordered = sorted(cases, key=lambda case: (case.op, case.dtype))
    for _, group in itertools.groupby(ordered, key=lambda case: (case.op, case.dtype)):
        members = list(group)
        try:
            found.update(_group(members))
        except Exception as error:
            if failures is None:
                raise
            found.update(_one_by_one(members, failures, error))
    return found


def _one_by_one(members: list[Case], failures: dict[str, str], error: Exception) -> dict[str, list[str]]:
    if len(members) == 1:
        failures[members[0].key] = f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"
        return {}
    return run_each(members, failures)


def run_each(members: list[Case], failures: dict[str, str]) -> dict[str, list[str]]:
    """Run each case by itself, so that one that fails spoils no other."""
    return {key: digest for case in members for key, digest in run([case], failures).items()}


def _group(cases: list[Case]) -> dict[str, list[str]]:
    """Run cases of one op and dtype: eagerly, then all of them inside one `tf.function`, which is traced once."""
    import tensorflow as tf

    tensors = {case.key: _tensors(case) for case in cases}
    hashers = {case.key: (hashlib.sha256(), hashlib.sha256()) for case in cases}
    for case in cases:
        if case.mode != "graph":
            _add(hashers[case.key], _call(case, tensors[case.key]))
    inside = [case for case in cases if case.mode != "eager"]
    if inside:

        @tf.function(autograph=False, reduce_retracing=False)
        def program(given):
            return {case.key: _call(case, given[case.key]) for case in inside}

        for key, outputs in program({case.key: tensors[case.key] for case in inside}).items():
            _add(hashers[key], outputs)
    return {key: [hasher.hexdigest()[:16] for hasher in pair] for key, pair in hashers.items()}


def _tensors(case: Case) -> dict:
    import tensorflow as tf

    from bitforbit.audit import inputs

    def tensor(name, value):
        if isinstance(value, inputs.In):
            return tf.constant(inputs.array(f"{case.op}/{case.variant}/{name}", value, case.dtype))
        return [tensor(f"{name}/{index}", item) for index, item in enumerate(value)]

    return {name: tensor(name, value) for name, value in case.arguments.items() if _is_input(value)}


def _is_input(value) -> bool:
    from bitforbit.audit.inputs import In

    return isinstance(value, In) or (isinstance(value, list) and bool(value) and isinstance(value[0], In))


def _call(case: Case, tensors: dict):
    import tensorflow as tf

    function = case.build or getattr(tf.raw_ops, case.op)
    return function(**{name: value for name, value in case.arguments.items() if not _is_input(value)} | tensors)


def _add(hashers, outputs) -> None:
    import numpy as np
    import tensorflow as tf

    for output in tf.nest.flatten(outputs):
        array = np.ascontiguousarray(output.numpy())
        head = f"{array.dtype.name} {array.shape}\0".encode()
        hashers[EXACTLY].update(head + array.tobytes())
        hashers[SETTLED].update(head + settled(array).tobytes())


def settled(array):
    """Return the bits of `array` with one NaN for all NaNs, and zeros of the same sign for denormals."""
    import numpy as np

    name = array.dtype.name
    if not name.startswith(("float", "bfloat", "complex")):
        return array
    width = array.dtype.itemsize // (2 if name.startswith("complex") else 1)
    kind, exponent, mantissa = LAYOUT[width]
    if name == "bfloat16":
        exponent, mantissa = 0x7F80, 0x007F
    bits = np.atleast_1d(array).view(kind)
    nan = (bits & exponent == exponent) & (bits & mantissa != 0)
    denormal = bits & exponent == 0
    return np.where(nan, exponent | mantissa, np.where(denormal, bits & ~np.array(exponent | mantissa, kind), bits))


def select(cases: list[Case], part: str, only: str, suspects: bool) -> list[Case]:
    """Return the cases of part `i/n` whose key holds `only`; suspects or the others."""
    number, _, parts = part.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise UsageError(f"expected --part i/n with 1 <= i <= n, received {part!r}. Next step: --part 1/4")
    # By op and dtype, so that a part traces no more functions than it must.
    chosen = [case for case in cases if case.suspect is suspects and only in case.key]
    groups = sorted({(case.op, case.dtype) for case in chosen})
    mine = set(groups[int(number) - 1 :: int(parts)])
    return [case for case in chosen if (case.op, case.dtype) in mine]


def differences(expected: dict[str, list[str]], found: dict[str, list[str]], which: int) -> list[str]:
    """Return the keys whose digests differ, and those that the file does not have."""
    return sorted(key for key, pair in found.items() if key not in expected or expected[key][which] != pair[which])


def main(arguments: list[str] | None = None) -> int:
    """Run the census from the command line and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except BitforbitError as error:
        print(f"census: {error}", file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bitforbit.audit.census", description="Hold ops' bits against a file.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", metavar="FILE", type=Path, help="compare with FILE; exit 1 where a case differs")
    what.add_argument("--write", metavar="FILE", type=Path, help="write FILE anew")
    what.add_argument("--list", action="store_true", help="print the cases' names and run nothing")
    parser.add_argument("--part", default="1/1", metavar="I/N", help="only every Nth op, from the Ith on")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only cases whose name holds TEXT, as Conv2D/float32"
    )
    parser.add_argument(
        "--suspects", action="store_true", help="the ops that are not claimed to be the same everywhere"
    )
    parser.add_argument("--emulated", action="store_true", help="this CPU is qemu's: NaN payloads and denormals apart")
    parser.add_argument(
        "--without", choices=sorted(MEASURES), help="take one measure away, to see that the census notices"
    )
    return parser


def _run(options) -> int:
    policy = Policy.from_environment(device=devices.CPU)
    host.require_level_v3()
    launcher.ensure_environment(policy)
    from bitforbit.audit import cases

    chosen = select(cases.load(), options.part, options.only, options.suspects)
    if options.list:
        print("\n".join(case.key for case in chosen))
        return 0
    expected = _read(options.check, policy) if options.check else None
    _activate(policy, options.without)
    began, failures = time.monotonic(), {}
    found = run(chosen, failures)
    seconds, cpu = time.monotonic() - began, host.cpu_signature()
    for key, error in failures.items():
        print(f"census: no kernel takes {key}: {error}", file=sys.stderr)
    print(f"census: {len(found)} cases in {seconds:.1f} s on a CPU {cpu}", file=sys.stderr)
    if options.write:
        document = {"schema": SCHEMA, "policy": policy.record(), "tensorflow": tensorflow_version(), "cases": found}
        document |= {"libc": host.libc()}
        canonical.write(options.write, canonical.dumps(document))
        return 0 if not failures else 2
    if expected["libc"] != host.libc():
        found = _without_libc(found, expected["libc"])
    return _conclude(expected["cases"], found, SETTLED if options.emulated else EXACTLY, options.check)


def _without_libc(found: dict, libc: str) -> dict:
    """Leave out what depends on the C library by its verdict, and say so."""
    kept = {key: pair for key, pair in found.items() if table.lookup(*key.split("/")[:2]).verdict != table.LIBC}
    print(f"census: {len(found) - len(kept)} cases left out, they depend on the C library: {libc} there,"
          f" {host.libc()} here", file=sys.stderr)  # fmt: skip
    return kept


def _conclude(expected: dict, found: dict, which: int, path: Path) -> int:
    differing = differences(expected, found, which)
    for key in differing[:SHOWN]:
        print(f"{'differs' if key in expected else 'not in the file'}: {key}")
    if len(differing) > SHOWN:
        print(f"and {len(differing) - SHOWN} more")
    ops = sorted({"/".join(key.split("/")[:2]) for key in differing})
    print(f"different from {path.name}: {', '.join(ops)}" if ops else f"same bits as {path.name}: {len(found)} cases")
    return 1 if differing else 0


def _activate(policy: Policy, without: str | None) -> None:
    if without:
        import importlib

        name, function = MEASURES[without]
        module = importlib.import_module(f"bitforbit.policy.{name}")
        stock = getattr(module, function)
        other = (lambda sizes: stock(OTHER_CACHES)) if without == "caches" else (lambda *arguments: None)
        setattr(module, function, other)
    import tensorflow as tf

    # One function for each op is what the census is: no advice on retracing, please.
    tf.get_logger().setLevel("ERROR")
    activate(policy, strict=not without)


def _read(path: Path, policy: Policy) -> dict:
    try:
        document = json.loads(path.read_bytes())
        wanted = {"schema": SCHEMA, "policy": policy.record(), "tensorflow": tensorflow_version()}
        for key, value in wanted.items():
            if document[key] != value:
                raise UsageError(f"cannot compare: {path} is of {key} {document[key]}, this is {value}.")
        return {"cases": document["cases"], "libc": document["libc"]}
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"cannot compare: expected a census in {path}, found {type(error).__name__}: {error}."
            " Next step: on a host that you trust, python -m bitforbit.audit.census --write FILE"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
