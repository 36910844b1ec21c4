"""tf.data pipelines whose order, or whose draws, threads decide."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _workers
from bitforbit.diagnosis.lint.source import argument, has_stars, is_false, is_none, keyword, once


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
                if is_false(keyword(call, "deterministic")):
                    yield call, "deterministic=False lets the faster element go first. Leave it out."
        for node in source.assignments:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute) and target.attr in self.OPTIONS and is_false(node.value):
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
        draws = (
            (_workers.first_draw(source, _workers.function_of(source, call.args[0])), call)
            for call in source.methods.get("map", ())
            if call.args and not is_none(keyword(call, "num_parallel_calls"))
        )
        for draw, call in once(draws):
            yield (
                draw,
                f"{ast.unparse(draw.func)}() draws inside a parallel map (line {call.lineno}): which element gets"
                " which draw depends on the threads. Use tf.random.stateless_* with a seed for each element.",
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
            function = _workers.function_of(source, call.args[0])
            draw = _workers.first_draw(source, function, python_only=True)
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
            if not has_stars(call) and (length is None or _workers.is_autotune(source, length)):
                yield (
                    call,
                    "interleave without a fixed cycle_length takes the number of CPUs, which changes the order."
                    " Write cycle_length=4.",
                )
        for call, _ in source.starting("tensorflow.data."):
            reads = keyword(call, "num_parallel_reads")
            if reads is not None and _workers.is_autotune(source, reads):
                yield (
                    call,
                    "num_parallel_reads=AUTOTUNE takes the number of CPUs, which changes the order. Write a number.",
                )
