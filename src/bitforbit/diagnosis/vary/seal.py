"""Compile the seal, `native/*.c`, at first use, and find it again; the image has it compiled.

`python -m bitforbit.diagnosis.vary.seal [PATH]` compiles it, to PATH where one is given, and prints where it is.

The seal is a library for LD_PRELOAD that replaces entropy, wall clock, process id, host name and directory order by
fixed streams; `native/seal.h` has its variables.
"""

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from bitforbit.errors import HostError
from bitforbit.kernels import build

NATIVE = Path(__file__).parent / "native"
FLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-O2", "-s", "-Wall", "-Wextra", "-shared", "-fPIC")
PREBUILT_VARIABLE = "BITFORBIT_SEAL"


def library() -> Path:
    """Return the path of the compiled seal: `BITFORBIT_SEAL` where it is set, else one compiled into the cache folder.

    Raises:
        HostError: `BITFORBIT_SEAL` names no file, there is no compiler, or the compiler failed.
    """
    if prebuilt := os.environ.get(PREBUILT_VARIABLE):
        if not os.path.isfile(prebuilt):
            raise HostError(
                f"expected the compiled seal at {prebuilt}, as {PREBUILT_VARIABLE} says, found none."
                f" Next step: unset {PREBUILT_VARIABLE}"
            )
        return Path(prebuilt)
    stamp = hashlib.sha256("\0".join(FLAGS).encode())
    for source in sorted(NATIVE.glob("*.[ch]")):
        stamp.update(source.read_bytes())
    for folder in _folders():
        path = folder / f"libbitforbit_seal-{stamp.hexdigest()[:12]}.so"
        if path.exists() or _compile(path):
            return path
    raise HostError("expected a folder for the compiled seal, found none. Next step: export XDG_CACHE_HOME=FOLDER")


def _folders() -> tuple[Path, Path]:
    """The user's cache; where it cannot be written, the system's temporary folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "bitforbit", Path(tempfile.gettempdir()) / f"bitforbit-{os.getuid()}"


def _compile(path: Path) -> bool:
    """Compile to `path`, whole or not at all; false where the folder cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        work = tempfile.TemporaryDirectory(dir=path.parent, prefix=".seal-")
    except OSError:
        return False
    with work as folder:
        made = Path(folder) / path.name
        command = [*_compiler(), *FLAGS, *map(str, sorted(NATIVE.glob("*.c"))), "-o", str(made), "-ldl", "-lpthread"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise HostError(f"expected the seal to compile, found from {command[0]}: {done.stderr.strip()}")
        made.chmod(0o755)
        os.replace(made, path)
    return True


def _compiler() -> list[str]:
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        raise HostError("expected Linux with glibc, found another system. Next step: run diagnose in the image.")
    try:
        return build.compiler()
    except HostError:
        raise HostError(
            "expected a C compiler for the seal (entropy, clock and directory order made repeatable), found none."
            " Next step: apt-get install gcc libc6-dev"
        ) from None


def main(arguments: list[str]) -> int:
    made = Path(arguments[0]) if arguments else library()
    if arguments and not _compile(made):
        raise HostError(f"expected a folder that can be written at {made.parent}, found none")
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
