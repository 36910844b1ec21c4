"""Find the address of a local symbol of a loaded shared library, by name.

Two settings that decide bits live in function-local statics of `libtensorflow_cc.so.2`: Eigen's cache sizes and the
instruction-set cap of oneDNN. They are local symbols: in `.symtab`, not in `.dynsym`, so `dlsym` cannot see them.
The search takes a few hundredths of a second; nothing is cached, so nothing can go stale.
"""

import mmap
import os
import struct

from bitforbit.errors import PolicyError

SHT_SYMTAB, SHF_WRITE, PT_GNU_RELRO = 2, 1, 0x6474E552
LOCAL_OBJECT = 0x01
SYMBOL = [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]


def find(path: str, sizes: dict[str, int]) -> dict[str, int]:
    """Return the link-time address of each local data symbol in the ELF file `path`.

    Args:
        path: an ELF64 little-endian shared library.
        sizes: mangled name to size in bytes; each must stand in `.symtab` exactly once, as local data of that size in
            memory that stays writable.

    Raises:
        PolicyError: a symbol is missing or stands there twice, or the file has no symbol table.
    """
    import numpy as np

    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        sections = _sections(path, image)
        table, strings = _symbol_table(path, sections)
        # Local symbols come first: sh_info is the number of the first one that is not local (ELF gABI, sections).
        entries = np.frombuffer(image, np.dtype(SYMBOL), count=table[7], offset=table[4])
        texts = np.frombuffer(image, np.uint8, count=strings[5], offset=strings[4])
        # By kind, size and place first, then letter by letter: of 1.2 million symbols few names are read, and those not
        # whole. Each name stands on a page of its own in the file, so the names are what takes time.
        local = np.flatnonzero(entries["info"] == LOCAL_OBJECT)
        local = entries[local[np.isin(entries["size"][local], [*sizes.values()])]]
        local = local[np.isin(local["section"], _settable(image, sections))]
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
    # From the end: mangled names begin alike.
    for position, letter in reversed(list(enumerate(wanted))):
        candidates = candidates[texts[candidates["name"] + position] == letter]
    return [int(value) for value in candidates["value"]]


def _sections(path: str, image: mmap.mmap) -> list[tuple]:
    """Return the section headers: name, type, flags, address, offset, size, link, info, alignment, entry size."""
    if image[:6] != b"\x7fELF\x02\x01":
        raise PolicyError(f"expected a 64-bit little-endian ELF library, found something else: {path}")
    (offset,) = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    return [struct.unpack_from("<IIQQQQIIQQ", image, offset + i * size) for i in range(count)]


def _symbol_table(path: str, sections: list[tuple]) -> tuple[tuple, tuple]:
    for section in sections:
        if section[1] == SHT_SYMTAB:
            return section, sections[section[6]]
    raise PolicyError(
        f"expected a symbol table in {path}, found none (stripped). Next step: install requirements.lock anew, or strip"
        " with --keep-symbol for the names in docker/keep-symbols.txt."
    )


def _settable(image: mmap.mmap, sections: list[tuple]) -> list[int]:
    """Return the numbers of the sections that can be written once the library is loaded: `.data`, `.bss`."""
    (offset,) = struct.unpack_from("<Q", image, 0x20)
    size, count = struct.unpack_from("<HH", image, 0x36)
    headers = [struct.unpack_from("<IIQQQQQQ", image, offset + i * size) for i in range(count)]
    closed = [(header[3], header[3] + header[6]) for header in headers if header[0] == PT_GNU_RELRO]
    return [
        number
        for number, (_, _, flags, address, *_) in enumerate(sections)
        if flags & SHF_WRITE and not any(start <= address < end for start, end in closed)
    ]


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
