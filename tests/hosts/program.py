"""Compute the probes of several measures in one process: `python -m hosts.program FOLDER MEASURE [MEASURE ...]`.

TensorFlow takes a minute to load on an emulated CPU, and a policy can be applied once per process: so each measure gets
a fork of the loaded process. A fork, unlike a new program, stays on the emulated CPU.
"""

import ctypes
import json
import os
import sys
import traceback
from pathlib import Path

LEAVE_OUT = "HOSTS_LEAVE_OUT"
_shim = None


def leave_out(ops):
    """Keep the exact kernels of `ops` from registering."""
    _shim.leave_out(f",{','.join(ops)},".encode())


def file_of(folder, measure):
    """Return the path, without its ending, of what one measure's run leaves behind."""
    return Path(folder) / measure.replace(" ", "-").replace(",", "").replace(".", "")


def main(folder, names):
    """Fork once for each measure, one after another; return how many failed."""
    global _shim
    # First of all libraries: its registration must be found before TensorFlow's own.
    _shim = ctypes.CDLL(os.environ[LEAVE_OUT], ctypes.RTLD_GLOBAL)
    sys.modules["hosts.program"] = sys.modules["__main__"]
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    from hosts.measures import BY_NAME

    failed = 0
    for name in names:
        child = os.fork()
        if child == 0:
            try:
                _one(BY_NAME[name], file_of(folder, name))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        failed += os.waitpid(child, 0)[1] != 0
    return failed


def _one(measure, target):
    import numpy as np

    from bitforbit.hosts import proof
    from bitforbit.policy import Policy, activate
    from hosts import probes

    if measure.take_away:
        measure.take_away()
    deviations = [reading.complaint for reading in activate(Policy.from_environment(), strict=False)]
    arrays = probes.compute(measure.probes)
    np.savez(target.with_suffix(".npz"), **{f"{i:04d} {what}": array for i, (what, array) in enumerate(arrays.items())})
    target.with_suffix(".json").write_text(json.dumps({"deviations": deviations, "seen": proof.seen()}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
