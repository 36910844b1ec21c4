"""Run a module, then show which CPU it ran on: `python -m bitforbit.hosts.inside MODULE [ARGUMENT ...]`.

The emulated process starts with this. What it shows at the end is seen by the very process that trained.
"""

import runpy
import sys

from bitforbit.hosts import proof


def main(arguments: list[str]) -> int:
    """Run `python -m arguments[0]` with the other arguments; return its exit code."""
    sys.argv = list(arguments)
    code = 0
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    proof.show()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
