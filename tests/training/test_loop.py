"""Runs end to end through the command line: what is published, and what is refused."""

import csv
import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from support import PROJECT, bitforbit

TINY = """
from dataclasses import dataclass
import numpy as np
from bitforbit.training.experiment import Data

@dataclass(frozen=True)
class Config:
    epochs: int = 3
    batch_size: int = 4
    rate: float = 0.01
    compiled: bool = True
    tamper: bool = False

def load_data(config):
    x = (np.arange(24, dtype="float32").reshape(12, 2) - 12) / 8
    return Data(x, x[:, :1] * 2, x[:5], x[:5, :1] * 2)

def build_model(config):
    import keras
    layers = [keras.Input((2,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    if config.compiled:
        model.compile(keras.optimizers.SGD(config.rate), "mse", metrics=["mae"], jit_compile=False)
    if config.tamper:
        keras.config.set_epsilon(1e-3)
    return model
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "tiny.py"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def first(tiny, tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    done = bitforbit("train", tiny, "--seed", 5, "--runs", root)
    assert done.returncode == 0, done.stderr
    return root, next(iter(sorted(root.glob("tiny/*/seed-5")))), done


def result(folder: Path) -> dict:
    return json.loads((folder / "result.json").read_bytes())


def test_what_a_run_publishes(first):
    _, folder, done = first
    names = ["digests.csv", "history.csv", "loss.png", "model.keras", "result.json", "run.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert folder.parent.name == result(folder)["config_hash"][:12]
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    digest = hashlib.sha256((folder / "result.json").read_bytes()).hexdigest()
    lines = done.stdout.splitlines()
    assert f"  result       {digest}" in lines
    assert f"  weights      {result(folder)['weights']}" in lines
    assert f"  run          {folder}" in lines


def test_history_and_result_tell_the_same(first):
    _, folder, _ = first
    with open(folder / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    for row, epoch in zip(rows, result(folder)["epochs"], strict=True):
        assert {name: float(row[name]) for name in epoch["logs"]} == epoch["logs"]
        assert set(epoch["logs"]) == {"loss", "mae", "val_loss", "val_mae"}


def test_nothing_of_the_host_is_in_the_result(first):
    _, folder, _ = first
    text = (folder / "result.json").read_text()
    run = json.loads((folder / "run.json").read_bytes())
    assert run["host"]["kernel"] not in text
    assert str(PROJECT) not in text


def test_the_weights_digest_can_be_recomputed_from_the_model_file(first, tmp_path):
    """With h5py and hashlib alone: neither Keras nor this package."""
    import h5py
    import numpy as np

    _, folder, _ = first
    with zipfile.ZipFile(folder / "model.keras") as file:
        (tmp_path / "w.h5").write_bytes(file.read("model.weights.h5"))
    order = [("dense", "0"), ("dense", "1"), ("dense_1", "0"), ("dense_1", "1")]
    hasher = hashlib.sha256(b"bitforbit root 1\0" + (4).to_bytes(8, "little"))
    with h5py.File(tmp_path / "w.h5") as weights:
        for (layer, index), variable in zip(order, result(folder)["variables"], strict=True):
            array = np.asarray(weights[f"layers/{layer}/vars/{index}"])
            leaf = hashlib.sha256(b"bitforbit leaf 1\0")
            for text in (variable["path"], "float32", ",".join(map(str, array.shape))):
                leaf.update(len(text).to_bytes(8, "little") + text.encode())
            leaf.update(array.astype("<f4").tobytes())
            assert leaf.hexdigest() == variable["sha256"]
            hasher.update(leaf.digest())
    assert hasher.hexdigest() == result(folder)["weights"]


def test_the_initial_weights_and_every_epoch_have_digests(first):
    _, folder, _ = first
    with open(folder / "digests.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(4) for _ in range(4)]
    assert [row["sha256"] for row in rows[-4:]] == [variable["sha256"] for variable in result(folder)["variables"]]
    assert len({row["sha256"] for row in rows if row["variable"].endswith("kernel")}) == 8


def test_again_is_already_there_and_forced_again_is_the_same(first, tiny):
    root, folder, _ = first
    before = (folder / "run.json").read_bytes()
    again = bitforbit("train", tiny, "--seed", 5, "--runs", root)
    assert again.stdout.splitlines()[0] == "tiny seed 5: already there, digest re-verified (--force trains again)"
    assert (folder / "run.json").read_bytes() == before
    forced = bitforbit("train", tiny, "--seed", 5, "--runs", root, "--force")
    assert forced.returncode == 0
    assert (folder / "run.json").read_bytes() != before
    assert [path.name for path in folder.parent.iterdir()] == ["seed-5"]


def test_another_seed_or_config_is_another_result(first, tiny):
    root, folder, _ = first
    for extra in (("--seed", 6), ("--seed", 5, "--set", "rate=0.02")):
        done = bitforbit("train", tiny, "--runs", root, "--json", *extra)
        other = json.loads(done.stdout)
        assert other["trained"]
        assert other["result"]["weights"] != result(folder)["weights"]


def test_an_altered_run_is_not_taken_for_done(tiny, tmp_path):
    assert bitforbit("train", tiny, "--runs", tmp_path).returncode == 0
    folder = next(iter(sorted(tmp_path.glob("tiny/*/seed-1"))))
    history = folder / "history.csv"
    history.write_text(history.read_text() + "4,0,0,0,0\n")
    done = bitforbit("train", tiny, "--runs", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"bitforbit train: expected {history} with SHA-256 ")


def test_divergence_stops_and_keeps_the_last_good_epoch(tiny, tmp_path):
    done = bitforbit("train", tiny, "--runs", tmp_path, "--set", "rate=1e8", "--set", "epochs=50")
    assert done.returncode == 3
    assert "expected finite numbers, found " in done.stderr
    assert "Traceback" not in done.stderr
    (folder,) = tmp_path.glob("tiny/*/*")
    assert folder.name == "seed-1.diverged"
    kept = result(folder)
    assert kept["status"] == "diverged"
    assert len(kept["epochs"]) < 50
    if kept["epochs"]:
        assert kept["weights"] == kept["epochs"][-1]["weights"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--set", "compiled=false"),
            "expected tiny.build_model to return a compiled model. Next step: model.compile(...)",
        ),
        (("--set", "tamper=true"), "keras config: wanted float32, 1e-07, channels_last, float32, found float32, 0.001"),
        (("--seed", "-3"), "expected a seed from 0 to 18446744073709551615, received '-3'"),
        (("--set", "epoch=3"), "unknown config key 'epoch'. Valid keys: epochs, batch_size, rate, compiled, tamper."),
    ],
)
def test_refusals_publish_nothing(tiny, tmp_path, arguments, message):
    done = bitforbit("train", tiny, "--runs", tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("tiny/*/*"))


def test_no_strict_goes_on_and_claims_no_class(tiny, tmp_path):
    from bitforbit.policy import Policy

    environment = Policy().environment() | {"ONEDNN_MAX_CPU_ISA": "SSE41", "BITFORBIT_RELAUNCHED": "1"}
    done = bitforbit("train", tiny, "--runs", tmp_path, "--no-strict", "--json", **environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["result"]
    assert found["host_class"] == "unpinned"
    assert found["policy"]["deviations"][0].startswith("ONEDNN_MAX_CPU_ISA: wanted AVX2, found SSE41.")


def test_the_training_step_is_traced_once(tmp_path):
    """Stock Keras traces it twice: the first trace makes the variables of the metrics."""
    text = TINY.replace(
        'keras.layers.Dense(4, activation="relu")', 'keras.layers.Dense(4, activation="relu"), told()'
    ).replace("def build_model", TOLD + "\ndef build_model")
    (tmp_path / "told.py").write_text(text)
    done = bitforbit("train", tmp_path / "told.py", "--runs", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line == "called for training"] == ["called for training"]


TOLD = """
def told():
    import sys, keras

    class Told(keras.layers.Layer):
        def call(self, x, training=False):
            if training:
                print("called for training", file=sys.stderr)
            return x

    return Told()
"""


def test_an_unwritable_folder_is_refused_before_training(tiny, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    done = bitforbit("train", tiny, "--runs", file)
    assert done.returncode == 2
    assert f"expected to write runs into {file}/tiny/" in done.stderr


def test_a_kill_leaves_nothing_in_the_runs_place(tiny, tmp_path):
    """SIGKILL while training; the next run finds its place free and leaves no trace of the dead one."""
    import signal
    import subprocess
    import sys
    import time

    from support import clean_environment

    command = [sys.executable, "-m", "bitforbit", "train", tiny, "--runs", tmp_path, "--set", "epochs=2000"]
    process = subprocess.Popen(command, env=clean_environment(), cwd=PROJECT, stderr=subprocess.PIPE, text=True)
    while "loss" not in process.stderr.readline():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert not [path for path in tmp_path.glob("tiny/*/*") if not path.name.startswith(".")]
