"""What a file is told to be, before it is imported."""

import pytest

from bitforbit.training import experiment


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "class Config: ...\ndef load_data(c): ...\nasync def build_model(c): ...",
            {"Config", "load_data", "build_model"},
        ),
        ("from base import Config, load as load_data\nbuild_model = make()", {"Config", "load_data", "build_model"}),
        ("try:\n    import x\nexcept ImportError:\n    def load_data(c): ...", {"load_data"}),
        ("def main():\n    Config = 1\n    def load_data(): ...\nprint(build_model)", set()),
        ("from base import *", None),
        ("1 +", None),
    ],
)
def test_the_parts_that_a_file_has(text, parts, tmp_path):
    (tmp_path / "e.py").write_text(text)
    assert experiment.parts(tmp_path / "e.py") == parts
