"""What every experiment module keeps to, and what its model is made of."""

import dataclasses
import importlib
import json
import subprocess
import sys

import pytest

NAMES = ("sequence", "digits", "solubility", "peptides")

# Layers that the experiment is there to show.
LAYERS = {
    "sequence": ["Dense"],
    "digits": ["BatchNormalization", "Conv2D", "Dropout"],
    "solubility": ["Activation", "Dropout", "LayerNormalization"],
    "peptides": ["Dropout", "Embedding", "LSTM", "MultiHeadAttention"],
}

BUILD = """
import json, sys
import numpy as np
from importlib import import_module
answers = {}
for name in sys.argv[1:]:
    module = import_module("bitforbit.experiments." + name)
    config = module.Config()
    model, data = module.build_model(config), module.load_data(config)
    jit, model.run_eagerly = model.jit_compile, True
    answers[name] = {
        "layers": [type(layer).__name__ for layer in model.layers],
        "jit": jit,
        "metrics": list(model.test_on_batch(data.x_test[:8], data.y_test[:8], return_dict=True)),
        "outputs": list(model(data.x_test[:2]).shape),
    }
    if name == "peptides":  # padding must not reach the answer: cutting it off changes nothing but rounding
        short = data.x_test[(data.x_test[:, 20:] == 0).all(axis=1)][:4]
        narrow = module.build_model(module.Config(length=20))
        narrow.set_weights(model.get_weights())
        gap = np.abs(np.array(model(short)) - np.array(narrow(short[:, :20]))).max()
        answers[name]["padding changes nothing"] = bool(gap < 1e-5)
    if name == "solubility":  # the exact GELU, not the one by tanh
        import keras
        from math import erf, sqrt
        x = np.linspace(-3, 3, 13, dtype="float32")
        layer = next(layer for layer in model.layers if type(layer).__name__ == "Activation")
        exact = np.array([v * (1 + erf(v / sqrt(2))) / 2 for v in x.tolist()])
        answers[name]["gelu is exact"] = bool(np.abs(np.array(layer(x)) - exact).max() < 1e-6)
print("ANSWER", json.dumps(answers))
"""

TRAIN = """
import json, os, sys
import keras, tensorflow as tf
from importlib import import_module
tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.experimental.enable_op_determinism()
module = import_module("bitforbit.experiments." + sys.argv[1])
config = module.Config()
data = module.load_data(config)
answers = []
for seed in (101, 102):
    keras.utils.set_random_seed(seed)
    model = module.build_model(config)
    model.fit(data.x_train, data.y_train, epochs=config.epochs, batch_size=config.batch_size, verbose=0)
    answers.append(model.evaluate(data.x_test, data.y_test, verbose=0, return_dict=True))
print("ANSWER", json.dumps(answers))
"""


def module(name):
    return importlib.import_module(f"bitforbit.experiments.{name}")


def answer(code, *arguments, monkeypatch):
    settings = {"TF_DETERMINISTIC_OPS": "1", "TF_ENABLE_ONEDNN_OPTS": "0", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    for key, value in (settings | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}).items():
        monkeypatch.setenv(key, value)
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("ANSWER ")[2])


@pytest.mark.parametrize("name", NAMES)
def test_config_is_frozen_and_simple(name):
    config = module(name).Config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 1
    types = {field.type for field in dataclasses.fields(config)}
    assert types <= {"int", "float", "str", "bool", "tuple[int, ...]"}
    assert {"epochs", "batch_size", "learning_rate"} <= {field.name for field in dataclasses.fields(config)}


@pytest.mark.parametrize("name", NAMES)
def test_docstrings_say_what_to_expect_and_what_can_be_set(name):
    expected = module(name).EXPECTED
    assert set(expected) in ({"metric", "at_least"}, {"metric", "at_most"})
    bound = f"{expected.get('at_least', expected.get('at_most'))}"
    said = module(name).__doc__.partition("Expected:")[2]
    assert f"`{expected['metric']}`" in said and bound in said
    assert all(
        f"        {field.name}: " in module(name).Config.__doc__ for field in dataclasses.fields(module(name).Config)
    )


def test_importing_the_modules_imports_no_framework():
    code = (
        f"import sys; from bitforbit.experiments import {', '.join(NAMES)}; "
        "print({'numpy', 'tensorflow', 'keras', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_models_are_built_and_compiled_as_said(monkeypatch):
    answers = answer(BUILD, *NAMES, monkeypatch=monkeypatch)
    for name in NAMES:
        assert set(LAYERS[name]) <= set(answers[name]["layers"]), name
        assert answers[name]["jit"] is False, name
        assert module(name).EXPECTED["metric"] in answers[name]["metrics"], name
    assert {name: answers[name]["outputs"] for name in NAMES} == {
        "sequence": [2, 1],
        "digits": [2, 10],
        "solubility": [2, 1],
        "peptides": [2, 1],
    }
    assert answers["solubility"]["gelu is exact"] is True
    assert answers["peptides"]["padding changes nothing"] is True


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_training_reaches_the_expected_metric(name, monkeypatch):
    expected = module(name).EXPECTED
    for scores in answer(TRAIN, name, monkeypatch=monkeypatch):
        score = scores[expected["metric"]]
        assert expected.get("at_least", score) <= score <= expected.get("at_most", score), scores
