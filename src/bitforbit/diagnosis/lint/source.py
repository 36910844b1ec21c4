"""One Python file, parsed once and indexed once: calls by resolved name, methods by name, assignments, functions."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from bitforbit.diagnosis.lint.names import FUNCTIONS, Names

SKIPPED = (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
Scope = ast.AST


class Source:
    """A parsed file.

    Attributes:
        path: where it is.
        text: its content.
        tree: the syntax tree; every node has its `parent`.
        names: what names stand for.
        calls: `(call, dotted path)` in the order of lines; the path is empty where it is not known.
        by_path: dotted path to calls.
        methods: last part of a call's function, as `fit` in `model.fit(...)`, to calls that have no known path.
        assignments: every plain, annotated or augmented assignment.
        functions: name to definition, the last one of a name.
    """

    def __init__(self, path: Path, text: str, tree: ast.Module):
        self.path, self.text, self.tree = path, text, tree
        self.names = Names()
        self.calls: list[tuple[ast.Call, str]] = []
        self.by_path: dict[str, list[ast.Call]] = defaultdict(list)
        self.methods: dict[str, list[ast.Call]] = defaultdict(list)
        self.assignments: list[ast.Assign | ast.AnnAssign | ast.AugAssign] = []
        self.functions: dict[str, ast.FunctionDef] = {}
        self.loops: list[ast.For | ast.comprehension] = []
        self._index()

    def _index(self) -> None:
        calls = self._walk()
        for node in sorted(self.assignments, key=lambda node: node.lineno):
            plain = isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
            if plain and isinstance(node.value, (ast.Name, ast.Attribute)):
                self.names.add_alias(node.targets[0].id, node.value)
        calls.sort(key=lambda call: (call.lineno, call.col_offset))
        for call in calls:
            path = self.names.of(call.func)
            self.calls.append((call, path))
            if path:
                self.by_path[path].append(call)
            elif isinstance(call.func, (ast.Attribute, ast.Name)):
                self.methods[call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id].append(call)

    def _walk(self) -> list[ast.Call]:
        """Set parents, fill the tables that need no names, return all calls."""
        calls: list[ast.Call] = []
        pending: list[tuple[ast.AST, ast.AST | None]] = [(self.tree, None)]
        while pending:
            node, function = pending.pop()
            kind = type(node)
            if kind is ast.Call:
                calls.append(node)
            elif kind is ast.Name:
                if function is not None and type(node.ctx) is ast.Store:
                    self.names.bound[function].add(node.id)
                continue
            elif kind is ast.Constant:
                continue
            elif kind in (ast.Assign, ast.AnnAssign, ast.AugAssign):
                self.assignments.append(node)
            elif kind in (ast.For, ast.comprehension):
                self.loops.append(node)
            elif kind is ast.Import:
                self.names.add_import(node)
            elif kind is ast.ImportFrom:
                self.names.add_import_from(node)
            elif kind in FUNCTIONS:
                function = node
                self.names.bound[node] = {argument.arg for argument in arguments(node)}
                if kind is not ast.Lambda:
                    self.functions[node.name] = node
            for name in node._fields:
                value = getattr(node, name)
                if type(value) is list:
                    for part in value:
                        if isinstance(part, ast.AST):
                            part.parent = node
                            pending.append((part, function))
                elif isinstance(value, ast.AST) and not isinstance(value, SKIPPED):
                    value.parent = node
                    pending.append((value, function))
        return calls

    def imports(self, *roots: str) -> bool:
        """Return whether one of the packages is imported, under any name."""
        return any(path.partition(".")[0] in roots for path in self.names.paths.values())

    @cached_property
    def uses_keras(self) -> bool:
        return any(
            path.partition(".")[0] in ("keras", "tf_keras") or path.startswith("tensorflow.keras")
            for path in self.names.paths.values()
        ) or any(path.startswith("keras.") for path in self.by_path)

    def called(self, *paths: str) -> list[ast.Call]:
        """Return the calls of any of the dotted paths, in the order of lines."""
        found = [call for path in paths for call in self.by_path.get(path, ())]
        return sorted(found, key=lambda call: (call.lineno, call.col_offset))

    def starting(self, *prefixes: str) -> Iterator[tuple[ast.Call, str]]:
        """Yield `(call, dotted path)` for each call below one of the prefixes."""
        for path in list(self.by_path):
            if path.startswith(prefixes):
                for call in self.by_path[path]:
                    yield call, path


def arguments(function) -> list[ast.arg]:
    given = function.args
    rest = [one for one in (given.vararg, given.kwarg) if one is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *rest]


def scope_of(node: ast.AST) -> Scope:
    """Return the function (no lambda) or module that `node` stands in."""
    while node is not None and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)):
        node = getattr(node, "parent", None)
    return node


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg == name), None)


def has_stars(call: ast.Call) -> bool:
    """Return whether arguments come out of `*args` or `**kwargs`, where nobody can see them."""
    return any(word.arg is None for word in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args)


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """Return an argument given by position or by name, else `None`."""
    if len(call.args) > position:
        return call.args[position]
    return keyword(call, name)


def is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes around `node`, innermost first."""
    node = getattr(node, "parent", None)
    while node is not None:
        yield node
        node = getattr(node, "parent", None)


def once(pairs):
    """Yield those `(node, other)` whose node is one, each node the first time that it comes."""
    told: set[int] = set()
    for node, other in pairs:
        if node is not None and id(node) not in told:
            told.add(id(node))
            yield node, other
