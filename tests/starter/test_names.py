"""Answers that cannot become a project: one clear line each, and nothing left behind."""

import importlib.metadata
import re

import pytest
from cookiecutter.exceptions import FailedHookException
from support import PROJECT

from .conftest import cookiecutter, generate

PACKAGE = (
    "expected as package name up to 40 lower-case letters, digits and underscores that begin with a letter, received"
)
NAME = (
    "expected as project name up to 60 letters, digits, blanks and . , ' & + - _ that begin with a letter or digit and"
    " hold a letter, received"
)


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ({"package_name": "my package"}, f"{PACKAGE} 'my package'. Next step: package_name=my_package"),
        ({"package_name": "études"}, f"{PACKAGE} 'études'. Next step: package_name=tudes"),
        ({"package_name": "3d"}, f"{PACKAGE} '3d'. Next step: package_name=project_3d"),
        ({"project_name": "3D nets"}, f"{PACKAGE} '3d_nets'. Next step: package_name=project_3d_nets"),
        ({"package_name": "../x"}, f"{PACKAGE} '../x'. Next step: package_name=x"),
        ({"package_name": "/etc/x"}, f"{PACKAGE} '/etc/x'. Next step: package_name=etc_x"),
        ({"package_name": "x" * 41}, f"{PACKAGE} '{'x' * 41}'. Next step: package_name=project_{'x' * 32}"),
        ({"package_name": "Shapes"}, f"{PACKAGE} 'Shapes'. Next step: package_name=shapes"),
        (
            {"package_name": "class"},
            "expected as package name no keyword of Python, received 'class'. Next step: package_name=project_class",
        ),
        *(
            (
                {"package_name": name},
                f"expected as package name one that no other package has, received '{name}'."
                f" Next step: package_name=project_{name}",
            )
            for name in ("bitforbit", "random", "tensorflow", "rich", "test")
        ),
        ({"project_name": "../x"}, f"{NAME} '../x'. Next step: project_name=\"My project\""),
        ({"project_name": "/tmp/x"}, f"{NAME} '/tmp/x'. Next step: project_name=\"My project\""),
        ({"project_name": "a/../b"}, f"{NAME} 'a/../b'. Next step: project_name=\"My project\""),
        ({"project_name": "a..b"}, f"{NAME} 'a..b'. Next step: project_name=\"My project\""),
        ({"project_name": "..", "package_name": "x"}, f"{NAME} '..'. Next step: project_name=\"My project\""),
        ({"project_name": "7", "package_name": "x"}, f"{NAME} '7'. Next step: project_name=\"My project\""),
        ({"project_name": "x'''y"}, None),
        ({"project_name": "x\ny"}, f"{NAME} 'x\\ny'. Next step: project_name=\"My project\""),
        ({"pool_size": "0"}, "expected as pool size 1 to 256, received '0'. Next step: pool_size=2"),
        ({"pool_size": "257"}, "expected as pool size 1 to 256, received '257'. Next step: pool_size=2"),
        ({"pool_size": "two"}, "expected as pool size 1 to 256, received 'two'. Next step: pool_size=2"),
        (
            {"author": 'Zoë "Z" O'},
            'expected as author one line of printable characters without " \\ { } % #, received \'Zoë "Z" O\'.'
            " Next step: write it without them",
        ),
    ],
    ids=lambda value: next(iter(value.values())) if isinstance(value, dict) else "",
)
def test_a_wrong_answer_is_one_line_and_nothing_is_left(tmp_path, capfd, answers, line):
    if line is None:
        assert (generate(tmp_path, **answers) / "Makefile").is_file()
        return
    with pytest.raises(FailedHookException):
        generate(tmp_path / "here", **answers)
    assert capfd.readouterr().err.splitlines() == [f"bitforbit starter: {line}"]
    assert list(tmp_path.rglob("*")) == [tmp_path / "here"]


def test_no_package_can_take_the_name_of_one_that_the_locks_install():
    """It would stand behind that one on Python's path."""
    text = (PROJECT / "hooks" / "pre_gen_project.py").read_text()
    taken = set(re.search(r'TAKEN = """(.*?)"""', text, re.DOTALL)[1].split())
    locked = "".join((PROJECT / f"requirements{part}.lock").read_text() for part in ("", "-dev", "-dask"))
    names = {name.replace("_", "-").lower() for name in re.findall(r"^([\w.-]+)==", locked, re.MULTILINE)}
    found = {
        module
        for module, wheels in importlib.metadata.packages_distributions().items()
        if re.fullmatch(r"[a-z][a-z0-9_]*", module) and names & {re.sub("[._]", "-", wheel).lower() for wheel in wheels}
    }
    assert len(found) > 90 and found <= taken


def test_each_wrong_answer_has_its_line(tmp_path):
    done = cookiecutter(tmp_path, package_name="class", pool_size="x")
    assert done.returncode != 0 and not list(tmp_path.iterdir())
    assert done.stderr.count("bitforbit starter: expected as ") == 2


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "my-project").mkdir()
    (tmp_path / "my-project" / "mine").write_text("mine")
    done = cookiecutter(tmp_path)
    assert done.returncode != 0 and '"my-project" directory already exists' in done.stderr + done.stdout
    assert [path.name for path in tmp_path.rglob("*")] == ["my-project", "mine"]


def test_a_wrong_choice_is_refused_before_anything_is_written(tmp_path):
    done = cookiecutter(tmp_path, task="audio")
    assert done.returncode != 0 and "audio" in done.stderr + done.stdout
    assert not list(tmp_path.iterdir())
