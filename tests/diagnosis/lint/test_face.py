"""`bitforbit lint`: exit codes, the four formats, whole lines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT, bitforbit

BAD = "import numpy as np\n\nrng = np.random.default_rng()\n"
LINE = (
    "bad.py:3:7: BFB101 np.random.default_rng() without a seed draws fresh entropy. Write np.random.default_rng(seed)."
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bad.py").write_text(BAD)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "ignored.py").write_text(BAD)
    return tmp_path


def lint(*arguments, cwd):
    return bitforbit("lint", *arguments, cwd=cwd, PYTHONPATH=str(PROJECT / "src"))


def test_text_and_exit_codes(folder):
    done = lint(cwd=folder)
    assert (done.returncode, done.stdout.splitlines()) == (1, [LINE])
    assert done.stderr == "bitforbit lint: 1 file, 1 finding (bitforbit lint --explain BFB101)\n"
    done = lint("--ignore", "BFB1", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "bitforbit lint: 1 file, no finding\n")
    (folder / "broken.py").write_text("1 +\n")
    done = lint("broken.py", cwd=folder)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "bitforbit lint: broken.py: cannot be parsed: invalid syntax (line 1)",
    )


def test_a_comment_without_a_reason_is_selected_and_ignored_as_any_finding(folder):
    (folder / "bad.py").write_text(BAD.replace("()\n", "()  # noqa: BFB101\n"))
    line = "bad.py:3:1: BFB002 noqa without a reason. Write # noqa: BFB101 and why it is meant."
    for options, lines in {
        (): [line],
        ("--select", "BFB0"): [line],
        ("--ignore", "BFB002"): [],
        ("--select", "BFB1"): [],
    }.items():
        assert lint(*options, cwd=folder).stdout.splitlines() == lines, options


def test_what_is_no_file_is_passed_over_in_a_folder(folder):
    os.mkfifo(folder / "pipe.py")
    (folder / ".#bad.py").symlink_to("me@here.1234")
    done = lint(cwd=folder)
    assert (done.returncode, done.stdout.splitlines()) == (1, [LINE])


def test_mistakes_are_one_line(folder):
    assert lint("none.py", cwd=folder).stderr.splitlines() == [
        "bitforbit lint: expected a file or folder at none.py, found none. Next step: bitforbit lint ."
    ]
    done = lint("--explain", "BFB999", cwd=folder)
    assert (done.returncode, done.stderr) == (
        2,
        "bitforbit lint: unknown code 'BFB999'. Next step: bitforbit lint --list\n",
    )


UNREADABLE = {
    b"1 +\n": "invalid syntax (line 1)",
    b"x = '\xe9'\n": "its bytes are not the encoding that it declares, or UTF-8 where it declares none",
    b"# coding: klingon\n": "its bytes are not the encoding that it declares, or UTF-8 where it declares none",
    b"-" * 100_000 + b"1\n": "it is nested too deeply",
}


def test_what_cannot_be_parsed_is_said_and_the_rest_is_linted(folder):
    (folder / "latin.py").write_bytes(b"# coding: latin-1\nimport random\nx = '\xe9', random.Random()\n")
    for number, content in enumerate(UNREADABLE):
        (folder / f"unreadable{number}.py").write_bytes(content)
    done = lint(cwd=folder)
    assert done.returncode == 2
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["bad.py", "latin.py"]
    assert done.stderr.splitlines() == [
        *(f"bitforbit lint: unreadable{number}.py: cannot be parsed: {why}"
          for number, why in enumerate(UNREADABLE.values())),
        "bitforbit lint: 6 files, 4 not parsed, 2 findings (bitforbit lint --explain BFB101)",
    ]  # fmt: skip


def test_standard_input_and_names_that_are_no_text(folder):
    command = [sys.executable, "-m", "bitforbit", "lint"]
    done = subprocess.run([*command, "-"], input=BAD.encode(), capture_output=True, cwd=folder)
    assert done.stdout.decode() == LINE.replace("bad.py", "-") + "\n"
    os.rename(folder / "bad.py", os.fsencode(folder) + b"/b\xff.py")
    done = subprocess.run(command, capture_output=True, cwd=folder)
    assert (done.returncode, done.stdout[:11]) == (1, b"b\xff.py:3:7: ")


def test_github_json_and_sarif(folder):
    message = LINE.partition("BFB101 ")[2]
    assert lint("--format", "github", cwd=folder).stdout.splitlines() == [
        f"::warning file=bad.py,line=3,col=7,title=BFB101::{message}"
    ]
    report = json.loads(lint("--json", cwd=folder).stdout)
    assert (report["files"], report["unreadable"]) == (1, [])
    assert [(f["path"], f["line"], f["code"], f["message"]) for f in report["findings"]] == [
        ("bad.py", 3, "BFB101", message)
    ]
    sarif = json.loads(lint("--format", "sarif", cwd=folder).stdout)
    (run,) = sarif["runs"]
    (result,) = run["results"]
    assert (sarif["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "bitforbit")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "BFB101"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "bad.py"},
        "region": {"startLine": 3, "startColumn": 7},
    }


def validator():
    """Return a validator for SARIF 2.1.0 (errata 01), the file that OASIS publishes: oasis-tcs/sarif-spec, e0583813964e,
    sarif-2.1/schema/sarif-schema-2.1.0.json."""
    import jsonschema

    schema = json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text())
    return jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())


def test_sarif_is_what_its_schema_says(folder):
    (folder / "broken.py").write_text("1 +\n")
    (folder / "a folder ü").mkdir()
    (folder / "a folder ü" / "bad 1.py").write_text(BAD)
    sarif = json.loads(lint("--format", "sarif", cwd=folder).stdout)
    assert [error.message for error in validator().iter_errors(sarif)] == []
    places = [result["locations"][0]["physicalLocation"] for result in sarif["runs"][0]["results"]]
    assert [place["artifactLocation"]["uri"] for place in places] == ["bad.py", "a%20folder%20%C3%BC/bad%201.py"]
    (notice,) = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"] == "broken.py: cannot be parsed: invalid syntax (line 1)"
    sarif["runs"][0]["results"][0]["level"] = "loud"
    assert len(list(validator().iter_errors(sarif))) == 1


def test_the_hook_of_pre_commit_needs_no_installed_package(folder):
    (hook,) = [line.split()[-1] for line in (PROJECT / ".pre-commit-hooks.yaml").read_text().splitlines()
               if "entry:" in line]  # fmt: skip
    assert os.access(PROJECT / hook, os.X_OK)
    done = subprocess.run(
        [sys.executable, "-S", "-P", PROJECT / hook, "bad.py"], cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, LINE + "\n"), done.stderr


def test_it_imports_the_standard_library_only():
    script = (
        "import sys\nfrom bitforbit.cli import main\nmain(['lint', '--list'])\n"
        "print([m for m in ('tensorflow', 'keras', 'numpy', 'rich') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT)
    assert done.stderr == "[]\n"
