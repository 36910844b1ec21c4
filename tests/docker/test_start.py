"""The start helper: who owns the results, and what the program may do."""

import os

import pytest

from .conftest import ENTER, HARDENED, run, shell

pytestmark = pytest.mark.docker

ME = "10001:10001"
WRITE = """
    touch /runs/result
    echo $(id -u):$(id -g) $(stat -c %u:%g /runs/result)
    sed -n 's/^\\(Cap...\\|NoNewPrivs\\):\\t0*\\(.*\\)/\\1=\\2/p' /proc/self/status
"""


def write(folder, *flags):
    """Return (process, file's owner) and the process's privileges."""
    first, *rest = shell(WRITE, f"--volume={folder}:/runs", *flags).splitlines()
    return tuple(first.split()), dict(line.split("=") for line in rest)


@pytest.mark.parametrize(
    ("owner", "mode"),
    [
        ("1000:1000", "0755"),
        ("1000:1000", "0777"),
        ("1000:10001", "0775"),
        ("0:0", "0755"),
        ("65534:65534", "0700"),
        ("1234567:7654321", "0755"),
    ],
)
def test_results_belong_to_the_folders_owner_and_the_program_has_no_privilege(runs, owner, mode):
    ids, privileges = write(runs(owner, mode))
    assert ids == (owner, owner)
    assert privileges == {name: "" for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} | {"NoNewPrivs": "1"}


@pytest.mark.parametrize(("owner", "mode"), [(ME, "0755"), ("0:0", "0777"), ("0:10001", "0775")])
def test_the_images_user_stays_where_it_can_write(runs, owner, mode):
    (process, _), privileges = write(runs(owner, mode))
    assert process == ME
    assert privileges["CapPrm"] == privileges["CapEff"] == privileges["CapAmb"] == ""
    assert privileges["NoNewPrivs"] == "1"


@pytest.mark.parametrize("flags", [(), HARDENED], ids=["plain", "hardened"])
def test_a_named_user_stays_that_user(runs, flags):
    assert write(runs("1000:1000"), "--user=1000:1000", *flags)[0] == ("1000:1000", "1000:1000")


@pytest.mark.parametrize(
    "flags",
    [("--cap-drop=ALL",), ("--security-opt=no-new-privileges",), ("--cap-drop=SETPCAP",), ("--user=1000:1000",)],
    ids=lambda flags: flags[0],
)
def test_without_the_capabilities_or_for_a_named_user_nobody_changes(runs, flags):
    folder = runs("0:0")
    before = flags[0].removeprefix("--user=") if "--user" in flags[0] else ME
    script = "echo $(id -u):$(id -g); test ! -w /runs"
    assert shell(script, f"--volume={folder}:/runs", *flags).split() == [before]


def test_a_read_only_folder_of_roots_makes_nobody_root(runs):
    assert shell("id -u", f"--volume={runs('0:0')}:/runs:ro").split() == ["10001"]


def test_with_roots_number_nothing_of_roots_is_possible(runs):
    script = """
        touch /runs/mine
        ! chown 5:5 /runs/mine
        ! mount -t tmpfs none /mnt
        ! cat /host/private
        ! /opt/bitforbit/bin/enter /usr/bin/python3 -c 'import os; os.setuid(5)'
        id -u
    """
    folder = runs("0:0")
    assert shell(script + " 2>/dev/null", f"--volume={folder}:/runs").split()[-1] == "0"


def test_only_the_fixed_folder_counts(runs):
    other = runs("1000:1000")
    flags = [f"--volume={other}:/elsewhere", "--env=BITFORBIT_RUNS=/elsewhere", "--env=RESULTS=/elsewhere"]
    assert shell("id -u", *flags).split() == ["10001"]


def test_the_environment_arrives_whole(runs):
    # A file with capabilities makes libc drop these three before main().
    given = {"TMPDIR": "/x", "LD_LIBRARY_PATH": "/y", "GLIBC_TUNABLES": "a=b=c", "EMPTY": ""}
    flags = [f"--env={name}={value}" for name, value in given.items()]
    script = "import os; print('\\n'.join(f'{k}={v}' for k, v in os.environ.items()))"
    lines = run("/opt/venv/bin/python", "-c", script, flags=flags, program=ENTER).stdout.splitlines()
    assert given.items() <= dict(line.split("=", 1) for line in lines).items()
    plain = run("-c", script, flags=[*flags, "--user=1000"], program="/opt/venv/bin/python").stdout.splitlines()
    assert {line.split("=")[0] for line in lines} == {line.split("=")[0] for line in plain}


def test_mistakes():
    none = run(program=ENTER, check=False)
    assert (none.returncode, none.stderr) == (2, "usage: enter /absolute/program [argument ...]\n")
    missing = run("/no/such", program=ENTER, check=False)
    assert (missing.returncode, missing.stderr) == (126, "enter: /no/such: No such file or directory\n")
    assert run("/bin/sh", "-c", "exit 7", program=ENTER, check=False).returncode == 7


@pytest.mark.parametrize(
    ("owner", "flags"),
    [("0:0", ()), ("1000:1000", ()), ("1000:1000", (*HARDENED, "--user=1000:1000"))],
    ids=["root's folder", "a user's folder", "hardened"],
)
def test_training_leaves_its_results_with_the_folders_owner(runs, owner, flags):
    folder = runs(owner)
    run("train", "sequence", "--set", "epochs=1", flags=[f"--volume={folder}:/runs", *flags])
    (result,) = folder.glob("sequence/*/seed-1/result.json")
    for path in (result, *result.parents[:3]):
        assert f"{os.stat(path).st_uid}:{os.stat(path).st_gid}" == owner, path


def test_training_needs_neither_a_volume_nor_a_writable_root():
    done = run("train", "sequence", "--set", "epochs=1", flags=HARDENED)
    assert "/runs cannot be written" in done.stderr
    assert "cpu-x86-64-v3" in done.stdout
