"""`diagnose` and the sentinel in the image: it has no compiler, but the seal; and a Python with `sys.monitoring`."""

import json

import pytest
from diagnosis import changing

from .conftest import HARDENED, run

pytestmark = pytest.mark.docker

DRAWS = "import os, time, numpy; print(os.urandom(8).hex(), time.time(), numpy.random.default_rng().random())"
SCRIPT = """\
import keras
import numpy as np

rng = np.random.default_rng()
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(rng.random((8, 2)), np.ones((8, 1)), epochs=1, verbose=0)
"""


def test_the_seal_is_there_and_holds():
    script = f"""
import os, subprocess, sys
from bitforbit.diagnosis.vary import seal
os.environ |= dict(LD_PRELOAD=str(seal.library()), BITFORBIT_ENTROPY="1", BITFORBIT_CLOCK="1")
lines = [subprocess.run([sys.executable, "-c", {DRAWS!r}], capture_output=True, check=True) for _ in range(2)]
assert lines[0].stdout == lines[1].stdout and not lines[0].stderr, lines
print(seal.library())
"""
    assert run("-c", script, program="python", flags=HARDENED).stdout == "/opt/bitforbit/lib/libbitforbit_seal.so\n"


def test_the_sentinel_reports_there_as_here(tmp_path):
    (tmp_path / "changing.py").write_text(changing.SCRIPT)
    tmp_path.chmod(0o755)
    flags = [*HARDENED, f"--volume={tmp_path}:/work:ro", "--workdir=/work"]
    done = run("run", "--sentinel", "changing.py", flags=flags)
    assert changing.reported(done.stderr) == changing.expected()


@pytest.mark.slow
def test_a_script_is_diagnosed(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "script.py").chmod(0o644)
    tmp_path.chmod(0o755)
    done = run("diagnose", "--json", "/work/script.py", flags=[*HARDENED, f"--volume={tmp_path}:/work:ro"], check=False)
    assert done.returncode == 1, done.stderr
    (cause,) = json.loads(done.stdout)["causes"]
    assert (cause["condition"], cause["localized"]["difference"]["site"]) == ("entropy", "batch/x")
    assert [frame["line"] for line in cause["lines"] for frame in line["frames"]] == [4]
