"""Show a training run: a bar where a terminal watches, a few plain lines elsewhere."""

import sys
import time

PLAIN_LINES = 10


class Progress:
    """Reports epochs on stderr.

    Args:
        total: number of epochs.
        label: what is trained, as `digits seed 1`.
        quiet: show nothing.
    """

    def __init__(self, total: int, label: str, quiet: bool = False):
        self.total, self.label, self.quiet = total, label, quiet
        self.started = time.monotonic()
        self.bar = None
        self.task = None

    def __enter__(self):
        return self

    def begin(self) -> None:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self.bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                TextColumn("{task.fields[numbers]}"), console=Console(stderr=True),
            )  # fmt: skip
            self.bar.start()
            self.task = self.bar.add_task(self.label, total=self.total, numbers="")
        elif not self.quiet:
            print(f"{self.label}: {self.total} epochs", file=sys.stderr, flush=True)

    def __exit__(self, *exception):
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, epoch: int, logs: dict) -> None:
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        if self.bar is not None:
            self.bar.update(self.task, completed=epoch, numbers=numbers)
        elif not self.quiet and (epoch == self.total or epoch % max(1, self.total // PLAIN_LINES) == 0):
            seconds = time.monotonic() - self.started
            print(f"  epoch {epoch}/{self.total}  {seconds:6.1f} s  {numbers}", file=sys.stderr, flush=True)
