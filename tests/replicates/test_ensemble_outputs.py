"""Ensembles of models with several inputs and outputs, and what cannot be averaged: one line each."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import bitforbit

from bitforbit.errors import UsageError
from bitforbit.replicates.ensemble import file, formula, outputs, structure

TWO = Path(__file__).with_name("two_outputs.py")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("two")
    done = bitforbit("replicate", TWO, "--seeds", "0-2", "--jobs", 1, "--runs", root)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def built(root):
    done = bitforbit("ensemble", TWO, "--seeds", "0-2", "--runs", root, "--uncertainty", "--tolerance", 0.1, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_each_output_by_name(root, built):
    """Mean and spread of every output, recomputed by NumPy from each member alone."""
    import keras

    x = {"left": np.arange(80, dtype="float32").reshape(20, 4) / 80, "right": np.ones((20, 2), "float32")}
    paths = [Path(built["folder"], "ensemble.keras"), *sorted(root.glob("two_outputs/*/seed-*/model.keras"))]
    found, *single = [keras.saving.load_model(path, compile=False).predict(x, verbose=0) for path in paths]
    assert set(found["amount"]) == {"mean", "spread"}
    assert set(found["kind"]) == {"mean", "spread", "total_entropy", "aleatoric_entropy", "epistemic_entropy"}
    for name in ("amount", "kind"):
        members = np.stack([each[name] for each in single], -1)
        assert np.abs(found[name]["mean"] - members.mean(-1)).max() < 1e-6
        assert np.abs(found[name]["spread"] - members.std(-1)).max() < 1e-6
        assert found[name]["spread"].max() > 1e-3


def test_what_is_measured_of_each(built):
    document = built["ensemble"]
    assert document["outputs"] == ["amount", "kind"]
    amount, kind = document["by_output"]
    assert (amount["name"], amount["kind"], amount["error"]) == ("amount", None, "squared error")
    assert (kind["name"], kind["kind"], kind["error"]) == ("kind", "categorical", "Brier score")
    assert amount["enough"]["members"] == int(np.ceil(2 * amount["variance"] / 0.01))
    assert set(document["gain"]["ensemble"]) == {"amount_loss", "kind_accuracy", "kind_loss", "loss"}
    assert set(document["gain"]["members"][0]) == {"seed", *document["gain"]["ensemble"]}
    # The squared error of one output is what Keras calls its loss.
    assert amount["rows"][-1]["error"] == pytest.approx(document["gain"]["ensemble"]["amount_loss"], rel=1e-5)


def test_verify_with_the_experiment(built):
    done = bitforbit("verify", Path(built["folder"], "ensemble.keras"), TWO)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["  predictions  same", "same"]


def test_a_stack_of_another_output_is_found(built):
    record, config = file.read(Path(built["folder"], "ensemble.keras"))
    assert structure.check(config, record) == ""
    crossed = json.loads(json.dumps(config).replace('["replicate_0001", 0, 1]', '["replicate_0001", 0, 0]'))
    assert structure.check(crossed, record) == "expected output 1 of every member stacked, found [1, 0, 1]"
    layers = config["config"]["output_layers"]
    layers["amount"], layers["kind"] = layers["kind"], layers["amount"]
    assert structure.check(config, record).startswith("expected output 0 of every member stacked, found [1, 1, 1]")


def model(*units, form=list, **settings):
    import keras

    x = keras.Input((2,))
    found = [keras.layers.Dense(count, name=f"out_{place}")(x) for place, count in enumerate(units)]
    return keras.Model(x, form(found), **settings)


def test_one_output_in_a_list_and_the_same_twice():
    import keras

    assert outputs.of(model(3)).names == ("out_0",)
    x = keras.Input((2,))
    y = keras.layers.Dense(1, name="y")(x)
    assert outputs.of(keras.Model(x, [y, y])).names == ("y_0", "y_1")
    assert outputs.of(keras.Model(x, {"a": {"b": y}})).names == ("a/b",)


def test_a_list_of_outputs_keeps_its_form():
    both = [model(3, 1, name=f"replicate_000{seed}") for seed in range(2)]
    combined = formula.combine(both)
    assert [tuple(tensor.shape) for tensor in combined.output] == [(None, 3), (None, 1)]
    assert set(formula.combine(both, uncertainty=True).output) == {"out_0", "out_1"}


def test_kinds_by_output():
    for form, losses in (
        (list, ["mse", "binary_crossentropy"]),
        (lambda found: {"p": found[0], "q": found[1]}, {"p": "mse", "q": "binary_crossentropy"}),
        (list, {"out_0": "mse", "out_1": "binary_crossentropy"}),
    ):
        compiled = model(1, 1, form=form)
        compiled.compile(loss=losses)
        assert formula.kinds_of(compiled) == [None, "binary"]


def test_members_with_other_outputs_are_refused():
    with pytest.raises(UsageError) as raised:
        formula.combine([model(3, 1, name="a"), model(3, 2, name="b")])
    assert str(raised.value) == (
        "expected members with the same outputs, found out_0 (None, 3) float32, out_1 (None, 1) float32 in a and"
        " out_0 (None, 3) float32, out_1 (None, 2) float32 in b: build_model must not depend on the seed"
    )


def test_what_has_no_mean_is_refused():
    import keras

    x = keras.Input((2,))
    classes = keras.Model(x, keras.ops.argmax(keras.layers.Dense(3)(x), axis=-1), name="classes")
    with pytest.raises(UsageError, match=r"dense tensors of floats\), found int32 in classes: \(None,\) int32"):
        outputs.of(classes)

    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(UsageError, match="expected a Functional or Sequential model, found Own own, whose inputs"):
        outputs.of(Own(name="own"))
