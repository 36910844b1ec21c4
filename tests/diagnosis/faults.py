"""Programs with one fault each: no TensorFlow, so that a run takes a tenth of a second. `value` is the result."""

import textwrap
from pathlib import Path

from bitforbit.diagnosis.attribute import flow
from bitforbit.diagnosis.vary import conditions
from bitforbit.diagnosis.vary.subject import Runner, Subject
from bitforbit.policy import Policy

FRAME = """
import json, pathlib, sys
{body}
folder = pathlib.Path(sys.argv[sys.argv.index("--runs") + 1]) / "one"
folder.mkdir(parents=True)
(folder / "result.json").write_text(json.dumps({{"weights": repr(value)}}))
"""
# What digests of two steps would show: the first is always the same, the second was given `value`.
TRACE = """
import os, zlib
if "BITFORBIT_TRACE_TO" in os.environ:
    import numpy
    from bitforbit.diagnosis.trace import sites, store
    writer = store.Writer(pathlib.Path(os.environ["BITFORBIT_TRACE_TO"]))
    stream = writer.stream("model", [sites.Site("batch/x", "float32", (None, 2))])
    stream.epochs.append([1, 0])
    stream.append(numpy.array([[7], [zlib.crc32(repr(value).encode())]]))
    writer.close({"subject": {"kind": "script"}, "environment": {"variables": {}}, "notes": []})
"""


class Traceable(Subject):
    """A program that leaves digests where `bitforbit run` would."""

    can_trace = True


def runner(folder: Path, body: str, jobs: int = 2, kind=Subject) -> Runner:
    folder.chmod(0o755)
    program = folder / "program.py"
    text = FRAME.format(body=textwrap.dedent(body).strip())
    program.write_text(text if kind is Subject else text + TRACE)
    work = folder / "work"
    work.mkdir()
    return Runner(kind("program", program, (str(program),)), Policy(), work, jobs, 60)


def diagnose(folder: Path, body: str, only: tuple[str, ...] = (), kind=Subject):
    """Return `(Diagnosis, Runner)` of a program whose lines begin at line 2 of its file."""
    table = [item for item in conditions.table(of_script=bool(only)) if not only or item.name in only]
    chosen = runner(folder, body, kind=kind)
    return flow.diagnose(chosen, table), chosen


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "program.py").read_text().splitlines()
    (number,) = (index for index, line in enumerate(lines, 1) if text in line)
    return number
