"""What a program needs to run, read from its own headers: ELF, Mach-O and PE.
It starts nothing, so that every platform's program can be looked at on any machine."""

import dataclasses
import struct

from facts import Refused


@dataclasses.dataclass(frozen=True)
class Binary:
    platform: str
    # What it loads when it starts, its interpreter included.
    needs: tuple
    stripped: bool
    # Apple's processors run nothing unsigned; None where signatures are not part of the file.
    signed: bool | None = None


ELF_MACHINES = {62: "amd64", 183: "arm64"}
PE_MACHINES = {0x8664: "amd64", 0xAA64: "arm64"}
MACH_MACHINES = {0x01000007: "amd64", 0x0100000C: "arm64"}

FREEBSD_LOADER = "/libexec/ld-elf"


def read(data):
    try:
        if data[:4] == b"\x7fELF":
            return elf(data)
        if data[:4] == b"\xcf\xfa\xed\xfe":
            return mach(data)
        if data[:2] == b"MZ":
            return pe(data)
    except (struct.error, KeyError, IndexError, StopIteration) as error:
        raise Refused(f"a program's headers cannot be read ({error!r}); it is cut short or for a machine that is not released for") from None
    raise Refused("a program is neither ELF nor Mach-O nor PE")


def text(data, at):
    return data[at : data.index(b"\0", at)].decode()


def elf(data):
    # 64 bits, little-endian: all that is built is.
    machine = ELF_MACHINES[struct.unpack_from("<H", data, 18)[0]]
    first, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQ", data, first + i * size) for i in range(count)]
    needs = [text(data, offset) for kind, _, offset, *_ in segments if kind == 3]

    def in_file(address):
        return next(o + address - a for k, _, o, a, _, n in segments if k == 1 and a <= address < a + n)

    for kind, _, offset, _, _, length in segments:
        if kind == 2:
            entries = list(struct.iter_unpack("<QQ", data[offset : offset + length]))
            strings = next((in_file(value) for tag, value in entries if tag == 5), None)
            needs += [text(data, strings + value) for tag, value in entries if tag == 1]
    first, size, count = struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HH", data, 58)
    kinds = [struct.unpack_from("<I", data, first + i * size + 4)[0] for i in range(count)]
    # Not every linker writes the system down; FreeBSD then goes by the interpreter.
    system = "freebsd" if data[7] == 9 or any(need.startswith(FREEBSD_LOADER) for need in needs) else "linux"
    return Binary(f"{system}_{machine}", tuple(needs), 2 not in kinds)


def mach(data):
    machine, _, _, count = struct.unpack_from("<IIII", data, 4)
    needs, symbols, signed, at = [], 0, False, 32
    for _ in range(count):
        kind, size = struct.unpack_from("<II", data, at)
        # Loaded always, weakly, or on to others.
        if kind in (0xC, 0x80000018, 0x8000001F):
            needs.append(text(data, at + struct.unpack_from("<I", data, at + 8)[0]))
        # Symbols that the file keeps for itself; those it imports and exports stay.
        if kind == 0xB:
            symbols = struct.unpack_from("<I", data, at + 12)[0]
        signed |= kind == 0x1D
        at += size
    return Binary(f"darwin_{MACH_MACHINES[machine]}", tuple(needs), symbols <= 1, signed)


def pe(data):
    header = struct.unpack_from("<I", data, 0x3C)[0] + 4
    machine, sections, _, _, symbols, optional = struct.unpack_from("<HHIIIH", data, header)
    table = header + 20 + optional
    places = [struct.unpack_from("<IIII", data, table + i * 40 + 8) for i in range(sections)]

    def in_file(address):
        return next(o + address - a for virtual, a, raw, o in places if a <= address < a + max(virtual, raw))

    imports = struct.unpack_from("<I", data, header + 20 + 112 + 8)[0]
    needs, at = [], in_file(imports) if imports else None
    while at is not None and (name := struct.unpack_from("<I", data, at + 12)[0]):
        needs.append(text(data, in_file(name)).lower())
        at += 20
    return Binary(f"windows_{PE_MACHINES[machine]}", tuple(needs), symbols == 0)
