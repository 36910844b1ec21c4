"""A tour of what training touches: runs inside the image, prints `all there`."""

import h5py
import keras
import matplotlib.pyplot as plt
import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.stats
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

keras.utils.set_random_seed(1)  # noqa: BFB601 runs under the policy
x, y = load_digits(return_X_y=True)
x = (x / 16).astype("float32")

model = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Reshape((8, 8, 1)),
        layers.Conv2D(8, 3),
        layers.BatchNormalization(),
        layers.Activation("gelu"),
        layers.Flatten(),
        layers.Dropout(0.1),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(2000, seed=1).batch(64).prefetch(2)
history = model.fit(data, epochs=4, verbose=0).history
assert history["accuracy"][-1] > 0.8, history
predicted = model.predict(x[:99], verbose=0)

model.save("/tmp/m.keras")
assert np.array_equal(keras.models.load_model("/tmp/m.keras").predict(x[:99], verbose=0), predicted)
model.save_weights("/tmp/m.weights.h5")
model.load_weights("/tmp/m.weights.h5")
model.export("/tmp/saved", verbose=False)
served = tf.saved_model.load("/tmp/saved")
assert np.allclose(served.serve(x[:99]), predicted)

compiled = tf.function(lambda v: tf.reduce_sum(tf.nn.softmax(v @ tf.transpose(v))), jit_compile=True)  # noqa: BFB604 XLA on purpose
assert abs(float(compiled(tf.constant(x[:7]))) - 7) < 1e-4
layers.TextVectorization().adapt(["a b", "b c"])
recurrent = keras.Sequential([keras.Input((4, 3)), layers.Bidirectional(layers.LSTM(4)), layers.Dense(1)])
recurrent.compile("adamw", "mse")
recurrent.fit(np.ones((8, 4, 3)), np.ones(8), verbose=0)
tf.io.decode_png(tf.io.encode_png(np.zeros((4, 4, 3), "uint8")))

plt.plot(history["loss"])
plt.title("$L$")
for kind in ("png", "svg", "pdf"):
    plt.savefig(f"/tmp/plot.{kind}")
with h5py.File("/tmp/f.h5", "w") as file:
    file["a"] = x
forest = RandomForestClassifier(5, random_state=0).fit(x, y)
assert roc_auc_score(y == 1, forest.predict_proba(x)[:, 1]) > 0.9
scipy.linalg.svd(x[:50])
scipy.optimize.minimize(lambda v: (v**2).sum(), [1.0])
scipy.stats.ttest_ind(x[0], x[1])
np.testing.assert_allclose(1.0, 1.0)
print("all there")
