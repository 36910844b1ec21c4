"""Goldens' files are written whole or not at all."""

import errno
import os

import numpy as np
import pytest

from bitforbit.evidence import golden


def test_a_full_disk_leaves_the_goldens_that_were_there(tmp_path, monkeypatch):
    path = tmp_path / "class.json"
    golden.write(path, {"a": 1}, {"digits": [{"kernel": np.float32([1, 2])}]})
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert before.keys() == {"class.json", "class-digits.npz"}
    assert [{key: list(value) for key, value in epoch.items()} for epoch in golden.read_weights(path, "digits")] == [
        {"kernel": [1, 2]}
    ]

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        golden.write(path, {"a": 2}, {"digits": [{"kernel": np.float32([3, 4])}]})
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
