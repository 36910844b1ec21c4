"""The op census: hundreds of one-op programs whose output bits are held against those of another host.

    python -m bitforbit.audit.census --check golden/census-x86-64-v3.json
    python -m bitforbit.audit.census --write golden/census-x86-64-v3.json

Every op that the table calls `pinned` has cases here; each runs eagerly and inside a `tf.function`, under the policy.
No process is started, so that under an emulator of another CPU the census stays there. Exit codes: 0 same,
1 different, 2 cannot compare.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from bitforbit.audit import outcomes, table
from bitforbit.audit.cases import Case
from bitforbit.errors import BitforbitError, UsageError
from bitforbit.evidence import canonical
from bitforbit.kernels.build import tensorflow_version
from bitforbit.policy import Policy, activate, devices, host, launcher

SCHEMA = "bitforbit census 1"
SHOWN = 20
MEASURES = {"kernels": ("replacements", "load"), "caches": ("natives", "pin_eigen_caches")}
# Without the pin Eigen asks CPUID. A CPU may answer with the pinned sizes, or ones that split alike: so another CPU's.
OTHER_CACHES = (48 << 10, 2 << 20, 480 << 20)


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
    found = outcomes.run(chosen, failures)
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
    which = outcomes.SETTLED if options.emulated else outcomes.EXACTLY
    return _conclude(expected["cases"], found, which, options.check)


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
