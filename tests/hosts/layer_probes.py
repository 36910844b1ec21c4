"""A small model for each layer, loss and optimizer that the stock kernels make host-dependent."""

import numpy as np

from hosts.inputs import train, values


def _dense(output, loss, optimizer="adam", y=None, hidden=(), x=None):
    """One hidden block between two dense layers."""
    import keras
    from keras import layers

    def run():
        inputs = values((32, 24), 1) if x is None else x
        between, last = [make() for make in hidden], layers.Dense(4, activation=output)
        model = keras.Sequential([keras.Input(inputs.shape[1:]), layers.Dense(32), *between, last])
        target = values((32, 4), 2, 0.0, 1.0) if y is None else y
        return train(model, loss, optimizer, inputs, target)

    return run


def _attention():
    import keras
    from keras import layers

    tokens = keras.Input((12, 16))
    x = layers.MultiHeadAttention(2, 8)(tokens, tokens)
    x = layers.GlobalAveragePooling1D()(layers.Add()([x, tokens]))
    model = keras.Model(tokens, layers.Dense(4, activation="softmax")(x))
    return train(model, "sparse_categorical_crossentropy", "adam", values((16, 12, 16), 3), np.arange(16) % 4)


def _convolution():
    import keras
    from keras import layers

    model = keras.Sequential(
        [keras.Input((16, 16, 3)), layers.Conv2D(24, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
         layers.Conv2D(16, 3, strides=2), layers.Flatten(), layers.Dense(10, activation="softmax")]
    )  # fmt: skip
    return train(model, "sparse_categorical_crossentropy", "adam", values((32, 16, 16, 3), 4), np.arange(32) % 10)


def layer_probes():
    """Return `name -> computation` for every layer, loss and optimizer that the stock kernels make host-dependent."""
    from keras import layers

    shares = np.full((32, 4), 0.25, np.float32)
    return {
        "layer normalization": _dense(None, "mse", hidden=[layers.LayerNormalization]),
        "batch normalization": _dense(None, "mse", hidden=[layers.BatchNormalization]),
        "attention": _attention,
        "exact GELU": _dense(None, "mse", hidden=[lambda: layers.Activation("gelu")]),
        "binary cross-entropy": _dense("sigmoid", "binary_crossentropy"),
        "KL divergence": _dense("softmax", "kl_divergence", y=shares),
        "Poisson": _dense("softplus", "poisson"),
        "cosine loss": _dense(None, "cosine_similarity"),
        "RMSprop": _dense(None, "mse", "rmsprop"),
        "Adagrad": _dense(None, "mse", "adagrad"),
        "convolution": _convolution,
    }
