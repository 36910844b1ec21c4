"""Sets with an order of their own: for a callee that iterates, and all else a set is asked."""


class _Ordered:
    """What both have; `original` is the set that they stand for."""

    def __iter__(self):
        return iter(self.elements)

    def __repr__(self):
        inner = "{" + ", ".join(map(repr, self)) + "}"
        return inner if isinstance(self.original, set) else f"frozenset({inner})"

    def __reduce__(self):
        return type(self.original), (list(self),)


class OrderedSet(_Ordered, set):
    """A `set`."""


class OrderedFrozenset(_Ordered, frozenset):
    """A `frozenset`."""


SETS = frozenset({set, frozenset, OrderedSet, OrderedFrozenset})


def ordered(original, elements: list):
    """Return a set equal to `original` that is iterated as `elements` are."""
    made = (OrderedSet if isinstance(original, set) else OrderedFrozenset)(original)
    made.original, made.elements = original, elements
    return made


def unordered(value):
    """Return the set that `value` stands for, or `value`."""
    return value.original if isinstance(value, _Ordered) else value
