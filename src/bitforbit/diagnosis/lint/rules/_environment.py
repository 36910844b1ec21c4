"""Where a file sets environment variables."""

import ast

from bitforbit.diagnosis.lint.source import Source


def writes(source: Source):
    """Yield `(node, variable, value)` for each way to set a variable whose name is a literal."""
    for node in source.assignments:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            item = isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)
            if item and source.names.of(target.value) == "os.environ":
                yield node, target.slice.value, node.value
    for call in source.called("os.putenv", "os.environ.setdefault"):
        if call.args and isinstance(call.args[0], ast.Constant):
            yield call, call.args[0].value, call.args[1] if len(call.args) > 1 else None
    for call in source.called("os.environ.update"):
        for word in call.keywords:
            if word.arg:
                yield call, word.arg, word.value
        for given in call.args:
            for key in given.keys if isinstance(given, ast.Dict) else ():
                if isinstance(key, ast.Constant):
                    yield call, key.value, None


def sets(source: Source, variable: str) -> bool:
    return any(name == variable for _, name, _ in writes(source))
