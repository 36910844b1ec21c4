"""Many steps in one call of Keras's train function: the bits of single steps."""

import json
import subprocess
import sys

import pytest
from support import PROJECT, clean_environment

from bitforbit.training import executions

TINY = """
from dataclasses import dataclass
import numpy as np
from bitforbit.training.experiment import Data

@dataclass(frozen=True)
class Config:
    epochs: int = 3
    batch_size: int = 5

def load_data(config):
    x = (np.arange(24, dtype="float32").reshape(12, 2) - 12) / 8
    return Data(x, x[:, :1] * 2, x[:5], x[:5, :1] * 2)

def build_model(config):
    import keras
    parts = [keras.Input((2,)), keras.layers.Dense(4, activation="relu"), keras.layers.BatchNormalization(),
             keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential(parts)
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"], jit_compile=False)
    return model
"""


@pytest.mark.parametrize(
    ("size", "batch_size", "steps"),
    [(12, 5, 3), (12, 4, 3), (1, 32, 1), (1449, 32, 46), (64 * 4, 1, 64), (65 * 4, 1, 52), (97, 1, 1)],
)
def test_an_epoch_is_a_whole_number_of_calls(size, batch_size, steps):
    assert executions.together(size, batch_size) == steps


CODE = """
import json, sys
from pathlib import Path
from bitforbit.policy import Policy
from bitforbit.training import config, executions, experiment, loop

seen, stock = [], executions.predicting
executions.predicting = lambda model, steps: (seen.append(model.steps_per_execution), stock(model, steps))
chosen = experiment.load(sys.argv[1])
request = loop.Request(chosen, config.resolve(chosen.config_type), 5, Policy(), Path("runs"))
digests = [loop.rehearse(request).digest for executions.MOST in (64, 1)]

import keras

class Own(keras.Sequential):
    def train_step(self, data):
        return super().train_step(data)

alone = []
for make, options in ((Own, {}), (keras.Sequential, {"run_eagerly": True}), (keras.Sequential, {"steps_per_execution": 2})):
    model = make([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False, **options)
    executions.loop(model, 5)
    alone.append(model.steps_per_execution)
print(json.dumps({"digests": digests, "seen": seen, "alone": alone}))
"""


def test_the_bits_are_those_of_single_steps(tmp_path):
    """Three steps of an epoch, the last one with two examples, and dropout: in one call, then one by one."""
    from bitforbit.policy import Policy

    path = tmp_path / "tiny.py"
    path.write_text(TINY)
    done = subprocess.run(
        [sys.executable, "-c", CODE, path], cwd=PROJECT, env=clean_environment(**Policy().environment()),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["digests"][0] == found["digests"][1]
    assert found["seen"] == [3, 1]
    assert found["alone"] == [1, 1, 2]
