"""What op determinism does not cover, and what it makes raise."""

import ast
import csv
import functools
from pathlib import Path
from typing import NamedTuple

from bitforbit import audit
from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _workers
from bitforbit.diagnosis.lint.rules.configuration import DETERMINISM
from bitforbit.diagnosis.lint.source import Source, argument, has_stars, inside, is_none


class OutsideDeterminism(Rule):
    """A way to run a model that op determinism does not cover.

    `enable_op_determinism` names TF1 sessions and parameter servers as outside of its promise: steps run, and add, in
    the order in which they arrive.

    Bad:

        y = tf.compat.v1.Session().run(x)

    Good:

        y = step(x)     # a tf.function
    """

    code, name = "BFB606", "outside-determinism"
    SESSION = "TF1 sessions are outside of op determinism's promise. Use tf.function"
    SERVER = "a parameter server adds in the order of arrival. Use one device, or MirroredStrategy"
    USES = (
        ("tensorflow.compat.v1.Session", SESSION),
        ("tensorflow.compat.v1.InteractiveSession", SESSION),
        ("tensorflow.compat.v1.disable_eager_execution", SESSION),
        ("tensorflow.compat.v1.disable_v2_behavior", SESSION),
        ("tensorflow.distribute.ParameterServerStrategy", SERVER),
        ("tensorflow.distribute.experimental.ParameterServerStrategy", SERVER),
    )

    def check(self, source):
        for path, why in self.USES:
            for call in source.called(path):
                yield call, f"{ast.unparse(call.func)}(): {why}."


class Raising(NamedTuple):
    """A function that raises under op determinism on every device.

    Attributes:
        path: its dotted path.
        seed: position of the argument that it needs then; `None` where nothing helps.
        message: what TensorFlow says, in part.
        instead: what to write.
    """

    path: str
    seed: int | None
    message: str
    instead: str


# TensorFlow 2.21.0: every `is_op_determinism_enabled` in its Python, and the strings in its library.
EVERYWHERE = (
    Raising(
        "tensorflow.timestamp", None, "Timestamp cannot be called when determinism is enabled",
        "time.time() outside of the graph",
    ),
    Raising(
        "tensorflow.random.get_global_generator", None, '"get_global_generator" cannot be called if determinism',
        "tf.random.Generator.from_seed(seed)",
    ),
    Raising(
        "tensorflow.image.sample_distorted_bounding_box", 2, "requires a non-zero seed", "seed=1, or its stateless form"
    ),
    Raising("tensorflow.nn.fractional_max_pool", 4, "requires a non-zero seed", "seed=1"),
)  # fmt: skip


EVERYWHERE_WORDS = "TensorFlow 2.21 raises on every device for:"
GPU_WORDS = """\
and on a GPU for these ops. Their functions are reported where the file itself turns determinism on, outside of what a
data set maps, which runs on the CPU; `bitforbit audit --gpu` finds them in a model."""


class RaisesUnderDeterminism(Rule):
    """A function that raises once op determinism is on.

    TensorFlow has no deterministic way to do it, and refuses. `bitforbit run` and `train` turn determinism on.

    Bad:

        started = tf.timestamp()

    Good:

        started = time.time()     # outside of the graph
    """

    code, name = "BFB607", "raises-under-determinism"

    def check(self, source):
        for raising in EVERYWHERE:
            for call in source.called(raising.path):
                if self._raises(source, call, raising):
                    yield call, f"{ast.unparse(call.func)}() raises under op determinism. Use {raising.instead}."
        if source.called(*DETERMINISM):
            yield from self._on_gpu(source)

    @staticmethod
    def _raises(source: Source, call: ast.Call, raising: Raising) -> bool:
        if raising.seed is None:
            return not source.called("tensorflow.random.set_global_generator")
        given = argument(call, raising.seed, "seed")
        return not has_stars(call) and (is_none(given) or (isinstance(given, ast.Constant) and given.value == 0))

    @staticmethod
    def _on_gpu(source: Source):
        """Yield calls that make an op without a deterministic GPU kernel; a data set's functions run on the CPU."""
        mapped = {_workers.function_of(source, call.args[0]) for call in source.methods.get("map", ()) if call.args}
        for row in gpu_rows():
            for path in (f"tensorflow.raw_ops.{row['op']}", *row["api"].split()):
                for call in source.called(path):
                    if not mapped.intersection(inside(call)):
                        yield (
                            call,
                            f"{ast.unparse(call.func)}() raises on a GPU under op determinism: there is no"
                            f" deterministic {row['op']}. Use {row['instead']}.",
                        )

    @classmethod
    def page(cls) -> str:
        rows = [f"- `{raising.path}`{' without a seed' * (raising.seed is not None)}" for raising in EVERYWHERE]
        on_gpu = [f"- `{row['op']}`{_condition(row)}{_made_by(row)}" for row in gpu_rows()]
        parts = (super().page(), EVERYWHERE_WORDS, "\n".join(rows), GPU_WORDS, "\n".join(on_gpu))
        return "\n\n".join(parts)


def _condition(row: dict[str, str]) -> str:
    return "" if row["when"] == "always" else f", {row['when']}"


def _made_by(row: dict[str, str]) -> str:
    paths = ", ".join(f"`{path}`" for path in row["api"].split())
    return f": {paths}{' (gradient)' if 'Grad' in row['op'] or 'Backprop' in row['op'] else ''}" if paths else ""


@functools.cache
def gpu_rows() -> list[dict[str, str]]:
    """Return the rows of `audit/gpu_ops.csv`, which `bitforbit.audit.gpu` describes."""
    with open(Path(audit.__file__).with_name("gpu_ops.csv"), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
