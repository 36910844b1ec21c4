"""A training that reads what changes from run to run; each such line says what the sentinel calls it."""

import re

SCRIPT = """\
import os
import random
import tempfile
import threading
import time

import keras
import numpy as np
import tensorflow as tf
from numpy.random import default_rng as make

np.random.seed(seed=int(time.time()))  # the time
keras.utils.set_random_seed(int(time.time()))  # the time
rng = make()  # fresh entropy
drop = keras.layers.Dropout(0.5, seed=int(1e3 * time.time()))  # the time
glorot = keras.initializers.GlorotUniform(seed=int(1e6 * time.time()))  # the time
names = os.listdir(".")  # the order of the file system
order = [len(name) for name in names]
thread = threading.Thread(target=print)
thread.start()  # a thread
thread.join()
noise = tf.random.stateless_normal([4], seed=[int(time.time()), 0])  # the time
data = tf.data.Dataset.range(16).shuffle(16, seed=int(time.time()))  # the time


def draw(x):
    return x + np.random.default_rng().normal()  # fresh entropy


def noisy(x):
    return tf.reshape(tf.numpy_function(draw, [tf.cast(x, tf.float64)], tf.float64), [1])


# Nothing below changes from run to run but what the lines above have made.
data = data.map(noisy).batch(4).map(lambda x: (x, x))
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(4, kernel_initializer=glorot), drop])
model.compile("sgd", "mse")
model.fit(data, epochs=2, verbose=0)
tempfile.TemporaryFile().close()
started = time.time()
values = np.random.default_rng(seed=5).random(), np.random.RandomState(seed=5).rand(), random.Random(5).random()
np.random.seed(seed=5)
tf.random.set_seed(int(started) % 1000)
print(sorted(os.listdir(".")) and tf.random.uniform([]).shape, keras.layers.Dropout(0.5, seed=3)(noise).shape)
"""


def expected(script: str = SCRIPT) -> list[tuple[int, str]]:
    """Return `(line, words)` of each line that says what it reads."""
    marked = ((number, re.search(r"  # (.+)$", line)) for number, line in enumerate(script.splitlines(), 1))
    return [(number, match[1]) for number, match in marked if match]


def reported(stderr: str) -> list[tuple[int, str]]:
    """Return `(line, words)` of each report of the sentinel."""
    found = re.findall(r"^bitforbit run: sentinel: changing\.py:(\d+): (.*)$", stderr, re.MULTILINE)
    words = [words for _, words in expected()]
    return [(int(line), next((word for word in words if word in text), text)) for line, text in found]
