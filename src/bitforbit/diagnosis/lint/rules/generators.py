"""Generator objects that are made without a seed."""

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _draws
from bitforbit.diagnosis.lint.source import argument, has_stars, is_none, keyword


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
            seed = argument(call, 0, "entropy" if _draws.spelled(call).startswith("SeedSequence") else "seed")
            seed = next((v for v in (seed, keyword(call, "entropy"), keyword(call, "key")) if v is not None), None)
            if is_none(seed) and not has_stars(call):
                name = _draws.spelled(call)
                yield call, f"{name} without a seed draws fresh entropy. Write {name[:-1]}seed)."


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
                yield call, f"{_draws.spelled(call)} without a seed takes entropy from the system. Give it a seed."
        for call in source.called("random.SystemRandom", "secrets.SystemRandom"):
            yield call, f"{_draws.spelled(call)} cannot be seeded. Use random.Random(seed)."


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
            yield call, f"{_draws.spelled(call)} takes the system's entropy. Use tf.random.Generator.from_seed(seed)."
