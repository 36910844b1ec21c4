"""Run the op census's programs and digest the bits of what they return."""

import hashlib
import itertools

from bitforbit.audit.cases import Case

# Each case has two digests: of all bits, and of bits settled for an emulator. Where two NaNs meet, x86 keeps the first;
# halves of F16C are never flushed; max and min of denormals under DAZ are zero (Intel's manual, volumes 1 and 2).
# qemu-user does otherwise in all three: so NaN payloads and denormal results are made alike in the second digest.
EXACTLY, SETTLED = 0, 1
LAYOUT = {2: ("u2", 0x7C00, 0x03FF), 4: ("u4", 0x7F800000, 0x007FFFFF), 8: ("u8", 0x7FF << 52, (1 << 52) - 1)}


def run(cases: list[Case], failures: dict[str, str] | None = None) -> dict[str, list[str]]:
    """Return the digests of each case's outputs, `key -> (exactly, settled)`, 16 hex digits each.

    Args:
        cases: what to run.
        failures: receives `key -> error` of cases that no kernel takes. Defaults to none: they raise.
    """
    found: dict[str, list[str]] = {}
    ordered = sorted(cases, key=lambda case: (case.op, case.dtype))
    for _, group in itertools.groupby(ordered, key=lambda case: (case.op, case.dtype)):
        members = list(group)
        try:
            found.update(_group(members))
        except Exception as error:
            if failures is None:
                raise
            found.update(_one_by_one(members, failures, error))
    return found


def _one_by_one(members: list[Case], failures: dict[str, str], error: Exception) -> dict[str, list[str]]:
    if len(members) == 1:
        failures[members[0].key] = f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"
        return {}
    return run_each(members, failures)


def run_each(members: list[Case], failures: dict[str, str]) -> dict[str, list[str]]:
    """Run each case by itself, so that one that fails spoils no other."""
    return {key: digest for case in members for key, digest in run([case], failures).items()}


def _group(cases: list[Case]) -> dict[str, list[str]]:
    """Run cases of one op and dtype: eagerly, then all of them inside one `tf.function`, which is traced once."""
    import tensorflow as tf

    tensors = {case.key: _tensors(case) for case in cases}
    hashers = {case.key: (hashlib.sha256(), hashlib.sha256()) for case in cases}
    for case in cases:
        if case.mode != "graph":
            _add(hashers[case.key], _call(case, tensors[case.key]))
    inside = [case for case in cases if case.mode != "eager"]
    if inside:

        @tf.function(autograph=False, reduce_retracing=False)
        def program(given):
            return {case.key: _call(case, given[case.key]) for case in inside}

        for key, outputs in program({case.key: tensors[case.key] for case in inside}).items():
            _add(hashers[key], outputs)
    return {key: [hasher.hexdigest()[:16] for hasher in pair] for key, pair in hashers.items()}


def _tensors(case: Case) -> dict:
    import tensorflow as tf

    from bitforbit.audit import inputs

    def tensor(name, value):
        if isinstance(value, inputs.In):
            return tf.constant(inputs.array(f"{case.op}/{case.variant}/{name}", value, case.dtype))
        return [tensor(f"{name}/{index}", item) for index, item in enumerate(value)]

    return {name: tensor(name, value) for name, value in case.arguments.items() if _is_input(value)}


def _is_input(value) -> bool:
    from bitforbit.audit.inputs import In

    return isinstance(value, In) or (isinstance(value, list) and bool(value) and isinstance(value[0], In))


def _call(case: Case, tensors: dict):
    import tensorflow as tf

    function = case.build or getattr(tf.raw_ops, case.op)
    return function(**{name: value for name, value in case.arguments.items() if not _is_input(value)} | tensors)


def _add(hashers, outputs) -> None:
    import numpy as np
    import tensorflow as tf

    for output in tf.nest.flatten(outputs):
        array = np.ascontiguousarray(output.numpy())
        head = f"{array.dtype.name} {array.shape}\0".encode()
        hashers[EXACTLY].update(head + array.tobytes())
        hashers[SETTLED].update(head + settled(array).tobytes())


def settled(array):
    """Return the bits of `array` with one NaN for all NaNs, and zeros of the same sign for denormals."""
    import numpy as np

    name = array.dtype.name
    if not name.startswith(("float", "bfloat", "complex")):
        return array
    width = array.dtype.itemsize // (2 if name.startswith("complex") else 1)
    kind, exponent, mantissa = LAYOUT[width]
    if name == "bfloat16":
        exponent, mantissa = 0x7F80, 0x007F
    bits = np.atleast_1d(array).view(kind)
    nan = (bits & exponent == exponent) & (bits & mantissa != 0)
    denormal = bits & exponent == 0
    return np.where(nan, exponent | mantissa, np.where(denormal, bits & ~np.array(exponent | mantissa, kind), bits))
