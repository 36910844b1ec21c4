"""Train Keras models so that every host gives the same bits, and prove it."""

__version__ = "0.1.0"
