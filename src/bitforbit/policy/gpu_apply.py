"""Set a GPU run's knobs inside the process; refuse where TensorFlow does not see the GPU that the driver has."""

from bitforbit.errors import HostError
from bitforbit.policy import gpu_effects


def before_the_first_op(policy) -> None:
    """Show TensorFlow the first GPUs by bus number and no others; set memory growth and full float32 products.

    Raises:
        HostError: TensorFlow sees fewer GPUs than the policy asks for; names the library that it cannot open.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if len(gpus) < policy.gpus:
        raise HostError(_unseen(len(gpus), policy.gpus))
    tf.config.set_visible_devices(gpus[: policy.gpus], "GPU")
    for gpu in gpus[: policy.gpus]:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_tensor_float_32_execution(False)


def _unseen(found: int, wanted: int) -> str:
    missing = gpu_effects.missing_libraries()
    if missing:
        return (
            f"expected TensorFlow to open CUDA's libraries, found that the loader lacks {', '.join(missing)}."
            " Next step: use the CUDA image; natively, put the folders nvidia/*/lib of site-packages on LD_LIBRARY_PATH"
            " before Python starts."
        )
    return (
        f"expected TensorFlow to see {wanted} GPU, found {found}, though the driver has it."
        " Next step: TF_CPP_MIN_LOG_LEVEL=0 shows TensorFlow's own reason."
    )


def keras_settings(policy) -> None:
    """Set the dtype policy and, under `xla`, what Keras takes for a model compiled without `jit_compile`."""
    import keras
    from keras.src.trainers import trainer

    keras.config.set_dtype_policy(policy.precision)
    if policy.xla:
        # Keras turns XLA off under op determinism; XLA_FLAGS makes XLA deterministic, and the choice is explicit.
        trainer.model_supports_jit = lambda model: all(layer.supports_jit for layer in model._flatten_layers())
