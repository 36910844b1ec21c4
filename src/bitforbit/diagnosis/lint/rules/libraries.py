"""scikit-learn and pandas, which draw from NumPy's global generator unless they are told otherwise."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _draws
from bitforbit.diagnosis.lint.source import has_stars, is_none, is_true, keyword


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
    ALWAYS = _draws.words(
        "train_test_split ShuffleSplit GroupShuffleSplit StratifiedShuffleSplit RepeatedKFold "
        "RepeatedStratifiedKFold RandomForestClassifier RandomForestRegressor ExtraTreesClassifier "
        "ExtraTreesRegressor IsolationForest KMeans MiniBatchKMeans SGDClassifier SGDRegressor Perceptron "
        "MLPClassifier MLPRegressor GaussianMixture TSNE RandomizedSearchCV BaggingClassifier "
        "BaggingRegressor GaussianRandomProjection SparseRandomProjection make_blobs make_classification "
        "make_regression make_moons make_circles shuffle resample NMF FastICA TruncatedSVD "
        "LatentDirichletAllocation"
    )
    WHERE_SHUFFLED = frozenset(("KFold", "StratifiedKFold", "StratifiedGroupKFold"))

    def check(self, source):
        for call, path in source.starting("sklearn."):
            name = path.rpartition(".")[2]
            shuffles = keyword(call, "shuffle")
            wanted = name in self.ALWAYS or (name in self.WHERE_SHUFFLED and is_true(shuffles))
            if name == "train_test_split" and isinstance(shuffles, ast.Constant) and shuffles.value is False:
                continue
            if wanted and is_none(keyword(call, "random_state")) and not has_stars(call):
                yield (
                    call,
                    f"{_draws.spelled(call)} without random_state draws from a generator that it does not own. Give it"
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
                    f"{_draws.spelled(call)} draws from NumPy's global generator. Give it random_state=seed.",
                )
