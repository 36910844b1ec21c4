"""Set the knobs that are set inside the process, then refuse to go on where any knob did not take."""

from bitforbit.policy import (
    deferred,
    devices,
    generated,
    gpu_apply,
    host,
    knobs,
    natives,
    pools,
    readback,
    replacements,
)
from bitforbit.policy.model import Policy, Reading


def activate(policy: Policy, strict: bool = True) -> list[Reading]:
    """Apply the policy to this process and read every knob back.

    Must run before the first TensorFlow op. The environment is read first, so that a wrong start is refused before
    the seconds that TensorFlow takes to load.

    Returns:
        The knobs that did not take: empty under `strict`.

    Raises:
        HostError: the CPU or the system cannot give these bits.
        PolicyError: a knob did not take, under `strict`.
    """
    host.require_level_v3()
    if policy.device == devices.GPU:
        devices.require_gpu(policy.gpus)
    refused = readback.refuse(readback.read_environment(policy), strict)
    set_in_process(policy)
    return refused + readback.refuse(readback.read_effects(policy), strict)


def set_in_process(policy: Policy) -> None:
    """Set every knob whose moment is `before the first op`, and start the pools."""
    deferred.install()
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2
    from tensorflow.python.eager import context

    if context.context()._initialized:
        pools.start()
    natives.pin_eigen_caches(knobs.EIGEN_CACHES)
    replacements.load(policy.pool_size)
    base = config_pb2.ConfigProto()
    base.graph_options.rewrite_options.meta_optimizer_timeout_ms = -1
    # Changes no bit: an idle thread sleeps in place of asking for work in a loop, on a core that another could use.
    base.experimental.disable_thread_spinning = policy.device == devices.CPU
    context.context()._config = base
    tf.config.threading.set_intra_op_parallelism_threads(policy.pool_size)
    tf.config.threading.set_inter_op_parallelism_threads(policy.pool_size)
    tf.config.experimental.enable_op_determinism()
    if policy.device == devices.GPU:
        gpu_apply.before_the_first_op(policy)
    pools.start(policy.device == devices.GPU)
    fix_cycle_length()
    generated.keep_in_memory()
    _configure_keras()
    if policy.device == devices.GPU:
        gpu_apply.keras_settings(policy)


def fix_cycle_length() -> None:
    """Give `Dataset.interleave` a fixed default: TensorFlow's is the number of CPUs it may run on."""
    from tensorflow.python.data.ops import dataset_ops, interleave_op

    stock = interleave_op._interleave
    if getattr(stock, "fixed_cycle_length", None):
        return

    def interleave(dataset, map_func, cycle_length=None, *args, **kwargs):
        if cycle_length is None or (isinstance(cycle_length, int) and cycle_length == dataset_ops.AUTOTUNE):
            cycle_length = knobs.CYCLE_LENGTH
        return stock(dataset, map_func, cycle_length, *args, **kwargs)

    interleave.fixed_cycle_length = knobs.CYCLE_LENGTH
    interleave_op._interleave = interleave


def _configure_keras() -> None:
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-07)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
