"""A machine made of recorded answers."""

import pytest

from bitforbit.doctor.model import Answer


class Recorded:
    """Answers as a real machine did; a command without an answer is not installed there."""

    def __init__(self, commands=None, files=None, environment=None):
        self.commands, self.files, self.variables = commands or {}, files or {}, environment or {}
        self.asked = []

    def run(self, *command, seconds=20):
        self.asked.append(command)
        line = " ".join(command)
        for start, answer in self.commands.items():
            if line.startswith(start):
                return answer if isinstance(answer, Answer) else Answer(0, answer, "")
        return Answer(127, "", f"{command[0]}: not found")

    def read(self, path):
        return self.files.get(path)

    def glob(self, pattern):
        from fnmatch import fnmatch

        return sorted(path for path in self.files if fnmatch(path, pattern))

    def environment(self, name):
        return self.variables.get(name)


@pytest.fixture
def recorded():
    return Recorded
