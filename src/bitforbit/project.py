"""The project that this package stands in: its folder, and `[tool.bitforbit]` in its pyproject.toml.

[tool.bitforbit]
experiment = "shapes.experiment"        # what `bitforbit train` trains; unless given, it must be told
pool-size = 4                           # threads of each pool; the policy's own size unless given
[tool.bitforbit.reference."shapes.experiment"]
epochs = 2                              # what `bitforbit verify` trains, with which keys of its config
[tool.bitforbit.scripts]
"train.py" = ["--epochs", "3"]          # scripts that `bitforbit verify` runs, each with its arguments
"""

import tomllib
from pathlib import Path
from typing import NamedTuple

from bitforbit.errors import UsageError

FILE = "pyproject.toml"


class Settings(NamedTuple):
    """What a project sets.

    Attributes:
        experiment: name of its default experiment; "digits" in bitforbit's own project, elsewhere `None` unless given.
        pool_size: threads of each pool, or `None` for the policy's own size.
        reference: experiments that `verify` trains, each with overrides of its config, or `None` for the built-in ones.
        scripts: scripts that `verify` runs, each with its arguments.
    """

    experiment: str | None = "digits"
    pool_size: int | None = None
    reference: dict[str, dict] | None = None
    scripts: dict[str, list[str]] = {}  # noqa: RUF012


def root() -> Path:
    """Return the project's folder: that of the source tree, else the current one."""
    source_tree = Path(__file__).resolve().parents[2]
    return source_tree if (source_tree / FILE).is_file() else Path.cwd()


def is_bitforbit(folder: Path | None = None) -> bool:
    """Return whether the project in `folder` (default: `root()`) is bitforbit's own: it says so, or there is none."""
    try:
        return _is_ours(_read((folder or root()) / FILE))
    except FileNotFoundError:
        return True


def _is_ours(document: dict) -> bool:
    return document.get("project", {}).get("name") == "bitforbit"


def settings(folder: Path | None = None) -> Settings:
    """Return the settings of the project in `folder` (default: `root()`); all defaults where it has none.

    Raises:
        UsageError: pyproject.toml is no TOML, or a key of `[tool.bitforbit]` is unknown or has no fitting value.
    """
    path = (folder or root()) / FILE
    try:
        document = _read(path)
    except FileNotFoundError:
        return Settings()
    table = document.get("tool", {}).get("bitforbit", {})
    known = {"experiment": str, "pool-size": int, "reference": dict, "scripts": dict}
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"unknown key {key!r} in [tool.bitforbit] of {path}. Valid keys: {', '.join(known)}.")
        if type(value) is not known[key]:
            raise UsageError(f"expected {key} of type {known[key].__name__} in {path}, found {value!r}.")
    reference = table.get("reference")
    for name, overrides in (reference or {}).items():
        if not isinstance(overrides, dict):
            raise UsageError(f"expected a table of config keys for reference.{name} in {path}, found {overrides!r}.")
    scripts = table.get("scripts", {})
    for name, arguments in scripts.items():
        if not isinstance(arguments, list) or not all(isinstance(word, str) for word in arguments):
            raise UsageError(f"expected a list of arguments for scripts.{name} in {path}, found {arguments!r}.")
    experiment = table.get("experiment", Settings().experiment if _is_ours(document) else None)
    return Settings(experiment, table.get("pool-size"), reference or None, scripts)


def _read(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise UsageError(f"expected TOML in {path}, found: {error}") from None
