"""A training that is traced as well is trained twice: first the run that counts, then the one with digests."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def run() -> Iterator[None]:
    """Stand around the second training: an interrupt of it says that the first one is published."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the run is published, its trace is not") from None
