"""The experiment keeps its promises: a config that can be set, data of fitting shapes, the same bits twice."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from bitforbit import project
from bitforbit.training import config, experiment

NAME = project.settings().experiment


@pytest.fixture(scope="module")
def chosen():
    return experiment.load(NAME)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three short trainings: seed 1, seed 1 again in a process and folder of its own, seed 2."""
    return [_train(seed, tmp_path_factory.mktemp("runs")) for seed in (1, 1, 2)]


def _train(seed, folder):
    command = [sys.executable, "-m", "bitforbit", "train", NAME, "--seed", str(seed), "--json"]
    done = subprocess.run(
        [*command, "--set", "epochs=1", "--runs", str(folder)], cwd=project.root(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_same_seed_gives_the_same_bits(runs):
    first, second, _ = runs
    assert first["digest"] == second["digest"]
    assert first["result"] == second["result"]


def test_another_seed_gives_another_model(runs):
    first, _, other = runs
    assert first["result"]["weights"] != other["result"]["weights"]
    assert first["result"]["data"] == other["result"]["data"], "data must not depend on the seed"


def test_every_key_of_the_config_can_be_set(chosen):
    default = chosen.config_type()
    assert {"epochs", "batch_size"} <= {field.name for field in dataclasses.fields(default)}
    changed = config.resolve(chosen.config_type, None, ("epochs=3", "batch_size=7"))
    assert (changed.epochs, changed.batch_size) == (3, 7)


def test_the_data_is_the_same_twice_and_fits_the_model(chosen):
    settings = chosen.config_type()
    data, again = chosen.load_data(settings), chosen.load_data(settings)
    for name, left, right in zip(data._fields, data, again, strict=True):
        assert left.dtype == right.dtype and left.tobytes() == right.tobytes(), name
    assert len(data.x_train) == len(data.y_train) and len(data.x_test) == len(data.y_test)
    predictions = np.asarray(chosen.build_model(settings)(data.x_test[:2]))
    assert len(predictions) == 2 and np.isfinite(predictions).all()
