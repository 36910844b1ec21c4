"""How many steps one call of Keras's train function makes: many, in a loop inside its graph, where steps are short.

Between two calls Keras spends about as long in Python as a small model's step takes. The step's own graph stays what it
is, a function that the loop calls, and the loop's iterations follow one another; no bit depends on their number.
"""

# An interrupt from the keyboard waits for the end of a call.
MOST = 64
STEPS = ("train_step", "test_step", "make_train_function", "make_test_function")


def of_epoch(size: int, batch_size: int) -> int:
    """Return the number of steps of an epoch, the last one as it falls."""
    return -(-size // batch_size)


def together(size: int, batch_size: int) -> int:
    """Return how many steps a call makes: the largest divisor of an epoch's steps up to 64, so that epochs stay apart.

    Args:
        size: number of examples.
        batch_size: examples in a batch; the last one of an epoch may be smaller.
    """
    steps = of_epoch(size, batch_size)
    return max(number for number in range(1, MOST + 1) if steps % number == 0)


def has_own(model, names: tuple[str, ...]) -> bool:
    """Return whether a model defines one of these methods in place of Keras's own."""
    import keras

    return any(getattr(type(model), name) is not getattr(keras.Model, name) for name in names)


def loop(model, steps: int) -> None:
    """Have `fit` and `evaluate` make `steps` steps a call, with a model whose steps are Keras's own and graphs.

    Args:
        model: compiled; left alone where it asks for a number of steps itself.
        steps: of one call.
    """
    if not has_own(model, STEPS) and not model.run_eagerly and model.steps_per_execution == 1:
        model.steps_per_execution = steps


def predicting(model, steps: int) -> None:
    """Take back `loop(model, steps)`: for `predict`, Keras would trace that many steps one after another.

    Args:
        model: as given to `loop`.
        steps: as given to `loop`.
    """
    if model.steps_per_execution == steps:
        model.steps_per_execution = 1
