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


def runner(folder: Path, body: str, jobs: int = 2) -> Runner:
    folder.chmod(0o755)
    program = folder / "program.py"
    program.write_text(FRAME.format(body=textwrap.dedent(body).strip()))
    work = folder / "work"
    work.mkdir()
    return Runner(Subject("program", program, (str(program),)), Policy(), work, jobs, 60)


def diagnose(folder: Path, body: str, only: tuple[str, ...] = ()):
    """Return `(Diagnosis, Runner)` of a program whose lines begin at line 2 of its file."""
    table = [item for item in conditions.table() if not only or item.name in only]
    chosen = runner(folder, body)
    return flow.diagnose(chosen, table), chosen


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "program.py").read_text().splitlines()
    (number,) = (index for index, line in enumerate(lines, 1) if text in line)
    return number
