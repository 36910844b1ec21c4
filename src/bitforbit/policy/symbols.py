"""Find the address of a local symbol of a loaded shared library, by name.

Two settings that decide bits live in function-local statics of `libtensorflow_cc.so.2`: Eigen's cache sizes and the
instruction-set cap of oneDNN. They are local symbols: in `.symtab`, not in `.dynsym`, so `dlsym` cannot see them.
The search takes a few hundredths of a second; nothing is cached, so nothing can go stale.
"""

import mmap
import os
import struct

from bitforbit.errors import PolicyError

SHT_SYMTAB = 2
LOCAL_OBJECT = 0x01
SYMBOL = [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]


def find(path: str, sizes: dict[str, int]) -> dict[str, int]:
    """Return the link-time address of each local data symbol in the ELF file `path`.

    Args:
        path: an ELF64 little-endian shared library.
        sizes: mangled name to size in bytes; each must stand in `.symtab` exactly once, as local data of that size.

    Raises:
        PolicyError: a symbol is missing or stands there twice, or the file has no symbol table.
    """
    import numpy as np

    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        table, strings = _symbol_table(path, image)
        symbol = np.dtype(SYMBOL)
        entries = np.frombuffer(image, symbol, count=table[5] // symbol.itemsize, offset=table[4])
        texts = np.frombuffer(image, np.uint8, count=strings[5], offset=strings[4])
        # By kind and size first, then letter by letter: of 1.2 million symbols few names are read, and those not whole.
        local = entries[entries["info"] == LOCAL_OBJECT]
        found = {name: _named(texts, local[local["size"] == size], name) for name, size in sizes.items()}
        del entries, texts, local
    for name, addresses in found.items():
        if len(addresses) != 1:
            raise PolicyError(
                f"expected the symbol {name} once in {path}, found it {len(addresses)} times: this is not the"
                " TensorFlow build of the lock. Next step: install requirements.lock anew."
            )
    return {name: addresses[0] for name, addresses in found.items()}


def _named(texts, candidates, name: str) -> list[int]:
    wanted = name.encode() + b"\0"
    candidates = candidates[candidates["name"] + len(wanted) <= len(texts)]
    for position, letter in enumerate(wanted):
        candidates = candidates[texts[candidates["name"] + position] == letter]
    return [int(value) for value in candidates["value"]]


def _symbol_table(path: str, image: mmap.mmap) -> tuple[tuple, tuple]:
    if image[:6] != b"\x7fELF\x02\x01":
        raise PolicyError(f"expected a 64-bit little-endian ELF library, found something else: {path}")
    (section_offset,) = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, section_offset + i * size) for i in range(count)]
    for section in sections:
        if section[1] == SHT_SYMTAB:
            return section, sections[section[6]]
    raise PolicyError(
        f"expected a symbol table in {path}, found none (stripped). Next step: install requirements.lock anew, or strip"
        " with --keep-symbol for the names in docker/keep-symbols.txt."
    )


def load_bias(library: str) -> int:
    """Return what must be added to a link-time address of the loaded `library` (a file name) in this process.

    Raises:
        PolicyError: the library is not mapped.
    """
    with open("/proc/self/maps") as maps:
        for line in maps:
            fields = line.split(maxsplit=5)
            if len(fields) == 6 and os.path.basename(fields[5].strip()) == library and int(fields[2], 16) == 0:
                return int(fields[0].split("-")[0], 16)
    raise PolicyError(f"expected {library} to be loaded in this process, found no mapping of it")
