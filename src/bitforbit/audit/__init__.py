"""Which TensorFlow ops a model reaches, and what is known of each one's bits on another host.

`table` holds the verdicts, `graph` finds the ops of a compiled model, `check` refuses or warns before the first step,
`census` is the evidence behind the verdict `pinned`.
"""
