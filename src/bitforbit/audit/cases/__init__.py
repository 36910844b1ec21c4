"""The cases of the op census: data, one module for each family of ops; see `bitforbit.audit.census`."""

from bitforbit.audit.cases.model import Case


def load() -> list[Case]:
    """Return every case, sorted by its key.

    Raises:
        ValueError: two cases have one key.
    """
    from bitforbit.audit.cases import (
        elementwise,
        fused,
        images,
        linear,
        neural,
        randoms,
        reductions,
        replaced,
        suspects,
    )

    families = (elementwise, reductions, linear, neural, images, randoms, replaced, fused, suspects)
    found = sorted((case for family in families for case in family.cases()), key=lambda case: case.key)
    keys = [case.key for case in found]
    if len(set(keys)) != len(keys):
        raise ValueError(f"two census cases have one key: {sorted({key for key in keys if keys.count(key) > 1})}")
    return found
