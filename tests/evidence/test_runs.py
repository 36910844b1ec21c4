"""Run folders: sealed, published whole, re-verified, never overwritten by other bits."""

import json

import pytest

from bitforbit.errors import EvidenceError
from bitforbit.evidence import canonical, runs


def staged(tmp_path, name, value):
    folder = tmp_path / name
    folder.mkdir()
    canonical.write(folder / runs.RESULT, canonical.dumps({"weights": value}))
    canonical.write(folder / runs.HISTORY, b"epoch\n1\n")
    runs.seal(folder, {"host": {}})
    return folder


def test_publish_then_verify(tmp_path):
    target = tmp_path / "seed-1"
    runs.publish(staged(tmp_path, "a", 1), target)
    published = runs.verify(target)
    assert published.result == {"weights": 1}
    assert published.digest == canonical.file_digest(target / runs.RESULT)


def test_an_altered_file_is_named(tmp_path):
    target = tmp_path / "seed-1"
    runs.publish(staged(tmp_path, "a", 1), target)
    (target / runs.HISTORY).write_bytes(b"epoch\n2\n")
    with pytest.raises(EvidenceError, match=r"expected .*/seed-1/history\.csv with SHA-256 \w{64}, found \w{64}"):
        runs.verify(target)


@pytest.mark.parametrize(
    "damage", [lambda f: f.unlink(), lambda f: f.write_bytes(b"{"), lambda f: f.write_bytes(b"[]")]
)
def test_a_damaged_record_is_said_to_be_damaged(tmp_path, damage):
    target = tmp_path / "seed-1"
    runs.publish(staged(tmp_path, "a", 1), target)
    damage(target / runs.RUN)
    with pytest.raises(EvidenceError, match="expected a complete run in .*/seed-1, found it damaged"):
        runs.verify(target)


def test_the_same_result_takes_the_place_quietly(tmp_path):
    target = tmp_path / "seed-1"
    for name in ("a", "b"):
        runs.publish(staged(tmp_path, name, 1), target)
    assert [path.name for path in tmp_path.iterdir()] == ["seed-1"]


def test_another_result_is_kept_beside_and_is_loud(tmp_path):
    target = tmp_path / "seed-1"
    runs.publish(staged(tmp_path, "a", 1), target)
    with pytest.raises(EvidenceError, match=r"expected the result \w{16} that stands in .*Both are kept"):
        runs.publish(staged(tmp_path, "b", 2), target)
    kept = [path for path in tmp_path.iterdir() if path.name.startswith("seed-1.differs-")]
    assert runs.verify(target).result == {"weights": 1}
    assert json.loads((kept[0] / runs.RESULT).read_bytes()) == {"weights": 2}


def test_a_damaged_run_is_moved_aside_not_lost(tmp_path):
    target = tmp_path / "seed-1"
    runs.publish(staged(tmp_path, "a", 1), target)
    (target / runs.HISTORY).write_bytes(b"altered")
    runs.publish(staged(tmp_path, "b", 1), target)
    assert runs.verify(target).result == {"weights": 1}
    assert (tmp_path / "seed-1.damaged" / runs.HISTORY).read_bytes() == b"altered"
