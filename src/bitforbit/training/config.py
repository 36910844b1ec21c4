"""Fill an experiment's `Config`: defaults, then a TOML file, then `--set key=value`; and hash what came out."""

import dataclasses
import json
import tomllib
import typing
from pathlib import Path

from bitforbit.errors import UsageError


def resolve(config_type, file: Path | None = None, assignments: tuple[str, ...] = ()):
    """Return a `Config` with overrides applied.

    Args:
        config_type: a frozen dataclass whose fields all have defaults.
        file: TOML with keys of the config at its top level.
        assignments: `key=value` texts; the last one for a key wins.

    Raises:
        UsageError: a key is unknown, a value does not fit its field, or the file cannot be read.
    """
    hints = typing.get_type_hints(config_type)
    changes = {key: _fit(key, value, hints, config_type) for key, value in _read(file).items()}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"expected --set key=value, received {assignment!r}. Next step: --set epochs=5")
        changes[key.strip()] = _fit(key.strip(), _parse(text, hints.get(key.strip())), hints, config_type)
    config = dataclasses.replace(config_type(), **changes)
    for key in ("epochs", "batch_size"):
        if getattr(config, key) < 1:
            raise UsageError(f"expected {key} of at least 1, received {getattr(config, key)}. Next step: --set {key}=1")
    return config


def values(config) -> dict:
    """Return the config as JSON values, tuples as lists."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(config).items()}


def _read(file: Path | None) -> dict:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"expected a TOML file of config keys at {file}, found: {error}") from None


def _parse(text: str, hint):
    if hint is str:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _fit(key: str, value, hints: dict, config_type):
    if key not in hints:
        raise UsageError(f"unknown config key {key!r}. Valid keys: {', '.join(hints)}.")
    hint = hints[key]
    if hint is float and type(value) is int:
        value = float(value)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        inner = typing.get_args(hint)[0]
        value = tuple(float(item) if inner is float and type(item) is int else item for item in value)
        fits = all(type(item) is inner for item in value)
    else:
        fits = type(value) is hint
    if not fits or value != value:
        default = getattr(config_type(), key)
        name = getattr(hint, "__name__", str(hint)) if typing.get_origin(hint) is None else str(hint)
        raise UsageError(
            f"expected {key} of type {name}, received {value!r} (of type {type(value).__name__})."
            f" Next step: --set {key}={spell(default)}"
        )
    return value


def spell(value) -> str:
    """Return a config value as the text that `--set KEY=` reads back to the same value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(json.dumps(item) if isinstance(item, (str, bool)) else str(item) for item in value)}]"
    return str(value)
