"""Train tiny models, each form and each planted fault, and leave their traces.

usage: trainings.py FOLDER (forms | faults)     two thirds of the forms; the other third, the faults, a planted digest
       prints {"forms": {form: [weights' SHA-256 with a trace, without]}, "planted": the verdict of a planted digest}
"""

import hashlib
import json
import os
import sys
import types
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}

import keras
import numpy as np
import tensorflow as tf

from bitforbit.diagnosis import trace
from bitforbit.diagnosis.trace import observer, sites, zoom

L = keras.layers
OUT = Path(sys.argv[1])
X = np.random.default_rng(0).integers(-3, 4, (40, 6)).astype("float32")
Y = X[:, :1].copy()
NOISE = np.random.default_rng(5).standard_normal((40, 6), dtype="float32")


class OwnStep(keras.Model):
    """A subclassed model with a `train_step` of its own."""

    def __init__(self):
        super().__init__(name="own")
        self.hidden, self.flip, self.last = L.Dense(5, activation="relu"), Flip(name="flip"), L.Dense(1)

    def call(self, x, training=False):
        return self.last(self.flip(self.hidden(x), training=training))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}


class Flip(L.Layer):
    """Flips the last bit of one number of its third call in training, where `fault` is set; the identity else."""

    fault = False

    def build(self, shape):
        self.calls = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="calls")

    def call(self, x, training=False):
        if training:
            self.calls.assign_add(1)
        bits = {2: tf.int16, 4: tf.int32}[x.dtype.size]
        now = tf.logical_and(Flip.fault, tf.equal(tf.convert_to_tensor(self.calls), 3))  # the fault
        first = tf.cast(tf.reshape(tf.equal(tf.range(tf.size(x)), 0), tf.shape(x)), bits)
        mask = tf.where(now, first, tf.zeros_like(first))

        @tf.custom_gradient
        def flipped(x):
            return tf.bitcast(tf.bitwise.bitwise_xor(tf.bitcast(x, bits), mask), x.dtype), lambda dy: dy

        return flipped(x)


class Unordered(L.Layer):
    """A sum whose order changes from the third call of the second run on, as a GPU's float atomics do."""

    fault = False
    calls = 0

    def call(self, x):
        def add(values):
            Unordered.calls += 1
            order = values[:, ::-1] if Unordered.fault and Unordered.calls == 3 else values
            return np.add.accumulate(order * np.float32(0.1), axis=1)[:, -1:]

        # A term of its own: the sum has no gradient.
        return x + tf.ensure_shape(tf.numpy_function(add, [tf.stop_gradient(x)], tf.float32), (None, 1))


def sequential(dropout_seed=7, name="tiny"):
    body = [
        L.Dense(8, "relu", name="hidden"),
        Flip(name="flip"),
        L.Dropout(0.5, seed=dropout_seed, name="dropout"),
        L.Dense(1, name="last"),
    ]
    model = keras.Sequential([keras.Input((6,)), *body], name=name)
    model.compile("adam", "mse")
    return model


def functional(**compile_options):
    i, j = keras.Input((6,), name="i"), keras.Input((1,), name="j")
    inner = keras.Sequential([L.Dense(8, activation="relu"), Flip(name="flip"), L.BatchNormalization()], name="inner")
    h = L.Concatenate()([inner(i), j])
    outputs = [L.Dense(1, name="a", dtype="float32")(h), L.Dense(2, name="b", dtype="float32")(h)]
    model = keras.Model([i, j], outputs, name="functional")
    model.compile("adam", ["mse", "mse"], **compile_options)
    return model


def fit(model, x=X, y=Y, **options):
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, **{"epochs": 2} | options)
    return model


def fit_functional(**compile_options):
    return fit(functional(**compile_options), (X, Y), (Y, X[:, :2]))


def on_batches():
    model = sequential()
    for k in range(4):
        model.train_on_batch(X[k * 10 : k * 10 + 10], Y[k * 10 : k * 10 + 10])
    return model


def own_step():
    model = OwnStep()
    model.compile("sgd")
    return fit(model)


def mixed():
    keras.mixed_precision.set_global_policy("mixed_float16")  # noqa: BFB603 one of the forms to trace
    try:
        return fit_functional()
    finally:
        keras.mixed_precision.set_global_policy("float32")


def loop(wrap):
    model, optimizer = sequential(), keras.optimizers.Adam()

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        weights = model.trainable_weights
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    step = wrap(step)
    for k in range(70):
        rows = slice(k % 4 * 10, k % 4 * 10 + 10)
        step(tf.constant(X[rows]), tf.constant(Y[rows]))
        model(X[:3], training=False)
    return model


FORMS = {
    "fit": fit_functional,
    "loop-of-steps": lambda: fit_functional(steps_per_execution=2),
    "eager": lambda: fit_functional(run_eagerly=True),
    "batches": on_batches,
    "own-step": own_step,
    "mixed": mixed,
    "tape": lambda: loop(lambda step: step),
    "tape-in-graph": lambda: loop(tf.function),
}


def start():
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)


def weights(model) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(w).tobytes() for w in model.get_weights())).hexdigest()


def traced(name, train):
    start()
    tracer = trace.Tracer(OUT / name)
    model = train()
    tracer.close({"subject": {"kind": "script", "script": "tiny"}, "environment": {"variables": {}}})
    return weights(model)


def untraced(train):
    start()
    return weights(train())


def changed(change):
    x = X.copy()
    change(x)
    return x


def minus_zero(x):
    row, column = np.argwhere(x[16:32] == 0)[0]
    x[16 + row, column] = -0.0


def permuted(x):
    x[16:32] = x[16:32][::-1].copy()


def two_flips(x):
    bits = x[32:].reshape(-1).view(np.uint32)
    bits[:2] ^= 1 << 20


def one_byte(x):
    x.view(np.uint8)[5, 3] ^= 1


def other_order():
    last, first = L.Dense(1, name="last"), L.Dense(8, name="first")
    # Initial values come from a generator in the order of building.
    return _two(first, last, (last, (8,)), (first, (6,)))


def usual_order():
    first, last = L.Dense(8, name="first"), L.Dense(1, name="last")
    return _two(first, last, (first, (6,)), (last, (8,)))


def _two(first, last, *builds):
    for layer, shape in builds:
        layer.build((None, *shape))
    model = keras.Sequential([keras.Input((6,)), first, last], name="two")
    model.compile("adam", "mse")
    return fit(model)


def unordered(fault):
    Unordered.fault, Unordered.calls = fault, 0
    model = keras.Sequential([keras.Input((6,)), Unordered(name="unordered"), L.Dense(1)], name="atomics")
    model.compile("adam", "mse")
    return fit(model, NOISE, Y, epochs=2)


def resumed(restore_seeds):
    before = fit(sequential(), epochs=1)
    # The names of a process that starts anew.
    start()
    model = sequential()
    model.optimizer.build(model.trainable_variables)
    for new, old in zip(model.optimizer.variables, before.optimizer.variables, strict=True):
        new.assign(old)
    model.set_weights(before.get_weights())
    if restore_seeds:
        for new, old in zip(model.non_trainable_variables, before.non_trainable_variables, strict=True):
            new.assign(old)
    return model


def flipped(name, train, step=2) -> None:
    """Leave a trace with one bit flipped at that step, and that step at op level with and without it."""
    (stream,) = trace.read(OUT / name).streams
    Flip.fault = True
    traced(f"{name}-flip", train)
    for fault in (True, False):
        Flip.fault = fault
        folder = OUT / f"{name}-{'flip' if fault else 'zoom'}-op"
        folder.mkdir()
        os.environ |= zoom.Zoom(stream.name, step, str(folder)).environment()
        start()
        tracer = trace.Tracer(OUT / "none")
        try:
            train()
        except (Ended, tf.errors.OpError):
            pass
        finally:
            tracer.discard()
            del os.environ[zoom.VARIABLE]
    Flip.fault = False


class Ended(Exception):
    """Where a zoom would end the process."""


def end(code):
    raise Ended


FAULTS = {
    "base": lambda: fit(sequential()),
    "minus-zero": lambda: fit(sequential(), changed(minus_zero)),
    "permuted": lambda: fit(sequential(), changed(permuted)),
    "two-flips": lambda: fit(sequential(), changed(two_flips)),
    "one-byte": lambda: fit(sequential(), changed(one_byte)),
    "dropout-seed": lambda: fit(sequential(dropout_seed=8)),
    "order": usual_order,
    "other-order": other_order,
    "sum": lambda: unordered(False),
    "sum-unordered": lambda: unordered(True),
}


def planted() -> dict:
    """A digest that moves a weight: only the check against the untraced run can tell."""
    original = sites.state

    def moving(collector, models, optimizers):
        for model in models:
            if not tf.executing_eagerly():
                model.weights[0].assign_add(tf.ones_like(model.weights[0]))
        original(collector, models, optimizers)

    plain = untraced(FAULTS["base"])
    sites.state = moving
    try:
        mine = traced("planted", FAULTS["base"])
    finally:
        sites.state = original
    return observer.check(mine, plain, "trained without digests", lambda: untraced(FAULTS["base"]))


def all_of(forms: list[str]) -> dict:
    """Train each form with digests and without, then with a flipped bit; return `{form: [weights', weights']}`."""
    same = {name: [traced(name, FORMS[name]), untraced(FORMS[name])] for name in forms}
    for name in forms:
        flipped(name, FORMS[name])
    return same


def faults() -> None:
    for name, train in FAULTS.items():
        traced(name, train)
    for name, restore in (("resumed", True), ("resumed-badly", False)):
        start()
        model = resumed(restore)
        tracer = trace.Tracer(OUT / name)
        fit(model, initial_epoch=1)
        tracer.close({"subject": {"kind": "script", "script": "tiny"}, "environment": {"variables": {}}})


if __name__ == "__main__":
    tf.config.experimental.enable_op_determinism()  # noqa: BFB602 both sides run in this process
    zoom.posix = types.SimpleNamespace(_exit=end)
    names = list(FORMS)
    if sys.argv[2] == "forms":
        found = {"forms": all_of(names[len(names) // 3 :])}
    else:
        found = {"forms": all_of(names[: len(names) // 3]), "planted": planted()}
        faults()
    print(json.dumps(found))
