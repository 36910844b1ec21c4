"""What the CUDA image asks of a host: which GPUs the wheel's code runs on."""

import pytest

from bitforbit.policy import cuda


@pytest.mark.parametrize(
    ("capability", "how"),
    [
        ((5, 2), "unsupported"),  # GTX 980
        ((6, 1), "machine code"),  # GTX 1080
        ((7, 0), "machine code"),  # V100
        ((7, 5), "machine code"),  # T4
        ((8, 0), "machine code"),  # A100
        ((8, 6), "machine code"),  # A10, RTX 3090
        ((8, 9), "machine code"),  # L4, RTX 4090
        ((9, 0), "PTX, compiled by the driver"),  # H100
        ((10, 0), "unsupported"),  # B200
        ((12, 0), "unsupported"),  # RTX 5090
    ],
)
def test_how_the_wheels_kernels_run(capability, how):
    assert cuda.code_for(capability) == how


def test_architectures_are_told_apart_within_a_major_version():
    named = [cuda.architecture(c) for c in ((7, 0), (7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (12, 0), (99, 0))]
    assert named == ["Volta", "Turing", "Ampere", "Ampere", "Ada Lovelace", "Hopper", "Blackwell", "unknown"]


def test_versions_are_written_as_nvidia_writes_them():
    assert cuda.spell(cuda.DRIVER_FLOOR) == "525.60.13"
    assert cuda.spell((550, 54, 5)) == "550.54.05"
    assert cuda.spell((12, 4)) == "12.4"


def test_the_image_sets_no_variable_that_marks_it_as_an_old_one():
    assert "CUDA_VERSION" not in cuda.IMAGE_VARIABLES
    assert cuda.IMAGE_VARIABLES["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
