"""Show a pool of replicates: a bar where a terminal watches, a line for each replicate that ends elsewhere."""

import sys

from bitforbit.replicates.pool import Counts


class PoolProgress:
    """Reports replicates on stderr; a context manager, and a `bitforbit.replicates.pool.Report`.

    Args:
        label: what is trained, as `digits 9f2f38035dc0`.
        quiet: show nothing but failures.
    """

    def __init__(self, label: str, quiet: bool = False):
        self.label, self.quiet = label, quiet
        self.bar = self.task = None

    def __enter__(self):
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self.bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"),
                console=Console(stderr=True),
            )  # fmt: skip
            self.bar.start()
            self.task = self.bar.add_task(self.label, total=None, state="starting")
        return self

    def __exit__(self, *exception):
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, counts: Counts, event: str) -> None:
        state = describe(counts)
        if self.bar is not None:
            ended = counts.done + counts.failed + counts.diverged
            self.bar.update(self.task, total=counts.total, completed=ended, state=state)
            if event:
                self.bar.console.print(event, markup=False, highlight=False)
        elif event and not self.quiet:
            print(f"{event}  [{state}]", file=sys.stderr, flush=True)


def describe(counts: Counts) -> str:
    """Return where a pool stands, as `12/30 done, 2 running, 1 failed, 40 s left`; zeros are left out."""
    parts = [f"{counts.done}/{counts.total} done", f"{counts.running} running"]
    parts += [
        f"{number} {word}" for number, word in ((counts.failed, "failed"), (counts.diverged, "diverged")) if number
    ]
    if counts.audits:
        parts.append(f"{counts.audited}/{counts.audits} audited")
    if counts.left:
        parts.append(f"{duration(counts.left)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return seconds as `40 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
