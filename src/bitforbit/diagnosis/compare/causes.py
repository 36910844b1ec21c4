"""Likely causes of a difference: what differs of what was recorded of two processes, ranked for the kind."""

from bitforbit.diagnosis.compare.difference import DATA, INIT, Cause
from bitforbit.diagnosis.compare.subjects import Subject
from bitforbit.diagnosis.trace.environment import TRACE_TO

# (name, why, kinds of difference that it can make: `numbers` are the forward and backward pass and the optimizer), in
# the order of how often it is the cause.
_WHY = {
    "seed": "another seed, another run",
    "config": "another config is another training",
    "source": "the experiment's code is another",
    "data": "load_data returned other numbers",
    "thread pools": "a sum or product is split into as many blocks as the pool has threads",
    "instruction set": "the kernels chosen by the instruction set add in another order",
    "environment variable": "it is part of the policy: it decides kernels or their order",
    "kernels": "another build of the exact kernels",
    "packages": "another lock: other kernels or other defaults",
    "libm": "the C library's functions (exp, log, tanh, ...) round otherwise",
    "driver": "another GPU driver compiles and chooses kernels otherwise",
    "cpu": "another CPU: libraries choose their kernels by it",
    "host class": "bits are promised within a class only",
    "commit": "the code in the work tree is another",
    "image": "another image: other libraries",
    "python": "another interpreter",
    "kernel": "rarely of influence",
}
_FIRST = {
    INIT: ("seed", "source", "config", "packages", "commit", "python"),
    DATA: ("data", "source", "config", "commit", "packages", "python"),
}
_ISA = ("ONEDNN_MAX_CPU_ISA", "NPY_ENABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "GLIBC_TUNABLES", "XLA_FLAGS")
# Of how a process was started, not of what it computes.
_NO_CAUSE = ("BITFORBIT_RELAUNCHED", TRACE_TO)
_POOL = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "BITFORBIT_POOL_SIZE", "PYTHON_CPU_COUNT")


def rank(a: Subject, b: Subject, kind: str) -> tuple[Cause, ...]:
    """Return every recorded circumstance that differs, the likeliest for this kind of difference first."""
    found = list(_of_identity(a, b)) + list(_of_environment(a.environment, b.environment))
    unique = list({(cause.name, cause.a, cause.b): cause for cause in found}.values())
    if any(cause.a.startswith("pool size") for cause in unique):
        # The policy's one number sets all the rest of them.
        unique = [cause for cause in unique if cause.name != "thread pools" or cause.a.startswith("pool size")]
    order = [*_FIRST.get(kind, ()), *_WHY]
    unique.sort(key=lambda cause: order.index(cause.name.partition(":")[0]))
    return tuple(unique) or (_unrecorded(kind),)


def _unrecorded(kind: str) -> Cause:
    what = {
        INIT: "randomness without a seed while the model was built, or a state that was not restored on resuming",
        DATA: "randomness without a seed, or an order that nothing fixes, in the pipeline",
    }.get(kind, "a race (an op that adds in no fixed order), or a value that the trace does not see")
    return Cause("nothing recorded differs", "same", "same", f"{what}. Next step: bitforbit diagnose")


def _of_identity(a: Subject, b: Subject):
    left, right = a.identity, b.identity
    for key in ("seed", "source"):
        if left.get(key) != right.get(key):
            yield _cause(key, left.get(key), right.get(key))
    for key in sorted(left.get("config", {}).keys() | right.get("config", {}).keys()):
        if left["config"].get(key) != right["config"].get(key):
            yield _cause("config", f"{key}={left['config'].get(key)}", f"{key}={right['config'].get(key)}")
    if left.get("arguments") != right.get("arguments"):
        yield _cause("config", *(f"arguments {' '.join(side.get('arguments') or ())}" for side in (left, right)))
    pools = [side.get("policy", {}).get("pool_size") for side in (left, right)]
    if pools[0] != pools[1]:
        yield _cause("thread pools", f"pool size {pools[0]}", f"pool size {pools[1]}")
    if left.get("host_class") != right.get("host_class"):
        yield _cause("host class", left.get("host_class"), right.get("host_class"))
    roots = [(side.get("data") or {}).get("root") for side in (left, right)]
    if None not in roots and roots[0] != roots[1]:
        yield _cause("data", roots[0][:16], roots[1][:16])
    yield from _mapping("packages", left.get("stack", {}), right.get("stack", {}))


def _of_environment(a: dict, b: dict):
    variables = [side.get("variables", {}) for side in (a, b)]
    for name in sorted(variables[0].keys() | variables[1].keys()):
        x, y = (side.get(name, "(unset)") for side in variables)
        if x != y and name not in _NO_CAUSE:
            title = "instruction set" if name in _ISA else "thread pools" if name in _POOL else "environment variable"
            yield _cause(title, f"{name}={x}", f"{name}={y}")
    yield from _mapping("packages", a.get("packages", {}), b.get("packages", {}))
    for key, title in (("thread_pools", "thread pools"), ("libm", "libm"), ("kernels", "kernels"),
                       ("driver", "driver"), ("commit", "commit"), ("image", "image")):  # fmt: skip
        if key in a and key in b and a[key] != b[key] and "not measured" not in (a[key], b[key]):
            yield _cause(title, a[key], b[key])
    hosts = [side.get("host", {}) for side in (a, b)]
    for key, title in (("cpu", "cpu"), ("cpu_signature", "cpu"), ("libc", "libm"), ("python", "python"),
                       ("kernel", "kernel")):  # fmt: skip
        if key in hosts[0] and key in hosts[1] and hosts[0][key] != hosts[1][key]:
            yield _cause(title, f"{hosts[0][key]}", f"{hosts[1][key]}")


def _mapping(title: str, a: dict, b: dict):
    for key in sorted(a.keys() | b.keys()):
        if a and b and a.get(key) != b.get(key):
            yield _cause(title, f"{key} {a.get(key, 'absent')}", f"{key} {b.get(key, 'absent')}")


def _cause(name: str, a, b) -> Cause:
    return Cause(name, str(a), str(b), _WHY[name])
