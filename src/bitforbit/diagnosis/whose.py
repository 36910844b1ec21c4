"""Whose line it is: the program's, a library's or this package's."""

import os
import re
from pathlib import Path

from bitforbit.policy import generated

PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep
# These are programs that came along.
EXPERIMENTS = os.path.join(PACKAGE, "experiments") + os.sep
STANDARD = os.path.dirname(os.__file__) + os.sep
# Of any interpreter: a trace may name the files of another one than this.
_INSTALLED = re.compile(r"/(site|dist)-packages/|/lib/python3\.\d+/")


def is_program(path: str) -> bool:
    """Return whether a file belongs to neither a library nor this package (its experiments are programs)."""
    if path.startswith(EXPERIMENTS):
        return True
    library = path.startswith((PACKAGE, STANDARD, "<")) or _INSTALLED.search(path) is not None
    return not library and generated.PREFIX not in path
