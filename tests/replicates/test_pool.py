"""The local pool: replicate s is `train --seed s` to the bit, however it was started; nothing is lost or hidden."""

import json

import pytest
from support import bitforbit

TINY = ("--set", "epochs=2")
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def by_train(tmp_path_factory):
    """The digests of `bitforbit train`, one by one."""
    root = tmp_path_factory.mktemp("train")
    digests = {}
    for seed in SEEDS:
        done = bitforbit("train", "sequence", *TINY, "--seed", seed, "--runs", root, "--json")
        digests[seed] = json.loads(done.stdout)["digest"]
    return digests


@pytest.fixture(scope="module")
def pooled(tmp_path_factory):
    root = tmp_path_factory.mktemp("pool")
    done = bitforbit(
        "replicate", "sequence", *TINY, "--seeds", "0-2", "--jobs", 2, "--runs", root, "--audit", 0.3, "--json"
    )
    assert done.returncode == 0, done.stderr
    return root, json.loads(done.stdout)


def test_a_replicate_is_what_train_gives(pooled, by_train):
    assert {row["seed"]: row["digest"] for row in pooled[1]["replicates"]} == by_train
    assert [row["status"] for row in pooled[1]["replicates"]] == ["finished"] * 3


def test_an_audit_trains_again_and_leaves_nothing(pooled):
    root, found = pooled
    assert (len(found["audit"]["seeds"]), found["audit"]["mismatches"]) == (1, [])
    names = sorted(path.name for path in next(root.glob("sequence/*")).iterdir())
    assert names == ["seed-0", "seed-1", "seed-2", "statistics.json"]


PLANTED = """
import os
from dataclasses import dataclass
import numpy as np
from bitforbit.training.experiment import Data

@dataclass(frozen=True)
class Config:
    epochs: int = 2
    batch_size: int = 4
    rate: float = 0.01
    draw: bool = False
    fail: bool = False

def load_data(config):
    if config.fail:
        raise ValueError("planted")
    x = np.arange(24, dtype="float32").reshape(12, 2) / 8
    if config.draw:
        x[0, 0] = os.urandom(1)[0] * 256 + os.urandom(1)[0]
    return Data(x, x[:, :1], x[:5], x[:5, :1])

def build_model(config):
    import keras
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(config.rate, clipnorm=1.0 if config.draw else None), "mse", jit_compile=False)
    return model
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    path = tmp_path_factory.mktemp("planted") / "planted.py"
    path.write_text(PLANTED)
    return path


def test_an_audit_catches_what_is_not_exact_and_keeps_both(planted, tmp_path):
    words = ("replicate", planted, "--set", "draw=true", "--seeds", "0-1", "--runs", tmp_path)
    done = bitforbit(*words, "--audit", 0.5, "--json")
    assert done.returncode == 1, done.stderr
    audit = json.loads(done.stdout)["audit"]
    (seed,) = audit["seeds"]
    assert audit["mismatches"][0].startswith(f"seed {seed}: expected the result ")
    names = sorted(path.name for path in next(tmp_path.glob("planted/*")).iterdir())
    assert names[:3] == sorted(["seed-0", "seed-1", next(n for n in names if n.startswith(f"seed-{seed}.differs-"))])
    again = bitforbit(*words)
    assert again.returncode == 1
    assert f"failed: trained twice with different results: see seed-{seed}.differs-" in again.stdout


@pytest.mark.parametrize(
    ("setting", "code", "status", "note"),
    [("rate=1e30", 3, "diverged", "diverged after epoch 0"), ("fail=true", 2, "failed", "ValueError: planted")],
)
def test_what_did_not_finish_is_counted_and_shown(planted, tmp_path, setting, code, status, note):
    words = ("replicate", planted, "--set", setting, "--seeds", "7", "--runs", tmp_path)
    done = bitforbit(*words)
    assert done.returncode == code, done.stderr
    assert done.stdout == f"seed 7: {status}: {note}\n"
    assert f"seed 7: {status}: {note}  [0/1 done, 0 running, 1 {status}]" in done.stderr.splitlines()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seeds", "3-1"), "expected a range that ascends, received '3-1'. Next step: 1-3"),
        (("--audit", "2"), "expected a share from 0 to 1, received --audit 2. Next step: --audit 0.1"),
        (("--jobs", "0"), "expected at least one job, received --jobs 0. Next step: --jobs 2"),
        (
            ("--seeds", "0-2", "--index", "3"),
            "expected an index from 0 to 2, received --index 3."
            " Next step: submit the job array anew, as --engine writes it for these seeds",
        ),
        (
            ("--scheduler", "tcp://127.0.0.1:8786"),
            "expected --engine dask with --scheduler, received --engine local. Next step: --engine dask",
        ),
        (
            ("--engine", "kubernetes"),
            "expected an image by its digest, received none. Next step: --image NAME@sha256:DIGEST"
            " (docker image inspect --format '{{index .RepoDigests 0}}' NAME)",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path, words, message):
    done = bitforbit("replicate", "sequence", "--runs", tmp_path, *words)
    assert (done.returncode, done.stderr, done.stdout) == (2, f"bitforbit replicate: {message}\n", "")


def test_a_parent_with_a_second_thread_forks_nothing():
    """What the warm parent refuses: a thread that an import started."""
    import threading

    from bitforbit.errors import PolicyError
    from bitforbit.replicates import warm

    hold = threading.Event()
    thread = threading.Thread(target=hold.wait)
    thread.start()
    try:
        with pytest.raises(PolicyError, match="expected one thread before a fork, found more"):
            warm.start(None, {})
    finally:
        hold.set()
        thread.join()
