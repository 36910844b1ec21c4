"""Config overrides: types, unknown keys, TOML, and the lines that a user meets."""

from dataclasses import dataclass

import pytest

from bitforbit.errors import UsageError
from bitforbit.training import config


@dataclass(frozen=True)
class Config:
    epochs: int = 3
    batch_size: int = 8
    rate: float = 0.1
    widths: tuple[int, ...] = (4, 5)
    activation: str = "relu"
    bias: bool = True


def test_defaults_then_file_then_assignments(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("epochs = 7\nrate = 1\nwidths = [1]\n")
    assert config.resolve(Config, file, ("epochs=9", "bias=false")) == Config(9, 8, 1.0, (1,), "relu", False)


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("rate=2", "rate", 2.0),
        ("rate=1e-3", "rate", 1e-3),
        ("widths=[8, 9]", "widths", (8, 9)),
        ("activation=gelu", "activation", "gelu"),
        ("activation=3", "activation", "3"),
        ("activation=a=b", "activation", "a=b"),
        ("bias=false", "bias", False),
    ],
)
def test_values_are_read_by_the_type_of_the_field(assignment, field, value):
    found = getattr(config.resolve(Config, None, (assignment,)), field)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epoch=3", "unknown config key 'epoch'. Valid keys: epochs, batch_size, rate, widths, activation, bias."),
        ("epochs=x", "expected epochs of type int, received 'x' (of type str). Next step: --set epochs=3"),
        ("epochs=1.5", "expected epochs of type int, received 1.5 (of type float). Next step: --set epochs=3"),
        ("epochs=true", "expected epochs of type int, received True (of type bool). Next step: --set epochs=3"),
        ("bias=1", "expected bias of type bool, received 1 (of type int). Next step: --set bias=true"),
        ("rate=nan", "expected rate of type float, received nan (of type float). Next step: --set rate=0.1"),
        ("epochs=0", "expected epochs of at least 1, received 0. Next step: --set epochs=1"),
        ("epochs", "expected --set key=value, received 'epochs'. Next step: --set epochs=5"),
    ],
)
def test_bad_assignments_are_one_clear_line(assignment, message):
    with pytest.raises(UsageError) as caught:
        config.resolve(Config, None, (assignment,))
    assert str(caught.value) == message


def test_bad_files_are_named(tmp_path):
    file = tmp_path / "c.toml"
    with pytest.raises(UsageError, match=r"expected a TOML file of config keys at .*c\.toml, found: .*No such file"):
        config.resolve(Config, file)
    file.write_text("epochs = ")
    with pytest.raises(UsageError, match=r"expected a TOML file of config keys at .*c\.toml, found: Invalid value"):
        config.resolve(Config, file)


def test_values_are_json():
    assert config.values(Config()) == {
        "epochs": 3, "batch_size": 8, "rate": 0.1, "widths": [4, 5], "activation": "relu", "bias": True,
    }  # fmt: skip
