"""What a rule is: a class whose docstring is its page, and a function from a file to findings."""

import ast
import inspect
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from bitforbit.diagnosis.lint.source import Source


class Finding(NamedTuple):
    """One place in a file.

    Attributes:
        path: the file, as given.
        line: from 1.
        column: from 1.
        code: as `BFB101`.
        message: what is there, what it does, and what to write instead.
        end_line: last line of the statement, where a comment may allow it.
    """

    path: str
    line: int
    column: int
    code: str
    message: str
    end_line: int = 0


class Rule:
    """Base of all rules; a subclass in a module of `rules` is found by itself.

    Attributes:
        code: `BFB` and three digits; the first one is the group.
        name: a few words with hyphens.
    """

    code: ClassVar[str] = ""
    name: ClassVar[str] = ""

    def check(self, source: Source) -> Iterator[tuple[ast.AST, str]]:
        """Yield `(node, message)` for each finding."""
        raise NotImplementedError

    def findings(self, source: Source) -> Iterator[Finding]:
        for node, message in self.check(source):
            yield Finding(
                str(source.path), node.lineno, node.col_offset + 1, self.code, message, node.end_lineno or node.lineno
            )

    @classmethod
    def page(cls) -> str:
        return inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def summary(cls) -> str:
        return cls.page().partition("\n")[0]
