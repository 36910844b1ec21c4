"""Run `bitforbit` under the seal: `python -m bitforbit.diagnosis.vary.child train ...`; or a program, `FILE.py ...`.

Adds to the native seal what only Python can do, by these variables:
    BITFORBIT_SEAL_LOG   the stack of each event follows its line in that file
    BITFORBIT_THREADS    as the seal's sources: thread k of stream 1 starts at once, of another one late
    BITFORBIT_FIRST_USE  a file: the stack of each use of an unseeded global generator
    BITFORBIT_RESEED_*   generators to which `run` gives another seed: `bitforbit.diagnosis.vary.generators`
    BITFORBIT_ORDERS     the orders of sets and `hash()`, written down or brought back: `bitforbit.diagnosis.order`
"""

import faulthandler
import os
import signal
import sys
import time

from bitforbit.diagnosis import order
from bitforbit.diagnosis.vary import generators

LOG, THREADS, FIRST_USE = "BITFORBIT_SEAL_LOG", "BITFORBIT_THREADS", "BITFORBIT_FIRST_USE"
SIGNAL = signal.SIGRTMIN + 7
# Every other thread starts its work late, in seconds: longer than the interpreter's switch interval, and than most of
# the waits with which programs hope to order their threads.
LATE = 0.12


def main() -> None:
    """Prepare this process, then hand over to the command line."""
    if path := os.environ.get(LOG):
        # A file of its own descriptor that stays open as long as the process.
        log = open(path, "ab", buffering=0)  # noqa: SIM115
        faulthandler.register(SIGNAL, file=log, all_threads=False)
        number_threads(log)
    elif os.environ.get(THREADS):
        number_threads(None)
    if path := os.environ.get(FIRST_USE):
        generators.watch(open(path, "ab", buffering=0))  # noqa: SIM115
    if others := [found.library for found in generators.ALL if os.environ.get(found.variable)]:
        generators.reseed(others)
    if os.environ.get(order.VARIABLE):
        from bitforbit.diagnosis.order import install

        install.from_environment()
    import runpy

    if sys.argv[1].endswith(".py"):
        sys.argv = sys.argv[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        runpy.run_module("bitforbit", run_name="__main__", alter_sys=True)


def number_threads(log) -> None:
    """Number every `threading.Thread` that starts, log where it was started, and start late those of another stream."""
    import threading

    stream, count, start = Stream.parse(os.environ.get(THREADS, "1")), 0, threading.Thread.start

    def numbered(thread):
        nonlocal count
        number, count = count, count + 1
        if log:
            log.write(f"event threads {number}\n".encode())
            faulthandler.dump_traceback(log, all_threads=False)
        seed = stream.seed(number)
        if seed != 1:
            run, pause = thread.run, LATE if (seed + number) % 2 == 0 else LATE / 10

            def late():
                time.sleep(pause)
                run()

            thread.run = late
        return start(thread)

    threading.Thread.start = numbered


class Stream:
    """The value of a source's variable, as `native/seal.h` describes it.

    Args:
        first: stream of the events outside of `ranges`.
        second: stream of the events in `ranges`.
        ranges: pairs `(low, high)`, high excluded.
    """

    def __init__(self, first: int, second: int, ranges: list[tuple[int, int]]):
        self.first, self.second, self.ranges = first, second, ranges

    @classmethod
    def parse(cls, text: str) -> "Stream":
        streams, _, events = text.partition("@")
        first, _, second = streams.partition(":")
        pairs = [part.partition("-") for part in events.split(",") if part and part != "children"]
        ranges = [(int(low), int(high or int(low) + 1)) for low, _, high in pairs]
        return cls(int(first), int(second or first), ranges)

    def seed(self, number: int) -> int:
        return self.second if any(low <= number < high for low, high in self.ranges) else self.first


if __name__ == "__main__":
    main()
