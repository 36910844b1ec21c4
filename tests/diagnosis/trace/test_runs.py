"""`train --trace`, `trace` and `compare` as a user runs them: other threads, another instruction set, no traces at all."""

import json
import shutil

import pytest
from support import bitforbit

TINY = """
from dataclasses import dataclass
from bitforbit.training.experiment import Data

@dataclass(frozen=True)
class Config:
    epochs: int = 1
    batch_size: int = 32

def load_data(config):
    import numpy as np
    x = (np.arange(32 * 28 * 28, dtype="float32").reshape(32, 28, 28, 1) * 7919 % 1000) / 1000
    return Data(x, x[:, 0, 0], x[:4], x[:4, 0, 0])

def build_model(config):
    import keras
    L = keras.layers
    body = [L.Conv2D(16, 3, activation="relu"), L.Conv2D(32, 3), L.GlobalAveragePooling2D(), L.Dense(1)]
    model = keras.Sequential([keras.Input((28, 28, 1)), *body], name="tiny")
    model.compile("adam", "mse", jit_compile=False)
    return model
"""

DRAWN = (
    TINY.replace("body = [", "body = [Drawn(), ")
    + """
import keras
import numpy as np

class Drawn(keras.layers.Layer):
    def call(self, x):
        return x * np.random.random()
"""
)


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """Traces with two threads, with one, and under another instruction set; the first with a published run."""
    from bitforbit.policy import Policy

    folder = tmp_path_factory.mktemp("runs")
    (folder / "tiny.py").write_text(TINY)
    common = (folder / "tiny.py", "--runs", folder / "runs")
    done = bitforbit("train", *common, "--trace", folder / "two", "--json")
    assert done.returncode == 0, done.stderr
    quick = ("--no-observer-check", "--json")
    one = bitforbit("trace", *common, "--to", folder / "one", "--pool-size", 1, *quick)
    assert one.returncode == 0, one.stderr
    environment = Policy().environment() | {"ONEDNN_MAX_CPU_ISA": "SSE41", "BITFORBIT_RELAUNCHED": "1"}
    isa = bitforbit("trace", *common, "--to", folder / "sse", "--no-strict", *quick, **environment)
    assert isa.returncode == 0, isa.stderr
    return folder, json.loads(done.stdout), json.loads(one.stdout)


def test_the_published_run_is_untouched_by_its_trace(traced):
    folder, done, one = traced
    assert done["trace"]["observer"]["verdict"] == "same"
    assert done["trace"]["observer"]["traced"] == done["digest"]
    assert one["observer"]["verdict"] == "not checked"
    (run,) = (folder / "runs").glob("tiny/*/seed-1")
    assert "trace" not in (run / "result.json").read_text()


def test_what_a_layer_draws_while_its_graph_is_made_is_drawn_as_often_as_without_digests(tmp_path):
    (tmp_path / "drawn.py").write_text(DRAWN)
    common = (tmp_path / "drawn.py", "--json", "--runs")
    trained = bitforbit("train", *common, tmp_path / "runs", "--trace", tmp_path / "a")
    assert json.loads(trained.stdout)["trace"]["observer"]["verdict"] == "same"
    for name, runs in (("b", "runs"), ("c", "none")):
        done = bitforbit("trace", *common, tmp_path / runs, "--to", tmp_path / name)
        assert json.loads(done.stdout)["observer"]["verdict"] == "same"
        assert json.loads(done.stdout)["observer"]["traced"] == json.loads(trained.stdout)["digest"]


def test_other_threads_are_found_down_to_op_and_line(traced):
    done = bitforbit(
        "compare", traced[0] / "two", traced[0] / "one", "--anyway", "--json", "--html", traced[0] / "x.html"
    )
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["difference"]
    assert (found["level"], found["epoch"], found["step"]) == ("step", 1, 0)
    assert found["kind"] in ("forward", "gradient")
    assert 0 < found["elements"]["count"] <= found["elements"]["size"]
    assert found["op"]["type"] in ("BiasAddGrad", "Conv2D", "Conv2DBackpropFilter", "Sum", "Mean", "MatMul")
    assert found["op"]["line"].startswith("keras/src/")
    assert (found["causes"][0]["name"], found["causes"][0]["a"], found["causes"][0]["b"]) == (
        "thread pools", "pool size 2", "pool size 1",
    )  # fmt: skip
    page = (traced[0] / "x.html").read_text()
    assert found["op"]["line"] in page
    assert "<script" not in page


def test_another_instruction_set_is_the_first_cause(traced):
    done = bitforbit("compare", traced[0] / "two", traced[0] / "sse", "--anyway", "--no-zoom", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["difference"]
    assert found["step"] == 0
    assert found["kind"] in ("forward", "gradient")
    (cause,) = (cause for cause in found["causes"] if cause["name"] == "instruction set")
    assert (cause["a"], cause["b"]) == ("ONEDNN_MAX_CPU_ISA=AVX2", "ONEDNN_MAX_CPU_ISA=SSE41")


def test_other_policies_cannot_be_compared_unasked(traced):
    done = bitforbit("compare", traced[0] / "two", traced[0] / "one")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[1:2] == ["  policy: pool_size 2 and 1"]


@pytest.fixture
def published(traced, tmp_path):
    """The published run, and a copy that can be altered and sealed anew."""
    from bitforbit.evidence import runs

    (run,) = (traced[0] / "runs").glob("tiny/*/seed-1")
    other = tmp_path / "other"
    shutil.copytree(run, other)

    def alter(change):
        result = json.loads((other / "result.json").read_text())
        change(result, other)
        (other / "result.json").write_text(json.dumps(result))
        (other / "run.json").unlink()
        runs.seal(other, {"host": {"cpu": "another one"}})
        return run, other

    return alter


def _weights(result, folder):
    path = result["variables"][0]["path"]
    table = (folder / "digests.csv").read_text().splitlines()
    table = [line[:-4] + "0000" if line.startswith(f"1,{path},") else line for line in table]
    (folder / "digests.csv").write_text("\n".join(table) + "\n")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_weights, ("training", "epoch", 1, "sequential/conv2d/kernel")),
        (lambda r, _: r["epochs"][0].update(state="0" * 64), ("optimizer", "epoch", 1, "state")),
        (lambda r, _: r["metrics"].update(loss=1.0), ("forward", "epoch", 1, "metrics")),
        (lambda r, _: (r["data"].update(root="0" * 64), r["data"]["arrays"][0].update(sha256="0" * 64)),
         ("data", "epoch", 0, "x_train")),
    ],
)  # fmt: skip
def test_published_runs_without_traces_are_told_apart_by_epoch(published, change, expected):
    from bitforbit.diagnosis.compare import compare

    found = compare(*published(change))
    assert (found.kind, found.level, found.epoch) == expected[:3]
    assert found.site.split("/")[-1] == expected[3].split("/")[-1]
    assert found.more[0].startswith("bitforbit trace EXPERIMENT")
    assert ("cpu", "another one") in [(cause.name, cause.b) for cause in found.causes]


def test_a_published_run_is_the_same_as_itself(traced):
    (run,) = (traced[0] / "runs").glob("tiny/*/seed-1")
    done = bitforbit("compare", run, run)
    assert (done.returncode, done.stdout) == (0, f"same: {run} and {run} do not differ\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("compare", "no", "no"),
            "bitforbit compare: expected a published run or a trace in no, found no such folder.",
        ),
        (
            ("trace", "digits", "--window", "9:3"),
            "bitforbit trace: expected --window A:B with A below B, received '9:3'.",
        ),
        (
            ("trace", "digits", "--to", "README.md/trace"),
            "bitforbit trace: expected to write a trace to README.md/trace, found: Not a directory",
        ),
        (
            ("train", "digits", "--trace", "README.md/trace"),
            "bitforbit train: expected to write a trace to README.md/trace, found: Not a directory",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments, line):
    done = bitforbit(*arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(line)
