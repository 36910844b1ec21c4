"""Ops without a deterministic GPU kernel: named by op and layer, before training and when TensorFlow refuses one."""

import json
from collections import Counter

import pytest
from support import PROJECT, bitforbit

from bitforbit.audit import gpu, nodes
from bitforbit.errors import PolicyError

EXPERIMENT = """
from dataclasses import dataclass
import numpy as np
from bitforbit.training.experiment import Data

@dataclass(frozen=True)
class Config:
    epochs: int = 1
    batch_size: int = 4
    kind: str = "plain"

def load_data(config):
    x = np.arange(8 * 16, dtype="float32").reshape(8, 4, 4, 1) / 128
    return Data(x, x[:, :1, 0, 0] * 2, x, x[:, :1, 0, 0] * 2)

def build_model(config):
    import keras, tensorflow as tf

    class Nearest(keras.layers.Layer):
        def call(self, x):
            return tf.image.resize(x, (8, 8), method="nearest")

    middle = Nearest(name="blow_up") if config.kind == "odd" else keras.layers.UpSampling2D(name="blow_up")
    layers = [keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3, name="conv"), middle]
    model = keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    return model
"""
LINE = (
    "ResizeNearestNeighborGrad in blow_up (Nearest). Next step: use keras.layers.UpSampling2D, or tf.repeat along both"
    " axes."
)
NEAREST = nodes.Use("train", "ResizeNearestNeighborGrad", "float32", "blow_up (Nearest)")
FROZEN = nodes.Use("train", "FusedBatchNormGradV3", "float32", "bn (BatchNormalization)")


class UnimplementedError(Exception):
    """By this name TensorFlow raises it."""


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    path = tmp_path_factory.mktemp("gpu") / "blown.py"
    path.write_text(EXPERIMENT)
    return path


def test_an_op_is_found_without_a_gpu_by_layer_and_with_its_replacement(experiment):
    done = bitforbit("audit", experiment, "--gpu", "--set", "kind=odd")
    assert done.returncode == 1, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.endswith(" ops, 1 without a deterministic GPU kernel")
    assert rest == [f"  {LINE}"]


def test_the_replacement_that_is_named_passes(experiment):
    done = bitforbit("audit", experiment, "--gpu", "--json", BITFORBIT_DEVICE="gpu")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["without_deterministic_gpu_kernel"] == []


def test_a_model_with_one_is_refused_before_the_first_step(capsys):
    found = gpu.audit(Counter([NEAREST, nodes.Use("train", "MatMul", "float32", "dense (Dense)")]))
    with pytest.raises(PolicyError) as caught:
        gpu.hold(found, strict=True)
    assert str(caught.value) == f"expected ops with a deterministic GPU kernel, found in the model:\n  {LINE}"
    assert found.lowered() == {"host_class": "unpinned", "nondeterministic_ops": ["ResizeNearestNeighborGrad"]}
    gpu.hold(found, strict=False)
    assert capsys.readouterr().err == f"warning: no deterministic GPU kernel: {LINE}\n"


def test_one_that_depends_on_its_use_is_a_warning(capsys):
    found = gpu.audit(Counter([FROZEN]))
    gpu.hold(found, strict=True)
    assert found.lowered() == {}
    assert capsys.readouterr().err == (
        "warning: no deterministic GPU kernel: FusedBatchNormGradV3 in bn (BatchNormalization), where the layer is"
        " frozen (training=False). Next step: use keras.layers.LayerNormalization, or a frozen layer with no gradient"
        " through it.\n"
    )


def test_tensorflows_own_refusal_gets_the_layer_and_the_replacement():
    """The form of the text is TensorFlow's: detection place, node, message, errors of the graph."""
    error = UnimplementedError(
        "Graph execution error:\n\nDetected at node gradient_tape/bn/FusedBatchNormGradV3 defined at (most recent call"
        " last):\n<stack traces unavailable>\nA deterministic GPU implementation of fused batch-norm backprop, when"
        " training is disabled, is not currently available.\n"
        "\t [[{{node gradient_tape/bn/FusedBatchNormGradV3}}]] [Op:__inference_multi_step_on_iterator_1204]"
    )
    assert str(gpu.explain(error, Counter([FROZEN, NEAREST]))) == (
        "expected ops with a deterministic GPU kernel, found in the model:\n"
        "  FusedBatchNormGradV3 in bn (BatchNormalization), where the layer is frozen (training=False). Next step: use"
        " keras.layers.LayerNormalization, or a frozen layer with no gradient through it.\n"
        "  (node gradient_tape/bn/FusedBatchNormGradV3)"
    )


def test_a_refusal_that_no_row_knows_is_told_in_tensorflows_words():
    error = UnimplementedError("Determinism is not yet supported for Frobnicate.\n [[{{node m/frob}}]]")
    assert str(gpu.explain(error, Counter())) == (
        "expected ops with a deterministic GPU kernel, found one without. TensorFlow says: Determinism is not yet"
        " supported for Frobnicate. Next step: replace the op, or place it under tf.device('CPU:0').\n  (node m/frob)"
    )


@pytest.mark.parametrize(
    "error",
    [
        UnimplementedError("Cast string to float is not supported"),
        RuntimeError("When determinism is enabled, random ops must have a seed specified."),
    ],
)
def test_another_error_is_left_alone(error):
    assert gpu.explain(error, Counter([NEAREST])) is None


def test_every_row_is_an_op_of_tensorflow_and_stands_in_the_docs():
    from tensorflow.python.framework import op_def_registry

    text = (PROJECT / "docs/gpu.md").read_text()
    for op, row in gpu.rows().items():
        assert op_def_registry.get(op) is not None, op
        assert row.instead and row.message, op
        assert f"`{op}`" in text, op
