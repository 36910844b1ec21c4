"""Environment variables that are set where, or when, nobody reads them."""

import ast

from bitforbit.diagnosis.lint.rule import Rule
from bitforbit.diagnosis.lint.rules import _environment
from bitforbit.diagnosis.lint.source import Source, scope_of

# What is read when the first of these packages is imported; everything else here imports NumPy.
READ_AT_IMPORT = {
    "NPY_ENABLE_CPU_FEATURES": "numpy", "NPY_DISABLE_CPU_FEATURES": "numpy", "OPENBLAS_CORETYPE": "numpy",
    "OPENBLAS_NUM_THREADS": "numpy", "OMP_NUM_THREADS": "numpy", "MKL_NUM_THREADS": "numpy", "MKL_CBWR": "numpy",
    "KERAS_BACKEND": "keras", "TF_USE_LEGACY_KERAS": "tensorflow",
}  # fmt: skip
IMPORTS_NUMPY = frozenset(("numpy", "tensorflow", "keras", "pandas", "scipy", "sklearn", "matplotlib", "jax", "torch"))
DEAD = {
    "NPY_DISABLE_CPU_FEATURES": "NumPy 2 only warns of features that it does not dispatch, as the AVX512F of the old"
    " recipes. Set NPY_ENABLE_CPU_FEATURES=X86_V3 before Python starts",
    "ONEDNN_CPU_ISA_HINTS": "TensorFlow 2.21 is built without it. Set ONEDNN_MAX_CPU_ISA before Python starts",
    "TF_DISABLE_SEGMENT_REDUCTION_OP_DETERMINISM_EXCEPTIONS": "TensorFlow 2.21 does not know it any more. Remove it",
    "TF_CUDNN_DETERMINISTIC": "it reached cuDNN's convolutions only, and TensorFlow 2.21's library no longer names it."
    " Call tf.config.experimental.enable_op_determinism()",
}


class HashSeedInProcess(Rule):
    """`PYTHONHASHSEED` is set by the program that it should act on.

    The interpreter reads it once, before the first line of any program runs. Setting it in `os.environ` changes child
    processes only; the order of sets in this one stays random.

    Bad:

        os.environ["PYTHONHASHSEED"] = "0"

    Good, in the shell:

        PYTHONHASHSEED=0 python train.py

    Or let `bitforbit run train.py` do it.
    """

    code, name = "BFB201", "hash-seed-in-process"

    def check(self, source):
        for node, name, _ in _environment.writes(source):
            if name == "PYTHONHASHSEED":
                yield (
                    node,
                    (
                        "PYTHONHASHSEED is read before the program starts: this changes nothing here."
                        " Start it as PYTHONHASHSEED=0 python ..., or with bitforbit run."
                    ),
                )


class SetAfterImport(Rule):
    """A variable is set after the import that reads it.

    NumPy and OpenBLAS read their variables while they load, Keras its backend, TensorFlow the choice of Keras.

    Bad:

        import numpy as np
        os.environ["OMP_NUM_THREADS"] = "1"

    Good:

        os.environ["OMP_NUM_THREADS"] = "1"
        import numpy as np

    Better, in the shell or by `bitforbit run`, which sets them before Python starts.
    """

    code, name = "BFB206", "set-after-import"

    def check(self, source):
        for node, name, _ in _environment.writes(source):
            reader = READ_AT_IMPORT.get(name)
            if reader is None or not isinstance(scope_of(node), ast.Module):
                continue
            readers = IMPORTS_NUMPY if reader == "numpy" else {"keras", "tensorflow"} if reader == "keras" else {reader}
            imported = _first_import(source, readers if reader != "keras" else {"keras"})
            if imported is not None and imported.lineno < node.lineno:
                yield (
                    node,
                    f"{name} is read when {reader} is imported, which line {imported.lineno} did. Set it before,"
                    " best before Python starts.",
                )


class DeadKnob(Rule):
    """A variable is set that the pinned libraries no longer heed.

    It looks like a pin and is none.

    Bad:

        os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512F"

    Good, in the shell:

        NPY_ENABLE_CPU_FEATURES=X86_V3 python train.py

    `bitforbit policy` prints what does count, read back from the live process.
    """

    code, name = "BFB207", "dead-knob"

    def check(self, source):
        for node, name, _ in _environment.writes(source):
            if name in DEAD:
                yield node, f"{name} has no effect here: {DEAD[name]}."


def _first_import(source: Source, packages):
    for node in source.tree.body:
        found = (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )  # fmt: skip
        if any(name.partition(".")[0] in packages for name in found):
            return node
    return None
