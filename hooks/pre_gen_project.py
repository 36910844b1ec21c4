"""Refuse answers that cannot become a project before any file is written, and see to it that no half of one stays."""

import json
import keyword
import os
import re
import select
import shutil
import sys
import time
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
# Names that a package must not take: what it stands beside, and what the locks install, which Python would find first.
TAKEN = """
bitforbit docker golden src test tests
absl annotated_doc annotated_types arrow astunparse attr attrs binaryornot build certifi charset_normalizer
check_jsonschema clang click cloudpickle contourpy cookiecutter cruft cycler dask dateutil distributed flatbuffers
fsspec gast git gitdb google grpc h5py idna importlib_metadata importlib_resources iniconfig jinja2 joblib
jsonschema jsonschema_specifications keras kiwisolver kubernetes_validate lazy_importer locket markdown_it
markupsafe matplotlib mdurl ml_dtypes mpl_toolkits mpmath msgpack namex narwhals numpy nvidia opt_einsum optree
packaging partd pasta pip piptools pluggy psutil py pydantic pydantic_core pygments pylab pyparsing pyproject_hooks
pytest referencing regress requests rich rpds ruamel ruff scipy setuptools shellingham six sklearn slugify smmap
sortedcontainers tblib tensorflow termcolor text_unidecode threadpoolctl tlz toolz tornado typer typing_extensions
typing_inspection tzdata urllib3 wheel wrapt xxhash yaml zict zipp
"""
TEXT = 'one line of printable characters without " \\ { } % #'


def complaints(answers):
    """Return one line for each answer that cannot be used."""
    found = []
    name = answers["project_name"]
    if not re.fullmatch(r"[^\W_][\w .,'&+-]{0,59}", name) or ".." in name or not re.search(r"[^\W\d_]", name):
        found.append(
            "expected as project name up to 60 letters, digits, blanks and . , ' & + - _ that begin with a letter or"
            f' digit and hold a letter, received {name!r}. Next step: project_name="My project"'
        )
    package = answers["package_name"]
    next_step = f"Next step: package_name={suggestion(package)}"
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", package):
        found.append(
            "expected as package name up to 40 lower-case letters, digits and underscores that begin with a letter,"
            f" received {package!r}. {next_step}"
        )
    elif keyword.iskeyword(package):
        found.append(f"expected as package name no keyword of Python, received {package!r}. {next_step}")
    elif package in TAKEN.split() or package in getattr(sys, "stdlib_module_names", ()):
        found.append(f"expected as package name one that no other package has, received {package!r}. {next_step}")
    for key in ("description", "author"):
        text = answers[key]
        if not text.strip() or not text.isprintable() or set(text) & set('"\\{}%#'):
            found.append(f"expected as {key} {TEXT}, received {text!r}. Next step: write it without them")
    size = answers["pool_size"]
    if not re.fullmatch(r"[1-9][0-9]{0,2}", size) or int(size) > 256:
        found.append(f"expected as pool size 1 to 256, received {size!r}. Next step: pool_size=2")
    return found


def suggestion(package):
    """Return a package name near `package` that can be used."""
    word = re.sub(r"[^a-z0-9]+", "_", package.lower()).strip("_")
    return word[:40] if word[:1].isalpha() and word != package else f"project_{word[:32]}".rstrip("_")


def guard(folder):
    """Leave a process that removes `folder` where cookiecutter ends before the project is whole, however it ends.

    cookiecutter itself removes what it made only after an error of a hook: not after Ctrl-C, a signal, or a full disk.
    post_gen_project.py takes the mark away as its last step.
    """
    cookiecutter = os.getppid()
    try:
        ended = os.pidfd_open(cookiecutter)
        kept = b"--keep-project-on-failure" in Path(f"/proc/{cookiecutter}/cmdline").read_bytes()
    except (AttributeError, OSError):  # not Linux
        return
    if kept or any(folder.iterdir()):  # --overwrite-if-exists: files of the user's may be there
        return
    if os.getsid(cookiecutter) != os.getsid(0):  # it has ended already: this is who takes in orphans
        folder.rmdir()
        sys.exit(1)
    mark = folder / ".unfinished"
    mark.touch()
    if os.fork():
        return
    os.setsid()  # out of reach of Ctrl-C
    os.chdir("/")
    for stream in (0, 1):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    while mark.exists() and not select.select([ended], [], [], 0.1)[0]:
        pass
    try:
        mark.unlink()
    except FileNotFoundError:  # the project is whole, or cookiecutter has removed it
        os._exit(0)
    for _ in range(50):  # a hook that outlived cookiecutter may still write there
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(0.1)
    word = "remove" if folder.exists() else "removed"
    print(f"bitforbit starter: cookiecutter ended before the project was whole; {word} {folder}", file=sys.stderr)
    os._exit(0)


if __name__ == "__main__":
    guard(Path.cwd())
    lines = complaints(ANSWERS)
    for line in lines:
        print("bitforbit starter: " + line, file=sys.stderr)
    sys.exit(1 if lines else 0)
