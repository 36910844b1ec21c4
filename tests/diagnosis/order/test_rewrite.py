"""Rewritten code does what the source does: values, order of evaluation, messages, lines; and so do sets brought back."""

import builtins
import contextlib
import copy
import io
import json
import pickle
import traceback

import pytest
from support import PROJECT

from bitforbit.diagnosis.order import install, keys, ordered, rewrite
from bitforbit.diagnosis.order.watch import Watch

# Each leaves `value`, or raises.
SOURCES = {
    "order of evaluation": "said = []\ndef say(x):\n    said.append(x)\n    return x\nvalue = [sorted({say(2), say(1)}, key=say), "
    "dict(a=say(3), **{'b': say(4)}), max(say(5), say(6)), say(*[say(7)])], said",
    "scopes": "x = 1\nclass A:\n    y = [x for x in range(3)]\n    def f(self, n=len('ab')):\n        return super().__hash__ and [n, *locals()]\n"
    "value = A.y, A().f()",
    "generators": "def g(s):\n    yield from sorted(s)\n    got = yield 1\n    yield got\nit = g({3, 1})\n"
    "value = [next(it), next(it), next(it), it.send(5)]",
    "coroutines": "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x\nasync def a():\n    for i in range(2):\n        yield i\n"
    "async def main():\n    return [await f(list({1})), [i async for i in a()]]\nvalue = asyncio.run(main())",
    "a local of the name hash": "def f(hash):\n    return hash('x')\nvalue = f(len), hash(7), hash((1, 2))",
    "pop of other things": "value = [1, 2].pop(), [1, 2].pop(0), {'a': 1}.pop('a'), {'a': 1}.popitem()\nclass P:\n    pop = 3\nvalue += (P.pop,)",
    "pop of an empty set": "s = set()\ntry:\n    s.pop()\nexcept KeyError as error:\n    value = str(error)",
    "a set that a callee changes": "def add(s):\n    s.add(4)\ns = {1, 2}\nadd(s)\ns.update({9})\ns |= {7}\nvalue = sorted(s)",
    "annotations as texts": "from __future__ import annotations\ndef f(a: set(list({1})), *b: tuple(a)) -> list(c): ...\nx: list(d) = 2\n"
    "value = f.__annotations__, __annotations__",
    "a set of constants": "value = [x for x in {17, 1, 2, 3, 40}] + [x in {4, 5} for x in (4, 6)]\nfor y in {'a'}:\n    value.append(y)",
    "matching": "match {'k': [1, 2]}:\n    case {'k': [a, *rest]}:\n        value = a, rest",
    "a trace": "def f(x):\n    return 1 / len(x)\nvalue = [\n    f(\n        list(set()),\n    )\n    for _ in range(1)\n]",
    "a trace of an iteration": "for x in (\n    len\n):\n    pass",
    "a trace of hash": "value = hash(\n    [1])",
}  # fmt: skip


def outcome(code) -> tuple:
    """The value, what was printed, and the lines of a traceback without those of the watch."""
    said, namespace, raised = io.StringIO(), {"__name__": "program"}, []
    with contextlib.redirect_stdout(said):
        try:
            exec(code, namespace)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            raised = [repr(error), [(frame.lineno, frame.name) for frame in frames if frame.filename == "program.py"]]
    return repr(namespace.get("value")), said.getvalue(), raised


@contextlib.contextmanager
def watching(known=None, chosen=None):
    """Rewrite and run under a watch: yields `(run, lines of its log)`."""
    log: list[dict] = []
    watch = Watch(lambda line: log.append(json.loads(line)), known, chosen)
    for kind, function in watch.functions().items():
        setattr(builtins, rewrite.NAMES[kind], function)
    try:
        yield lambda source: outcome(rewrite.compiled(source, "program.py", watch.sites)), log
    finally:
        for name in rewrite.NAMES.values():
            delattr(builtins, name)


@pytest.mark.parametrize("name", SOURCES)
def test_rewritten_code_does_the_same(name):
    stock = outcome(compile(SOURCES[name], "program.py", "exec", dont_inherit=True))
    with watching() as (run, log):
        assert run(SOURCES[name]) == stock
    with watching(log) as (run, _):
        assert run(SOURCES[name]) == stock


def test_all_of_our_own_source_can_be_rewritten():
    for path in sorted((PROJECT / "src").rglob("*.py")):
        rewrite.compiled(path.read_bytes(), str(path), [])


def test_what_is_no_python_is_left_to_python():
    watch = Watch(lambda line: None)
    assert install._rewritten(b"for x in set(a):\n    pass\nbroken(", "/x/program.py", watch) is None
    assert watch.sites == []


def test_a_function_with_a_compiler_of_its_own_is_left_alone():
    sites: list = []
    rewrite.compiled("@numba.njit(cache=True)\ndef f(x):\n    return list(x)\n", "program.py", sites)
    assert sites == []


def test_orders_are_brought_back_site_by_site():
    """The log is that of a run in which each set had the reverse of its order here."""
    source = "s = {'a', 'b', 'c', 'd'}\nvalue = list(s)\nvalue += s\nvalue.append(s.pop())\nvalue.append(hash('a'))"
    own = list({"a", "b", "c", "d"})  # noqa: BFB402 this order is what is brought back in reverse
    with watching() as (run, log):
        run(source)
    assert [set(line) - {"site", "count"} for line in log] == [
        {"content", "places"}, {"content", "places"}, {"popped"}, {"name", "value"},
    ]  # fmt: skip
    log[0]["places"].reverse()
    log[1]["places"].reverse()
    log[2]["popped"], log[3]["value"] = repr(own[-1]), 5
    back, last = [*reversed(own)], own[-1]
    with watching(log) as (run, moved):
        assert run(source)[0] == repr([*back, *back, last, 5])
    assert [line["moved"] for line in moved] == [line["site"] for line in log]
    assert [line["stack"][0] for line in moved] == [["program.py", line, "<module>"] for line in (2, 3, 4, 5)]
    with watching(log, {log[1]["site"]}) as (run, moved):
        assert run(source)[0] == repr([*own, *back, own[0], hash("a")])
    assert len(moved) == 1


@pytest.mark.parametrize("kind", [set, frozenset])
def test_an_ordered_set_is_a_set_in_all_else(kind):
    original = kind("abc")
    made = ordered.ordered(original, ["c", "a", "b"])
    assert (list(made), sorted(made), "c" in made, len(made)) == (["c", "a", "b"], ["a", "b", "c"], True, 3)
    assert made == original and isinstance(made, kind) and made | {"d"} == original | {"d"}
    assert repr(made) == repr(original).replace(", ".join(map(repr, original)), "'c', 'a', 'b'")
    assert {type(again) for again in (pickle.loads(pickle.dumps(made)), copy.copy(made))} == {kind}


class Named:
    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return 1


def test_names_are_those_of_contents():
    assert keys.name(("a", 1, None, frozenset({"b", "a"}))) == "('a',1,None,set:[\"'a'\", \"'b'\"],)"
    assert keys.name(Named("x")) == keys.name(Named("x")) != keys.name(Named("y"))
    for nameless in (object(), print.__call__, [object()]):
        with pytest.raises(keys.Unnamed):
            keys.name(nameless)
    assert keys.order([object(), "a"]) is None
    assert keys.order([Named("x"), Named("x")]) is None
    assert keys.order(["b", "a"]) == (keys.order(["a", "b"]).content, [1, 0], ["a", "b"])
