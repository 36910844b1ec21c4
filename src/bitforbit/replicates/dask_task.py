"""What a Dask worker does for one replicate, and how its answer is published.

No shared folder is needed: a worker trains in a process of its own and sends the run's files back, whole.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bitforbit.errors import EvidenceError
from bitforbit.evidence import runs
from bitforbit.replicates import collect, contract
from bitforbit.training import store


def train(task: list, seed: int, source: str | None) -> dict:
    """Train one replicate in a new process on this worker; runs there.

    Args:
        task: the fields of a `contract.Task`.
        seed: of the replicate.
        source: the text of an experiment's file, for a worker that has it not.

    Returns:
        `status`, `note`, `worker`: its address, and `files`: name to bytes of the published folder.
    """
    from distributed import get_worker

    worker = get_worker().address
    with tempfile.TemporaryDirectory(prefix="bitforbit-dask-") as folder:
        here = contract.Task(*task)._replace(root=str(Path(folder, "runs")))
        if source is not None and not Path(here.experiment).is_file():
            copy = Path(folder, Path(here.experiment).name)
            copy.write_text(source)
            here = here._replace(experiment=str(copy))
        command = [sys.executable, "-m", "bitforbit", *here.arguments(seed)]
        environment = os.environ | {contract.PARENT_VARIABLE: str(os.getpid())}
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode < 0:
            raise RuntimeError(f"seed {seed}: killed by signal {-done.returncode}")
        (found,) = here.collect([seed])
        if found.result is None:
            lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
            return {"status": collect.FAILED, "note": found.note or lines[-1], "worker": worker, "files": {}}
        files = {path.name: path.read_bytes() for path in found.folder.iterdir()}
        return {"status": found.status, "note": found.note, "worker": worker, "files": files}


def publish(task: contract.Task, seed: int, answer: dict) -> None:
    """Publish what a worker sent, after every file of it has been hashed again.

    Raises:
        EvidenceError: it is damaged, or another result stands there.
    """
    if answer["status"] == collect.FAILED:
        contract.note_failure(task, seed, answer["note"])
        return
    target = task.folder(seed)
    if answer["status"] == collect.DIVERGED:
        target = target.with_name(f"{target.name}.diverged")
    staged = store.stage(target)
    for name, content in answer["files"].items():
        if Path(name).name != name:
            raise EvidenceError(f"expected the files of one folder from the worker, received {name!r}")
        (staged / name).write_bytes(content)
    published = runs.verify(staged)
    if published.result["config_hash"] != task.config_hash or published.result["seed"] != seed:
        raise EvidenceError(f"expected seed {seed} of {task.config_hash[:12]} from the worker, received another run")
    runs.sync(staged)
    runs.publish(staged, target)
    contract.forget_failure(task, seed)
