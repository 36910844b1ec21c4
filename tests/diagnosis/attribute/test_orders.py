"""The line that takes a set's order, or a hash(), into the result: found in many spellings, and proven by runs."""

import os
import textwrap

import pytest
from diagnosis import faults

from bitforbit.diagnosis.attribute import orders, suspects
from bitforbit.diagnosis.script import overrides
from bitforbit.diagnosis.vary import conditions
from bitforbit.diagnosis.vary.subject import Job
from bitforbit.report import diagnosis, tree

NAMES = 'NAMES = "cat dog bird fish cow hen".split() * 2\n'
BESIDE = "sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent / 'site-packages')]\n"
BFB402 = "the order of a set changes with the hash seed, and reaches data here. Write sorted(set(NAMES))."
SET, HASH = "the order of a set", "hash()"
# Spelling: the program, the words of each cause, and what stands in its line.
LINES = {
    "a label map by a helper function": (
        """
        def numbered(items):
            return {item: number for number, item in enumerate(items)}  # here
        def labels(names):
            return numbered(set(names))
        value = [labels(NAMES)[name] for name in NAMES]
        """,
        [(SET, "# here")],
    ),
    "a label map by a helper that is not called by its name": (
        """
        def numbered(items):
            return {item: number for number, item in enumerate(items)}  # here
        value = [[numbered][0](set(NAMES))[name] for name in NAMES]
        """,
        [(SET, "# here")],
    ),
    "a set that a helper changes": (
        """
        def more(items):
            items.add("mouse")
        kinds = set(NAMES)
        more(kinds)
        value = list(kinds)
        """,
        [(SET, "value = list")],
    ),
    "a comprehension": ("value = [name.upper() for name in set(NAMES)]", [(SET, "in set(NAMES)]")]),
    "a loop over a set of constants": (
        "value = []\nfor name in {'cat', 'dog', 'bird', 'cow'}:\n    value.append(name)",
        [(SET, "for name in {")],
    ),
    "a list for an array": (
        "import numpy as np\nvalue = np.array(list(set(NAMES))).tolist()",
        [(SET, "np.array")],
    ),
    "pop": ("s = set(NAMES)\nvalue = [s.pop(), s.pop()]",
            [("set.pop(), which takes an element in the order of the set", "s.pop(), s.pop()")]),
    "join": ("value = '-'.join(set(NAMES))", [(SET, ".join(")]),
    "a key of a dict": ("value = list(dict.fromkeys(set(NAMES)))", [(SET, "fromkeys")]),
    "unpacking": ("first, *rest = set(NAMES)\nvalue = [*set(NAMES)] + [first]",
                  [(SET, "first, *rest"), (SET, "value =")]),
    "a frozen constant": ("KINDS = frozenset(NAMES)\nvalue = next(iter(KINDS))", [(SET, "next(iter(KINDS))")]),
    "a union": ("value = list({'mouse'} | set(NAMES))", [(SET, "value = list(")]),
    "its text": ("value = f'{set(NAMES)}'", [(SET, "value = f")]),
    "a sort whose key ties": ("value = sorted(set(NAMES), key=len)", [(SET, "key=len")]),
    "a library that is handed a set": (
        "import collections\nvalue = list(collections.Counter(set(NAMES)))",
        [(SET, "Counter(")],
    ),
    "a feature hash": ("value = [hash(name) % 64 for name in NAMES]", [(HASH, "hash(name)")]),
    "a seed from a hash": ("import random\nvalue = random.Random(hash('run-1')).random()", [(HASH, "hash('run-1')")]),
    "a sort by hash": ("value = sorted(NAMES, key=hash)", [(HASH, "key=hash")]),
    "objects that are hashed by a name": (
        """
        class Label:
            def __init__(self, name):
                self.name = name
            def __eq__(self, other):
                return self.name == other.name
            def __hash__(self):
                return self.name.__hash__()
        value = [label.name for label in {Label(name) for name in NAMES}]  # here
        """,
        [(SET, "# here")],
    ),
    "one that matters among those that do not": (
        """
        seen = [name for name in set(NAMES)]
        print(list(set(NAMES)), sorted(seen), sum(len(name) for name in set(NAMES)))
        def shown(names):
            return " ".join(names)
        print(shown(set(NAMES)))
        value = list(set(NAMES))  # here
        """,
        [(SET, "# here")],
    ),
    "two that matter": (
        "value = [list(set(NAMES))]\nprint(*set(NAMES))\nvalue += [hash(name) for name in NAMES]",
        [(SET, "value = ["), (HASH, "value += [")],
    ),
}  # fmt: skip


def find(folder, body: str):
    """Return `(Finding, Runner)`; one run under each hash seed, then the search."""
    runner = faults.runner(folder, NAMES + textwrap.dedent(body).strip())
    (condition,) = (item for item in conditions.table() if item.name == conditions.HASH_SEED)
    base = conditions.control()
    control, varied = runner.run_all([Job("control", base), Job("varied", base | condition.change)])
    assert not control.failure and control.key != varied.key
    return orders.find(runner, control, base, varied, condition.change), runner


def lines(finding) -> list[tuple[str, int]]:
    return [(cause.words, frame.line) for cause in finding.causes for frame in cause.frames]


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_named_and_proven(name, tmp_path):
    body, expected = LINES[name]
    finding, _ = find(tmp_path, body)
    assert lines(finding) == [(words, faults.line_of(tmp_path, text)) for words, text in expected]
    assert finding.proven
    assert finding.text.startswith("proven: with the order of the control at th")


def test_one_line_takes_two_runs(tmp_path):
    finding, runner = find(tmp_path, "value = list(set(NAMES))")
    assert finding.text == "proven: with the order of the control at this line, runs with either hash seed agree"
    assert [outcome.label for outcome in runner.outcomes[2:]] == [
        "hash seed: orders of sets written down",
        "hash seed: all orders of the control",
    ]


def test_the_line_may_be_in_a_module_of_the_users(tmp_path):
    (tmp_path / "labels.py").write_text("def of(names):\n    return list(set(names))\n")
    finding, _ = find(tmp_path, f"{BESIDE}import labels\nvalue = labels.of(NAMES)")
    (cause,) = finding.causes
    assert cause.frames[0].file == str(tmp_path / "labels.py")
    assert [(frame.function, frame.line) for frame in cause.events[0].stack[:2]] == [
        ("of", 2), ("<module>", faults.line_of(tmp_path, "labels.of(NAMES)")),
    ]  # fmt: skip


def test_what_a_library_iterates_is_said_to_be_elsewhere(tmp_path):
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "made.py").write_text("def of(names):\n    return list(set(names))\n")
    finding, _ = find(tmp_path, f"{BESIDE}import made\nvalue = [made.of(NAMES), *set(NAMES)][:-6]")
    assert (finding.causes, finding.proven, finding.text) == ([], False, orders.ELSEWHERE)


def test_a_part_that_is_made_elsewhere_is_told(tmp_path):
    finding, _ = find(tmp_path, "value = [list(set(NAMES)), 0]\nexec('value[1] = list(set(NAMES))')")
    assert lines(finding) == [(SET, faults.line_of(tmp_path, "value = ["))]
    assert (finding.proven, finding.text) == (False, orders.PARTLY)


def test_a_program_that_sees_the_watch_is_left_alone(tmp_path):
    finding, _ = find(tmp_path, "import builtins\nvalue = [list(set(NAMES)), len(dir(builtins))]")
    assert (finding.causes, finding.proven, finding.text) == ([], False, orders.WATCHED)


def test_a_clean_program_takes_no_run_more(tmp_path):
    body = "kinds = set(NAMES)\nvalue = sorted(kinds), 'cat' in kinds, len(kinds | {'mouse'})\nprint(kinds)"
    found, runner = faults.diagnose(tmp_path, NAMES + body, (conditions.HASH_SEED,))
    assert (found.verdict, found.host, found.host_free) == ("reproducible", [], [conditions.HASH_SEED])
    assert [outcome.label for outcome in runner.outcomes if "orders" in outcome.label] == []


def shown(found, runner) -> list[str]:
    return tree.text(diagnosis.tree(found, suspects.lint(runner.subject), "program", 1, 9, 1)).splitlines()


def test_from_the_program_to_the_printed_lines(tmp_path):
    """The linter sees two sets: one reaches the result, one does not; what it cannot see is named by its line, too."""
    body = """
        def numbered(items):
            return {item: number for number, item in enumerate(items)}
        a = {name: number for number, name in enumerate(set(NAMES))}
        b = {name: number for number, name in enumerate(set(NAMES) | {"mouse"})}
        value = [a, numbered({name + "s" for name in NAMES})]
        """
    found, runner = faults.diagnose(tmp_path, NAMES + textwrap.dedent(body).strip(), (conditions.HASH_SEED,))
    file = overrides.shown(str(tmp_path / "program.py"), os.getcwd())
    number = faults.line_of(tmp_path, "return {item")
    rows = (tmp_path / "program.py").read_text().splitlines()
    assert [line for line in shown(found, runner) if "program.py:" in line or "proven" in line] == [
        f"│  │  └─ {file}:{number + 1} in <module>: {rows[number]}",
        f"│  │  ├─ {file}:{number} in numbered: {rows[number - 1].strip()}",
        f"│  │  └─ called from: {file}:{number + 3} in <module>: {rows[number + 2]}",
        "│  ├─ proven: with the order of the control at these 2 lines, runs with either hash seed agree; 1 other line with another order changes nothing",
        f"│  ├─ lint: {file}:{number + 1}: BFB402 {BFB402}",
        f"│  └─ lint: {file}:{number + 2}: BFB402 {BFB402}",
    ]
