"""Pictures: the same bytes for the same numbers, whole files, other numbers other bytes."""

import pytest
from replicates import made

from bitforbit.replicates.statistics import comparison, goal, summary
from bitforbit.report import pictures

VALUES = [0.90, 0.92, 0.94, 0.91, 0.93, 0.93, 0.95]
GAIN = {
    "experiment": "made",
    "gain": {
        "members": [{"accuracy": v} for v in VALUES],
        "by_members": [{"members": m, "accuracy": 0.93 + m / 100} for m in (1, 3, 7)],
    },
}


def draw(folder, values):
    folder.mkdir()
    document = summary.describe(made.configuration(values))
    pictures.seeds(folder, document, "accuracy")
    pictures.standard_error(folder, document, "accuracy")
    sides = [
        comparison.Configuration("A", made.configuration(values)),
        comparison.Configuration(
            "B", made.configuration([v - 0.01 * (i % 3) for i, v in enumerate(values)], key="cd" * 32)
        ),
        comparison.Configuration("C", made.configuration(values[:6], key="ef" * 32)),
    ]
    compared = comparison.compare(sides, goal.Goal("accuracy", True))
    numbers = [{run.seed: run.result["metrics"]["accuracy"] for run in side.replicates} for side in sides]
    pictures.comparison(folder, compared, numbers)
    pictures.gain(folder, GAIN, "accuracy")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("pictures") / "one", VALUES)


def test_the_same_bytes_again(drawn, tmp_path):
    names = ("seeds", "standard-error", "comparison", "gain")
    assert set(drawn) == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert draw(tmp_path / "two", VALUES) == drawn


def test_other_numbers_are_another_picture(drawn, tmp_path):
    other = draw(tmp_path / "two", [0.901, *VALUES[1:]])
    assert {name for name in drawn if drawn[name] == other[name]} == {"gain.png", "gain.svg"}


@pytest.mark.parametrize("values", [[0.5] * 6, [0.5, 0.5 + 2**-53, 0.5 - 2**-54, 0.5, 0.5], [1e-12, 2e-12, 1e9]])
def test_values_that_hardly_or_wildly_differ(tmp_path, values):
    pictures.seeds(tmp_path, summary.describe(made.configuration(values)), "accuracy")
    assert (tmp_path / "seeds.png").stat().st_size > 10_000


def test_no_date_and_no_version_is_in_a_file(drawn):
    for name, content in drawn.items():
        assert content.startswith(b"\x89PNG" if name.endswith("png") else b"<?xml"), name
        assert b"Matplotlib v" not in content and b"dc:date" not in content, name
    assert max(map(len, drawn.values())) < 400_000
