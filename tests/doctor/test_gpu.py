"""Driver and GPUs, from what nvidia-smi really prints."""

import pytest

from bitforbit.doctor import gpu
from bitforbit.doctor.model import FAILURE, NONE, OK, WARNING, Answer

# One line a GPU of `nvidia-smi --query-gpu=... --format=csv,noheader,nounits`; a field that a card lacks is [N/A].
H100 = "0, NVIDIA H100 80GB HBM3, GPU-8e2c3f5a-0b51-1c2d-93b1-2f5d3a1c7e10, 00000000:1B:00.0, 535.104.05, 9.0, 81559, Disabled\n"
A100_MIG = "0, NVIDIA A100-SXM4-40GB, GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f, 00000000:3B:00.0, 550.144.03, 8.0, 40960, Enabled\n"
RTX4090 = "{}, NVIDIA GeForce RTX 4090, GPU-2f68f999-7b41-e64a-3709-0c8c4fa756c{}, 00000000:0{}:00.0, 560.35.03, 8.9, 24564, [N/A]\n"
RTX5090 = "0, NVIDIA GeForce RTX 5090, GPU-aa68f999-7b41-e64a-3709-0c8c4fa756c0, 00000000:01:00.0, 570.86.16, 12.0, 32607, [N/A]\n"
K80 = "0, Tesla K80, GPU-bb68f999-7b41-e64a-3709-0c8c4fa756c0, 00000000:01:00.0, 470.256.02, 3.7, 11441, [N/A]\n"
PCI = {"/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n", "/sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n"}


def states(findings):
    return {finding.check: finding.state for finding in findings}


def test_a_gpu_that_the_wheel_has_code_for(recorded):
    found = gpu.check(recorded({"nvidia-smi": RTX4090.format(0, 0, 1)}), wanted=True)
    assert states(found) == {"driver": OK, "gpu 0": OK}
    assert "NVIDIA GeForce RTX 4090, Ada Lovelace, compute capability 8.9, 24564 MiB" in found[1].found


def test_a_gpu_whose_code_the_driver_compiles(recorded):
    found = gpu.check(recorded({"nvidia-smi": H100}), wanted=True)
    assert states(found) == {"driver": OK, "gpu 0": WARNING}
    assert "compiles TensorFlow's PTX" in found[1].found and "bitforbit-cuda-cache:" in found[1].fix


@pytest.mark.parametrize(("line", "words"), [(RTX5090, "too new"), (K80, "too old")])
def test_a_gpu_that_tensorflow_cannot_use(recorded, line, words):
    found = {finding.check: finding for finding in gpu.check(recorded({"nvidia-smi": line}), wanted=True)}
    assert found["gpu 0"].state == FAILURE and words in found["gpu 0"].found


def test_a_driver_below_the_floor(recorded):
    found = gpu.check(recorded({"nvidia-smi": K80}), wanted=False)[0]
    assert (found.check, found.state) == ("driver", FAILURE)
    assert found.found == "470.256.02 is too old: CUDA 12 needs 525.60.13 or later"


def test_a_driver_too_old_to_know_the_question(recorded):
    eye = recorded({
        "nvidia-smi --query-gpu=index": Answer(2, 'Field "compute_cap" is not a valid field to query.\n', ""),
        "nvidia-smi --query-gpu=driver_version": "418.226.00\n",
    })  # fmt: skip
    (found,) = gpu.check(eye, wanted=True)
    assert (found.state, found.found.split()[0]) == (FAILURE, "418.226.00")


NOT_LOADED = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA"
    " driver is installed and running.\n"
)
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.183\n"


@pytest.mark.parametrize(
    ("answer", "fix"),
    [
        (Answer(9, NOT_LOADED, ""), "sudo modprobe nvidia"),
        (Answer(18, MISMATCH, ""), "sudo reboot"),
        (Answer(6, "No devices were found\n", ""), "sudo dmesg | grep -i nvrm"),
        (Answer(124, "", "nvidia-smi gave no answer within 20 s"), "sudo dmesg | grep -i nvrm"),
    ],
)
def test_a_driver_that_does_not_answer(recorded, answer, fix):
    (found,) = gpu.check(recorded({"nvidia-smi": answer}, PCI), wanted=False)
    assert (found.state, found.fix) == (FAILURE, fix)


def test_a_container_that_lost_its_gpu(recorded):
    answer = Answer(255, "Failed to initialize NVML: Unknown Error\n", "")
    (found,) = gpu.check(recorded({"nvidia-smi": answer}, PCI | {"/.dockerenv": ""}), wanted=True)
    assert "daemon-reload" in found.found


def test_no_driver_matters_only_where_a_gpu_is_wanted_or_there(recorded):
    assert states(gpu.check(recorded(), wanted=False)) == {"driver": NONE}
    assert states(gpu.check(recorded(), wanted=True)) == {"driver": FAILURE}
    (here,) = gpu.check(recorded(files=PCI), wanted=False)
    assert (here.state, here.fix) == (FAILURE, gpu.INSTALL_DRIVER)


def test_a_sound_card_of_the_same_vendor_is_no_gpu(recorded):
    files = {
        "/sys/bus/pci/devices/0000:01:00.1/vendor": "0x10de\n",
        "/sys/bus/pci/devices/0000:01:00.1/class": "0x040300\n",
    }
    assert not gpu.present(recorded(files=files))


def test_several_gpus(recorded):
    two = RTX4090.format(0, 0, 1) + RTX4090.format(1, 1, 2)
    found = gpu.check(recorded({"nvidia-smi": two}), wanted=True)
    assert states(found) == {"driver": OK, "gpu 0": OK, "gpu 1": OK, "gpus": WARNING}
    assert found[-1].found == "2 GPUs, alike: a training uses one"
    mixed = gpu.check(recorded({"nvidia-smi": RTX4090.format(0, 0, 1) + H100.replace("0,", "1,", 1)}), wanted=True)
    assert "of 2 kinds" in mixed[-1].found


def test_mig(recorded):
    found = {finding.check: finding for finding in gpu.check(recorded({"nvidia-smi": A100_MIG}), wanted=True)}
    assert found["mig"].state == WARNING and "--gpus device=0:0" in found["mig"].fix


@pytest.mark.parametrize(
    ("value", "state"),
    [("", FAILURE), ("-1", FAILURE), ("7", FAILURE), ("0", OK), ("GPU-2f68f999", OK), ("-1,0", FAILURE), ("0,-1", OK)],
)
def test_gpus_hidden_by_the_environment(recorded, value, state):
    eye = recorded({"nvidia-smi": RTX4090.format(0, 0, 1)}, environment={"CUDA_VISIBLE_DEVICES": value})
    found = gpu.check(eye, wanted=True)[-1]
    assert (found.check, found.state) == ("visible", state)


def test_lines_that_are_no_gpus_are_skipped():
    assert gpu.parse("Unable to determine the device handle for GPU 0000:41:00.0: Unknown Error\n" + H100)[
        0
    ].capability == (9, 0)
