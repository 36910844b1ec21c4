"""The GPU benchmark, tried out on the CPU with small blocks: what it prints, and that it never measures another device."""

import json
import subprocess
import sys

from support import PROJECT, clean_environment

SCRIPT = PROJECT / "benchmarks/gpu.py"


def bench(*arguments, **changes):
    environment = clean_environment(PYTHONPATH=str(PROJECT / "src"), **changes)
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)


def test_a_ratio_for_each_block_with_the_versions():
    done = bench(
        "resnet_block", "transformer_block", "--device", "cpu", "--tiny", "--rounds", "1", "--epochs", "2", "--json"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found["ratios"]) == ["resnet_block", "transformer_block"]
    assert all(ratio["minima"] == ratio["medians"] > 0 for ratio in found["ratios"].values())
    assert (found["device"], found["host"], found["stack"]["tensorflow"]) == ("cpu", {}, "2.21.0")


def test_without_a_gpu_nothing_is_measured():
    done = bench(LD_LIBRARY_PATH="/nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "benchmarks/gpu.py: expected an NVIDIA GPU, found no driver: libcuda.so.1 cannot be opened."
    )


def test_a_measurement_on_another_device_is_refused():
    """A child that was to use a GPU, and finds TensorFlow on the CPU, gives no number."""
    done = bench(
        "resnet_block", "--child", "default", "--device", "gpu", "--tiny", "--epochs", "1", CUDA_VISIBLE_DEVICES=""
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "expected a measurement on the gpu, found that TensorFlow used the cpu"


def test_an_unknown_subject_is_refused():
    done = bench("vgg", "--device", "cpu")
    assert done.returncode == 2
    assert "expected subjects of sequence, digits, solubility, peptides, resnet_block, transformer_block" in done.stderr
