"""A Slurm job array that trains the seeds that are missing: one task each, collected from the shared runs folder."""

import shlex
import sys
from pathlib import Path

from bitforbit.evidence import canonical
from bitforbit.replicates import contract, seedlist

FILE = "replicates.sbatch"
LARGEST_ARRAY = 1000  # Slurm's MaxArraySize is 1001 unless it was set; indices stay below it

TEMPLATE = """\
#!/bin/sh
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cpus}
#SBATCH --requeue
#SBATCH --output={logs}/slurm-%A_%a.log
{options}\
# {count} seeds of {experiment} {config}: {seeds}
# A node that is lost requeues its tasks; one task again: scontrol requeue "$SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID"
# Exit 0: finished. 2: failed, said why in seed-<n>.failed.txt. 3: diverged, the evidence is kept.
cd {folder} || exit 2
exec {command} --index "$SLURM_ARRAY_TASK_ID"
"""


def write(task: contract.Task, seeds: list[int], options: list[str], launcher: list[str] | None = None) -> Path:
    """Write the script that trains `seeds` beside their folders; returns its path.

    Args:
        task: the configuration; its runs folder must be the same on every node.
        seeds: what is missing, ascending, at most 1000.
        options: further `#SBATCH` options, as `--partition=long` or `--gres=gpu:1`.
        launcher: words that start `bitforbit` on a node. Defaults to this very environment.
    """
    folder = task.folder(0).parent.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    absolute = task._replace(root=str(Path(task.root).resolve()))
    words = [*(launcher or [sys.executable, "-m", "bitforbit"]), *absolute.command(), "--seeds", seedlist.spell(seeds)]
    text = TEMPLATE.format(
        name=f"bitforbit-{task.name}-{task.config_hash[:12]}",
        last=len(seeds) - 1,
        cpus=task.policy[0],
        logs=folder,
        options="".join(f"#SBATCH {option}\n" for option in options),
        count=len(seeds),
        experiment=task.name,
        config=task.config_hash[:12],
        seeds=seedlist.spell(seeds),
        folder=shlex.quote(str(Path.cwd())),
        command=shlex.join(words),
    )
    canonical.write(folder / FILE, text.encode())
    return folder / FILE
