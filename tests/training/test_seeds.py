"""Seeds: parsed strictly, derived by a published formula, independent by label."""

import hashlib

import numpy as np
import pytest

from bitforbit.errors import UsageError
from bitforbit.training import pipeline, seeds


@pytest.mark.parametrize("text", ["0", "1", str(2**63), str(2**64 - 1)])
def test_any_64_bit_seed_is_taken(text):
    assert seeds.parse(text) == int(text)


@pytest.mark.parametrize("text", ["-1", str(2**64), "1.5", "one", "", "0x10"])
def test_a_bad_seed_is_one_clear_line(text):
    with pytest.raises(UsageError) as caught:
        seeds.parse(text)
    assert (
        str(caught.value) == f"expected a seed from 0 to 18446744073709551615, received {text!r}. Next step: --seed 1"
    )


def test_the_formula_is_sha256_of_seed_and_label():
    hashed = hashlib.sha256(b"bitforbit seed 1\0\x07" + b"\0" * 7 + b"shuffle/3").digest()
    assert seeds.stream(7, "shuffle/3") == int.from_bytes(hashed[:8], "little")
    assert seeds.stream(7, "shuffle/3", bits=32) == int.from_bytes(hashed[:4], "little")


def test_neighbours_and_labels_do_not_collide():
    drawn = {seeds.stream(seed, label) for seed in range(200) for label in ("a", "b", "a/1", "a/11")}
    assert len(drawn) == 800


def test_permutation_is_philox_sorted_stably():
    """Philox 4x64-10 again, from the algorithm's definition (Salmon et al., SC 2011), in Python's integers."""
    key = seeds.stream(5, "shuffle/2", bits=128)
    words, mask = [], 2**64 - 1
    for block in range(1, 4):
        counter, k0, k1 = [block, 0, 0, 0], key & mask, key >> 64
        for round_number in range(10):
            if round_number:
                k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
            p0, p1 = counter[0] * 0xD2E7470EE14C6C93, counter[2] * 0xCA5A826395121157
            counter = [(p1 >> 64) ^ counter[1] ^ k0, p1 & mask, (p0 >> 64) ^ counter[3] ^ k1, p0 & mask]
        words += counter
    expected = sorted(range(10), key=lambda i: words[i])
    assert pipeline.permutation(5, 2, 10).tolist() == expected


def test_permutations_differ_by_seed_and_epoch_and_are_permutations():
    drawn = [pipeline.permutation(seed, epoch, 50) for seed in range(3) for epoch in range(3)]
    assert all(sorted(order) == list(range(50)) for order in drawn)
    assert len({order.tobytes() for order in drawn}) == 9
    assert drawn[0].dtype == np.int64


def test_batches_hold_every_example_once_an_epoch():
    x, y = np.arange(10, dtype="float32"), {"out": np.arange(10, dtype="int32")}
    found = [(a.numpy().tolist(), b["out"].numpy().tolist()) for a, b in pipeline.batches(x, y, 1, 2, 4)]
    assert [len(a) for a, _ in found] == [4, 4, 2, 4, 4, 2]
    assert all(a == b for a, b in found)
    for epoch in range(2):
        rows = [row for a, _ in found[3 * epoch : 3 * epoch + 3] for row in a]
        assert rows == pipeline.permutation(1, epoch, 10).tolist()
