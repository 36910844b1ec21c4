"""Work that runs side by side, where its order or its draws reach data."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules.unseeded import NUMPY_DRAWS, PYTHON_DRAWS, TENSORFLOW_DRAWS
from bitforbit.diagnosis.lint.source import Source, argument, arguments, has_stars, is_none, keyword

AUTOTUNE = ("tensorflow.data.AUTOTUNE", "tensorflow.data.experimental.AUTOTUNE")
POOLS = (
    "multiprocessing.Pool", "multiprocessing.pool.Pool", "multiprocessing.pool.ThreadPool",
    "multiprocessing.dummy.Pool", "concurrent.futures.ThreadPoolExecutor", "concurrent.futures.ProcessPoolExecutor",
)  # fmt: skip
THREADS = ("threading.Thread", "threading.Timer", "_thread.start_new_thread", "multiprocessing.Process")


class NotDeterministicPipeline(Rule):
    """A tf.data pipeline is told that order does not matter.

    `deterministic=False` hands elements over as they become ready.

    Bad:

        dataset.map(parse, num_parallel_calls=8, deterministic=False)

    Good:

        dataset.map(parse, num_parallel_calls=8)
    """

    code, name = "BFB501", "not-deterministic-pipeline"
    OPTIONS = ("deterministic", "experimental_deterministic")

    def check(self, source):
        for calls in source.methods.values():
            for call in calls:
                if _is_false(keyword(call, "deterministic")):
                    yield call, "deterministic=False lets the faster element go first. Leave it out."
        for node in source.assignments:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute) and target.attr in self.OPTIONS and _is_false(node.value):
                    yield node, f"{ast.unparse(target)} = False lets the faster element go first. Leave it out."


class ParallelStatefulMap(Rule):
    """A parallel `map` calls a function that draws from a generator with a state.

    Which element gets which draw depends on which thread comes first. Under op determinism TensorFlow runs such a map
    serially, but not where the draw hides in Python (`py_function`, NumPy, `random`).

    Bad:

        dataset.map(lambda x: x + tf.random.normal([8]), num_parallel_calls=tf.data.AUTOTUNE)

    Good:

        seeds = tf.data.Dataset.random(seed=1).batch(2)
        tf.data.Dataset.zip((dataset, seeds)).map(
            lambda x, seed: x + tf.random.stateless_normal([8], seed), num_parallel_calls=tf.data.AUTOTUNE)
    """

    code, name = "BFB502", "parallel-stateful-map"

    def check(self, source):
        told: set[int] = set()
        for call in source.methods.get("map", ()):
            if is_none(keyword(call, "num_parallel_calls")) or not call.args:
                continue
            draw = first_draw(source, function_of(source, call.args[0]))
            if draw is not None and id(draw) not in told:
                told.add(id(draw))
                yield (
                    draw,
                    (
                        f"{ast.unparse(draw.func)}() draws inside a parallel map (line {call.lineno}): which element"
                        " gets"
                        " which draw depends on the threads. Use tf.random.stateless_* with a seed for each element."
                    ),
                )


class TraceTimeDraw(Rule):
    """Python or NumPy randomness inside a function that TensorFlow traces.

    `Dataset.map` and `tf.function` run their Python once: the number drawn then is a constant for all elements; and a
    generator without a seed draws another constant in each run.

    Bad:

        dataset.map(lambda x: x + np.random.rand())

    Good:

        dataset.map(lambda x: x + tf.random.uniform([]))
    """

    code, name = "BFB507", "trace-time-draw"

    def check(self, source):
        if not source.imports("tensorflow"):
            return
        for call in source.methods.get("map", ()):
            if not call.args or is_none(keyword(call, "num_parallel_calls")) is False:
                continue
            function = function_of(source, call.args[0])
            draw = first_draw(source, function, python_only=True)
            if draw is not None and not any(isinstance(n, ast.Attribute) and n.attr in ("py_function", "numpy_function")
                                            for n in ast.walk(function)):  # fmt: skip
                yield (
                    draw,
                    f"{ast.unparse(draw.func)}() runs once, while map (line {call.lineno}) is traced, and is a"
                    " constant after. Use tf.random.",
                )


class OpenInterleave(Rule):
    """`interleave` or a reader leaves the number of inputs in turn to the host.

    The default of `cycle_length`, and `AUTOTUNE`, is the number of CPUs: the order of elements changes from host to
    host, even under op determinism.

    Bad:

        files.interleave(tf.data.TFRecordDataset, num_parallel_calls=tf.data.AUTOTUNE)

    Good:

        files.interleave(tf.data.TFRecordDataset, cycle_length=4, num_parallel_calls=tf.data.AUTOTUNE)
    """

    code, name = "BFB503", "open-interleave"

    def check(self, source):
        for call in source.methods.get("interleave", ()):
            length = argument(call, 1, "cycle_length")
            if not has_stars(call) and (length is None or is_autotune(source, length)):
                yield (
                    call,
                    "interleave without a fixed cycle_length takes the number of CPUs, which changes the order."
                    " Write cycle_length=4.",
                )
        for call, _ in source.starting("tensorflow.data."):
            reads = keyword(call, "num_parallel_reads")
            if reads is not None and is_autotune(source, reads):
                yield (
                    call,
                    "num_parallel_reads=AUTOTUNE takes the number of CPUs, which changes the order. Write a number.",
                )


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
            if source.uses_keras and (_is_true(processes) or (many and _is_loader(call))):
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
        told: set[int] = set()
        for function, starter in started(source):
            append = _appends_outside(function)
            if append is not None and id(append) not in told:
                told.add(id(append))
                yield (
                    append,
                    (
                        f"threads (started on line {starter.lineno}) append here in the order in which they come."
                        " Use pool.map, which keeps the order, or store by index."
                    ),
                )
        for call in source.called(*self.UNORDERED):
            loop = call.parent
            if isinstance(loop, (ast.For, ast.comprehension)) and not _stores_by_key(loop):
                yield call, "as_completed gives results in the order in which they finish. Use pool.map, or sort them."
        for name in ("imap_unordered",):
            for call in source.methods.get(name, ()):
                if not _is_sorted(call):
                    yield call, f"{name} gives results in the order in which they finish. Use imap, or sort them."


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
        for function, starter in started(source):
            draw = first_draw(source, function)
            if draw is not None:
                yield (
                    draw,
                    (
                        f"{ast.unparse(draw.func)}() draws from a global generator in a worker (started on line"
                        f" {starter.lineno}). Hand each task a seed of its own: np.random.SeedSequence(seed).spawn(n)."
                    ),
                )


def started(source: Source):
    """Yield `(function, call)` for each function of this file that a thread, process or pool is given."""
    for call in source.called(*THREADS):
        target = keyword(call, "target") or (call.args[1] if len(call.args) > 1 else None)
        function = function_of(source, target) if target is not None else None
        if function is not None:
            yield function, call
    if source.called(*POOLS) or any(
        path.startswith(("multiprocessing", "concurrent.futures")) for path in source.names.paths.values()
    ):
        for method in ("submit", "apply_async", "map", "imap", "starmap", "imap_unordered", "map_async"):
            for call in source.methods.get(method, ()):
                function = function_of(source, call.args[0]) if call.args else None
                if function is not None and keyword(call, "num_parallel_calls") is None and not _on_dataset(call):
                    yield function, call


def _on_dataset(call: ast.Call) -> bool:
    """A pool's variable is called pool or executor more often than a dataset's is."""
    owner = ast.unparse(call.func.value).lower() if isinstance(call.func, ast.Attribute) else ""
    return not any(word in owner for word in ("pool", "executor", "exe"))


def function_of(source: Source, node: ast.expr):
    """Return the lambda or the function of this file that `node` names, else `None`."""
    if isinstance(node, ast.Lambda):
        return node
    if isinstance(node, ast.Name):
        return source.functions.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
        return source.functions.get(node.attr)
    return None


def first_draw(source: Source, function, python_only: bool = False, depth: int = 2) -> ast.Call | None:
    """Return the first draw from a global generator inside `function`, and in functions of this file that it calls."""
    if function is None:
        return None
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        path = source.names.of(node.func)
        owner, _, last = path.rpartition(".")
        if (owner == "numpy.random" and last in NUMPY_DRAWS) or (owner == "random" and last in PYTHON_DRAWS):
            return node
        if path == "numpy.random.default_rng" and is_none(argument(node, 0, "seed")):
            return node
        if not python_only and owner == "tensorflow.random" and last in TENSORFLOW_DRAWS:
            return node
        if depth and not path and isinstance(node.func, ast.Name) and node.func.id in source.functions:
            found = first_draw(source, source.functions[node.func.id], python_only, depth - 1)
            if found is not None:
                return found
    return None


def is_autotune(source: Source, node: ast.expr) -> bool:
    minus_one = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and ast.unparse(node) == "-1"
    return minus_one or source.names.of(node) in AUTOTUNE


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


def _is_true(node) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_false(node) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
