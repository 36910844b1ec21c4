"""Orders that the host or the hash seed chooses, where they reach data."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.source import Source, inside, scope_of

# Where these take an iterable, its order cannot be seen any more.
ORDER_FREE = frozenset(
    ("sorted", "len", "set", "frozenset", "any", "all", "min", "max", "Counter", "collections.Counter")
)
# These keep the order and hand it on.
KEEPS_ORDER = frozenset(
    ("list", "tuple", "enumerate", "next", "iter", "zip", "map", "filter", "reversed", "dict.fromkeys")
)
ACCUMULATES = frozenset(("append", "extend", "insert", "write", "writerow", "put", "send", "appendleft"))
LISTINGS = (
    "os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob", "tensorflow.io.gfile.listdir",
    "tensorflow.io.gfile.glob", "tensorflow.io.gfile.walk", "tensorflow.io.matching_files", "fnmatch.filter",
)  # fmt: skip
PATH_LISTINGS = ("iterdir", "rglob")
SET_METHODS = ("union", "intersection", "difference", "symmetric_difference")


class UnsortedListing(Rule):
    """Files come in the order in which the file system keeps them.

    `os.listdir`, `os.scandir`, `os.walk`, `glob` and `Path.iterdir` promise no order: it differs between machines and
    after a copy. Where the order of files becomes the order of examples, another model is trained.

    Bad:

        paths = glob.glob("data/*.png")

    Good:

        paths = sorted(glob.glob("data/*.png"))
    """

    code, name = "BFB401", "unsorted-listing"

    def check(self, source):
        calls = [call for call in source.called(*LISTINGS) if source.names.of(call.func) != "fnmatch.filter"]
        for method in PATH_LISTINGS:
            calls += source.methods.get(method, ())
        if source.imports("pathlib"):
            calls += source.methods.get("glob", ())
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            if reaches_data(source, call):
                yield (
                    call,
                    f"{ast.unparse(call.func)}() lists in the order of the file system. Write sorted({_short(call)}).",
                )


class SetOrder(Rule):
    """The order of a set reaches a list, an index or a loop that collects.

    Sets of texts are ordered by hashes, which change with `PYTHONHASHSEED` in every process. A label map made from a
    set names other classes in each run.

    Bad:

        label_of = {name: i for i, name in enumerate(set(names))}

    Good:

        label_of = {name: i for i, name in enumerate(sorted(set(names)))}
    """

    code, name = "BFB402", "set-order"

    def check(self, source):
        found = []
        for node in _sets(source):
            if reaches_data(source, node):
                found.append(node)
        for node in sorted(found, key=lambda node: (node.lineno, node.col_offset)):
            yield (
                node,
                f"the order of a set changes with the hash seed, and reaches data here. Write sorted({_short(node)}).",
            )


class HashAsData(Rule):
    """`hash()` or `id()` becomes a number in the data, or the key of an order.

    The hash of a text changes from process to process, and `id()` is an address.

    Bad:

        bucket = hash(word) % 1000

    Good:

        bucket = zlib.crc32(word.encode()) % 1000
    """

    code, name = "BFB403", "hash-as-data"

    def check(self, source):
        for function in ("hash", "id"):
            for call in source.methods.get(function, ()):
                if isinstance(call.func, ast.Name) and _is_number_of_data(call) and not _numbers_only(call):
                    yield (
                        call,
                        (
                            f"{function}() differs from process to process, and becomes data here."
                            " Use zlib.crc32 or hashlib of the bytes, or keras.layers.Hashing."
                        ),
                    )
        for call, path in source.calls:
            name = path or (call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", ""))
            if name in ("sorted", "sort", "min", "max"):
                for word in call.keywords:
                    if word.arg == "key" and isinstance(word.value, ast.Name) and word.value.id in ("hash", "id"):
                        yield (
                            call,
                            f"sorts by {word.value.id}(), which differs from process to process. Sort by the value"
                            " itself.",
                        )


def _is_number_of_data(call: ast.Call) -> bool:
    node: ast.AST = call
    for outer in inside(call):
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mod) and outer.left is node:
            return True
        if not (isinstance(outer, ast.Call) and ast.unparse(outer.func) in ("abs", "int")):
            return False
        node = outer
    return False


def _numbers_only(call: ast.Call) -> bool:
    return (
        len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, (int, float))
    )


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
        if is_sorted and not _is_set(assignment.value):
            return False
    uses = [use for use in uses if not any(isinstance(outer, ast.Assert) for outer in inside(use))]
    if _is_set(assignment.value) and not assume:
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


def _sets(source: Source):
    """Yield expressions that are sets, and names that hold nothing else."""
    for call in source.methods.get("set", []) + source.methods.get("frozenset", []):
        if isinstance(call.func, ast.Name) and call.args and not _are_numbers(call.args[0]):
            yield call
    iterated = [loop.iter for loop in source.loops]
    assigned = [node.value for node in source.assignments]
    given = [value for call, _ in source.calls for value in call.args]
    for node in (*iterated, *assigned, *given):
        if isinstance(node, (ast.Set, ast.SetComp)) and not _are_numbers(node):
            yield node


def _is_set(node: ast.expr) -> bool:
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return is_call or isinstance(node, (ast.Set, ast.SetComp))


def _are_numbers(node: ast.expr) -> bool:
    """Whole numbers hash to themselves."""
    if isinstance(node, (ast.Set, ast.List, ast.Tuple)):
        return all(isinstance(part, ast.Constant) and isinstance(part.value, int) for part in node.elts)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."
