"""Orders that the host or the hash seed chooses, where they reach data."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _order
from bitforbit.diagnosis.lint.source import Source, inside

PATH_LISTINGS = ("iterdir", "rglob")


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
        calls = [call for call in source.called(*_order.LISTINGS) if source.names.of(call.func) != "fnmatch.filter"]
        for method in PATH_LISTINGS:
            calls += source.methods.get(method, ())
        if source.imports("pathlib"):
            calls += source.methods.get("glob", ())
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            if _order.reaches_data(source, call):
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
            if _order.reaches_data(source, node):
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


def _sets(source: Source):
    """Yield expressions that are sets, and names that hold nothing else."""
    for call in source.methods.get("set", []) + source.methods.get("frozenset", []):
        if isinstance(call.func, ast.Name) and call.args and not are_numbers(call.args[0]):
            yield call
    iterated = [loop.iter for loop in source.loops]
    assigned = [node.value for node in source.assignments]
    given = [value for call, _ in source.calls for value in call.args]
    for node in (*iterated, *assigned, *given):
        if isinstance(node, (ast.Set, ast.SetComp)) and not are_numbers(node):
            yield node


def are_numbers(node: ast.expr) -> bool:
    """Whole numbers hash to themselves."""
    if isinstance(node, (ast.Set, ast.List, ast.Tuple)):
        return all(isinstance(part, ast.Constant) and isinstance(part.value, int) for part in node.elts)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."
