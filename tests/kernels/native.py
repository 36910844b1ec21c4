"""Build and run the C programs of this folder: the compute files of the library, without TensorFlow."""

import subprocess
from pathlib import Path

from bitforbit.kernels import build

HERE = Path(__file__).parent
COMPUTE = ("api.c", "pool.c", *build.PER_VARIANT)
"""The files of `native/` that know nothing of TensorFlow."""


def compile_program(folder, source="digest.c", flags=(), link=()):
    """Compile `source` with the library's own flags and `flags`; returns the program's path."""
    folder.mkdir(parents=True, exist_ok=True)
    common = [*build.compiler(), *build.FLAGS, f"-I{build.NATIVE}", *flags]
    objects = []
    for name in COMPUTE:
        variants = build.VARIANTS if name in build.PER_VARIANT else {"once": build.BASELINE}
        for variant, march in variants.items():
            objects.append(folder / f"{name}.{variant}.o")
            define = [f"-DBFB_VARIANT={variant}"] if name in build.PER_VARIANT else []
            _run([*common, *march, *define, "-c", build.NATIVE / name, "-o", objects[-1]])
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
