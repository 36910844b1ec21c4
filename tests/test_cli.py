"""The command line's face: help that stands in the docs, quick answers, whole error lines, no traceback."""

import re

import pytest
from support import PROJECT, bitforbit

from bitforbit import cli

COMMANDS = tuple(cli.commands())


def test_help_lists_every_command():
    done = bitforbit("--help")
    listed = re.findall(r"^    ([a-z-]+)(?: +[A-Z]|$)", done.stdout, re.MULTILINE)
    assert (done.returncode, tuple(listed)) == (0, COMMANDS)
    assert COMMANDS[:2] == ("train", "verify")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_summary_is_one_sentence(command):
    assert re.fullmatch(r"[A-Z].*\.", cli.commands()[command])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_stands_in_the_docs(command):
    done = bitforbit(command, "--help")
    assert done.returncode == 0
    text = (PROJECT / "docs" / "cli.md").read_text()
    assert f"## {command}\n" in text
    for option in re.findall(r"^  (--[a-z-]+)", done.stdout, re.MULTILINE):
        assert f"`{option}" in text, f"{option} of {command} is not in docs/cli.md"


def test_help_imports_neither_tensorflow_nor_numpy():
    import subprocess
    import sys

    script = "import sys\nfrom bitforbit.cli import build_parser\nbuild_parser().format_help()\n"
    script += "print([m for m in ('tensorflow', 'keras', 'numpy', 'rich', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("train", "nothing"),
            "bitforbit train: unknown experiment 'nothing'. Expected one of sequence, digits, solubility, peptides,"
            " a dotted module or a .py file.",
        ),
        (("train", "no/such.py"), "bitforbit train: expected an experiment at no/such.py, found no such file"),
        (
            ("train", "--seed", "x"),
            "bitforbit train: expected a seed from 0 to 18446744073709551615, received 'x'. Next step: --seed 1",
        ),
        (
            ("verify", "nothing"),
            "bitforbit verify: unknown reference experiment 'nothing'. Expected: sequence, digits, solubility, peptides.",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(arguments, line):
    done = bitforbit(*arguments)
    assert (done.returncode, done.stderr.splitlines(), done.stdout) == (2, [line], "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--nonsense",), "bitforbit: error: the following arguments are required: COMMAND"),
        ((), "bitforbit: error: the following arguments are required: COMMAND"),
        (("train", "--see", "1"), "bitforbit train: error: unrecognized arguments: --see"),
        (("run", "--see", "x.py"), "bitforbit run: error: unrecognized arguments: --see"),
        (("run",), "bitforbit run: error: the following arguments are required: script"),
    ],
)
def test_wrong_flags_print_the_commands_usage_and_exit_2(arguments, line):
    done = bitforbit(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"usage: {line.split(':')[0]} ")
    assert done.stderr.splitlines()[-1] == line


@pytest.mark.parametrize("command", ["train", "trace"])
def test_a_script_is_no_experiment_and_is_not_run(command, tmp_path):
    script = tmp_path / "mine.py"
    script.write_text("import sys\nprint('ran')\nsys.exit(7)\n")
    done = bitforbit(command, script)
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (
        2,
        "",
        [
            f"bitforbit {command}: expected {script} to define Config, load_data and build_model, found none of them."
            f" Next step: bitforbit run {script}, if it is a script"
        ],
    )
