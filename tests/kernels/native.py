"""Build and run the C programs of this folder: the compute files of the library, without TensorFlow."""

import subprocess
from pathlib import Path

from bitforbit.kernels import build

HERE = Path(__file__).parent
COMPUTE = {
    "api.c": {"once": build.BASELINE},
    "pool.c": {"once": build.BASELINE},
    "fingerprint.c": {
        "avx2": build.VARIANTS["avx2"],
        "plain": (*build.BASELINE, "-Dbfb_fingerprint=bfb_fingerprint_without"),
    },
    **{
        name: {width: (*march, f"-DBFB_VARIANT={width}") for width, march in build.VARIANTS.items()}
        for name in build.PER_VARIANT
    },
}
"""The files of `native/` that know nothing of TensorFlow, and the flags of each time that one is compiled."""


def compile_program(folder, source="digest.c", flags=(), link=()):
    """Compile `source` with the library's own flags and `flags`; returns the program's path."""
    folder.mkdir(parents=True, exist_ok=True)
    common = [*build.compiler(), *build.FLAGS, f"-I{build.NATIVE}", *flags]
    objects = []
    for name, times in COMPUTE.items():
        for variant, own in times.items():
            objects.append(folder / f"{name}.{variant}.o")
            _run([*common, *own, "-c", build.NATIVE / name, "-o", objects[-1]])
    program = folder / Path(source).stem
    _run([*common, *build.BASELINE, HERE / source, *objects, "-o", program, "-lpthread", "-lm", *link])
    return program


def digests(program, *arguments, before=(), env=None):
    """Run it; returns `(cpu line, {function: set of digests over vector widths and repetitions}, raw lines)`."""
    done = _run([*before, program, *arguments], env=env)
    cpu, *lines = done.stdout.splitlines()
    values = {}
    for line in lines:
        name, _, digest = line.split()
        values.setdefault(name, []).append(digest)
    return cpu, values, lines


def _run(command, env=None):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=env)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done
