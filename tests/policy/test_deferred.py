"""Modules that are put off are not loaded by `import keras`, and are whole when they are used."""

import json
import subprocess
import sys

from support import PROJECT, clean_environment

SCRIPT = """
import inspect, json, sys
if sys.argv[1] == "deferred":
    from bitforbit.policy import deferred
    deferred.install()
import keras
for module in list(sys.modules.values()):
    hasattr(module, "__file__")
inspect.getmodule(inspect.currentframe())
heavy = [name for name in ("sklearn", "matplotlib.pyplot") if name in sys.modules]
from keras.visualization import plot_image_gallery
from keras.src.visualization import draw_bounding_boxes
names = lambda module: sorted(name for name in dir(module) if not name.startswith("_"))
wrapper = keras.wrappers.SKLearnClassifier
said = ""
try:
    keras.wrappers.nothing
except AttributeError as error:
    said = str(error)
print(json.dumps({
    "heavy": heavy,
    "names": [names(keras.wrappers), names(keras.visualization), names(keras.src.visualization)],
    "bases": [base.__module__ for base in wrapper.__mro__],
    "gallery": keras.visualization.plot_image_gallery is plot_image_gallery,
    "loaders": [type(module.__spec__.loader.get_source).__name__ for module in (keras.wrappers, keras.visualization)],
    "source": inspect.getsource(keras.wrappers)[:20],
    "missing": said,
}))
"""


def run(mode: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, mode],
        capture_output=True, text=True, cwd=PROJECT, env=clean_environment() | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_deferred_modules_load_when_used_and_not_before():
    at_once, later = run("at once"), run("deferred")
    assert at_once.pop("heavy") == ["sklearn", "matplotlib.pyplot"]
    assert later.pop("heavy") == []
    assert later == at_once
    assert later["missing"] == "module 'keras.wrappers' has no attribute 'nothing'"
    assert "sklearn.base" in later["bases"]
