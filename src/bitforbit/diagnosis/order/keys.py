"""A name for an element of a set that is the same under every hash seed, and the order of a set by such names."""

import dataclasses
import hashlib
import re
from typing import NamedTuple

# Their own text says all of them, and `ast.literal_eval` reads it back.
LITERALS = (str, int, bytes, float, bool, complex, type(None))
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
# Of objects in objects; what lies deeper is not looked at.
_DEPTH = 4


class Unnamed(Exception):
    """Raised where an object has no name but its address."""


class Order(NamedTuple):
    """The order of a set.

    Attributes:
        content: digest of the names, in no order.
        places: of each element, in the order of the set: where its name stands among the sorted names.
        ranked: the elements by name.
    """

    content: str
    places: list[int]
    ranked: list


def name(value, depth: int = 0) -> str:
    """Return a text of `value` that depends on no hash seed and on no address.

    Raises:
        Unnamed: there is none.
    """
    kind = type(value)
    if kind in LITERALS:
        return repr(value)
    if depth > _DEPTH:
        raise Unnamed
    if kind is tuple:
        return f"({''.join(f'{name(part, depth + 1)},' for part in value)})"
    if kind is frozenset or kind is set:
        return f"set:{sorted(name(part, depth + 1) for part in value)}"
    return f"{kind.__module__}.{kind.__qualname__}:{_of_object(value, kind, depth)}"


def _of_object(value, kind: type, depth: int) -> str:
    if kind.__repr__ is object.__repr__ or dataclasses.is_dataclass(value):
        # Hashed by its address it has no order that a seed decides, and no name.
        fields = getattr(value, "__dict__", None)
        if kind.__hash__ is object.__hash__ or fields is None:
            raise Unnamed
        return str(sorted((field, name(part, depth + 1)) for field, part in fields.items()))
    text = repr(value)
    if _ADDRESS.search(text):
        raise Unnamed
    return text


def order(elements) -> Order | None:
    """Return the order of a set's elements; `None` where some have no name, or two the same one."""
    try:
        names = [name(element) for element in elements]
    except Exception:  # also what a `__repr__` of the user's raises
        return None
    pairs = sorted(zip(names, elements, strict=True), key=lambda pair: pair[0])
    rank = {text: place for place, (text, _) in enumerate(pairs)}
    if len(rank) < len(names):
        return None
    content = hashlib.sha256("\n".join(rank).encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return Order(content, [rank[text] for text in names], [element for _, element in pairs])
