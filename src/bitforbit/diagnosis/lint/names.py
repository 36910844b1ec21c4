"""Resolve a name in a syntax tree to the dotted path that it stands for, through imports and plain aliases."""

import ast

# The same function under several names: the first spelling is turned into the second.
SAME = (
    ("tensorflow.compat.v2.", "tensorflow."),
    ("tensorflow.python.keras.", "keras."),
    ("tensorflow.keras.", "keras."),
    ("tf_keras.", "keras."),
    ("numpy.random.mtrand.", "numpy.random."),
    ("tensorflow.io.gfile.", "tensorflow.io.gfile."),
    ("tensorflow.gfile.", "tensorflow.io.gfile."),
    ("keras.preprocessing.image_dataset_from_directory", "keras.utils.image_dataset_from_directory"),
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Names:
    """What the names of one file stand for.

    Attributes:
        paths: local name to dotted path, from imports (of any block) and from `name = dotted.path`.
        bound: for each function, the names that it binds itself: those hide an import of the same name.
    """

    def __init__(self):
        self.paths: dict[str, str] = {}
        self.bound: dict[ast.AST, set[str]] = {}

    def add_import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.paths[alias.asname] = alias.name
            else:
                root = alias.name.partition(".")[0]
                self.paths[root] = root

    def add_import_from(self, node: ast.ImportFrom) -> None:
        if node.level == 0 and node.module:
            for alias in node.names:
                self.paths[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def add_alias(self, name: str, value: ast.expr) -> None:
        path = self.of(value)
        if path and name not in self.paths:
            self.paths[name] = path

    def of(self, node: ast.expr) -> str:
        """Return the dotted path of a name or attribute, an empty text where it is not known."""
        parts: list[str] = []
        current = node
        while isinstance(current, ast.Attribute):
            parts.append(current.attr)
            current = current.value
        if not isinstance(current, ast.Name):
            return ""
        root = self.paths.get(current.id)
        if root is None or self._hidden(current):
            return ""
        return canonical(".".join([root, *reversed(parts)]))

    def _hidden(self, name: ast.Name) -> bool:
        node = getattr(name, "parent", None)
        while node is not None:
            if isinstance(node, FUNCTIONS) and name.id in self.bound.get(node, ()):
                return True
            node = getattr(node, "parent", None)
        return False


def canonical(path: str) -> str:
    for spelling, same in SAME:
        if path.startswith(spelling) or path + "." == spelling:
            return (same + path[len(spelling) :]).rstrip(".")
    return path
