"""Threads, processes and loaders, where their order or their draws reach data."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _workers
from bitforbit.diagnosis.lint.source import arguments, is_true, keyword, once


class ParallelLoader(Rule):
    """A Keras loader uses several workers.

    A `PyDataset` with `workers` above 1 shuffles with Python's global `random` in a thread; the workers of
    `use_multiprocessing` are not seeded at all.

    Bad:

        super().__init__(workers=4, use_multiprocessing=True)

    Good:

        super().__init__(workers=1)
    """

    code, name = "BFB504", "parallel-loader"

    def check(self, source):
        for call, _ in source.calls:
            several, processes = keyword(call, "workers"), keyword(call, "use_multiprocessing")
            many = isinstance(several, ast.Constant) and isinstance(several.value, int) and several.value > 1
            if source.uses_keras and (is_true(processes) or (many and _is_loader(call))):
                yield (
                    call,
                    "several workers load in their own order, with their own draws. Write workers=1.",
                )


class SharedInThreads(Rule):
    """Threads append to one list, or take results as they finish.

    The order in the list is then the order in which threads came, which changes from run to run.

    Bad:

        def work(path):
            rows.append(read(path))
        for path in paths:
            threading.Thread(target=work, args=(path,)).start()

    Good:

        with concurrent.futures.ThreadPoolExecutor() as pool:
            rows = list(pool.map(read, paths))
    """

    code, name = "BFB505", "shared-in-threads"
    UNORDERED = ("concurrent.futures.as_completed", "asyncio.as_completed")

    def check(self, source):
        appends = ((_appends_outside(function), starter) for function, starter in _workers.started(source))
        for append, starter in once(appends):
            yield (
                append,
                f"threads (started on line {starter.lineno}) append here in the order in which they come."
                " Use pool.map, which keeps the order, or store by index.",
            )
        for call in source.called(*self.UNORDERED):
            loop = call.parent
            if isinstance(loop, (ast.For, ast.comprehension)) and not _stores_by_key(loop):
                yield call, "as_completed gives results in the order in which they finish. Use pool.map, or sort them."
        for call in source.methods.get("imap_unordered", ()):
            if not _is_sorted(call):
                yield call, "imap_unordered gives results in the order in which they finish. Use imap, or sort them."


class DrawsInThreads(Rule):
    """Threads or processes draw from a global generator.

    Threads share it, so who draws first gets the first number; processes that were forked all get the same numbers, and
    spawned ones are not seeded.

    Bad:

        def augment(image):
            return image + np.random.normal(size=image.shape)
        with multiprocessing.Pool() as pool:
            pool.map(augment, images)

    Good:

        def augment(image, seed):
            return image + np.random.default_rng(seed).normal(size=image.shape)
        with multiprocessing.Pool() as pool:
            pool.starmap(augment, zip(images, np.random.SeedSequence(1).spawn(len(images))))
    """

    code, name = "BFB506", "draws-in-threads"

    def check(self, source):
        for function, starter in _workers.started(source):
            draw = _workers.first_draw(source, function)
            if draw is not None:
                yield (
                    draw,
                    (
                        f"{ast.unparse(draw.func)}() draws from a global generator in a worker (started on line"
                        f" {starter.lineno}). Hand each task a seed of its own: np.random.SeedSequence(seed).spawn(n)."
                    ),
                )


def _appends_outside(function) -> ast.Call | None:
    """Return the first `x.append(...)` in `function` where `x` is none of its own names."""
    if isinstance(function, ast.Lambda):
        own: set[str] = set()
    else:
        own = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        outside = (ast.Global, ast.Nonlocal)
        own -= {name for node in ast.walk(function) if isinstance(node, outside) for name in node.names}
    parameters = {one.arg for one in arguments(function)}
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("append", "extend")
        ):
            owner = node.func.value
            told = not all(isinstance(given, ast.Constant) for given in node.args)
            if told and isinstance(owner, ast.Name) and owner.id not in own | parameters:
                return node
    return None


def _stores_by_key(loop) -> bool:
    """Results that go into a dict or list by a key are in order again."""
    if isinstance(loop, ast.comprehension):
        return isinstance(loop.parent, (ast.DictComp, ast.SetComp))
    collects = [
        n
        for s in loop.body
        for n in ast.walk(s)
        if isinstance(n, ast.Call) and getattr(n.func, "attr", "") in ("append", "extend")
    ]
    return not collects


def _is_sorted(call: ast.Call) -> bool:
    return isinstance(call.parent, ast.Call) and ast.unparse(call.parent.func) in ("sorted", "set", "dict", "sum")


def _is_loader(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name.endswith(("__init__", ".fit", ".evaluate", ".predict", "Dataset", "Sequence"))
