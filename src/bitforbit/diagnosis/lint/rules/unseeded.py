"""Draws from global generators that nobody seeded."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _draws, _seeding
from bitforbit.diagnosis.lint.source import Source, has_stars, is_none, keyword


class _UnseededGlobal(Rule):
    """A library's global generator is used and nothing in the file seeds it."""

    module, draws, seeding = "", frozenset(), ()
    advice = ""

    def check(self, source):
        calls = [
            call
            for call, path in source.starting(f"{self.module}.")
            if path.rpartition(".")[0] == self.module and path.rpartition(".")[2] in self.draws
        ]
        calls = [call for call in sorted(calls, key=_draws.line) if _seeding.lacks_seed(source, call, self.seeding)]
        yield from _draws.first_of_each(source, calls, self.advice)


class UnseededNumpyGlobal(_UnseededGlobal):
    """NumPy's global generator is used and nothing in the file seeds it.

    Such a draw differs from run to run. Under `bitforbit run` and `train` the global generator is seeded before your
    code starts; everywhere else a script has to do it.

    Bad:

        order = np.random.permutation(len(x))

    Good:

        keras.utils.set_random_seed(1)
        order = np.random.permutation(len(x))

    Better, because no other code can move it:

        order = np.random.default_rng(1).permutation(len(x))
    """

    code, name = "BFB102", "unseeded-numpy-global"
    module, draws, seeding = "numpy.random", _draws.NUMPY_DRAWS, _seeding.NUMPY
    advice = (
        "draws from NumPy's global generator, which nothing here seeds."
        " Call keras.utils.set_random_seed(seed) first, or use np.random.default_rng(seed)."
    )


class UnseededPython(_UnseededGlobal):
    """Python's `random` is used and nothing in the file seeds it.

    `np.random.seed` and `tf.random.set_seed` do not reach it: a shuffle of file names by `random.shuffle` then differs
    in each run.

    Bad:

        np.random.seed(1)
        random.shuffle(paths)

    Good:

        keras.utils.set_random_seed(1)
        random.shuffle(paths)

    Better:

        random.Random(1).shuffle(paths)
    """

    code, name = "BFB103", "unseeded-python-random"
    module, draws, seeding = "random", _draws.PYTHON_DRAWS, _seeding.PYTHON
    advice = (
        "draws from Python's random, which nothing here seeds."
        " Call keras.utils.set_random_seed(seed) first, or use random.Random(seed)."
    )


class UnseededTensorflow(Rule):
    """A TensorFlow op draws with neither a seed of its own nor a global one.

    Without a seed `tf.random.normal` and its siblings, and `Dataset.shuffle`, start elsewhere in each run; with op
    determinism on they raise.

    Bad:

        noise = tf.random.normal(shape)

    Good:

        keras.utils.set_random_seed(1)
        noise = tf.random.normal(shape)
    """

    code, name = "BFB105", "unseeded-tensorflow"

    def check(self, source):
        calls = [
            call for call, path in source.starting("tensorflow.random.")
            if path.count(".") == 2 and path.rpartition(".")[2] in _draws.TENSORFLOW_DRAWS
        ]  # fmt: skip
        calls += [call for call in source.methods.get("shuffle", ()) if _is_dataset_shuffle(source, call)]
        calls = [
            call for call in sorted(calls, key=_draws.line)
            if is_none(keyword(call, "seed")) and not has_stars(call)
            and _seeding.lacks_seed(source, call, _seeding.TENSORFLOW)
        ]  # fmt: skip
        yield from _draws.first_of_each(
            source, calls, "draws from TensorFlow's global generator, which nothing here seeds."
            " Call keras.utils.set_random_seed(seed) first."
        )  # fmt: skip


def _is_dataset_shuffle(source: Source, call: ast.Call) -> bool:
    """`rng.shuffle(x)` of NumPy and Python returns nothing, so its value is never used; a dataset's always is."""
    if not source.imports("tensorflow") or isinstance(call.parent, ast.Expr):
        return False
    return keyword(call, "buffer_size") is not None or len(call.args) == 1


class UnseededTraining(Rule):
    """A script trains a Keras model and seeds nothing.

    Initial weights, dropout and the order of batches then differ in every run. Under `bitforbit run` the seed comes
    from `--seed`.

    Bad:

        model = keras.Sequential([keras.layers.Dense(1)])
        model.fit(x, y, epochs=3)

    Good:

        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Dense(1)])
        model.fit(x, y, epochs=3)
    """

    code, name = "BFB107", "unseeded-training"

    def check(self, source):
        fits = [call for call in source.methods.get("fit", ()) if _seeding.is_keras_fit(call)]
        makes = any(_seeding.makes_model(path) for path in source.by_path)
        if fits and makes and not source.called(*_seeding.GLOBAL):
            yield (
                fits[0],
                f"{_draws.spelled(fits[0])} trains a model and nothing here seeds."
                " Call keras.utils.set_random_seed(seed) before the first layer.",
            )
