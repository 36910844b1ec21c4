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
    assert sorted(path.name for path in next(root.glob("sequence/*")).iterdir()) == ["seed-0", "seed-1", "seed-2"]
