"""One class for each code; a new class in a module here is a new rule, and needs no entry anywhere."""

import importlib
import pkgutil

from bitforbit.diagnosis.lint.rule import Rule


def every() -> tuple[Rule, ...]:
    """Return an instance of each rule, in the order of codes."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(kind() for kind in sorted(_leaves(Rule), key=lambda kind: kind.code))


def _leaves(kind: type[Rule]) -> set[type[Rule]]:
    return ({kind} if kind.code else set()).union(*(_leaves(below) for below in kind.__subclasses__()))
