"""One test for each knob: off, it is refused by name; and the live effect is seen, not only the variable."""

import json
import subprocess
import sys

import pytest
from support import PROJECT, bitforbit, clean_environment

from bitforbit.policy import Policy, knobs

# What each variable must be, written out here so that a row removed from the table fails a test.
VARIABLES = {
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHON_CPU_COUNT": "2",
    "TF_NUM_INTRAOP_THREADS": "2",
    "TF_NUM_INTEROP_THREADS": "2",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    "KERAS_BACKEND": "tensorflow",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}
UNSET = (
    "DNNL_DEFAULT_FPMATH_MODE", "DNNL_MAX_CPU_ISA", "GLIBC_TUNABLES", "NPY_DISABLE_CPU_FEATURES",
    "ONEDNN_DEFAULT_FPMATH_MODE", "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL",
    "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LEVEL", "TF_CONV2D_USE_FP16_ACCUMULATE", "TF_DISABLE_JIT_KERNELS",
    "TF_DISABLE_MKL", "TF_ENABLE_ONEDNN_SPMM", "TF_ENABLE_ZENDNN_OPTS", "TF_FP16_MATMUL_USE_FP32_COMPUTE",
    "TF_OVERRIDE_GLOBAL_THREADPOOL", "TF_SET_ONEDNN_FPMATH_MODE", "TF_USE_DEEP_CONV2D",
    "TF_USE_EIGEN_PARALLEL_FOR_IN_WORK_SHARDER", "TF_USE_LEGACY_KERAS", "TF_XLA_FLAGS",
)  # fmt: skip

# One start with every knob wrong: variables (None: not set), then what set_in_process would have set, left undone.
WRONG = {
    "PYTHONHASHSEED": "random",
    "PYTHONNOUSERSITE": None,
    "PYTHON_CPU_COUNT": "7",
    "TF_NUM_INTRAOP_THREADS": "3",
    "TF_NUM_INTEROP_THREADS": "5",
    "TF_DETERMINISTIC_OPS": None,
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3",
    "OPENBLAS_CORETYPE": "Sandybridge",
    "OPENBLAS_NUM_THREADS": "2",
    "OMP_NUM_THREADS": "2",
    "TZ": "Asia/Tokyo",
    "LC_ALL": "C",
}
EFFECTS_OFF = (
    "PYTHONHASHSEED", "PYTHONNOUSERSITE", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "NPY_ENABLE_CPU_FEATURES", "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "KERAS_BACKEND", "TZ", "LC_ALL",
    "thread pools", "op determinism", "grappler deadline", "tf.data cycle_length", "denormals", "keras config",
    "jit_compile",
)  # fmt: skip
TAMPER = """
import json, sys
from types import SimpleNamespace
from bitforbit.policy import Policy, pools, readback
from bitforbit.policy.pools import Pools
before = pools.start()
import keras, sklearn.linear_model, tensorflow as tf
keras.config.set_floatx("float64")
fill, visible = tf.fill, tf.config.get_visible_devices
tf.fill = lambda shape, value: fill(shape, 1.0)
tf.config.get_visible_devices = lambda kind: [SimpleNamespace(name="gpu:0")]
keras.config.backend = lambda: "jax"
keras.Model.jit_compile = property(lambda self: True, lambda self, value: None)
print(json.dumps({r.name: [r.took, r.found] for r in readback.read_effects(Policy())}))
"""


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_off_is_refused_by_name(name):
    """BITFORBIT_RELAUNCHED keeps the launcher from mending it."""
    environment = VARIABLES | {name: "off", "BITFORBIT_RELAUNCHED": "1"}
    if name == "PYTHONHASHSEED":
        environment[name] = "1"
    done = bitforbit("train", "sequence", "--runs", "/nonexistent/never", **environment)
    wanted = VARIABLES[name] or "empty"
    assert done.returncode == 2
    assert f"  {name}: wanted {wanted}, found {environment[name]}. Next step: export {name}=" in done.stderr


@pytest.mark.parametrize("name", UNSET)
def test_a_variable_that_must_stay_unset_is_refused_by_name(name):
    environment = VARIABLES | {name: "1", "BITFORBIT_RELAUNCHED": "1"}
    done = bitforbit("train", "sequence", "--runs", "/nonexistent/never", **environment)
    assert done.returncode == 2
    assert f"  {name}: wanted (unset), found 1. Next step: unset {name} before Python starts" in done.stderr


def test_the_table_holds_these_variables_and_no_others():
    assert Policy().environment() == VARIABLES
    assert set(UNSET) <= set(knobs.MUST_STAY_UNSET)


@pytest.fixture(scope="module")
def wrong():
    environment = clean_environment(**WRONG)
    done = subprocess.run(
        [sys.executable, "-c", TAMPER], env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", EFFECTS_OFF)
def test_an_effect_that_did_not_take_is_seen_in_the_live_process(wrong, name):
    took, found = wrong[name]
    assert not took, f"{name} was tampered with, and yet read back as {found}"


@pytest.fixture(scope="module")
def policy_table():
    done = bitforbit("policy", "--json")
    return done, json.loads(done.stdout)


@pytest.mark.parametrize("name", EFFECTS_OFF)
def test_an_effect_that_took_is_read_back_as_wanted(policy_table, name):
    _, table = policy_table
    rows = [row for row in table["knobs"] if row["name"] == name]
    assert rows
    assert all(row["took"] for row in rows), rows


def test_policy_prints_every_row_with_its_reason(policy_table):
    done, table = policy_table
    assert done.returncode == 0, done.stderr
    assert {row["name"] for row in table["knobs"]} == {k.name for k in knobs.KNOBS} | set(knobs.MUST_STAY_UNSET)
    assert all(row["why"] and row["source"] for row in table["knobs"])


def test_policy_env_prints_what_the_launcher_would_set():
    done = bitforbit("policy", "--env")
    assert dict(line.split("=", 1) for line in done.stdout.splitlines()) == VARIABLES


def test_pool_size_is_part_of_the_policy():
    assert Policy(4).environment()["TF_NUM_INTRAOP_THREADS"] == "4"
    assert Policy(4).record()["digest"] != Policy(2).record()["digest"]


@pytest.mark.parametrize("size", ["0", "-1", "257", "two"])
def test_a_bad_pool_size_is_one_clear_line(size):
    done = bitforbit("policy", "--env", BITFORBIT_POOL_SIZE=size)
    assert (done.returncode, done.stderr) == (
        2,
        f"bitforbit policy: expected a pool size from 1 to 256, received {size!r}. Next step: --pool-size 2,"
        " or unset BITFORBIT_POOL_SIZE.\n",
    )
