"""Where two published runs part: data first, then weights by epoch, then the rest."""

import json

import pytest

from bitforbit.diagnosis.attribute import first

RESULT = {"data": {"arrays": [{"path": "x_train", "sha256": "1"}, {"path": "y_train", "sha256": "2"}]},
          "metrics": {"loss": 0.5}, "policy": {"pool_size": 2}, "config_hash": "c", "host_class": "h"}  # fmt: skip
ROWS = [
    (0, "kernel", "a"),
    (0, "bias", "b"),
    (1, "kernel", "c"),
    (1, "bias", "d"),
    (2, "kernel", "e"),
    (2, "bias", "f"),
]


def write(folder, result=RESULT, rows=ROWS, header="epoch,variable,sha256"):
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "digests.csv").write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return folder


def changed(number: int, rows=ROWS):
    return [(*row[:-1], "other") if index >= number else row for index, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("result", "rows", "line"),
    [
        (RESULT, changed(0), "initialization: kernel (2 of 2 differ)"),
        (RESULT, changed(3), "training, epoch 1: bias (1 of 2 differ)"),
        (RESULT, changed(4), "training, epoch 2: kernel (2 of 2 differ)"),
        (RESULT | {"metrics": {"loss": 0.25}}, ROWS, "evaluation: metrics/loss (1 of 5 differ)"),
        (RESULT | {"data": {"arrays": [{"path": "x_train", "sha256": "9"}, RESULT["data"]["arrays"][1]]}}, changed(0),
         "data: x_train (1 of 2 differ)"),
    ],
)  # fmt: skip
def test_the_earliest_stage_is_named(tmp_path, result, rows, line):
    assert str(first.difference(write(tmp_path / "a"), write(tmp_path / "b", result, rows))) == line


def test_what_describes_the_surroundings_is_no_difference(tmp_path):
    other = RESULT | {"policy": {"pool_size": 1}, "config_hash": "d", "host_class": "unpinned"}
    assert first.difference(write(tmp_path / "a"), write(tmp_path / "b", other)) is None


def test_the_fit_of_a_script_is_named(tmp_path):
    rows = [(fit, *row) for fit in (1, 2) for row in ROWS]
    folders = (
        write(tmp_path / "a", {}, rows, "fit,epoch,variable,sha256"),
        write(tmp_path / "b", {}, changed(7, rows), "fit,epoch,variable,sha256"),
    )
    assert str(first.difference(*folders)) == "initialization: fit 2: bias (1 of 2 differ)"
