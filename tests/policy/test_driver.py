"""The driver is asked through a libcuda of our own that answers as NVIDIA's does; its version in each real form."""

from pathlib import Path

import pytest
from policy.fake_driver import A100, H100, H100_SECOND, MIG, ask, build, environment, libcuda  # noqa: F401

from bitforbit.errors import HostError
from bitforbit.policy import driver, driver_version

START = (
    " Next step: start the container with --gpus all (podman: --device nvidia.com/gpu=all; Apptainer: --nv), or ask for"
    " the CPU with --device cpu."
)


def test_what_the_driver_says_of_each_gpu(libcuda):  # noqa: F811
    answer, _ = ask(libcuda, H100, H100_SECOND)
    version, release, gpus, peers = answer
    assert (version, release) == ([550, 54, 15], [12, 4])
    assert gpus[0] == [
        "NVIDIA H100 80GB HBM3",
        [9, 0],
        132,
        81079 << 20,
        "3b1f0a5c8d2e47f6a9b0c1d2e3f40516",
        "0000:18:00.0",
    ]
    assert [gpu[5] for gpu in gpus] == ["0000:18:00.0", "0000:3B:00.0"]
    assert peers == [[1, 0], [1, 0]]


def test_the_process_that_asks_is_another_one(libcuda, monkeypatch):  # noqa: F811
    for name, value in environment(libcuda, A100).items():
        monkeypatch.setenv(name, value)
    found = driver.ask_apart()
    assert found.version == (550, 54, 15)
    assert found.gpus == (
        driver.Gpu(
            "NVIDIA A100-SXM4-40GB", (8, 0), 108, 40337 << 20, "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "0000:07:00.0"
        ),
    )
    assert "libcuda" not in Path("/proc/self/maps").read_text()
    monkeypatch.setenv("FAKE_INIT", "999")
    with pytest.raises(HostError, match=r"^expected an NVIDIA GPU, found a driver that does not start"):
        driver.ask_apart()


def test_a_mig_slice_is_a_gpu_of_its_own(libcuda):  # noqa: F811
    answer, _ = ask(libcuda, MIG)
    assert answer[2][0][:3] == ["NVIDIA A100-SXM4-40GB MIG 1g.5gb", [8, 0], 14]


@pytest.mark.parametrize("version", ["525.60.13", "470.256.02", "580.82.07", "1000.1"])
def test_the_version_is_that_of_the_library_in_use(tmp_path, version):
    answer, _ = ask(build(tmp_path / "lib", version), A100)
    assert answer[0] == [int(part) for part in version.split(".")]


def test_no_driver():
    assert ask("/nonexistent") == (
        None,
        f"expected an NVIDIA GPU, found no driver: libcuda.so.1 cannot be opened.{START}",
    )


@pytest.mark.parametrize("how", [{}, {"FAKE_INIT": "100"}])
def test_a_driver_without_a_gpu(libcuda, how):  # noqa: F811
    assert ask(libcuda, **how) == (None, f"expected an NVIDIA GPU, found a driver without one.{START}")


def test_a_gpu_that_is_hidden(libcuda):  # noqa: F811
    _, error = ask(libcuda, FAKE_INIT="100", CUDA_VISIBLE_DEVICES="7")
    assert error == (
        "expected an NVIDIA GPU, found none visible: CUDA_VISIBLE_DEVICES is '7'."
        " Next step: unset CUDA_VISIBLE_DEVICES, or ask for the CPU with --device cpu."
    )


@pytest.mark.parametrize(
    ("status", "name"),
    [("803", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)"), ("999", "CUDA_ERROR_UNKNOWN (999)"), ("4711", "error 4711")],
)
def test_a_driver_that_does_not_start(libcuda, status, name):  # noqa: F811
    _, error = ask(libcuda, A100, FAKE_INIT=status)
    assert error == (
        f"expected an NVIDIA GPU, found a driver that does not start: {name}. Next step: nvidia-smi on the host;"
        " after an update of the driver, restart the host. Or ask for the CPU with --device cpu."
    )


def test_a_driver_that_cannot_describe_its_gpus(libcuda):  # noqa: F811
    _, error = ask(libcuda, A100, FAKE_COUNT_ERROR="999")
    assert error == (
        "expected NVIDIA's driver to describe its GPUs, found: CUDA_ERROR_UNKNOWN (999). Next step: nvidia-smi"
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
            "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n",
            (550, 54, 15),
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (dvs-builder@U16)\n",
            (570, 124, 6),
        ),
        ("525.60.13", (525, 60, 13)),
        ("1", ()),
        ("", ()),
    ],
)
def test_versions_as_the_kernel_module_nvml_and_file_names_give_them(text, version):
    assert driver_version.parse_version(text) == version


def test_where_libcuda_carries_no_version_the_kernel_module_tells(monkeypatch, tmp_path):
    """As under WSL, and where NVML is not let into the container."""
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 2024\n")
    monkeypatch.setattr(driver_version, "KERNEL_MODULE", str(tmp_path / "version"))
    monkeypatch.setattr(driver_version, "NVML", "libnvidia-ml.so.nowhere")
    monkeypatch.setattr(driver_version, "_mapped", lambda: ())
    assert driver_version.version() == (535, 183, 1)
    monkeypatch.setattr(driver_version, "KERNEL_MODULE", str(tmp_path / "nothing"))
    assert driver_version.version() == ()
