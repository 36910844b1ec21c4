"""The yardstick: the digits model trained by a bare script, as anybody would write it.

usage: bare.py (plain | seeded) EPOCHS        prints JSON: seconds to the end of the first epoch's steps, of each epoch
"""

import json
import os
import sys
import time


def since_start(moment: float) -> float:
    with open("/proc/self/stat") as file:
        ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    started = ticks / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started - (time.monotonic() - moment)


mode, epochs = sys.argv[1], int(sys.argv[2])

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from bitforbit.experiments import digits  # noqa: E402

if mode == "seeded":
    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(2)


class Clock(keras.callbacks.Callback):
    first, ends = None, ()

    def on_test_begin(self, logs=None):
        self.first = self.first or time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self.ends = (*self.ends, time.monotonic())


config = digits.Config(epochs=epochs)
data = digits.load_data(config)
model = digits.build_model(config)
clock = Clock()
model.fit(
    data.x_train, data.y_train, batch_size=config.batch_size, epochs=epochs, verbose=0, callbacks=[clock],
    validation_data=(data.x_test, data.y_test), validation_batch_size=config.batch_size,
)  # fmt: skip
print(json.dumps({"first_validation": since_start(clock.first), "ends": clock.ends}))
