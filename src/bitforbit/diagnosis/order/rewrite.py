"""Source to code in which each place that may take the order of a set, or a `hash()`, first asks a watcher.

Nothing is called in another frame: operands are handed through a function that gives them back, so that lines,
tracebacks and the order of evaluation stay as they are.
"""

import ast
from typing import NamedTuple

ITERATED, ARGUMENT, POPPED, HASHED = "iterated", "argument", "popped", "hashed"
# Builtins of these names, for the time of a run that is watched.
NAMES = {kind: f"__bitforbit_{kind}__" for kind in (ITERATED, ARGUMENT, POPPED, HASHED)}
# Callees to which an order is nothing; others are told at run time.
_INDIFFERENT = {"len", "isinstance", "issubclass", "range", "int", "float", "bool", "super", "type", "id", "set",
                "frozenset", "print", "any", "all", "callable", "hasattr", "getattr"}  # fmt: skip
_UNLESS_KEYED = {"sorted", "min", "max"}
# A Lambda layer's code is saved with its model: only these are looked at inside of a lambda.
_IN_LAMBDA = {"list", "tuple", "enumerate", "zip", "iter", "map", "join", "fromkeys"}
# Expressions that may give a set.
_OPERANDS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp, ast.BoolOp, ast.IfExp, ast.Set, ast.SetComp,
             ast.NamedExpr, ast.Await)  # fmt: skip
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


class Site(NamedTuple):
    """One place in the source.

    Attributes:
        file: absolute path.
        line, column: from 1, from 0.
        kind: `iterated`, `argument`, `popped` or `hashed`.
        callee: the names of a dotted callee that gets the argument; empty where it is no plain name.
    """

    file: str
    line: int
    column: int
    kind: str
    callee: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What identifies it in another process."""
        return f"{self.kind}:{self.line}:{self.column}:{self.file}"


def compiled(source: bytes | str, file: str, sites: list[Site]):
    """Return the code of a module; its sites are added to `sites`, whose places are their numbers.

    Raises:
        SyntaxError, ValueError, RecursionError: as `compile` does, and where it cannot be rewritten.
    """
    tree = _Rewriter(file, sites).visit(ast.parse(source, file))
    return compile(tree, file, "exec", dont_inherit=True)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, file: str, sites: list[Site]):
        self.file, self.sites = file, sites
        self.lambdas = 0

    def asked(self, kind: str, node: ast.expr, callee: tuple[str, ...] = ()) -> ast.expr:
        """Return `watcher(number, node)` at the place of `node`."""
        self.sites.append(Site(self.file, node.lineno, node.col_offset, kind, callee))
        function = ast.Name(NAMES[kind], ast.Load())
        call = ast.Call(function, [ast.Constant(len(self.sites) - 1), node], [])
        for made in (call, function, call.args[0]):
            ast.copy_location(made, node)
        return call

    def visit_For(self, node):
        return self._iteration(node)

    def visit_comprehension(self, node):
        return self._iteration(node)

    def _iteration(self, node):
        asynchronous = getattr(node, "is_async", 0)
        literal = _constant_set(node.iter)
        self.generic_visit(node)
        if not asynchronous:
            node.iter = self.asked(ITERATED, literal) if literal else self._iterated(node.iter)
        return node

    def _iterated(self, node: ast.expr) -> ast.expr:
        return self.asked(ITERATED, node) if isinstance(node, _OPERANDS) else node

    def visit_YieldFrom(self, node):
        self.generic_visit(node)
        node.value = self._iterated(node.value)
        return node

    def visit_Starred(self, node):
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = self._iterated(node.value)
        return node

    def visit_Assign(self, node):
        self.generic_visit(node)
        if any(isinstance(target, ast.Tuple | ast.List) for target in node.targets):
            node.value = self._iterated(node.value)
        return node

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Add):
            node.value = self._iterated(node.value)
        return node

    def visit_FormattedValue(self, node):
        self.generic_visit(node)
        if not self.lambdas:
            node.value = self._argument(node.value, ("format",))
        return node

    def visit_Name(self, node):
        known = node.id == "hash" and isinstance(node.ctx, ast.Load)
        return self.asked(HASHED, node) if known else node

    def visit_Call(self, node):
        callee = _dotted(node.func)
        last = node.func.attr if isinstance(node.func, ast.Attribute) else callee[-1] if callee else ""
        keyed = any(word.arg == "key" for word in node.keywords)
        self.generic_visit(node)
        if last == "pop" and isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
            node.func.value = self.asked(POPPED, node.func.value)
        elif not (self._is_indifferent(last, keyed) or (self.lambdas and last not in _IN_LAMBDA)):
            node.args = [self._argument(part, callee) for part in node.args]
            for word in node.keywords:
                word.value = self._argument(word.value, callee) if word.arg else word.value
        return node

    def _argument(self, node: ast.expr, callee: tuple[str, ...]) -> ast.expr:
        return self.asked(ARGUMENT, node, callee) if isinstance(node, _OPERANDS) else node

    @staticmethod
    def _is_indifferent(callee: str, keyed: bool) -> bool:
        return callee in _INDIFFERENT or (callee in _UNLESS_KEYED and not keyed)

    def visit_Lambda(self, node):
        self.lambdas += 1
        self.generic_visit(node)
        self.lambdas -= 1
        return node

    def visit_FunctionDef(self, node):
        return self._definition(node)

    def visit_AsyncFunctionDef(self, node):
        return self._definition(node)

    def visit_ClassDef(self, node):
        return self._definition(node)

    def _definition(self, node):
        # A compiler of its own (numba) knows no watcher.
        if any(ast.unparse(decorator).partition("(")[0].endswith("jit") for decorator in node.decorator_list):
            return node
        node.decorator_list = [self.visit(part) for part in node.decorator_list]
        if isinstance(node, _FUNCTIONS):
            node.args = self.visit(node.args)
        node.body = [self.visit(part) for part in node.body]
        return node

    def visit_AnnAssign(self, node):
        node.value = self.visit(node.value) if node.value else None
        return node

    def visit_arg(self, node):
        return node  # an annotation may be kept as text

    def visit_TypeAlias(self, node):
        return node


def _constant_set(node: ast.expr) -> ast.expr | None:
    """What the compiler makes of a set of constants that is iterated, which it would not do inside of a call."""
    if not (isinstance(node, ast.Set) and all(isinstance(part, ast.Constant) for part in node.elts)):
        return None
    return ast.copy_location(ast.Constant(frozenset([part.value for part in node.elts])), node)


def _dotted(node: ast.expr) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else ()
