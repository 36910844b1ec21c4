"""Goldens of a project's scripts: written from two runs that are equal, held against one more.

`golden/<host class>/<script>/` is the folder of a published run: `bitforbit compare` reads it as any other.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bitforbit import project
from bitforbit.diagnosis import compare
from bitforbit.diagnosis.compare import text
from bitforbit.errors import HostError, UsageError
from bitforbit.evidence import golden, runs
from bitforbit.policy import Policy, devices, host
from bitforbit.training import identity
from bitforbit.training import store as staging

SAME, DIFFERENT = 0, 1
# What `bitforbit run` says of a folder that is gone soon.
PASSING = "bitforbit run:   run "
AS_COMMITTED = "git restore golden, or, where the change is meant, bitforbit verify --write"


def command(options, policy: Policy, names: list[str]) -> int:
    """Run each script in a process of its own and hold it against its goldens, or write these with `options.write`.

    Raises:
        UsageError: there are no goldens, or they are of another class, policy, stack or of other arguments.
        HostError: a script did not finish.
    """
    if options.golden or options.attest or options.times:
        raise UsageError(f"expected no --golden, --attest or --times with a script, such as {names[0]}")
    if policy.device != devices.CPU:
        raise UsageError(f"expected --device cpu with a script, such as {names[0]}: its goldens are of CPUs")
    done, arguments = _write if options.write else _hold, project.settings().scripts
    found = {name: done(name, arguments[name], policy, options.json) for name in names}
    rows = [{"experiment": name, "difference": item.record()} for name, item in found.items() if item]
    if options.json:
        print(json.dumps({"same": not rows, "compared": names, "differences": rows, "host": host.facts()}, indent=2))
    return DIFFERENT if rows else SAME


def _write(name: str, arguments: list[str], policy: Policy, quiet: bool):
    with tempfile.TemporaryDirectory(prefix="bitforbit-golden-") as aside:
        first, second = (_run(name, arguments, policy, Path(aside, number)) for number in ("1", "2"))
        if first.result["host_class"] == identity.UNPINNED:
            raise UsageError(f"expected a host class of {name}, found that a knob was moved, so it claims none")
        found = _first_difference(first, second, (f"{name}, run once", "run again"), quiet)
        if found:
            print(f"no goldens were written. Next step: bitforbit diagnose {name}", file=sys.stderr)
        else:
            _place(first.folder, _goldens(name, policy))
            print(f"wrote {os.path.relpath(_goldens(name, policy))}: two runs gave the same bits", file=sys.stderr)
    return found


def _hold(name: str, arguments: list[str], policy: Policy, quiet: bool):
    path = _goldens(name, policy)
    if not path.is_dir():
        raise UsageError(
            f"cannot compare: expected goldens of {name} at {path}, found none. Next step: bitforbit verify --write"
        )
    expected = runs.verify(path, AS_COMMITTED)
    _refuse(name, golden.comparable(expected.result, policy.record() | {"deviations": []}, identity.stack()))
    if expected.result["config"]["arguments"] != arguments:
        _refuse(name, f"the goldens are of arguments {expected.result['config']['arguments']}, these are {arguments}")
    with tempfile.TemporaryDirectory(prefix="bitforbit-verify-") as aside:
        run = _run(name, arguments, policy, Path(aside))
        classes = expected.result["host_class"], run.result["host_class"]
        if classes[0] != classes[1]:
            _refuse(name, f"the goldens are of host class {classes[0]}, this run is of {classes[1]}")
        found = _first_difference(expected, run, (f"{name}, goldens", "this run"), quiet)
    if not found and not quiet:
        count = len(run.result["fits"])
        print(f"same bits as {os.path.relpath(path)}: {count} fit{'' if count == 1 else 's'}")
    return found


def _refuse(name: str, reason: str) -> None:
    if reason:
        raise UsageError(f"cannot compare {name}: {reason}. Next step: make that the same, or bitforbit verify --write")


def _first_difference(a: runs.Published, b: runs.Published, titles: tuple[str, str], quiet: bool):
    """Return where two runs part; another source is a cause and no obstacle, for a comment moves no bit."""
    found = compare.compare(a.folder, b.folder, anyway=True, zoom=False)
    if found and not quiet:
        print("\n".join(text.lines(found, *titles)))
    return found


def _run(name: str, arguments: list[str], policy: Policy, root: Path) -> runs.Published:
    words = ["run", "--runs", str(root), "--pool-size", str(policy.pool_size), name, *arguments]
    with subprocess.Popen(
        [sys.executable, "-m", "bitforbit", *words], cwd=_home(name), stdin=subprocess.DEVNULL,
        stdout=sys.stderr, stderr=subprocess.PIPE, text=True, errors="replace",
    ) as process:  # fmt: skip
        try:
            for line in process.stderr:
                if not line.startswith(PASSING):
                    print(line, end="", file=sys.stderr, flush=True)
        except BaseException:
            process.terminate()
            raise
    folder = next(iter(sorted(root.glob("*/*/seed-1"))), None)
    if process.returncode or folder is None:
        raise HostError(f"expected {name} to finish with exit code 0, found {process.returncode}; see above")
    published = runs.verify(folder)
    if not published.result["fits"] and not published.result["models"]:
        raise UsageError(f"expected a fit or a global model in {name}, found neither: no digest says what it did")
    return published


def _home(name: str) -> Path:
    """Return the folder that the script's name starts from: the project's, or the current one, as in the image."""
    for folder in (project.root(), Path.cwd()):
        if (folder / name).is_file():
            return folder
    raise UsageError(
        f"expected {name}, which pyproject.toml names under scripts, found no such file."
        " Next step: start where it is; in the image, make docker-verify WORK=/work"
    )


def _goldens(name: str, policy: Policy) -> Path:
    return _home(name) / "golden" / devices.host_class(policy) / name


def _place(run: Path, target: Path) -> None:
    """Copy a run's folder to `target` by rename, in the place of what stands there."""
    with staging.beside(target) as fresh:
        for path in run.iterdir():
            shutil.copyfile(path, fresh / path.name)
        runs.sync(fresh)
        staging.put(fresh, target)
