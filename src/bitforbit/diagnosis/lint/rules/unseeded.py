"""Generators that nobody seeded."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _seeding
from bitforbit.diagnosis.lint.source import Source, argument, has_stars, is_none, keyword


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMPY_DRAWS = _words(
    "beta binomial bytes chisquare choice dirichlet exponential f gamma geometric gumbel hypergeometric "
    "laplace logistic lognormal logseries multinomial multivariate_normal negative_binomial "
    "noncentral_chisquare noncentral_f normal pareto permutation poisson power rand randint randn random "
    "random_integers random_sample ranf rayleigh sample shuffle standard_cauchy standard_exponential "
    "standard_gamma standard_normal standard_t triangular uniform vonmises wald weibull zipf"
)
PYTHON_DRAWS = _words(
    "betavariate binomialvariate choice choices expovariate gammavariate gauss getrandbits lognormvariate "
    "normalvariate paretovariate randbytes randint random randrange sample shuffle triangular uniform "
    "vonmisesvariate weibullvariate"
)
TENSORFLOW_DRAWS = _words(
    "categorical gamma normal poisson shuffle truncated_normal uniform log_uniform_candidate_sampler"
)


def first_of_each(source: Source, calls: list[ast.Call], text: str):
    """Yield one finding for the first call, which counts the others: a file has one cause, not many."""
    if calls:
        more = f" ({len(calls) - 1} more in this file)" if len(calls) > 1 else ""
        yield calls[0], f"{spelled(calls[0])} {text}{more}"


def spelled(call: ast.Call) -> str:
    return f"{ast.unparse(call.func)}()"


class UnseededNumpyGenerator(Rule):
    """A NumPy generator is made without a seed.

    `default_rng()`, `RandomState()` and the bit generators take fresh entropy from the system when they get no seed, or
    `None`. `np.random.seed` and `keras.utils.set_random_seed` do not reach them.

    Bad:

        rng = np.random.default_rng()

    Good:

        rng = np.random.default_rng(seed)
    """

    code, name = "BFB101", "unseeded-numpy-generator"
    MAKERS = ("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")

    def check(self, source):
        for call in source.called(*(f"numpy.random.{maker}" for maker in self.MAKERS)):
            seed = argument(call, 0, "entropy" if spelled(call).startswith("SeedSequence") else "seed")
            seed = next((v for v in (seed, keyword(call, "entropy"), keyword(call, "key")) if v is not None), None)
            if is_none(seed) and not has_stars(call):
                yield call, f"{spelled(call)} without a seed draws fresh entropy. Write {spelled(call)[:-1]}seed)."


class UnseededNumpyGlobal(Rule):
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

    def check(self, source):
        calls = [
            call
            for call, path in source.starting("numpy.random.")
            if path.count(".") == 2 and path.rpartition(".")[2] in NUMPY_DRAWS
        ]
        calls = [call for call in sorted(calls, key=_line) if _seeding.lacks_seed(source, call, _seeding.NUMPY)]
        yield from first_of_each(
            source, calls, "draws from NumPy's global generator, which nothing here seeds."
            " Call keras.utils.set_random_seed(seed) first, or use np.random.default_rng(seed)."
        )  # fmt: skip


class UnseededPython(Rule):
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

    def check(self, source):
        calls = [
            call for call, path in source.starting("random.")
            if path.count(".") == 1 and path.rpartition(".")[2] in PYTHON_DRAWS
        ]  # fmt: skip
        calls = [call for call in sorted(calls, key=_line) if _seeding.lacks_seed(source, call, _seeding.PYTHON)]
        yield from first_of_each(
            source, calls, "draws from Python's random, which nothing here seeds."
            " Call keras.utils.set_random_seed(seed) first, or use random.Random(seed)."
        )  # fmt: skip


class UnseededPythonGenerator(Rule):
    """A `random.Random` is made without a seed, or one that cannot have any.

    `random.Random()` and `random.Random(None)` take entropy from the system; `random.seed()` without an argument does
    the same to the global generator; `random.SystemRandom` ignores every seed.

    Bad:

        rng = random.Random()

    Good:

        rng = random.Random(seed)
    """

    code, name = "BFB104", "unseeded-random-object"

    def check(self, source):
        for call in source.called("random.Random", "random.seed", "numpy.random.seed"):
            given = argument(call, 0, "seed" if "numpy" in source.names.of(call.func) else "a")
            if is_none(given) and not has_stars(call):
                yield call, f"{spelled(call)} without a seed takes entropy from the system. Give it a seed."
        for call in source.called("random.SystemRandom", "secrets.SystemRandom"):
            yield call, f"{spelled(call)} cannot be seeded. Use random.Random(seed)."


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
            if path.count(".") == 2 and path.rpartition(".")[2] in TENSORFLOW_DRAWS
        ]  # fmt: skip
        calls += [call for call in source.methods.get("shuffle", ()) if _is_dataset_shuffle(source, call)]
        calls = [
            call for call in sorted(calls, key=_line)
            if is_none(keyword(call, "seed")) and not has_stars(call)
            and _seeding.lacks_seed(source, call, _seeding.TENSORFLOW)
        ]  # fmt: skip
        yield from first_of_each(
            source, calls, "draws from TensorFlow's global generator, which nothing here seeds."
            " Call keras.utils.set_random_seed(seed) first."
        )  # fmt: skip


def _is_dataset_shuffle(source: Source, call: ast.Call) -> bool:
    """`rng.shuffle(x)` of NumPy and Python returns nothing, so its value is never used; a dataset's always is."""
    if not source.imports("tensorflow") or isinstance(call.parent, ast.Expr):
        return False
    return keyword(call, "buffer_size") is not None or len(call.args) == 1


class NonDeterministicState(Rule):
    """A generator is made from the system's entropy by name.

    Bad:

        generator = tf.random.Generator.from_non_deterministic_state()

    Good:

        generator = tf.random.Generator.from_seed(seed)
    """

    code, name = "BFB106", "non-deterministic-state"

    def check(self, source):
        name = "from_non_deterministic_state"
        paths = (f"tensorflow.random.Generator.{name}", f"tensorflow.random.experimental.Generator.{name}")
        for call in [*source.called(*paths), *source.methods.get(name, ())]:
            yield call, f"{spelled(call)} takes the system's entropy. Use tf.random.Generator.from_seed(seed)."


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
        fits = [call for call in source.methods.get("fit", ()) if _is_keras_fit(call)]
        makes = any(_seeding.makes_model(path) for path in source.by_path)
        if fits and makes and not source.called(*_seeding.GLOBAL):
            yield (
                fits[0],
                f"{spelled(fits[0])} trains a model and nothing here seeds. Call keras.utils.set_random_seed(seed)"
                " before the first layer.",
            )


def _is_keras_fit(call: ast.Call) -> bool:
    """scikit-learn's `fit` has none of these keywords."""
    return any(
        word.arg in ("epochs", "batch_size", "validation_data", "callbacks", "steps_per_epoch")
        for word in call.keywords
    )


class ScikitRandomState(Rule):
    """scikit-learn is left to draw from NumPy's global generator, or splits without `random_state`.

    With `random_state=None` each split and each estimator depends on everything that was drawn before, and on nothing
    at all where NumPy's global generator was not seeded.

    Bad:

        x_train, x_test = sklearn.model_selection.train_test_split(x)

    Good:

        x_train, x_test = sklearn.model_selection.train_test_split(x, random_state=seed)
    """

    code, name = "BFB108", "sklearn-random-state"
    ALWAYS = _words(
        "train_test_split ShuffleSplit GroupShuffleSplit StratifiedShuffleSplit RepeatedKFold "
        "RepeatedStratifiedKFold RandomForestClassifier RandomForestRegressor ExtraTreesClassifier "
        "ExtraTreesRegressor IsolationForest KMeans MiniBatchKMeans SGDClassifier SGDRegressor Perceptron "
        "MLPClassifier MLPRegressor GaussianMixture TSNE RandomizedSearchCV BaggingClassifier BaggingRegressor "
        "GaussianRandomProjection SparseRandomProjection make_blobs make_classification make_regression "
        "make_moons make_circles shuffle resample NMF FastICA TruncatedSVD LatentDirichletAllocation"
    )
    WHERE_SHUFFLED = frozenset(("KFold", "StratifiedKFold", "StratifiedGroupKFold"))

    def check(self, source):
        for call, path in source.starting("sklearn."):
            name = path.rpartition(".")[2]
            shuffles = keyword(call, "shuffle")
            wanted = name in self.ALWAYS or (name in self.WHERE_SHUFFLED and _is_true(shuffles))
            if name == "train_test_split" and isinstance(shuffles, ast.Constant) and shuffles.value is False:
                continue
            if wanted and is_none(keyword(call, "random_state")) and not has_stars(call):
                yield (
                    call,
                    f"{spelled(call)} without random_state draws from a generator that it does not own. Give it"
                    " random_state=seed.",
                )


class PandasSample(Rule):
    """A pandas frame is sampled without `random_state`.

    `sample` then draws from NumPy's global generator.

    Bad:

        frame = frame.sample(frac=1)

    Good:

        frame = frame.sample(frac=1, random_state=seed)
    """

    code, name = "BFB109", "pandas-sample"

    def check(self, source):
        if not source.imports("pandas"):
            return
        for call in source.methods.get("sample", ()):
            known = any(word.arg in ("frac", "n", "replace", "weights") for word in call.keywords)
            if known and is_none(keyword(call, "random_state")) and not has_stars(call):
                yield (
                    call,
                    f"{spelled(call)} draws from NumPy's global generator. Give it random_state=seed.",
                )


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _line(call: ast.Call) -> tuple[int, int]:
    return call.lineno, call.col_offset
