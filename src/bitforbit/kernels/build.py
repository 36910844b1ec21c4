"""Compile the exact kernels: `python -m bitforbit.kernels.build [--output PATH]`.

Every file under `native/` is compiled once; those listed in `PER_VARIANT` once per vector width.  The library carries a
stamp (sources, flags, TensorFlow version), so that a stale one is recognised without a compiler.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bitforbit.errors import HostError

NATIVE = Path(__file__).parent / "native"
DEFAULT_OUTPUT = Path(__file__).parent / "_build" / "libbitforbit_kernels.so"

FLAGS = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-O3",
    "-fPIC",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
]
"""`-fno-math-errno` and `-fno-trapping-math` change no value: they drop errno and exception flags that nobody reads."""

LIBRARIES = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")

VARIANTS = {"avx2": ["-march=x86-64-v3"], "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}
PER_VARIANT = ("unary.c", "softmax.c", "batchnorm.c", "matmul.c", "convert.c", "variant.c")
BASELINE = ("-march=x86-64",)
BEFORE_CHECK = ("api.c", "register.c", "pool.c")
"""Files that run before the CPU is known to be x86-64-v3; all others may use its instructions, fma above all."""


def tensorflow_folder():
    """Return the folder of the installed TensorFlow without importing it. Raises `HostError` if there is none."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.submodule_search_locations:
        raise HostError(
            "Expected TensorFlow to be installed. Received: no module tensorflow. Next: run `make install`."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def tensorflow_version():
    """Return the version of the installed wheel, whichever of its names it was installed under."""
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise HostError("Expected the wheel tensorflow-cpu or tensorflow. Received: neither. Next: run `make install`.")


def stamp():
    """Return the hash that a library built from this tree carries: sources, flags and TensorFlow version."""
    digest = hashlib.sha256()
    parts = [
        *FLAGS,
        *BASELINE,
        *(f"{name} {flags}" for name, flags in VARIANTS.items()),
        *PER_VARIANT,
        *BEFORE_CHECK,
        tensorflow_version(),
    ]
    digest.update("\0".join(parts).encode())
    for path in sorted(NATIVE.glob("*.[ch]")):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def compiler():
    """Return the C compiler as a command list: `CC`, else cc, gcc or clang. Raises `HostError` if there is none."""
    command = shlex.split(os.environ.get("CC", ""))
    for candidate in [command] if command else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(candidate[0]):
            return candidate
    raise HostError(
        f"Expected a C compiler to build the exact kernels. Received: {' '.join(command) or 'none of cc, gcc, clang'}. "
        "Next: run `apt-get install gcc libc6-dev`, or use the image, which has them built."
    )


def _run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise HostError(f"Expected the kernels to compile. Received from `{' '.join(command)}`:\n{done.stderr.strip()}")


def _stub(cc, folder, library):
    """Make an empty library of that name to link against, so that the loader asks for the real one.

    The real ones are loaded by then; reading their 1.2 million symbols would cost the linker half a minute.
    """
    path = f"{folder}/{library}"
    _run([*cc, "-shared", "-nostdlib", "-x", "c", os.devnull, f"-Wl,-soname,{library}", "-o", path])
    return path


def build(output=None, extra_flags=(), jobs=2):
    """Compile and link; the library appears at `output` whole or not at all.

    Args:
        output: path, Where to put the library. Defaults to `_build/libbitforbit_kernels.so` beside this file.
        extra_flags: sequence of str, More compiler flags (tests pass sanitizers); not part of the stamp.
        jobs: int, Compilers run at a time. Defaults to `2`.

    Returns:
        The path of the library. Raises `HostError` without a compiler, headers, or on an error of the compiler.
    """
    output = Path(output or DEFAULT_OUTPUT)
    cc, tensorflow = compiler(), tensorflow_folder()
    if not (tensorflow / "include/tensorflow/c/kernels.h").exists():
        raise HostError(
            f"Expected TensorFlow's headers in {tensorflow / 'include'}. Received: none (the image strips them after "
            "its build). Next: build before stripping, or reinstall the wheel."
        )
    common = [*cc, *FLAGS, f"-isystem{tensorflow / 'include'}", f'-DBFB_STAMP="{stamp()}"', *extra_flags]
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".build-") as work:
        commands, objects = [], []
        for source in sorted(NATIVE.glob("*.c")):
            variants = (
                VARIANTS
                if source.name in PER_VARIANT
                else {"once": BASELINE if source.name in BEFORE_CHECK else VARIANTS["avx2"]}
            )
            for name, flags in variants.items():
                objects.append(f"{work}/{source.stem}.{name}.o")
                define = [f"-DBFB_VARIANT={name}"] if source.name in PER_VARIANT else []
                commands.append([*common, *flags, *define, "-c", str(source), "-o", objects[-1]])
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(_run, commands))
        linked = f"{work}/{output.name}"
        needed = [_stub(cc, work, library) for library in LIBRARIES]
        _run([*cc, "-shared", *extra_flags, *objects, "-o", linked, "-Wl,--no-as-needed", *needed, "-lpthread"])
        os.replace(linked, output)
    return output


def main(arguments=None):
    """Build the library and print its path."""
    parser = argparse.ArgumentParser(prog="python -m bitforbit.kernels.build", description=main.__doc__)
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="where to put the library")
    options = parser.parse_args(arguments)
    try:
        print(build(options.output))
    except HostError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
