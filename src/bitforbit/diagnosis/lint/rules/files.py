"""Files whose bytes are no identity."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _seeding
from bitforbit.diagnosis.lint.source import Source, scope_of


class ModelFileHash(Rule):
    """A saved model is compared or hashed as a file.

    A `.keras` archive holds the date of saving and the times of a zip file, `.h5` may hold times: equal models are
    different files.

    Bad:

        hashlib.sha256(open("model.keras", "rb").read())

    Good:

        hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights()))

    `bitforbit` writes archives whose bytes are an identity.
    """

    code, name = "BFB605", "model-file-hash"

    def check(self, source):
        hashes = [
            *source.starting("hashlib."),
            *((c, "filecmp.cmp") for c in source.called("filecmp.cmp", "zlib.crc32")),
        ]
        for call, path in sorted(hashes, key=lambda pair: (pair[0].lineno, pair[0].col_offset)):
            for given in call.args:
                if _reads_model(source, given) or (path == "filecmp.cmp" and _is_model_path(source, given)):
                    yield (
                        call,
                        "a saved model holds dates, so equal ones are different files. Hash model.get_weights().",
                    )
                    break


def _reads_model(source: Source, node: ast.expr) -> bool:
    """Return whether `node` reads a model's file: `open(p)`, `Path(p).read_bytes()`, or a file opened by `with`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and _opened_model(source, part):
            return True
        if not isinstance(part, ast.Call):
            continue
        opens = isinstance(part.func, ast.Name) and part.func.id == "open" and part.args
        if opens and _is_model_path(source, part.args[0]):
            return True
        if isinstance(part.func, ast.Attribute) and part.func.attr == "read_bytes":
            inner = part.func.value
            inner = inner.args[0] if isinstance(inner, ast.Call) and inner.args else inner
            if _is_model_path(source, inner):
                return True
    return False


def _opened_model(source: Source, name: ast.Name) -> bool:
    for node in ast.walk(scope_of(name)):
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name.id:
                    call = item.context_expr
                    if isinstance(call, ast.Call) and call.args and _is_model_path(source, call.args[0]):
                        return True
    return False


def _is_model_path(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.endswith((".keras", ".h5", ".hdf5"))
    if isinstance(node, ast.JoinedStr) and node.values:
        return _is_model_path(source, node.values[-1])
    if isinstance(node, ast.BinOp):
        return _is_model_path(source, node.right)
    if isinstance(node, ast.Name):
        return any(_is_model_path(source, value) for value in _seeding.assigned_values(source, node)
                   if not isinstance(value, ast.Name))  # fmt: skip
    if isinstance(node, ast.Call) and node.args:
        return source.names.of(node.func).startswith(("pathlib.", "os.path.")) and _is_model_path(source, node.args[-1])
    return False
