"""Where Keras is listened to: patches on its classes, so that any model of a process is seen, however it is written.

`make_train_function` (called by `fit` and by `train_on_batch`) gets a `train_step` that collects; while it is traced,
`Layer.__call__`, `GradientTape.gradient` and `Optimizer.apply` add their tensors. The patches are on classes, so nested
layers, subclassed models and a user's own `train_step` need nothing; Keras' objects get no attribute of ours that it
could save or track.
"""

from collections.abc import Callable


class Patches:
    """Replaced attributes of classes, put back by `undo`."""

    def __init__(self):
        self._undo: list[tuple[object, str, object]] = []

    def wrap(self, owner, name: str, make: Callable) -> None:
        """Replace `owner.name` by `make(original)`; only where `owner` itself defines it."""
        original = owner.__dict__[name]
        self._undo.append((owner, name, original))
        setattr(owner, name, make(original))

    def undo(self) -> None:
        for owner, name, original in reversed(self._undo):
            setattr(owner, name, original)
        self._undo.clear()


def install(patches: Patches, tracer) -> None:
    """Route Keras' training through `tracer` (see `bitforbit.diagnosis.trace.tracer.Tracer`)."""
    import keras
    import tensorflow as tf
    from keras.src.backend.tensorflow.trainer import TensorFlowTrainer
    from keras.src.optimizers.base_optimizer import BaseOptimizer
    from keras.src.optimizers.loss_scale_optimizer import LossScaleOptimizer

    def call(original):
        def __call__(layer, *args, **kwargs):
            tracer.entered(layer, args, kwargs)
            output = None
            try:
                output = original(layer, *args, **kwargs)
            finally:
                tracer.left(layer, output)
            return output

        return __call__

    def gradient(original):
        def gradient(tape, target, *args, **kwargs):
            tracer.loss(target)
            return original(tape, target, *args, **kwargs)

        return gradient

    def enter(original):
        def __enter__(tape):
            tracer.tape_begins()
            return original(tape)

        return __enter__

    def apply(original):
        def apply(optimizer, grads, trainable_variables=None):
            with tracer.applying(optimizer, grads, trainable_variables):
                return original(optimizer, grads, trainable_variables)

        return apply

    def make_train_function(original):
        def make_train_function(model, force=False):
            tracer.make_train_function(model, original, force)

        return make_train_function

    def on_epoch_begin(original):
        def on_epoch_begin(callbacks, epoch, logs=None):
            tracer.epoch_begins(callbacks._model, epoch + 1)
            return original(callbacks, epoch, logs)

        return on_epoch_begin

    def on_train_begin(original):
        def on_train_begin(callbacks, logs=None):
            result = original(callbacks, logs)
            tracer.fit_begins(callbacks._model)
            return result

        return on_train_begin

    patches.wrap(keras.layers.Layer, "__call__", call)
    patches.wrap(tf.GradientTape, "gradient", gradient)
    patches.wrap(tf.GradientTape, "__enter__", enter)
    for owner in (BaseOptimizer, LossScaleOptimizer):
        patches.wrap(owner, "apply", apply)
    patches.wrap(TensorFlowTrainer, "make_train_function", make_train_function)
    patches.wrap(keras.callbacks.CallbackList, "on_epoch_begin", on_epoch_begin)
    patches.wrap(keras.callbacks.CallbackList, "on_train_begin", on_train_begin)
