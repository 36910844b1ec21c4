"""The knobs of a run on a GPU: the CPU's, less what hides the GPU, and what decides the bits of CUDA's libraries.

The host part of a GPU run (data, initial values, ops without a GPU kernel) computes on the CPU, so the CPU's rows stay.
Sources: D is TensorFlow's documentation of `enable_op_determinism`; other sources are spelled out.
"""

from bitforbit.policy import effects, gpu_effects, knobs
from bitforbit.policy.knobs import COMPILE, FIRST_OP, Knob

XLA_FLAGS = "--xla_cpu_max_isa=AVX2 --xla_gpu_deterministic_ops=true --xla_gpu_autotune_level=0"

# Rows of the CPU's table that a GPU run has in another form, or not at all.
_REPLACED = ("CUDA_VISIBLE_DEVICES", "XLA_FLAGS", "keras config", "jit_compile")

_env = knobs._env

GPU_ROWS: tuple[Knob, ...] = (
    _env("XLA_FLAGS", XLA_FLAGS, "XLA's reductions and its choice of kernels by timing", "openxla.org, determinism"),
    _env(
        "NVIDIA_TF32_OVERRIDE",
        "0",
        "products in 10 bits of fraction inside cuBLAS and cuDNN",
        "docs.nvidia.com, cuBLAS",
        gpu_effects.product_precision,
        "float32",
    ),
    _env(
        "CUBLAS_WORKSPACE_CONFIG",
        ":4096:8",
        "workspaces that several streams share decide cuBLAS's algorithm",
        "docs.nvidia.com, cuBLAS, results reproducibility",
    ),
    _env(
        "CUDA_DEVICE_ORDER",
        "PCI_BUS_ID",
        "which GPU is number 0: the fastest first, by default",
        "docs.nvidia.com, CUDA environment variables",
        gpu_effects.device_order,
    ),
    _env(
        "TF_FORCE_GPU_ALLOW_GROWTH",
        "true",
        "free memory decides which of cuDNN's algorithms fit",
        "tensorflow.org, guide/gpu",
        gpu_effects.memory_growth,
        "on",
    ),
    _env("NCCL_ALGO", "Ring", "order of a sum over GPUs", "docs.nvidia.com, NCCL environment variables"),
    _env("NCCL_PROTO", "Simple", "order of a sum over GPUs", "docs.nvidia.com, NCCL environment variables"),
    _env("NCCL_NVLS_ENABLE", "0", "sums inside NVLink's switch", "docs.nvidia.com, NCCL environment variables"),
    Knob(
        "gpus", "{n}", FIRST_OP, "several GPUs split a batch", "NCCL orders sums by topology", gpu_effects.visible_gpus
    ),
    Knob("memory growth", "on", FIRST_OP, "as the variable", "tensorflow.org, guide/gpu", gpu_effects.memory_growth),
    Knob(
        "tensor float 32",
        "off",
        FIRST_OP,
        "TensorFlow asks for TF32 products by default",
        "tensorflow.org, enable_tensor_float_32_execution",
        gpu_effects.tensor_float_32,
    ),
    Knob(
        "cuda libraries",
        "from the wheels",
        FIRST_OP,
        "cuDNN and cuBLAS choose kernels by their version",
        "docs.nvidia.com, cuDNN, reproducibility",
        gpu_effects.libraries,
    ),
    Knob(
        "keras config",
        "float32, 1e-07, channels_last, {precision}",
        FIRST_OP,
        "a user's keras.json changes the defaults",
        "keras.io, keras.config",
        effects.keras_config,
    ),
    Knob("jit_compile", "{xla}", COMPILE, "XLA's own kernels: only by choice", "D", effects.jit_compile),
)

KNOBS: tuple[Knob, ...] = tuple(row for row in knobs.KNOBS if row.name not in _REPLACED) + GPU_ROWS

# Read by this wheel's GPU code (tests/cuda finds each name in it), or by CUDA's own libraries.
MUST_STAY_UNSET: tuple[str, ...] = (
    *knobs.MUST_STAY_UNSET,
    "CUDA_DISABLE_PTX_JIT",
    "CUDA_FORCE_PTX_JIT",
    "CUDNN_ERRATA_JSON_FILE",
    "NCCL_MAX_NCHANNELS",
    "NCCL_MIN_NCHANNELS",
    "NCCL_NTHREADS",
    "TF_CUBLAS_WORKSPACE_LIMIT_IN_MB",
    "TF_CUDNN_DETERMINISTIC",
    "TF_CUDNN_DISABLE_CONV_1X1_OPTIMIZATION",
    "TF_CUDNN_RESET_RND_GEN_STATE",
    "TF_CUDNN_RNN_USE_AUTOTUNE",
    "TF_CUDNN_USE_AUTOTUNE",
    "TF_CUDNN_USE_RUNTIME_FUSION",
    "TF_CUDNN_WORKSPACE_LIMIT_IN_MB",
    "TF_DISABLE_SCATTER_OP_DETERMINISM",
    "TF_DISABLE_SEGMENT_REDUCTION_OP_DETERMINISM_EXCEPTIONS",
    "TF_GPU_ALLOCATOR",
    "TF_GPU_THREAD_COUNT",
    "TF_GPU_THREAD_MODE",
    "TF_MATMUL_AUTOTUNE_ENABLE",
    "TF_USE_CUBLASLT",
    "TF_USE_CUDNN_BATCHNORM_SPATIAL_PERSISTENT",
    "TF_USE_DEFAULT_CONV_ALGO",
    "TF_USE_DETERMINISTIC_SEGMENT_REDUCTIONS",
)
