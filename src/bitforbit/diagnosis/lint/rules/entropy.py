"""Seeds that come from the clock, the system's entropy or the process."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _seeding
from bitforbit.diagnosis.lint.source import Source, once

CLOCK = (
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
    "time.process_time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "time.localtime", "time.strftime", "time.gmtime", "tensorflow.timestamp",
)  # fmt: skip
SYSTEM = (
    "os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "secrets.randbits", "secrets.randbelow", "secrets.choice",
    "secrets.token_bytes", "secrets.token_hex", "secrets.token_urlsafe",
)  # fmt: skip
PROCESS = (
    "os.getpid",
    "os.getppid",
    "threading.get_ident",
    "threading.get_native_id",
    "id",
    "hash",
    "socket.gethostname",
)
TAKES_SEED = (
    *_seeding.GLOBAL, "random.Random", "numpy.random.default_rng", "numpy.random.RandomState", "numpy.random.PCG64",
    "numpy.random.SeedSequence", "numpy.random.MT19937", "numpy.random.Philox", "keras.random.SeedGenerator",
    "tensorflow.random.Generator.from_seed", "tensorflow.random.create_rng_state",
    "jax.random.key", "jax.random.PRNGKey",
)  # fmt: skip
SEED_WORDS = ("seed", "random_state", "random_seed")


class _ChangingSeed(Rule):
    paths: tuple[str, ...] = ()
    what = ""

    def check(self, source):
        origins = (origin for value in seeds(source) for origin in _seeding.origins(source, value))
        for call, _ in once((call, path) for call, path in origins if path in self.paths):
            yield (
                call,
                f"{ast.unparse(call.func)}() as a seed: {self.what}. Write the seed down: an argument, or a constant.",
            )


def seeds(source: Source):
    """Yield each expression that becomes a seed: arguments of seeding calls, `seed=` keywords, names called seed."""
    for call in source.called(*TAKES_SEED):
        yield from call.args
    for call, _ in source.calls:
        for word in call.keywords:
            if word.arg in SEED_WORDS:
                yield word.value
    for node in source.assignments:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [target.id if isinstance(target, ast.Name) else getattr(target, "attr", "") for target in targets]
        if node.value is not None and any(name.lower().endswith(("seed", "random_state")) for name in names):
            yield node.value


class TimeAsSeed(_ChangingSeed):
    """A seed is taken from the clock.

    Every run then has another seed, and nobody knows it afterwards.

    Bad:

        keras.utils.set_random_seed(int(time.time()))

    Good:

        keras.utils.set_random_seed(args.seed)
    """

    code, name = "BFB301", "time-as-seed"
    paths = CLOCK
    what = "it changes with the clock, so no run can be repeated"


class EntropyAsSeed(_ChangingSeed):
    """A seed is taken from the system's entropy: uuid, secrets, os.urandom.

    Bad:

        rng = np.random.default_rng(secrets.randbits(128))

    Good:

        rng = np.random.default_rng(args.seed)
    """

    code, name = "BFB302", "entropy-as-seed"
    paths = SYSTEM
    what = "it is fresh entropy in each run"


class ProcessAsSeed(_ChangingSeed):
    """A seed is taken from the process: its id, a thread's id, an address, the hash of a text.

    `hash()` of a text changes with `PYTHONHASHSEED`, `id()` with where memory lies.

    Bad:

        rng = np.random.default_rng(os.getpid())

    Good, for one stream for each worker:

        rng = np.random.default_rng([seed, worker_number])
    """

    code, name = "BFB303", "process-as-seed"
    paths = PROCESS
    what = "it changes from process to process"
