"""Train one configuration with many seeds, on this machine or on a cluster, and count every outcome."""

import json
import sys
from pathlib import Path

from bitforbit.commands import _shared

ENGINES = ("local", "dask", "slurm", "kubernetes")
SAME, DIFFERENT, FAILED, DIVERGED, INTERRUPTED = 0, 1, 2, 3, 130


def add_arguments(parser) -> None:
    _shared.add_experiment_options(parser)
    parser.add_argument("--seeds", default="0-29", metavar="LIST", help="as 0-29 or 0-9,20 (default: 0-29)")
    _shared.add_config_option(parser)
    _shared.add_runs_option(parser)
    parser.add_argument("--jobs", type=int, metavar="N", help="replicates at a time (default: one for each core)")
    parser.add_argument("--audit", type=float, default=0.0, metavar="SHARE", help="train this share again and compare")
    parser.add_argument("--difference", metavar="D", help="also say how many seeds see this difference, or METRIC=D")
    parser.add_argument("--fresh", action="store_true", help="a new interpreter for each, not a fork of a warm parent")
    parser.add_argument(
        "--index", type=int, metavar="I", help="train only the I-th of --seeds, from 0: a job array's task"
    )
    parser.add_argument("--engine", choices=ENGINES, default="local", help="where to run them (default: local)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, as tcp://10.0.0.1:8786")
    parser.add_argument("--sbatch", action="append", default=[], metavar="OPTION", help="of Slurm, as --partition=long")
    parser.add_argument("--image", metavar="NAME@DIGEST", help="of Kubernetes' pods")
    parser.add_argument(
        "--claim", default="bitforbit-runs", help="Kubernetes' volume for the runs (default: bitforbit-runs)"
    )
    parser.add_argument("--pool-size", type=int, metavar="K", help="threads of each pool; decides bits (default: 2)")
    _shared.add_device_options(parser)
    _shared.add_json_option(parser)
    # Replicates that claim no host class could not be held against each other.
    parser.set_defaults(no_strict=False)


def run(options) -> int:
    from bitforbit.errors import UsageError
    from bitforbit.replicates import contract, seedlist
    from bitforbit.training import store

    seeds = seedlist.parse(options.seeds)
    if not 0 <= options.audit <= 1:
        raise UsageError(f"expected a share from 0 to 1, received --audit {options.audit:g}. Next step: --audit 0.1")
    if options.jobs is not None and options.jobs < 1:
        raise UsageError(f"expected at least one job, received --jobs {options.jobs}. Next step: --jobs 2")
    if options.index is not None and not 0 <= options.index < len(seeds):
        raise UsageError(
            f"expected an index from 0 to {len(seeds) - 1}, received --index {options.index}."
            " Next step: submit the job array anew, as --engine writes it for these seeds"
        )
    if options.scheduler and options.engine != "dask":
        raise UsageError(
            f"expected --engine dask with --scheduler, received --engine {options.engine}. Next step: --engine dask"
        )
    pinned = _shared.start(options)
    root, note = store.root(options.runs)
    if note:
        print(f"bitforbit replicate: {note}", file=sys.stderr)
    file = Path(options.config) if options.config else None
    task = contract.plan(options.experiment, file, tuple(options.set), pinned, root)
    _differences(options)
    if options.index is not None:
        return _one(task, seeds[options.index])
    return _many(options, task, seeds)


def _one(task, seed: int) -> int:
    from bitforbit.replicates import contract

    contract.die_with_caller()
    code = contract.train_one(task, seed)
    if code == SAME:
        (replicate,) = task.collect([seed])
        print(f"{task.name} seed {seed}: {replicate.status}, result {replicate.digest}")
    return code


def _many(options, task, seeds: list[int]) -> int:
    from bitforbit.report import pool_progress

    if options.engine in ("slurm", "kubernetes"):
        return _write(options, task, seeds)
    with pool_progress.PoolProgress(f"{task.name} {task.config_hash[:12]}", quiet=options.json) as shown:
        workers = _workers(options, task, shown)
        try:
            workers.run(seeds, options.audit)
        except KeyboardInterrupt:
            done = sum(replicate.status == "finished" for replicate in task.collect(seeds))
            print(f"bitforbit replicate: interrupted; {done} of {len(seeds)} are published and stay."
                  " The same command goes on.", file=sys.stderr)  # fmt: skip
            return INTERRUPTED
    return _conclude(options, task, seeds, workers.audits, workers.mismatches)


def _workers(options, task, report):
    from bitforbit.errors import UsageError
    from bitforbit.policy import Policy, devices
    from bitforbit.replicates import dask_pool, pool

    if options.engine == "local":
        # A GPU takes one replicate at a time, in a process that nothing was forked into.
        on_gpu = Policy(*task.policy).device == devices.GPU
        jobs = options.jobs or (1 if on_gpu else pool.default_jobs())
        return pool.Pool(task, jobs, options.fresh or on_gpu, report, _import_the_end)
    if not options.scheduler:
        raise UsageError("expected the address of a Dask scheduler. Next step: --scheduler tcp://HOST:8786")
    return dask_pool.DaskPool(task, options.scheduler, report, gpus=Policy(*task.policy).device == devices.GPU)


def _import_the_end() -> None:
    """Import what the statistics and pictures need while the warm parent imports TensorFlow on another core."""
    import matplotlib.backends.backend_agg  # noqa: F401
    import scipy.stats  # noqa: F401

    from bitforbit.report import statistics  # noqa: F401


def _write(options, task, seeds: list[int]) -> int:
    """Write the cluster's file for what is missing; where nothing is, end as every engine does."""
    from bitforbit.replicates import collect, kubernetes, slurm

    missing = [r.seed for r in task.collect(seeds) if r.status in (collect.MISSING, collect.FAILED)]
    if not missing:
        return _conclude(options, task, seeds, [], [])
    if options.engine == "slurm":
        path, step = slurm.write(task, missing[: slurm.LARGEST_ARRAY], options.sbatch), "sbatch"
    else:
        pods = options.jobs or len(missing)
        path = kubernetes.write(task, missing, options.image, options.claim, pods)
        step = "kubectl apply -f"
    print(f"{len(seeds) - len(missing)} of {len(seeds)} replicates are there, {len(missing)} are to train."
          f" Next step: {step} {path}; when it has ended, this same command again.")  # fmt: skip
    return SAME


def _exit_code(found, mismatches: list[str]) -> int:
    from bitforbit.replicates import collect

    statuses = {replicate.status for replicate in found}
    if mismatches or any(replicate.differs for replicate in found):
        return DIFFERENT
    if statuses & {collect.FAILED, collect.MISSING}:
        return FAILED
    return DIVERGED if collect.DIVERGED in statuses else SAME


def _differences(options) -> dict | None:
    """Return the stated difference by its metric; called before the training too, so that a mistake costs none."""
    from bitforbit.replicates.statistics import goal
    from bitforbit.training import experiment

    if options.difference is None:
        return None
    return goal.difference(options.difference, goal.expected(experiment.load(options.experiment).module))


def _conclude(options, task, seeds: list[int], audits: list[int], mismatches: list[str]) -> int:
    from bitforbit.replicates import collect
    from bitforbit.replicates.statistics import goal, summary
    from bitforbit.report import statistics
    from bitforbit.training import experiment

    found, folder = task.collect(seeds), task.folder(0).parent
    finished = any(replicate.status == collect.FINISHED for replicate in found)
    if options.json:
        rows = [{"seed": r.seed, "status": r.status, "digest": r.digest, "folder": str(r.folder), "note": r.note,
                 "metrics": r.result["metrics"] if r.result else {}} for r in found]  # fmt: skip
        document = {"experiment": task.name, "config_hash": task.config_hash, "replicates": rows,
                    "audit": {"seeds": audits, "mismatches": mismatches}}  # fmt: skip
        if finished:
            document["statistics"] = summary.write(folder, summary.describe(found, _differences(options)))
        print(json.dumps(document, indent=2))
    elif finished:
        declared = goal.expected(experiment.load(task.experiment).module)
        statistics.conclude(found, folder, declared, _differences(options))
    else:
        print("\n".join(f"seed {r.seed}: {r.status}" + (f": {r.note}" if r.note else "") for r in found))
    if audits and not options.json:
        same = len(audits) - len(mismatches)
        print(f"audit: {len(audits)} trained again by another worker, {same} with the same result")
    for line in mismatches:
        print(f"NOT THE SAME: {line}", file=sys.stderr)
    return _exit_code(found, mismatches)
