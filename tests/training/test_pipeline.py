"""Held-out batches without Keras's functions: the batches that Keras makes."""

import numpy as np
import pytest

from bitforbit.training import pipeline

X = np.arange(28, dtype="float32").reshape(7, 2, 2)
Y = np.arange(7, dtype="int32")
CASES = {
    "array": (X, Y),
    "several inputs by name": ({"b": X, "a": X[:, 0] - 1}, Y),
    "several inputs and outputs": ((X, -X), (Y, X[:, 0, 0])),
    "without labels": (X, None),
    "several inputs without labels": ((X, -X), None),
    "converted by Keras": (X.astype("float64") / 3, Y),
    "half converted by Keras": ({"a": X, "b": X.astype("float16")}, Y),
    "bytes and truths": (X.astype("uint8"), Y > 3),
}


@pytest.mark.parametrize(("x", "y"), CASES.values(), ids=CASES)
def test_the_batches_are_those_of_keras(x, y):
    import tensorflow as tf
    from keras.src.trainers.data_adapters import get_data_adapter

    def told(dataset):
        return [tf.nest.map_structure(lambda part: (str(part.dtype), part.numpy().tolist()), it) for it in dataset]

    ours = pipeline.in_order(x, y, 3)
    stock = get_data_adapter(x=x, y=y, batch_size=3, shuffle=False).get_tf_dataset()
    assert told(ours) == told(stock)
    assert len(list(ours)) == 3
    assert ours.element_spec == stock.element_spec
