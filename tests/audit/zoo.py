"""Small models that reach what ordinary Keras models reach: every layer, loss, metric and optimizer of its API."""

import keras
import numpy as np
from keras import layers

IMAGE, SERIES, FLAT, VOLUME = (8, 9, 3), (7, 4), (6,), (5, 6, 4, 2)

# Layer by API name: keyword arguments, and the shape of one example where it is not FLAT.
LAYERS: dict[str, tuple[dict, tuple]] = {
    "Activation": ({"activation": "gelu"}, FLAT),
    "ActivityRegularization": ({"l1": 0.1, "l2": 0.1}, FLAT),
    "AdaptiveAveragePooling1D": ({"output_size": 3}, SERIES),
    "AdaptiveAveragePooling2D": ({"output_size": 3}, IMAGE),
    "AdaptiveMaxPooling2D": ({"output_size": 3}, IMAGE),
    "AlphaDropout": ({"rate": 0.3}, FLAT),
    "AugMix": ({}, IMAGE),
    "AutoContrast": ({}, IMAGE),
    "AveragePooling1D": ({"pool_size": 2}, SERIES),
    "AveragePooling2D": ({"pool_size": 2}, IMAGE),
    "AveragePooling3D": ({"pool_size": 2}, VOLUME),
    "BatchNormalization": ({}, IMAGE),
    "CenterCrop": ({"height": 5, "width": 5}, IMAGE),
    "Conv1D": ({"filters": 5, "kernel_size": 3}, SERIES),
    "Conv1DTranspose": ({"filters": 5, "kernel_size": 3}, SERIES),
    "Conv2D": ({"filters": 5, "kernel_size": 3, "activation": "relu"}, IMAGE),
    "Conv2DTranspose": ({"filters": 5, "kernel_size": 3, "strides": 2}, IMAGE),
    "Conv3D": ({"filters": 3, "kernel_size": 3}, VOLUME),
    "Conv3DTranspose": ({"filters": 3, "kernel_size": 3}, VOLUME),
    "ConvLSTM1D": ({"filters": 2, "kernel_size": 3}, SERIES[:1] + SERIES),
    "ConvLSTM2D": ({"filters": 2, "kernel_size": 3}, (3, *IMAGE)),
    "Cropping1D": ({}, SERIES),
    "Cropping2D": ({}, IMAGE),
    "Cropping3D": ({}, VOLUME),
    "CutMix": ({}, IMAGE),
    "Dense": ({"units": 5, "activation": "relu"}, FLAT),
    "DepthwiseConv1D": ({"kernel_size": 3}, SERIES),
    "DepthwiseConv2D": ({"kernel_size": 3}, IMAGE),
    "Discretization": ({"bin_boundaries": [-0.5, 0.0, 0.5]}, FLAT),
    "Dropout": ({"rate": 0.3}, FLAT),
    "ELU": ({}, FLAT),
    "EinsumDense": ({"equation": "abc,cd->abd", "output_shape": (7, 5)}, SERIES),
    "Flatten": ({}, IMAGE),
    "GRU": ({"units": 3}, SERIES),
    "GaussianDropout": ({"rate": 0.3}, FLAT),
    "GaussianNoise": ({"stddev": 0.3}, FLAT),
    "GlobalAveragePooling1D": ({}, SERIES),
    "GlobalAveragePooling2D": ({}, IMAGE),
    "GlobalAveragePooling3D": ({}, VOLUME),
    "GlobalMaxPooling1D": ({}, SERIES),
    "GlobalMaxPooling2D": ({}, IMAGE),
    "GlobalMaxPooling3D": ({}, VOLUME),
    "GroupNormalization": ({"groups": 3}, IMAGE),
    "Identity": ({}, FLAT),
    "LSTM": ({"units": 3}, SERIES),
    "LayerNormalization": ({}, SERIES),
    "LeakyReLU": ({}, FLAT),
    "Masking": ({}, SERIES),
    "MaxPooling1D": ({}, SERIES),
    "MaxPooling2D": ({}, IMAGE),
    "MaxPooling3D": ({}, VOLUME),
    "MixUp": ({}, IMAGE),
    "Normalization": ({"mean": 0.5, "variance": 2.0}, FLAT),
    "PReLU": ({}, FLAT),
    "Permute": ({"dims": (2, 1)}, SERIES),
    "RMSNormalization": ({}, FLAT),
    "RandAugment": ({}, IMAGE),
    "RandomBrightness": ({"factor": 0.2}, IMAGE),
    "RandomColorDegeneration": ({"factor": 0.2}, IMAGE),
    "RandomColorJitter": (
        {"brightness_factor": 0.2, "contrast_factor": 0.2, "saturation_factor": 0.2, "hue_factor": 0.2},
        IMAGE,
    ),
    "RandomContrast": ({"factor": 0.2}, IMAGE),
    "RandomCrop": ({"height": 8, "width": 9}, IMAGE),
    "RandomElasticTransform": ({}, IMAGE),
    "RandomErasing": ({}, IMAGE),
    "RandomFlip": ({}, IMAGE),
    "RandomGaussianBlur": ({}, IMAGE),
    "RandomGrayscale": ({}, IMAGE),
    "RandomHue": ({"factor": 0.2}, IMAGE),
    "RandomInvert": ({}, IMAGE),
    "RandomPerspective": ({}, IMAGE),
    "RandomPosterization": ({"factor": 4}, IMAGE),
    "RandomRotation": ({"factor": 0.2}, IMAGE),
    "RandomSaturation": ({"factor": 0.2}, IMAGE),
    "RandomSharpness": ({"factor": 0.2}, IMAGE),
    "RandomShear": ({"x_factor": 0.2, "y_factor": 0.2}, IMAGE),
    "RandomTranslation": ({"height_factor": 0.2, "width_factor": 0.2}, IMAGE),
    "RandomZoom": ({"height_factor": 0.2}, IMAGE),
    "ReLU": ({"negative_slope": 0.1, "max_value": 6.0}, FLAT),
    "RepeatVector": ({"n": 3}, FLAT),
    "Rescaling": ({"scale": 0.5}, FLAT),
    "Reshape": ({"target_shape": (2, 3)}, FLAT),
    "Resizing": ({"height": 5, "width": 6}, IMAGE),
    "STFTSpectrogram": ({"frame_length": 8, "frame_step": 4}, (32, 1)),
    "SeparableConv1D": ({"filters": 5, "kernel_size": 3}, SERIES),
    "SeparableConv2D": ({"filters": 5, "kernel_size": 3}, IMAGE),
    "SimpleRNN": ({"units": 3}, SERIES),
    "Softmax": ({}, FLAT),
    "Solarization": ({}, IMAGE),
    "SpatialDropout1D": ({"rate": 0.3}, SERIES),
    "SpatialDropout2D": ({"rate": 0.3}, IMAGE),
    "SpatialDropout3D": ({"rate": 0.3}, VOLUME),
    "UnitNormalization": ({}, FLAT),
    "UpSampling1D": ({}, SERIES),
    "UpSampling2D": ({"interpolation": "bilinear"}, IMAGE),
    "UpSampling3D": ({}, VOLUME),
    "ZeroPadding1D": ({}, SERIES),
    "ZeroPadding2D": ({}, IMAGE),
    "ZeroPadding3D": ({}, VOLUME),
}


def _two(layer):
    return lambda x: layer([x, layers.Dense(x.shape[-1])(x)])


# Layers that wrap, merge or look up: how to apply them, and the shape of one example.
APPLIED = {
    "Add": (lambda: _two(layers.Add()), FLAT),
    "AdditiveAttention": (lambda: _two(layers.AdditiveAttention()), SERIES),
    "Attention": (lambda: _two(layers.Attention(use_scale=True, dropout=0.1)), SERIES),
    "Average": (lambda: _two(layers.Average()), FLAT),
    "Bidirectional": (lambda: layers.Bidirectional(layers.GRU(2, return_sequences=True)), SERIES),
    "CategoryEncoding": (lambda: lambda x: layers.CategoryEncoding(9, "multi_hot")(_numbers(x)), FLAT),
    "Concatenate": (lambda: _two(layers.Concatenate()), FLAT),
    "Dot": (lambda: _two(layers.Dot(1, normalize=True)), FLAT),
    "Embedding": (lambda: lambda x: layers.Embedding(9, 4)(_numbers(x)), FLAT),
    "EmbeddingMasked": (lambda: lambda x: layers.LSTM(3)(layers.Embedding(9, 4, mask_zero=True)(_numbers(x))), FLAT),
    "GroupQueryAttention": (lambda: _two_of(layers.GroupQueryAttention(4, 4, 2)), SERIES),
    "HashedCrossing": (lambda: lambda x: _float(layers.HashedCrossing(7)((_numbers(x)[:, :1], _numbers(x)[:, 1:2]))), FLAT),
    "Hashing": (lambda: lambda x: _float(layers.Hashing(7)(_numbers(x))), FLAT),
    "IntegerLookup": (lambda: lambda x: _float(layers.IntegerLookup(vocabulary=[1, 3, 5])(_numbers(x))), FLAT),
    "MaxMinMultiply": (lambda: lambda x: layers.Multiply()([layers.Maximum()([x, -x]), layers.Minimum()([x, x * x])]), FLAT),
    "MultiHeadAttention": (lambda: _two_of(layers.MultiHeadAttention(2, 3, dropout=0.1)), SERIES),
    "RNNStacked": (lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2), layers.SimpleRNNCell(2)]), SERIES),
    "SpectralNormalization": (lambda: layers.SpectralNormalization(layers.Dense(4)), FLAT),
    "Subtract": (lambda: _two(layers.Subtract()), FLAT),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.Dense(3)), SERIES),
    "UpSamplingNearest": (lambda: layers.UpSampling2D(), IMAGE),
    "WeightNormalized": (lambda: layers.Dense(3, kernel_constraint="unit_norm", kernel_regularizer="l2"), FLAT),
    "DenseMaxNorm": (lambda: layers.Dense(3, kernel_constraint="max_norm", kernel_regularizer=keras.regularizers.OrthogonalRegularizer()), FLAT),
    "ConvSame": (lambda: layers.Conv2D(4, 3, 2, "same", groups=1, dilation_rate=1, kernel_initializer="he_normal"), IMAGE),
    "ConvDilated": (lambda: layers.Conv2D(4, 3, dilation_rate=2, kernel_initializer="truncated_normal"), IMAGE),
    "ConvGroups": (lambda: layers.Conv2D(6, 3, groups=3, kernel_initializer="variance_scaling"), IMAGE),
    "ConvCausal": (lambda: layers.Conv1D(4, 3, padding="causal", kernel_initializer="orthogonal"), SERIES),
}  # fmt: skip


def _two_of(layer):
    return lambda x: layer(x, layers.Dense(x.shape[-1])(x))


def _numbers(x):
    return keras.ops.cast(keras.ops.abs(x) * 4, "int32") % 7 + 1


def _float(x):
    return keras.ops.cast(x, "float32")


ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
    "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "sparse_plus", "sparsemax", "squareplus", "tanh", "tanh_shrink",
)  # fmt: skip
LOSSES = (
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CTC", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "Circle", "CosineSimilarity", "Dice", "Hinge", "Huber",
    "KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky",
)  # fmt: skip
METRICS = (
    "AUC", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "CategoricalAccuracy", "CategoricalCrossentropy",
    "CategoricalHinge", "CosineSimilarity", "F1Score", "FBetaScore", "FalseNegatives", "FalsePositives", "Hinge",
    "IoU", "KLDivergence", "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanIoU",
    "MeanSquaredError", "MeanSquaredLogarithmicError", "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "Poisson",
    "Precision", "PrecisionAtRecall", "R2Score", "Recall", "RecallAtPrecision", "RootMeanSquaredError",
    "SensitivityAtSpecificity", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity", "SquaredHinge", "TopKCategoricalAccuracy",
    "TrueNegatives", "TruePositives",
)  # fmt: skip
# Losses whose labels are numbers, besides those that say so.
SPARSE = ("CategoricalGeneralizedCrossEntropy", "Circle")
METRIC_ARGUMENTS = {
    "BinaryIoU": {}, "IoU": {"num_classes": 2, "target_class_ids": [0]}, "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]}, "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5}, "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5}, "SpecificityAtSensitivity": {"sensitivity": 0.5},
}  # fmt: skip
OPTIMIZERS = (
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
)
OPTIMIZER_ARGUMENTS = {
    "Adam": {"amsgrad": True, "clipnorm": 1.0}, "SGD": {"momentum": 0.9, "nesterov": True, "global_clipnorm": 1.0},
    "RMSprop": {"centered": True, "momentum": 0.9, "clipvalue": 0.5}, "AdamW": {"use_ema": True},
}  # fmt: skip


def names() -> list[str]:
    """Return `kind/name` of every model."""
    kinds = {"layer": (*LAYERS, *APPLIED), "activation": ACTIVATIONS, "loss": LOSSES, "metric": METRICS,
             "optimizer": OPTIMIZERS}  # fmt: skip
    return [f"{kind}/{name}" for kind, members in kinds.items() for name in members]


def model_and_data(which: str):
    """Return a compiled model and arrays `x`, `y` of 8 examples."""
    kind, name = which.split("/")
    shape, loss, metrics, optimizer, out = FLAT, "mse", [], "sgd", 1
    body = layers.Dense(5)
    if kind == "layer":
        body, shape = (APPLIED[name][0](), APPLIED[name][1]) if name in APPLIED else _layer(name)
    elif kind == "activation":
        body = layers.Activation(name)
    elif kind == "loss":
        loss, out = getattr(keras.losses, name)(), 3
    elif kind == "metric":
        out = 1 if name in ("BinaryIoU", "MeanIoU", "IoU") else 3
        metrics = [getattr(keras.metrics, name)(**METRIC_ARGUMENTS.get(name, {}))]
    else:
        rate = keras.optimizers.schedules.CosineDecay(0.01, 10)
        optimizer = getattr(keras.optimizers, name)(rate, **OPTIMIZER_ARGUMENTS.get(name, {}))
    sparse = kind in ("loss", "metric") and ("Sparse" in name or name in SPARSE)
    x = (np.arange(8 * np.prod(shape), dtype="float32").reshape(8, *shape) % 13) / 16
    y = np.arange(8, dtype="int32")[:, None] % 3 if sparse else np.eye(3, dtype="float32")[np.arange(8) % 3][:, :out]
    inputs = keras.Input(shape)
    inner = layers.Dense(shape[-1])(inputs)
    outer = body(inner)
    if len(outer.shape) > 2:
        outer = layers.Flatten()(outer)
    outputs = layers.Dense(out, activation="sigmoid" if kind in ("loss", "metric") else None)(outer)
    if name == "CTC":
        outputs = layers.Reshape((6, 2))(layers.Dense(12)(outer))
        y = np.ones((8, 2), "int32")
    model = keras.Model(inputs, outputs)
    model.compile(optimizer, loss, metrics=metrics, jit_compile=False)
    return model, x, y


def _layer(name: str):
    arguments, shape = LAYERS[name]
    return getattr(layers, name)(**arguments), shape
