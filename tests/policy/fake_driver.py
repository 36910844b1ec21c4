"""Build a libcuda that reports the GPUs that a test names, and start Python where it is the one that is found."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT, clean_environment

H100 = "NVIDIA H100 80GB HBM3|9|0|132|81079|3b1f0a5c8d2e47f6a9b0c1d2e3f40516|0000:18:00.0"
H100_SECOND = "NVIDIA H100 80GB HBM3|9|0|132|81079|3b1f0a5c8d2e47f6a9b0c1d2e3f40517|0000:3B:00.0"
A100 = "NVIDIA A100-SXM4-40GB|8|0|108|40337|0a1b2c3d4e5f60718293a4b5c6d7e8f9|0000:07:00.0"
A10 = "NVIDIA A10|8|6|72|22731|1a1b2c3d4e5f60718293a4b5c6d7e8f9|0000:00:1E.0"
MIG = "NVIDIA A100-SXM4-40GB MIG 1g.5gb|8|0|14|4864|2a1b2c3d4e5f60718293a4b5c6d7e8f9|0000:07:00.0"
B200 = "NVIDIA B200|10|0|148|182642|4a1b2c3d4e5f60718293a4b5c6d7e8f9|0000:1B:00.0"
RTX_5090 = "NVIDIA GeForce RTX 5090|12|0|170|32607|5a1b2c3d4e5f60718293a4b5c6d7e8f9|0000:01:00.0"


def build(folder: Path, version: str = "550.54.15") -> Path:
    """Compile the fake into `folder` as the driver's own packages lay it out."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).with_name("fake_libcuda.c")
    library = folder / f"libcuda.so.{version}"
    command = ["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library, source]
    subprocess.run(command, check=True)
    (folder / "libcuda.so.1").symlink_to(library.name)
    return folder


@pytest.fixture(scope="session")
def libcuda(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("libcuda"))


def environment(folder: Path, *gpus: str, **changes) -> dict:
    return {"LD_LIBRARY_PATH": str(folder), "FAKE_GPUS": "\n".join(gpus), **changes}


def ask(folder: Path, *gpus: str, **changes) -> tuple[list | None, str]:
    """What `driver.ask` returns, or the text of its error, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "from bitforbit.policy import driver; driver.main()"],
        env=clean_environment(**environment(folder, *gpus, **changes)),
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    return (json.loads(done.stdout), "") if done.returncode == 0 else (None, done.stderr.strip())
