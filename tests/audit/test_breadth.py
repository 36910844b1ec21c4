"""Ordinary Keras: no layer, loss, metric or optimizer reaches an op that the table does not know."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT, bitforbit, clean_environment

from bitforbit.training.experiment import BUILT_IN

# Augmentations of colour turn to hue and back.
REFUSED = {"layer/RandomColorJitter", "layer/RandomHue", "layer/RandomSaturation"}
SURVEY = """
import json, sys
sys.path.insert(0, {folder!r})
from bitforbit.policy import Policy, activate, launcher
launcher.ensure_environment(Policy())
activate(Policy())
import keras, tensorflow as tf, zoo
from bitforbit.audit import check, graph
for name in {names}:
    keras.backend.clear_session()
    with graph.building() as uses:
        model, x, y = zoo.model_and_data(name)
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    uses.update(graph.trace(model, batches, batches, 4))
    found = check.audit(uses)
    print(json.dumps([name] + [sorted(str(f) for f in found.of(v)) for v in ("unproven", "host-dependent")]), flush=True)
"""


def survey(names) -> dict[str, tuple[list, list]]:
    script = SURVEY.format(folder=str(Path(__file__).parent), names="zoo.names()" if names is None else repr(names))
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=clean_environment(), timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: (unproven, refused) for name, unproven, refused in map(json.loads, done.stdout.splitlines())}


def test_a_sample_of_keras_is_known():
    found = survey(["layer/MultiHeadAttention", "layer/LSTM", "loss/KLDivergence", "optimizer/RMSprop", "metric/AUC"])
    assert found == dict.fromkeys(found, ([], []))
    assert len(found) == 5


@pytest.mark.slow
def test_all_of_keras_is_known():
    found = survey(None)
    assert {name: unproven for name, (unproven, _) in found.items() if unproven} == {}
    assert {name for name, (_, refused) in found.items() if refused} <= REFUSED


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_experiments_are_known(name):
    done = bitforbit("audit", name, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lowered"] == {}
