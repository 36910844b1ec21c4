"""The orders of sets and the values of `hash()` in the user's own lines: written down, and brought back in another run.

`rewrite` puts a question at each place of the source that may take an order, `watch` answers it, `keys` names elements
alike under every hash seed, `install` puts all of it into a process that has `VARIABLE`.
"""

VARIABLE = "BITFORBIT_ORDERS"
