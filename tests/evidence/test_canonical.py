"""Canonical JSON and whole-or-absent writes."""

import os

import pytest

from bitforbit.evidence import canonical


def test_key_order_does_not_count_and_the_text_is_fixed():
    assert (
        canonical.dumps({"b": 0.1, "a": [1, None, "é"]})
        == '{\n  "a": [\n    1,\n    null,\n    "é"\n  ],\n  "b": 0.1\n}\n'.encode()
    )
    assert canonical.digest({"a": 1, "b": 2}) == canonical.digest({"b": 2, "a": 1})


def test_floats_read_back_exactly():
    import json

    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0]
    assert [v.hex() for v in json.loads(canonical.dumps(values))] == [v.hex() for v in values]


def test_nan_has_no_spelling():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical.dumps({"loss": float("nan")})


def test_write_replaces_whole_and_leaves_nothing_aside(tmp_path):
    target = tmp_path / "x"
    canonical.write(target, b"old")
    canonical.write(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["x"]


def test_a_failed_write_keeps_the_old_content(tmp_path):
    target = tmp_path / "x"
    canonical.write(target, b"old")
    with pytest.raises(TypeError):
        canonical.write(target, "not bytes")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]
