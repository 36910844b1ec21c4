"""The GPU policy: its variables, what each adds to the CPU's, and the read-backs that need no GPU to be wrong."""

import json
import re
import shlex
import subprocess
import sys

import pytest
from support import PROJECT, bitforbit, clean_environment

from bitforbit.policy import Policy, cuda, gpu_effects, gpu_knobs, knobs

# Written out, so that a row removed from the table fails a test.
ADDED = {
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2 --xla_gpu_deterministic_ops=true --xla_gpu_autotune_level=0",
    "NVIDIA_TF32_OVERRIDE": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "NCCL_ALGO": "Ring",
    "NCCL_PROTO": "Simple",
    "NCCL_NVLS_ENABLE": "0",
}
IN_PROCESS = (
    "gpus",
    "memory growth",
    "tensor float 32",
    "cuda libraries",
    "op determinism",
    "keras config",
    "jit_compile",
)
CPU_DIGEST = "5ba46ab40469fd9b4de3c191511a452bdfce1b4238ed05e7abee7b0c192483c7"


def test_the_cpus_variables_stay_but_for_the_one_that_hides_the_gpu():
    cpu = Policy().environment()
    assert (
        Policy(device="gpu").environment()
        == {name: value for name, value in cpu.items() if name != "CUDA_VISIBLE_DEVICES"} | ADDED
    )


def test_the_cpu_policy_is_what_it_was():
    """The digest of version 1 as in golden/; a knob of the GPU must not reach it."""
    golden = json.loads((PROJECT / "golden/cpu-x86-64-v3.json").read_bytes())
    assert Policy().record() == {"version": 1, "pool_size": 2, "digest": CPU_DIGEST} == golden["policy"]
    assert "NVIDIA_TF32_OVERRIDE" not in Policy().environment()


@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_knob_inside_the_process_is_read_back(name):
    assert [row.effect for row in gpu_knobs.KNOBS if row.name == name and row.effect]


def test_every_row_says_why_and_where_it_is_shown():
    assert all(row.why and row.source for row in gpu_knobs.KNOBS)
    assert set(knobs.MUST_STAY_UNSET) < set(gpu_knobs.MUST_STAY_UNSET)


def test_every_choice_is_part_of_the_policys_record():
    plain = Policy(device="gpu").record()
    assert plain | {"digest": ""} == {
        "version": 1, "pool_size": 2, "digest": "", "device": "gpu", "gpus": 1, "precision": "float32", "xla": False,
    }  # fmt: skip
    others = [
        Policy(device="gpu", gpus=2),
        Policy(device="gpu", precision="mixed_bfloat16"),
        Policy(device="gpu", xla=True),
    ]
    assert len({plain["digest"], *(policy.record()["digest"] for policy in others)}) == 4


def test_policy_env_prints_it_without_a_gpu():
    done = bitforbit("policy", "--env", "--device", "gpu")
    assert done.returncode == 0
    assert dict(line.split("=", 1) for line in done.stdout.splitlines()) == Policy(device="gpu").environment()


def test_the_dockerfile_sets_them_and_the_images_own():
    text = (PROJECT / "docker/Dockerfile").read_text()
    block = text.split("# cuda env: begin\n")[1].split("# cuda env: end\n")[0]
    block = block.replace("${POOL_SIZE}", str(Policy().pool_size))
    words = shlex.split(re.sub(r"^ENV ", "", block.replace("\\\n", " "), flags=re.MULTILINE))
    assert dict(word.split("=", 1) for word in words) == Policy(device="gpu").environment() | cuda.IMAGE_VARIABLES
    assert "CUDA_VERSION" not in text


MAPS = """\
7f1c00000000-7f1c00200000 r--p 00000000 fe:00 123                        {site}/nvidia/cudnn/lib/libcudnn.so.9
7f1c10000000-7f1c10200000 r-xp 00000000 fe:00 124                        {site}/nvidia/cublas/lib/libcublas.so.12
7f1c20000000-7f1c20200000 r-xp 00000000 fe:00 125                        /usr/lib/x86_64-linux-gnu/libcuda.so.550.54.15
7f1c30000000-7f1c30200000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
"""


def test_a_cuda_library_from_elsewhere_is_seen(tmp_path):
    site = str(tmp_path)
    assert gpu_effects.foreign_libraries(MAPS.format(site=site), site) == "from the wheels"
    foreign = "/usr/local/cuda-12.4/targets/x86_64-linux/lib/libcublas.so.12.4.5.8"
    line = f"7f1c40000000-7f1c40200000 r-xp 00000000 fe:00 126                        {foreign}\n"
    assert gpu_effects.foreign_libraries(MAPS.format(site=site) + line, site) == foreign


LIVE = """
import json
import tensorflow as tf, keras
from bitforbit.policy import Policy, effects, gpu_apply, gpu_effects, pools
found = {}
tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.threading.set_inter_op_parallelism_threads(2)
tf.config.experimental.enable_op_determinism()
found["pools"] = list(pools.start(gpu=True))
found["tf32 by default"] = gpu_effects.tensor_float_32()
tf.config.experimental.enable_tensor_float_32_execution(False)
found["tf32 off"] = gpu_effects.tensor_float_32()
found["product"] = gpu_effects.product_precision()
matmul = tf.linalg.matmul
tf.linalg.matmul = lambda a, b: matmul(tf.cast(tf.cast(a, "bfloat16"), "float32"), b)
found["product in less"] = gpu_effects.product_precision()
tf.linalg.matmul = matmul
found["gpus"], found["growth"] = gpu_effects.visible_gpus(), gpu_effects.memory_growth()
found["libraries"] = gpu_effects.libraries()
found["jit"] = effects.jit_compile()
def compiled():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.jit_compile = True
    return model.jit_compile
found["xla without the choice"] = compiled()
gpu_apply.keras_settings(Policy(device="gpu", precision="mixed_bfloat16", xla=True))
found["xla by choice"], found["keras"] = compiled(), effects.keras_config()
print(json.dumps(found))
"""


def test_read_backs_in_a_live_process_without_a_gpu():
    done = subprocess.run(
        [sys.executable, "-c", LIVE], env=clean_environment(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3"),
        cwd=PROJECT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "pools": [2, 2],
        "tf32 by default": "on",
        "tf32 off": "off",
        "product": "float32",
        "product in less": "less than float32",
        "gpus": "0",
        "growth": "no GPU",
        "libraries": "from the wheels",
        "jit": "False",
        "xla without the choice": False,
        "xla by choice": True,
        "keras": "float32, 1e-07, channels_last, mixed_bfloat16",
    }
