"""`bitforbit lint`: exit codes, the four formats, whole lines."""

import json
import subprocess
import sys

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


def test_mistakes_are_one_line(folder):
    assert lint("none.py", cwd=folder).stderr.splitlines() == [
        "bitforbit lint: expected a file or folder at none.py, found none. Next step: bitforbit lint ."
    ]
    done = lint("--explain", "BFB999", cwd=folder)
    assert (done.returncode, done.stderr) == (
        2,
        "bitforbit lint: unknown code 'BFB999'. Next step: bitforbit lint --list\n",
    )


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


def test_it_imports_the_standard_library_only():
    script = (
        "import sys\nfrom bitforbit.cli import main\nmain(['lint', '--list'])\n"
        "print([m for m in ('tensorflow', 'keras', 'numpy', 'rich') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT)
    assert done.stderr == "[]\n"
