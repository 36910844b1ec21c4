"""Whether the order in which something is iterated can be seen in what is made of it."""

import ast

from bitforbit.diagnosis.lint.source import Source, inside, scope_of

LISTINGS = (
    "os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob", "tensorflow.io.gfile.listdir",
    "tensorflow.io.gfile.glob", "tensorflow.io.gfile.walk", "tensorflow.io.matching_files", "fnmatch.filter",
)  # fmt: skip
# Where these take an iterable, its order cannot be seen any more.
ORDER_FREE = frozenset(
    ("sorted", "len", "set", "frozenset", "any", "all", "min", "max", "Counter", "collections.Counter")
)
# These keep the order and hand it on.
KEEPS_ORDER = frozenset(
    ("list", "tuple", "enumerate", "next", "iter", "zip", "map", "filter", "reversed", "dict.fromkeys")
)
ACCUMULATES = frozenset(("append", "extend", "insert", "write", "writerow", "put", "send", "appendleft"))


def reaches_data(source: Source, node: ast.expr) -> bool:
    """Return whether the order in which `node` iterates can be seen in a list, an index, or a loop that collects."""
    parent = node.parent
    if isinstance(parent, ast.keyword):
        parent = parent.parent
    if any(isinstance(outer, ast.Assert) for outer in inside(node)):
        return False
    if isinstance(parent, ast.Call) and node is not parent.func:
        name = _called(source, parent)
        if name in ORDER_FREE:
            return False
        if name in KEEPS_ORDER:
            return not _order_is_lost(source, parent)
        return name in ("join", "array", "numpy.array", "numpy.asarray", "extend", "from_tensor_slices") and \
            not _order_is_lost(source, parent)  # fmt: skip
    if isinstance(parent, ast.comprehension) and parent.iter is node:
        return _comprehension_keeps_order(source, parent.parent)
    if isinstance(parent, ast.For) and parent.iter is node:
        return _collects(parent)
    if isinstance(parent, ast.Starred):
        return not isinstance(parent.parent, ast.Set) and reaches_data(source, parent.parent)
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return True
    if isinstance(parent, (ast.Return, ast.YieldFrom)):
        return isinstance(node, ast.Call) and source.names.of(node.func) in LISTINGS
    if isinstance(parent, (ast.Assign, ast.AnnAssign)):
        return _name_reaches_data(source, parent)
    if isinstance(parent, (ast.BinOp, ast.IfExp, ast.NamedExpr)):
        return reaches_data(source, parent)
    return False


def _called(source: Source, call: ast.Call) -> str:
    path = source.names.of(call.func)
    if path:
        return path
    text = ast.unparse(call.func) if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    return "dict.fromkeys" if text == "fromkeys" else text


def _order_is_lost(source: Source, call: ast.expr) -> bool:
    """Return whether what `call` keeps in order is sorted, counted or thrown away right outside or by name."""
    node: ast.AST = call
    for outer in inside(call):
        if isinstance(outer, (ast.keyword, ast.IfExp, ast.BinOp, ast.NamedExpr)):
            continue
        if isinstance(outer, ast.Call):
            name = _called(source, outer)
            if name in ORDER_FREE:
                return True
            if name not in KEEPS_ORDER:
                return False
        elif isinstance(outer, (ast.Assign, ast.AnnAssign)):
            return not _name_reaches_data(source, outer, assume=True)
        elif isinstance(outer, ast.comprehension):
            return not _comprehension_keeps_order(source, outer.parent)
        elif isinstance(outer, ast.For):
            return outer.iter is node and not _collects(outer)
        elif isinstance(outer, ast.Compare):
            return any(isinstance(op, (ast.In, ast.NotIn)) for op in outer.ops)
        else:
            return isinstance(outer, ast.Expr)
        node = outer
    return False


def _comprehension_keeps_order(source: Source, comprehension: ast.AST) -> bool:
    if isinstance(comprehension, ast.SetComp):
        return False
    if isinstance(comprehension, ast.DictComp):
        # A dict made of a bare set or listing is a table; it is an order only where numbers are handed out.
        return any("enumerate" in ast.unparse(generator.iter) for generator in comprehension.generators)
    if isinstance(comprehension, ast.GeneratorExp) and isinstance(comprehension.parent, ast.Call):
        name = _called(source, comprehension.parent)
        return name not in ORDER_FREE and (name in KEEPS_ORDER or name in ("join", "extend", "sum")) and name != "sum"
    return not _order_is_lost(source, comprehension)


def _name_reaches_data(source: Source, assignment, assume: bool = False) -> bool:
    """Follow a name that holds the listing or set: sorted later means quiet; otherwise each use is judged.

    Args:
        assume: the name holds what was made of a set or listing, and has its order.
    """
    targets = assignment.targets if isinstance(assignment, ast.Assign) else [assignment.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return assume
    name, scope = targets[0].id, scope_of(assignment)
    uses = [
        node for node in ast.walk(scope)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        and (node.lineno, node.col_offset) > (assignment.lineno, assignment.col_offset)
        and node.lineno <= _bound_until(source, name, scope, assignment)
    ]  # fmt: skip
    for use in uses:
        parent = use.parent
        if isinstance(parent, ast.Attribute) and parent.attr == "sort" and isinstance(parent.parent, ast.Call):
            return False
        is_sorted = isinstance(parent, ast.Call) and use in parent.args and _called(source, parent) == "sorted"
        if is_sorted and not is_set(assignment.value):
            return False
    uses = [use for use in uses if not any(isinstance(outer, ast.Assert) for outer in inside(use))]
    if is_set(assignment.value) and not assume:
        return any(reaches_data(source, use) for use in uses if not isinstance(use.parent, (ast.Assign, ast.AnnAssign)))
    return (not uses and isinstance(scope, ast.Module)) or any(_hands_on(source, use) for use in uses)


def _bound_until(source: Source, name: str, scope: ast.AST, assignment) -> float:
    """Return the last line on which `name` still holds what `assignment` gave it: a later one takes its place."""
    later = [
        node.end_lineno or node.lineno
        for node in source.assignments
        if isinstance(node, ast.Assign) and node.lineno > assignment.lineno and scope_of(node) is scope
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]  # fmt: skip
    return min(later, default=float("inf"))


def _hands_on(source: Source, use: ast.Name) -> bool:
    """A listing under a name is an order where data is made of it, or where another function gets it."""
    parent = use.parent
    if isinstance(parent, ast.Call) and use in parent.args:
        return _called(source, parent) not in (*ORDER_FREE, "print", "isinstance", "bool", "str", "repr")
    return isinstance(parent, (ast.Return, ast.Yield)) or reaches_data(source, use)


def _collects(loop: ast.For) -> bool:
    """Return whether the body of a loop hands the order on: appends, yields, counts up, writes."""
    if _sorts_inside(loop):
        return False
    for statement in loop.body:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Yield, ast.YieldFrom)):
                return True
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ACCUMULATES:
                return True
            adds = isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add)
            if adds and (not isinstance(node.value, ast.Constant) or _used_as_index(loop, node.target)):
                return True
    return False


def _sorts_inside(loop: ast.For) -> bool:
    """`for where, folders, files in os.walk(...)` is in order where the body sorts what it was given."""
    targets = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    for statement in loop.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                sorts = isinstance(node.func, ast.Name) and node.func.id == "sorted" and node.args
                value = node.args[0] if sorts else node.func.value if getattr(node.func, "attr", "") == "sort" else None
                if value is not None and any(isinstance(n, ast.Name) and n.id in targets for n in ast.walk(value)):
                    return True
    return False


def _used_as_index(loop: ast.For, target: ast.expr) -> bool:
    """A counter `n += 1` is an order only where the loop hands `n` out: as an index or as a value."""
    if not isinstance(target, ast.Name):
        return False
    loads = (n for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name) and n.id == target.id)
    return any(isinstance(node.ctx, ast.Load) for node in loads)


def is_set(node: ast.expr) -> bool:
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return is_call or isinstance(node, (ast.Set, ast.SetComp))
