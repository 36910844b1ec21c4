"""Which CPU this very process runs on, by its own CPUID instructions.

/proc/cpuinfo shows the machine's CPU even under emulation, and a process that left the emulator (by executing a new
program) goes on without a word: only CPUID, asked from inside, tells the two apart.
"""

import json
import os
import struct
import sys

MARK = "seen by CPUID: "

# CPUID leaves that list caches, by vendor: Intel SDM volume 2A and AMD APM volume 3, both under CPUID.
_CACHE_LEAVES = {"GenuineIntel": 4, "AuthenticAMD": 0x8000001D}
_DATA, _UNIFIED = 1, 3


def seen() -> dict:
    """Return what the loaded kernel library reads from CPUID.

    Returns:
        `vendor`, `brand` and `signature` (leaf 1, in hexadecimal) as text; `caches`, bytes of each level's data or
        unified cache; `isa`, the vector width that the exact kernels chose; `cores`, how many this process may use.
    """
    from bitforbit import kernels
    from bitforbit.policy import Policy

    library = kernels.load(Policy.from_environment().pool_size)
    words = [word for leaf in (0x80000002, 0x80000003, 0x80000004) for word in library.cpuid(leaf)]
    return {
        "vendor": library.vendor,
        "brand": struct.pack("<12I", *words).split(b"\0")[0].decode("ascii", "replace").strip(),
        "signature": f"{library.cpuid(1)[0]:x}",
        "caches": _caches(library.cpuid, library.vendor),
        "isa": library.isa,
        "cores": len(os.sched_getaffinity(0)),
    }


def _caches(cpuid, vendor: str) -> list[int]:
    leaf, found = _CACHE_LEAVES.get(vendor, 4), {}
    # The model `max` says AMD, whose leaf exists only as far as leaf 0x80000000 reaches.
    if leaf > cpuid(0x80000000 if leaf >= 0x80000000 else 0)[0]:
        return []
    for index in range(8):
        a, b, c, _ = cpuid(leaf, index)
        if a & 31 == 0:
            break
        if a & 31 in (_DATA, _UNIFIED):
            ways, partitions, line = (b >> 22) + 1, (b >> 12 & 1023) + 1, (b & 4095) + 1
            found[a >> 5 & 7] = ways * partitions * line * (c + 1)
    return [found[level] for level in sorted(found) if level in (1, 2, 3)]


def show() -> None:
    """Print what was seen, on one line of stderr that `read` finds again."""
    print(MARK + json.dumps(seen()), file=sys.stderr, flush=True)


def read(line: str) -> dict | None:
    """Return what `show` printed, where the line is its line."""
    return json.loads(line[len(MARK) :]) if line.startswith(MARK) else None
