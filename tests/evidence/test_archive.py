"""Canonical `.keras` files: equal models, equal bytes; and Keras still reads them."""

import json
import zipfile

import numpy as np
import pytest

from bitforbit.evidence import archive


@pytest.fixture
def model():
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    built = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(0.5)])
    built.compile("adam", "mse", jit_compile=False)
    built.optimizer.build(built.trainable_variables)
    return built


def test_two_saves_give_the_same_bytes(model, tmp_path):
    for name in ("a", "b"):
        archive.write_model(model, tmp_path / f"{name}.keras")
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.keras", "b.keras"]


def test_canonical_form_is_a_fixed_point(model, tmp_path):
    archive.write_model(model, tmp_path / "a.keras")
    content = (tmp_path / "a.keras").read_bytes()
    assert archive.canonical_bytes(content) == content


def test_times_and_addresses_are_gone(model, tmp_path):
    archive.write_model(model, tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as file:
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(file.read("metadata.json"))["date_saved"] == "1980-01-01@00:00:00"
        text = file.read("config.json").decode()
    numbers = [int(line.split(":")[1].strip(" ,")) for line in text.splitlines() if '"shared_object_id"' in line]
    assert all(number <= len(numbers) for number in numbers)


def test_keras_loads_it_with_equal_weights(model, tmp_path):
    import keras

    archive.write_model(model, tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    for before, after in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert before.tobytes() == after.tobytes()


def test_one_bit_of_one_weight_changes_the_file(model, tmp_path):
    archive.write_model(model, tmp_path / "a.keras")
    weights = model.get_weights()
    weights[0].view(np.uint32)[0, 0] ^= 1
    model.set_weights(weights)
    archive.write_model(model, tmp_path / "b.keras")
    assert (tmp_path / "a.keras").read_bytes() != (tmp_path / "b.keras").read_bytes()
