"""What a user writes, a module with `Config`, `load_data` and `build_model`; and how a name finds it."""

import ast
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from bitforbit import datalock
from bitforbit.errors import UsageError

BUILT_IN = ("sequence", "digits", "solubility", "peptides")
DEFAULT = "digits"
PARTS = frozenset(("Config", "load_data", "build_model"))


class Data(NamedTuple):
    """Arrays of one fixed split.

    Attributes:
        x_train: array of shape `(n, ...)`, or a dict or tuple of such arrays for a model with several inputs.
        y_train: array of shape `(n, ...)`, or a dict or tuple of such arrays for several outputs.
        x_test: as `x_train`, held out.
        y_test: as `y_train`, held out.
    """

    x_train: Any
    y_train: Any
    x_test: Any
    y_test: Any


@dataclass(frozen=True)
class Experiment:
    """An experiment's module, checked.

    Attributes:
        name: as in `runs/<name>/`.
        module: what was imported.
        source: SHA-256 of the module's text with `\\n` line ends, with those of the rest of its package and of the
            project's data.lock where there are such: other code or data, other run.
    """

    name: str
    module: ModuleType
    source: str

    @property
    def config_type(self) -> type:
        return self.module.Config

    @property
    def load_data(self) -> Callable[[Any], Data]:
        return self.module.load_data

    @property
    def build_model(self) -> Callable[[Any], Any]:
        return self.module.build_model


def load(name: str) -> Experiment:
    """Import an experiment by built-in name, dotted module or path of a `.py` file.

    Raises:
        UsageError: there is no such experiment, or the module lacks a part of the contract.
        DataError: a file that the project's data.lock records is missing or another.
    """
    if name.endswith(".py"):
        module = _import_file(Path(name))
        short = Path(name).stem
    else:
        module = _import_module(name)
        short = name
    for part in ("Config", "load_data", "build_model"):
        if not hasattr(module, part):
            raise UsageError(f"expected {name} to define Config, load_data and build_model, found no {part}")
    if not is_dataclass(module.Config) or not module.Config.__dataclass_params__.frozen:
        raise UsageError(f"expected {name}.Config to be a frozen dataclass. Next step: @dataclass(frozen=True)")
    return Experiment(short, module, _source(module, name in BUILT_IN))


def parts(path: Path) -> frozenset[str] | None:
    """Return which parts of an experiment a file defines, assigns or imports, without running it.

    `None` where that cannot be told: it does not parse, or imports `*`.
    """
    try:
        nodes: list[ast.AST] = [*ast.parse(path.read_bytes()).body]
    except (SyntaxError, ValueError, RecursionError):
        return None
    names = set()
    while nodes:
        match node := nodes.pop():
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.alias():
                names.add(node.asname or node.name)
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
            case _:
                nodes += ast.iter_child_nodes(node)
    return None if "*" in names else PARTS & names


def _source(module: ModuleType, built_in: bool) -> str:
    path = Path(module.__file__).resolve()
    source = _text_digest(path)
    if built_in:
        return source
    parts = []
    if module.__package__ and not module.__package__.startswith("bitforbit."):
        # What else the experiment may import from its package, which its own text does not show.
        others = sorted(path.parent.rglob("*.py"))
        parts += [f"{other.relative_to(path.parent)} {_text_digest(other)}" for other in others if other != path]
    lock = datalock.find(path.parent)
    if lock is not None:
        datalock.check(lock)
        parts.append(f"{datalock.FILE} {_text_digest(lock)}")
    return hashlib.sha256("\n".join([source, *parts]).encode()).hexdigest() if parts else source


def _text_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _import_module(name: str) -> ModuleType:
    target = f"bitforbit.experiments.{name}" if name in BUILT_IN else name
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        if error.name and (target == error.name or target.startswith(f"{error.name}.")):
            raise UsageError(
                f"unknown experiment {name!r}. Expected one of {', '.join(BUILT_IN)}, a dotted module or a .py file."
            ) from None
        raise


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"expected an experiment at {path}, found no such file")
    if parts(path) == frozenset():
        # It would be run while it is imported.
        raise UsageError(
            f"expected {path} to define Config, load_data and build_model, found none of them."
            f" Next step: bitforbit run {path}, if it is a script"
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.resolve()))
    spec.loader.exec_module(module)
    return module
