"""What counts as done: only a run whose every file verifies and that is the one that was asked for."""

import pytest

from bitforbit.errors import EvidenceError
from bitforbit.evidence import canonical, runs
from bitforbit.replicates import collect

HASH = "ab" * 32
WANTED = {"config_hash": HASH, "seed": 9, "experiment": "toy"}


def place(root, seed, name="seed-{}", **changes):
    result = {"experiment": "toy", "config_hash": HASH, "seed": seed, "status": "finished", "host_class": "c",
              "epochs": [{"epoch": 1}], "metrics": {"loss": 0.5}} | changes  # fmt: skip
    folder = root / "toy" / HASH[:12] / name.format(seed)
    folder.mkdir(parents=True)
    canonical.write(folder / runs.RESULT, canonical.dumps(result))
    runs.seal(folder, {"host": {}})
    return folder


def found(root, *seeds):
    return collect.collect(root, "toy", HASH, list(seeds))


def test_each_status(tmp_path):
    folder = place(tmp_path, 3)
    place(tmp_path, 1, "seed-{}.diverged", status="diverged")
    (folder.parent / "seed-2.failed.txt").write_text("exit 1: no memory\nmore\n")
    assert [(r.seed, r.status, r.note) for r in found(tmp_path, 3, 2, 1, 0)] == [
        (0, "missing", ""),
        (1, "diverged", "diverged after epoch 1"),
        (2, "failed", "exit 1: no memory"),
        (3, "finished", ""),
    ]
    last = found(tmp_path, 3)[0]
    assert (last.result["metrics"], last.folder) == ({"loss": 0.5}, folder)
    assert last.digest == canonical.file_digest(folder / runs.RESULT)


def test_an_altered_file_does_not_count_as_done(tmp_path):
    folder = place(tmp_path, 0)
    (folder / runs.RESULT).write_bytes(b"{}")
    (replicate,) = found(tmp_path, 0)
    assert (replicate.status, replicate.result, replicate.digest) == ("failed", None, "")
    assert replicate.note.startswith(f"expected {folder / runs.RESULT} with SHA-256 ")


@pytest.mark.parametrize(("key", "value"), [("config_hash", "cd" * 32), ("seed", 4), ("experiment", "x")])
def test_another_run_in_the_place_does_not_count(tmp_path, key, value):
    folder = place(tmp_path, 9)
    canonical.write(folder / runs.RESULT, canonical.dumps(runs.verify(folder).result | {key: value}))
    runs.seal(folder, {"host": {}})
    (replicate,) = found(tmp_path, 9)
    assert (replicate.status, replicate.note.split(" in ")[0]) == ("failed", f"expected {key} {WANTED[key]}")


def test_two_results_for_one_seed_are_a_failure(tmp_path):
    place(tmp_path, 0)
    place(tmp_path, 0, "seed-{}.differs-0123")
    (replicate,) = found(tmp_path, 0)
    assert (replicate.status, replicate.note) == (
        "failed",
        "trained twice with different results: see seed-0.differs-0123",
    )


def test_host_classes_are_never_mixed(tmp_path):
    place(tmp_path, 0)
    place(tmp_path, 1, host_class="c/glibc-2.36")
    with pytest.raises(EvidenceError) as caught:
        found(tmp_path, 0, 1)
    assert str(caught.value) == (
        "expected replicates of one host class, found c (seed 0), c/glibc-2.36 (seed 1)."
        " Next step: keep each class in a --runs of its own."
    )
