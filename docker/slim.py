"""Take out of a site-packages folder what a training run never reads.

usage: slim.py SITE_PACKAGES [cuda]

One row is one glob and the reason why it can go. A row that matches nothing is an error: it belongs to a
version that is no longer locked. Licences and package metadata stay, so that `pip check` still holds.
"""

import shutil
import sys
from pathlib import Path

ROWS = [
    ("tensorflow/include", "C++ headers, for compiling custom ops; the kernels stage has them"),
    ("clang/native/libclang.so", "the compiler front end that tensorflow lists and never loads"),
    ("**/tests", "the packages' own test suites"),
    ("**/*.pyi", "type stubs"),
    ("**/*.a", "static libraries"),
    ("numpy/_core/include", "C headers"),
    ("matplotlib/mpl-data/sample_data", "example data"),
]
CUDA_ROWS = [
    ("nvidia/*/include", "CUDA's C headers"),
    ("nvidia/cusolver/lib/libcusolverMg.so.*", "one factorization over several GPUs: TensorFlow never opens it"),
    ("nvidia/cufft/lib/libcufftw.so.*", "FFTW's interface: TensorFlow never opens it"),
    ("nvidia/cublas/lib/libnvblas.so.*", "a drop-in BLAS for CPU programs"),
    ("nvidia/curand", "random numbers of CUDA's own: TensorFlow has others, and never opens it"),
]


def main(site: Path, rows: list) -> int:
    total = 0
    stale = []
    for pattern, reason in rows:
        found = sorted(site.glob(pattern))
        size = 0
        for path in found:
            if not path.exists():  # inside a folder that this row has removed
                continue
            files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()]
            size += sum(p.stat().st_size for p in files)
            path.unlink() if path.is_file() else shutil.rmtree(path)
        if not found:
            stale.append(pattern)
        print(f"{size / 1e6:8.1f} MB  {pattern}  ({reason})")
        total += size
    print(f"{total / 1e6:8.1f} MB  in all")
    if stale:
        print(f"slim.py: nothing matches {', '.join(stale)}: delete the row", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), ROWS + CUDA_ROWS * ("cuda" in sys.argv[2:])))
