"""Find the address of a local symbol of a loaded shared library, by name.

Two settings that decide bits live in function-local statics of `libtensorflow_cc.so.2`: Eigen's cache sizes and the
instruction-set cap of oneDNN. They are local symbols: in `.symtab`, not in `.dynsym`, so `dlsym` cannot see them.
A search of the mapped string table takes about a tenth of a second; nothing is cached, so nothing can go stale.
"""

import mmap
import os
import struct

from bitforbit.errors import PolicyError

SHT_SYMTAB = 2
SYMBOL_SIZE = 24
STT_OBJECT = 1


def find(path: str, names: tuple[str, ...]) -> dict[str, int]:
    """Return the link-time address of each local data symbol in the ELF file `path`.

    Args:
        path: an ELF64 little-endian shared library.
        names: mangled symbol names; each must stand in `.symtab` exactly once.

    Raises:
        PolicyError: a symbol is missing or stands there twice, or the file has no symbol table.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        table, strings = _symbol_table(path, image)
        return {name: _address(path, image, table, strings, name) for name in names}


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
        f"expected a symbol table in {path}, found none (stripped). Next step: install the wheel of the lock anew, or"
        " strip with --keep-symbol for the names that `bitforbit policy --symbols` prints."
    )


def _address(path: str, image: mmap.mmap, table: tuple, strings: tuple, name: str) -> int:
    matches = []
    for offset in _occurrences(image, b"\0" + name.encode() + b"\0", strings[4], strings[4] + strings[5]):
        wanted = struct.pack("<I", offset + 1 - strings[4])
        for at in _occurrences(image, wanted, table[4], table[4] + table[5]):
            if (at - table[4]) % SYMBOL_SIZE == 0 and image[at + 4] & 0xF == STT_OBJECT:
                matches.append(struct.unpack_from("<Q", image, at + 8)[0])
    if len(matches) != 1:
        raise PolicyError(
            f"expected the symbol {name} once in {path}, found it {len(matches)} times: this is not the TensorFlow"
            " build of the lock. Next step: install requirements.lock anew."
        )
    return matches[0]


def _occurrences(image: mmap.mmap, needle: bytes, start: int, end: int):
    at = image.find(needle, start, end)
    while at >= 0:
        yield at
        at = image.find(needle, at + 1, end)


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
