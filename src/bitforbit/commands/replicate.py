"""Train one configuration with many seeds, on this machine or on a cluster, and count every outcome."""

import json
import sys
from pathlib import Path

from bitforbit.commands import _shared

SAME, DIFFERENT, FAILED, DIVERGED, INTERRUPTED = 0, 1, 2, 3, 130


def add_arguments(parser) -> None:
    _shared.add_experiment_options(parser)
    parser.add_argument("--seeds", default="0-29", metavar="LIST", help="as 0-29 or 0-9,20 (default: 0-29)")
    _shared.add_config_option(parser)
    _shared.add_runs_option(parser)
    parser.add_argument("--jobs", type=int, metavar="N", help="replicates at a time (default: one for each core)")
    parser.add_argument("--audit", type=float, default=0.0, metavar="SHARE", help="train this share again and compare")
    parser.add_argument("--fresh", action="store_true", help="a new interpreter for each, not a fork of a warm parent")
    parser.add_argument(
        "--index", type=int, metavar="I", help="train only the I-th of --seeds, from 0: a job array's task"
    )
    parser.add_argument("--pool-size", type=int, metavar="K", help="threads of each pool; decides bits (default: 2)")
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
        raise UsageError(f"expected an index from 0 to {len(seeds) - 1}, received --index {options.index}")
    pinned = _shared.start(options)
    root, note = store.root(options.runs)
    if note:
        print(f"bitforbit replicate: {note}", file=sys.stderr)
    file = Path(options.config) if options.config else None
    task = contract.plan(options.experiment, file, tuple(options.set), pinned, root)
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
    from bitforbit.replicates import pool
    from bitforbit.report import pool_progress

    jobs = options.jobs or pool.default_jobs()
    with pool_progress.PoolProgress(f"{task.name} {task.config_hash[:12]}", quiet=options.json) as shown:
        workers = pool.Pool(task, jobs, options.fresh, shown)
        try:
            workers.run(seeds, options.audit)
        except KeyboardInterrupt:
            done = sum(replicate.status == "finished" for replicate in task.collect(seeds))
            print(f"bitforbit replicate: interrupted; {done} of {len(seeds)} are published and stay."
                  " The same command goes on.", file=sys.stderr)  # fmt: skip
            return INTERRUPTED
    found = task.collect(seeds)
    _print(options, task, found, workers.audits, workers.mismatches)
    return _exit_code(found, workers.mismatches)


def _exit_code(found, mismatches: list[str]) -> int:
    from bitforbit.replicates import collect

    statuses = {replicate.status for replicate in found}
    if mismatches or any(replicate.differs for replicate in found):
        return DIFFERENT
    if statuses & {collect.FAILED, collect.MISSING}:
        return FAILED
    return DIVERGED if collect.DIVERGED in statuses else SAME


def _print(options, task, found, audits: list[int], mismatches: list[str]) -> None:
    from bitforbit.replicates import table

    if options.json:
        rows = [{"seed": r.seed, "status": r.status, "digest": r.digest, "folder": str(r.folder), "note": r.note,
                 "metrics": r.result["metrics"] if r.result else {}} for r in found]  # fmt: skip
        document = {"experiment": task.name, "config_hash": task.config_hash, "replicates": rows,
                    "audit": {"seeds": audits, "mismatches": mismatches}}  # fmt: skip
        print(json.dumps(document, indent=2))
        return
    print("\n".join(table.lines(found)))
    print(table.summary(found))
    if audits:
        same = len(audits) - len(mismatches)
        print(f"audit: {len(audits)} trained again in a new interpreter, {same} with the same result")
    for line in mismatches:
        print(f"  NOT THE SAME  {line}")
    print(f"runs: {task.folder(found[0].seed).parent}")
