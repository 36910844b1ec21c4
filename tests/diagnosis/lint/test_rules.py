"""Each rule finds what its page calls bad and is quiet on what it calls good; the seeded faults are named by line."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support import PROJECT

from bitforbit.diagnosis.lint import check, pages, rules
from bitforbit.diagnosis.lint.rules import determinism

PRELUDE = """\
import concurrent.futures, datetime, glob, hashlib, multiprocessing, os, random, secrets, threading, time, uuid, zlib
import keras
import numpy as np
import pandas
import sklearn.model_selection
import tensorflow as tf
"""
EVERY = rules.every()
SHOWN = [rule for rule in EVERY if rule.code != "BFB002"]


def found(text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.code) for finding in check.check_text(Path("x.py"), textwrap.dedent(text))]


def example(rule, word: str) -> str:
    """Return the first block of code under `Bad` or `Good` on a rule's page, or an empty text for a shell's."""
    match = re.search(rf"^{word}([^\n]*):\n\n((?:    .*\n|\n)+)", rule.page() + "\n", re.MULTILINE)
    assert match, rule.code
    code = textwrap.dedent(match[2])
    return "" if "shell" in match[1] else code if code.startswith(("import", "os.environ")) else PRELUDE + code


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.code)
def test_the_bad_example_is_found(rule):
    text = example(rule, "Bad")
    text = text if "import os" in text else "import os\n" + text
    assert rule.code in [code for _, code in found(text)]


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.code)
def test_the_good_example_is_not(rule):
    assert rule.code not in [code for _, code in found(example(rule, "Good"))]


def test_codes_are_unique_and_pages_are_current():
    codes = [rule.code for rule in EVERY]
    assert len(codes) == len(set(codes)) and all(re.fullmatch(r"BFB\d\d\d", code) for code in codes)
    folder = PROJECT / "docs" / "lint"
    assert sorted(path.stem for path in folder.glob("*.md")) == codes
    for rule in EVERY:
        assert (folder / f"{rule.code}.md").read_text() == pages.page(rule), "python -m bitforbit.diagnosis.lint.pages"
        assert rule.summary().endswith(".")
    index = (PROJECT / "docs" / "lint.md").read_text()
    assert pages.with_table(index) == index


def test_our_own_tree_has_no_finding():
    report = check.check([str(PROJECT / name) for name in ("src", "tests", "benchmarks", "docker")])
    assert [f"{f.path}:{f.line} {f.code}" for f in report.findings] == []
    assert report.unreadable == [] and report.files > 150


FAULTS = """\
import os
import random
import threading
import time
from numpy.random import default_rng as r
import numpy as np
import tensorflow as tf
import keras

os.environ["PYTHONHASHSEED"] = "0"
tf.config.threading.set_intra_op_parallelism_threads = 1
np.random.seed(int(time.time()))
names = os.listdir("data")
labels = {name: i for i, name in enumerate(set(names))}
random.shuffle(names)
rows = []


def noisy(x):
    return x + r().normal()


def work(name):
    rows.append(name)


data = tf.data.Dataset.from_tensor_slices(names).map(noisy, num_parallel_calls=4)
for name in names:
    threading.Thread(target=work, args=(name,)).start()
"""


def test_the_seeded_faults_are_named_by_line():
    got = [pair for pair in found(FAULTS) if pair[1] not in ("BFB204",)]
    assert got == [
        (10, "BFB201"),
        (11, "BFB202"),
        (12, "BFB301"),
        (13, "BFB401"),
        (14, "BFB402"),
        (15, "BFB103"),
        (20, "BFB101"),
        (20, "BFB502"),
        (24, "BFB505"),
    ]


CLEAN = """\
import os
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)
tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.experimental.enable_op_determinism()
names = sorted(os.listdir("data"))
labels = {name: i for i, name in enumerate(sorted(set(names)))}
rng = np.random.default_rng(1)
rng.shuffle(names)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(rng.random((8, 2)), rng.random(8), epochs=2)
"""


def test_a_clean_script_has_no_finding():
    assert found(CLEAN) == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("import numpy.random as nr\nr = nr.default_rng()", ["BFB101"]),
        ("from numpy import random\nrandom.default_rng(None)", ["BFB101", "BFB203"]),
        ("import numpy\nmake = numpy.random.default_rng\ng = make()", ["BFB101"]),
        ("import numpy as np\nnp.random.Generator(np.random.PCG64())\n", ["BFB203", "BFB101"]),
        ("import numpy as np\n\ndef f(np):\n    return np.random.default_rng()", []),
        ("import random\n\ndef f():\n    random.seed(1)\n\ndef g():\n    return random.random()", []),
        ("import os\nfor p in os.listdir('.'):\n    os.unlink(p)", []),
        ("import os\np = os.listdir('.')\np.sort()\nx = [open(q) for q in p]", []),
        ("import os\np = os.listdir('.')\nx = [open(q) for q in p]", ["BFB401"]),
        ("from pathlib import Path\nx = len(list(Path('.').iterdir()))", []),
        ("x = [hash(1) % 7, hash('a') % 7]", ["BFB403"]),
        ("class A:\n    def __hash__(self):\n        return hash((1, self.x))", []),
        ("s = {1, 2, 3}\nx = list(s)", []),
        ("s = set('abc')\nprint('a' in s, len(s))", []),
        ("s = set('abc')\ns = sorted(list(s))\nx = list(s)", []),
        ("s = set('abc')\nindex = {c: i for i, c in enumerate(s)}", ["BFB402"]),
        ("import time\nstart = time.time()\nprint(time.time() - start)", []),
        ("import uuid\nname = f'run-{uuid.uuid4()}'", []),
        ("import os\nfrom numpy.random import default_rng\nr = default_rng(os.getpid())", ["BFB303"]),
        ("import hashlib\nwith open('m.keras', 'rb') as f:\n    d = hashlib.sha256(f.read())", ["BFB605"]),
    ],
)
def test_aliases_and_uses(text, codes):
    assert [code for _, code in found(text)] == codes


def test_a_noqa_needs_our_code_and_a_reason():
    line = "import numpy as np\nr = np.random.default_rng()  # noqa"
    assert found(line) == [(2, "BFB101")]
    assert found(line + ": BFB101 a demonstration of drift") == []
    assert found(line + ": E501, BFB101 a demonstration") == []
    assert found(line + ": BFB102 another code") == [(2, "BFB101")]
    assert found(line + ": BFB101") == [(2, "BFB002")]


def test_what_is_said_to_raise_does_raise():
    """In a process of its own, as op determinism cannot be trusted to be off again."""
    script = """
import tensorflow as tf

tf.config.experimental.enable_op_determinism()
image, box = tf.zeros([1, 8, 8, 1]), tf.zeros([1, 1, 4])
calls = {
    "tensorflow.timestamp": lambda: tf.timestamp(),
    "tensorflow.random.get_global_generator": lambda: tf.random.get_global_generator(),
    "tensorflow.image.sample_distorted_bounding_box":
        lambda: tf.image.sample_distorted_bounding_box(tf.constant([8, 8, 1]), box),
    "tensorflow.nn.fractional_max_pool": lambda: tf.nn.fractional_max_pool(image, 1.4),
}
for name, call in calls.items():
    try:
        call()
    except Exception as error:
        print(name, " ".join(str(error).split()))
tf.nn.fractional_max_pool(image, 1.4, seed=1)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 0 and sorted(said) == sorted(raising.path for raising in determinism.EVERYWHERE)
    assert all(raising.message in said[raising.path] for raising in determinism.EVERYWHERE), said


def test_ops_without_a_deterministic_gpu_kernel_count_where_determinism_is_turned_on():
    text = """\
import tensorflow as tf
def crop(image):
    return tf.image.adjust_contrast(image, 2.0)
data = data.map(crop)
x = tf.math.bincount(y)
z = tf.raw_ops.Dilation2DBackpropInput(input=x, filter=y)
"""
    assert found(text) == []
    on = "tf.config.threading.set_intra_op_parallelism_threads(2)\ntf.config.experimental.enable_op_determinism()\n"
    assert found(text + on) == [(5, "BFB607"), (6, "BFB607")]
