"""Seeded faults in small programs: each is found and named by its cause and its line, and nothing else is."""

import pytest
from diagnosis.faults import diagnose, line_of

from bitforbit.diagnosis.attribute import flow

PROGRAM_ONLY = ("entropy", "clock", "directory order", "thread timing", "umask", "host name", "load")

LINES = {
    "default_rng in a map function": (
        """
        import random, secrets
        import numpy as np
        secrets.token_bytes(4)
        def augment(x):
            return x + np.random.default_rng().random()
        value = [augment(x) for x in range(3)]
        """,
        "entropy",
        "a NumPy generator without a seed: default_rng()",
        "return x + np",
    ),
    "Python's random was not seeded": (
        "import random\nrows = list(range(20))\nrandom.shuffle(rows)\nvalue = rows",
        "entropy",
        "Python's global generator, which was not seeded",
        "random.shuffle",
    ),
    "NumPy's generator was not seeded": (
        "import numpy as np\nvalue = np.random.rand(2).tolist()",
        "entropy",
        "NumPy's global generator, which was not seeded",
        "np.random.rand",
    ),
    "uuid as seed": (
        "import random, uuid\nvalue = random.Random(uuid.uuid4().int).random()",
        "entropy",
        "a uuid",
        "uuid4",
    ),
    "secrets as seed": (
        "import secrets\nvalue = secrets.randbelow(10**9)",
        "entropy",
        "the secrets module",
        "randbelow",
    ),
    "the device of random bytes": (
        "value = open('/dev/urandom', 'rb').read(4).hex()",
        "entropy",
        "the system's random bytes",
        "/dev/urandom",
    ),
    "time as seed": (
        "import random, time\nnow = time.time()\nvalue = random.Random(int(time.time())).random()",
        "clock",
        "the wall clock reaches the result",
        "int(time.time())",
    ),
    "unsorted listdir": (
        """
        import os, tempfile
        folder = tempfile.mkdtemp()
        for name in "abcd":
            open(f"{folder}/{name}", "w").close()
        sorted(os.listdir(folder))
        value = os.listdir(folder)
        """,
        "directory order",
        "the order of a directory listing reaches the result",
        "value = os.listdir",
    ),
    "two threads append to a list": (
        """
        import threading, time
        rows = []
        def work(part):
            time.sleep(0.02 * part)
            rows.append(part)
        both = [threading.Thread(target=work, args=(part,)) for part in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        value = rows
        """,
        "thread timing",
        "a race: the result depends on which thread comes first",
        "thread.start()",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_fault_is_named_by_cause_and_line(name, tmp_path):
    body, condition, words, text = LINES[name]
    found, _ = diagnose(tmp_path, body, PROGRAM_ONLY)
    assert found.verdict == "differs"
    assert [guilty.condition.name for guilty in found.guilty] == [condition]
    (cause,) = found.guilty[0].finding.causes
    assert (cause.words, found.guilty[0].finding.proven) == (words, True)
    (frame,) = cause.frames
    assert (frame.line, frame.file) == (line_of(tmp_path, text), str(tmp_path / "program.py"))
    assert sorted(found.under) == sorted(set(PROGRAM_ONLY) - {condition})


def test_a_clean_program_is_reproducible_in_seven_runs(tmp_path):
    found, runner = diagnose(tmp_path, "value = sum(range(10))")
    assert (found.verdict, found.guilty, found.host, found.unstable) == ("reproducible", [], [], "")
    assert {"entropy", "clock", "directory order", "thread timing", "home", "memory"} <= set(found.under)
    assert found.host_free == ["thread pools", "instruction set", "hash seed", "time zone", "locale"]
    assert len(runner.outcomes) == 7


def test_two_causes_are_both_found(tmp_path):
    body = (
        "import secrets, time\nvalue = [secrets.randbelow(99), int(time.time())]\nvalue += [secrets.randbelow(10**6)]"
    )
    found, _ = diagnose(tmp_path, body, PROGRAM_ONLY)
    assert {guilty.condition.name for guilty in found.guilty} == {"entropy", "clock"}
    entropy = next(guilty for guilty in found.guilty if guilty.condition.name == "entropy")
    lines = sorted(cause.frames[0].line for cause in entropy.finding.causes)
    assert lines == [line_of(tmp_path, "randbelow(99)"), line_of(tmp_path, "value +=")]


def test_the_process_id_is_found_although_no_two_runs_agree(tmp_path):
    found, _ = diagnose(tmp_path, "import os, random\nvalue = random.Random(os.getpid()).random()", PROGRAM_ONLY)
    assert found.unstable == "the process id reaches the result"
    (guilty,) = found.guilty
    assert guilty.finding.causes[0].frames[0].line == line_of(tmp_path, "getpid")


def test_a_race_in_every_run_is_suspected_and_its_threads_are_named(tmp_path):
    body = """
        import threading, time
        rows = []
        def work(part):
            for _ in range(300):
                rows.append(part)
                time.sleep(1e-5)
        both = [threading.Thread(target=work, args=(part,)) for part in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        value = rows
        """
    found, _ = diagnose(tmp_path, body, PROGRAM_ONLY)
    assert found.unstable.startswith("a race: two runs alike differ")
    assert [frame.line for frame in found.threads] == [line_of(tmp_path, "thread.start()")]


def test_the_hash_seed_is_what_the_policy_hides(tmp_path):
    names = ("entropy", "clock", "hash seed", "locale")
    found, _ = diagnose(tmp_path, "value = list(set('cat dog bird fish cow'.split()))", names)
    assert (found.verdict, [guilty.condition.name for guilty in found.host]) == ("reproducible", ["hash seed"])
    assert found.host_free == ["locale"]
    assert "PYTHONHASHSEED=17" in found.host[0].varied.command


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        ("import os\nvalue = os.path.expanduser('~')", "home"),
        ("import platform\nvalue = platform.node()", "host name"),
        ("import os\nvalue = os.umask(0)", "umask"),
        ("import getpass\nvalue = getpass.getuser()", "user"),
        ("import os\nvalue = os.getcwd()", "working directory"),
        ("import os\nvalue = os.nice(0)", "load"),
    ],
)
def test_a_surrounding_is_named(body, condition, tmp_path):
    names = ("entropy", "user", "user name", "umask", "working directory", "home", "host name", "load")
    found, _ = diagnose(tmp_path, body, names)
    (guilty,) = found.guilty
    assert guilty.steady
    # Only root can become another user; others change the name that the environment tells.
    assert guilty.condition.name in (condition, f"{condition} name")


def test_a_condition_under_which_the_program_fails_is_not_varied(tmp_path):
    body = "import os\nassert os.getcwd() != '/', 'lost'\nvalue = 1"
    found, _ = diagnose(tmp_path, body, ("entropy", "umask", "working directory"))
    assert found.verdict == "reproducible"
    assert found.not_varied == [("working directory", "the run fails: exit 1: AssertionError: lost")]
    assert sorted(found.under) == ["entropy", "umask"]


def test_a_program_that_does_not_run_is_refused_in_its_own_words(tmp_path):
    with pytest.raises(flow.Refused, match="program does not run: exit 1: ValueError: no data"):
        diagnose(tmp_path, "raise ValueError('no data')")


def test_a_program_that_does_not_end_is_stopped(tmp_path):
    from diagnosis import faults

    runner = faults.runner(tmp_path, "import time\ntime.sleep(60)")
    runner.timeout = 0.5
    with pytest.raises(flow.Refused, match="did not end within"):
        flow.diagnose(runner, [])


def test_the_two_commands_repeat_the_difference(tmp_path):
    """Pasted into a shell, they give the control's result and the varied one."""
    import os
    import subprocess

    # `bitforbit` starts anew with its policy; this program does not, and the interpreter's own draw would be the first.
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    found, _ = diagnose(tmp_path, "import secrets\nvalue = secrets.randbelow(10**9)", ("entropy", "umask"))
    results = []
    for number, command in enumerate((found.control.command, found.guilty[0].varied.command) * 2):
        runs = tmp_path / f"again-{number}"
        subprocess.run(["sh", "-c", f"{command} --runs {runs}"], check=True, cwd="/", env=environment)
        results.append((runs / "one" / "result.json").read_text())
    assert results[0] == results[2] != results[1] == results[3]
