"""Which device a run uses: never another one than was asked for, and never in silence."""

from importlib import metadata

import pytest
from policy.fake_driver import H100, H100_SECOND, environment, libcuda  # noqa: F401
from support import bitforbit

from bitforbit.errors import HostError, UsageError
from bitforbit.policy import Policy, cuda, devices
from bitforbit.policy.driver import Driver, Gpu


def gpu(name="NVIDIA H100 80GB HBM3", capability=(9, 0), multiprocessors=132, bus="0000:18:00.0"):
    return Gpu(name, capability, multiprocessors, 80 << 30, "ab" * 16, bus)


def found(*gpus, version=(550, 54, 15), release=(12, 4), peers=None):
    gpus = gpus or (gpu(),)
    pairs = len(gpus) * (len(gpus) - 1)
    return Driver(version, release, gpus, tuple(peers or [(1, 0)] * pairs))


@pytest.fixture
def cuda_build(monkeypatch):
    """As with the packages of requirements-cuda.lock installed."""
    monkeypatch.setattr(metadata, "version", lambda name: "2.21.0")


def test_the_default_is_the_cpu_and_the_images_variable_decides(monkeypatch):
    monkeypatch.delenv("BITFORBIT_DEVICE", raising=False)
    assert devices.choose() == "cpu"
    monkeypatch.setenv("BITFORBIT_DEVICE", "gpu")
    assert devices.choose() == "gpu"
    assert devices.choose("cpu") == "cpu"


def test_auto_says_what_it_took(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "DRIVER_NODES", (str(tmp_path / "nvidiactl"),))
    assert devices.choose("auto") == "cpu"
    (tmp_path / "nvidiactl").touch()
    assert devices.choose("auto") == "gpu"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert devices.choose("auto") == "cpu"
    assert capsys.readouterr().err.splitlines() == [
        "device cpu: no NVIDIA driver is here",
        "device gpu: an NVIDIA driver is here",
        "device cpu: CUDA_VISIBLE_DEVICES hides every GPU",
    ]


@pytest.mark.parametrize(("asked", "source"), [("cuda", "--device"), (None, "BITFORBIT_DEVICE")])
def test_another_device_is_refused(monkeypatch, asked, source):
    monkeypatch.setenv("BITFORBIT_DEVICE", "tpu")
    with pytest.raises(UsageError) as caught:
        devices.choose(asked)
    assert str(caught.value) == f"expected {source} as one of auto, cpu, gpu, received {(asked or 'tpu')!r}."


def test_the_class_is_named_by_what_decides_the_bits():
    assert devices.gpu_class(found()) == "gpu-sm90-132-driver-550.54"
    assert devices.gpu_class(found(gpu(capability=(8, 6), multiprocessors=72))) == "gpu-sm86-72-driver-550.54"
    # One slice of an A100 and the whole one differ; so do two drivers, and not two patches of one.
    assert devices.gpu_class(found(gpu("A100 MIG 1g.5gb", (8, 0), 14))) == "gpu-sm80-14-driver-550.54"
    assert devices.gpu_class(found(version=(550, 54, 99))) == devices.gpu_class(found())
    assert devices.gpu_class(found(version=(535, 183, 1))) == "gpu-sm90-132-driver-535.183"
    assert devices.gpu_class(found(version=())) == "gpu-sm90-132-driver-unknown"


def test_mixed_precision_and_xla_are_classes_of_their_own():
    assert devices.gpu_class(found(), precision="mixed_bfloat16") == "gpu-sm90-132-driver-550.54-mixed_bfloat16"
    assert devices.gpu_class(found(), xla=True) == "gpu-sm90-132-driver-550.54-xla"


def test_several_gpus_make_a_class_by_their_topology():
    pair = found(gpu(), gpu(bus="0000:3B:00.0"))
    slower = found(gpu(), gpu(bus="0000:3B:00.0"), peers=[(0, 0), (0, 0)])
    named = devices.gpu_class(pair, 2)
    assert named.startswith("gpu-sm90-132-driver-550.54-x2-") and len(named.rsplit("-", 1)[1]) == 8
    assert devices.gpu_class(slower, 2) != named
    # A third GPU that the run does not see changes nothing.
    three = found(gpu(), gpu(), gpu(), peers=[(1, 0), (0, 3), (1, 0), (0, 4), (0, 5), (0, 6)])
    assert devices.gpu_class(three, 2) == named
    assert devices.gpu_class(found(gpu(), gpu(), peers=[(1, 0), (0, 3)]), 2) != named


def test_a_gpu_that_can_give_the_bits_is_accepted(cuda_build):
    assert devices.require_gpu(1, found()) == found()


def test_a_driver_that_is_too_old(cuda_build):
    with pytest.raises(HostError) as caught:
        devices.require_gpu(1, found(version=(525, 60, 11), release=(12, 0)))
    assert str(caught.value) == (
        "expected an NVIDIA driver of 525.60.13 or newer, found 525.60.11 for CUDA 12.0."
        " Next step: update the host's driver, or ask for the CPU with --device cpu."
    )
    with pytest.raises(HostError, match=r"found one for CUDA 11\.8"):
        devices.require_gpu(1, found(version=(), release=(11, 8)))


@pytest.mark.parametrize(
    ("name", "capability", "told"),
    [("NVIDIA GeForce RTX 5090", (12, 0), "Blackwell, 12.0"), ("NVIDIA GeForce GTX 980", (5, 2), "unknown, 5.2")],
)
def test_a_gpu_without_code(cuda_build, name, capability, told):
    with pytest.raises(HostError) as caught:
        devices.require_gpu(1, found(gpu(name, capability)))
    assert str(caught.value) == (
        f"expected a GPU that TensorFlow 2.21.0 has code for (compute capability 6.0 to 9.0), found {name} ({told})."
        " Next step: another GPU, or ask for the CPU with --device cpu."
    )


def test_too_few_or_unequal_gpus(cuda_build):
    with pytest.raises(HostError, match=r"expected 2 GPUs, found 1 visible\. Next step: --gpus 1"):
        devices.require_gpu(2, found())
    with pytest.raises(HostError, match=r"expected 2 GPUs of one kind, found NVIDIA H100 80GB HBM3, NVIDIA A10\."):
        devices.require_gpu(2, found(gpu(), gpu("NVIDIA A10", (8, 6), 72)))


def test_the_cpu_build_of_tensorflow_is_refused():
    """These tests run with `tensorflow-cpu`."""
    with pytest.raises(HostError) as caught:
        devices.require_gpu(1, found())
    assert str(caught.value) == (
        "expected the packages of requirements-cuda.lock for a GPU, found no tensorflow."
        " Next step: use the CUDA image (make image-cuda), or --device cpu."
    )


def test_a_run_on_the_cpu_records_nothing_of_gpus():
    assert devices.facts(Policy()) == {}
    assert devices.host_class(Policy()) == "cpu-x86-64-v3"


def test_what_a_run_on_a_gpu_records(monkeypatch):
    monkeypatch.setattr(devices, "the_driver", lambda: found(gpu(), gpu("another")))
    policy = Policy(device="gpu")
    assert devices.host_class(policy) == "gpu-sm90-132-driver-550.54"
    facts = devices.facts(policy)
    assert (facts["driver"], facts["driver_cuda"], len(facts["gpus"])) == ("550.54.15", "12.4", 1)
    assert facts["gpus"][0] | {"memory": 0} == {
        "name": "NVIDIA H100 80GB HBM3",
        "capability": "9.0",
        "multiprocessors": 132,
        "memory": 0,
        "uuid": "ab" * 16,
        "bus": "0000:18:00.0",
        "code": cuda.COMPILED,
    }


def test_a_gpu_that_is_not_there_is_never_a_training_on_the_cpu(tmp_path):
    done = bitforbit("train", "sequence", "--device", "gpu", "--runs", tmp_path / "runs", LD_LIBRARY_PATH="/nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "bitforbit train: expected an NVIDIA GPU, found no driver: libcuda.so.1 cannot be opened."
        " Next step: start the container with --gpus all (podman: --device nvidia.com/gpu=all; Apptainer: --nv),"
        " or ask for the CPU with --device cpu.\n"
    )
    assert not (tmp_path / "runs").exists()


def test_a_gpu_without_a_cuda_build_is_never_a_training_on_the_cpu(libcuda):  # noqa: F811
    done = bitforbit("train", "sequence", "--device", "gpu", **environment(libcuda, H100, H100_SECOND))
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected the packages of requirements-cuda.lock for a GPU, found no tensorflow" in done.stderr


@pytest.mark.parametrize("option", [("--gpus", "2"), ("--precision", "mixed_float16"), ("--xla",)])
def test_a_gpus_option_is_refused_for_the_cpu(option):
    done = bitforbit("train", "sequence", *option)
    assert (done.returncode, done.stderr) == (
        2,
        f"bitforbit train: expected {option[0]} for a run on a GPU, found one on the CPU. Next step: --device gpu\n",
    )


def test_no_gpus_is_refused():
    done = bitforbit("policy", "--env", "--device", "gpu", "--gpus", "0")
    assert (done.returncode, done.stderr) == (
        2,
        "bitforbit policy: expected --gpus from 1 to 64, received 0. Next step: --gpus 1\n",
    )
