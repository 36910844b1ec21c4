"""A parent that has imported TensorFlow, started no thread of it, and forks one fresh child for each replicate.

Importing takes seconds, and it is the same for every seed. What a child inherits is memory pages of code and of tables
that importing filled, nothing that training reads: no op has run, so TensorFlow has no runtime, no pools, no device and
no graph; Keras has made no layer, so its name and seed counters stand at zero; the exact kernels are not loaded; no
module of a user has been imported. Python's and NumPy's global generators are seeded anew in the child, as in a fresh
interpreter. The policy is applied and read back by each child, and its pools are counted as they start.
TensorFlow is "not fork-safe" because a forked child has none of its parent's threads: so no parent with a second
thread forks here, and `stand_ready` says what started one.

Run as `python -m bitforbit.replicates.warm TASK`; speaks lines of JSON on stdin and stdout with `pool`.
"""

import gc
import json
import os
import random
import selectors
import sys
from pathlib import Path

from bitforbit.audit import grappler
from bitforbit.errors import PolicyError
from bitforbit.replicates import contract


def main() -> None:
    """Serve until stdin ends: `{"id", "seed", "root", "log"}` forks, `{"id", "status"}` tells of a child's end."""
    contract.die_with(int(os.environ[contract.PARENT_VARIABLE]))
    task = contract.Task(*json.loads(sys.argv[1]))
    stand_ready()
    answer(sys.stdout.fileno(), {"ready": os.getpid()})
    children: dict[int, tuple[int, int]] = {}
    events = selectors.DefaultSelector()
    events.register(sys.stdin.fileno(), selectors.EVENT_READ)
    waiting = b""
    while True:
        for key, _ in events.select():
            if key.fd == sys.stdin.fileno():
                received = os.read(key.fd, 65536)
                if not received:
                    os._exit(0)
                *lines, waiting = (waiting + received).split(b"\n")
                for line in lines:
                    order = json.loads(line)
                    process, alive = start(task, order)
                    children[alive] = (process, order["id"])
                    events.register(alive, selectors.EVENT_READ)
            else:
                events.unregister(key.fd)
                os.close(key.fd)
                process, number = children.pop(key.fd)
                answer(sys.stdout.fileno(), {"id": number, "status": os.waitpid(process, 0)[1]})


def stand_ready() -> None:
    """Import what every replicate imports.

    Raises:
        PolicyError: an import started a thread or the runtime: then no child may be forked.
    """
    # Importing makes little garbage, and the collector would walk all that is there again and again.
    gc.disable()
    import keras  # noqa: F401
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401
    import PIL.Image
    import tensorflow  # noqa: F401
    import threadpoolctl  # noqa: F401
    from tensorflow.python.data.ops import concatenate_op, flat_map_op, interleave_op, range_op  # noqa: F401
    from tensorflow.python.eager import context

    from bitforbit.kernels import loader, table  # noqa: F401
    from bitforbit.training import recorder  # noqa: F401

    PIL.Image.preinit()
    threads = os.listdir("/proc/self/task")
    if len(threads) != 1 or context.context()._initialized:
        raise PolicyError(f"expected one thread after the imports, found {len(threads)}: no replicate can be forked")
    # A child's collector need not walk, and so copy, what the parent made.
    gc.collect()
    gc.freeze()
    gc.enable()


def start(task: contract.Task, order: dict) -> tuple[int, int]:
    """Fork a replicate; returns its process id and a pipe's end that closes when it ends."""
    if len(os.listdir("/proc/self/task")) != 1:
        raise PolicyError("expected one thread before a fork, found more")
    parent = os.getpid()
    alive, held = os.pipe()
    process = os.fork()
    if process:
        os.close(held)
        return process, alive
    code = contract.FAILED
    try:
        contract.die_with(parent)
        _as_fresh(order["log"])
        grappler.keep_in = Path(order["log"]).parent
        task = task._replace(root=order["root"])
        sys.argv = ["bitforbit", *task.arguments(order["seed"])]
        code = contract.train_one(task, order["seed"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _as_fresh(log: str) -> None:
    import numpy as np

    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for source, target in ((null, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    random.seed()  # noqa: BFB104 nothing of the parent; the replicate seeds itself
    np.random.seed()  # noqa: BFB104 as above


def answer(descriptor: int, message: dict) -> None:
    os.write(descriptor, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
