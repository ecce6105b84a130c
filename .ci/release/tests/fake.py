"""A tree and a release of it that cost nothing: programs that are headers and no more.
Tests take one that is right, and break a single thing."""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import archive
from facts import DOCUMENTS, PROVIDER, SIMULATOR, Facts

MANIFEST = b'{"version": 1, "metadata": {"protocol_versions": ["6.0"]}}'
OPEN = "# Changelog\n\n## 1.2.3 (unreleased)\n\n- New: `omni_thing`.\n\n## 1.2.2 (2026-01-01)\n\n- Old.\n"


def tree(folder, changelog=OPEN):
    """A tree of version 1.2.3."""
    folder = pathlib.Path(folder)
    for name in DOCUMENTS:
        (folder / name).write_text(f"the {name}\n")
    (folder / "CHANGELOG.md").write_text(changelog)
    (folder / "Cargo.toml").write_text('[workspace.package]\nversion = "1.2.3"\n')
    (folder / "terraform-registry-manifest.json").write_bytes(MANIFEST)
    (folder / "docs" / "resources").mkdir(parents=True)
    (folder / "docs" / "resources" / "thing.md").touch()
    facts = Facts(folder, "1.2.3", MANIFEST)
    facts.dist.mkdir(parents=True)
    return facts


def fill(facts, platform="linux_amd64", modes=None, moment=1_700_000_000, **programs):
    """Puts the archives of a platform into the folder; programs are given by `provider` and `simulator`."""
    for program, key in [(PROVIDER, "provider"), (SIMULATOR, "simulator")]:
        name = f"{program}_v{facts.version}" if program == PROVIDER else program
        files = {d: ((facts.root / d).read_bytes(), 0o644) for d in DOCUMENTS}
        files[name] = (programs.get(key, elf()), 0o755)
        files |= {n: (files[n][0], m) for n, m in (modes or {}).items() if n in files}
        (facts.dist / facts.archive(program, platform)).write_bytes(archive.packed(files, moment))


def elf(machine=62, system=0, interpreter=b"", library=b"", symbols=False, tail=b""):
    """The headers of an ELF program with what it loads, and a table of symbols if asked for."""
    segments, body = [], b""
    start = 64 + 56 * 3

    def add(kind, data):
        nonlocal body
        segments.append(struct.pack("<IIQQQQQQ", kind, 0, start + len(body), start + len(body), 0, len(data), len(data), 1))
        body += data

    if interpreter:
        add(3, interpreter + b"\0")
    if library:
        strings = start + len(body) + 48
        add(2, struct.pack("<QQQQQQ", 5, strings, 1, 1, 0, 0))
        body += b"\0" + library + b"\0"
    # All of it is loaded at the address that it has in the file.
    segments.append(struct.pack("<IIQQQQQQ", 1, 0, 0, 0, 0, 1 << 20, 1 << 20, 1))
    segments += [bytes(56)] * (3 - len(segments))
    body += tail
    sections = struct.pack("<II", 0, 2 if symbols else 3) + bytes(56)
    ident = b"\x7fELF\x02\x01\x01" + bytes([system]) + bytes(8)
    header = struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, start + len(body), 0, 64, 56, 3, 64, 1, 0)
    return ident + header + b"".join(segments) + body + sections


def mach(machine, library, symbols=0, signed=False):
    """The load commands of a Mach-O program that loads one library."""
    name = library + bytes(-len(library) % 8 or 8)
    commands = [struct.pack("<IIIIII", 0xC, 24 + len(name), 24, 0, 0, 0) + name]
    commands.append(struct.pack("<IIII", 0xB, 80, 0, symbols) + bytes(64))
    if signed:
        commands.append(struct.pack("<IIII", 0x1D, 16, 0, 0))
    size = sum(map(len, commands))
    return struct.pack("<IIIIIIII", 0xFEEDFACF, machine, 0, 2, len(commands), size, 0, 0) + b"".join(commands)


def pe(machine, library, symbols=0):
    """The headers of a PE program that imports from one library, with a single section at address 4096."""
    start = 64 + 24 + 240 + 40
    optional = struct.pack("<H", 0x20B) + bytes(118) + struct.pack("<II", 4096, 40) + bytes(112)
    imports = struct.pack("<IIIII", 1, 0, 0, 4096 + 40, 0) + bytes(20) + library + b"\0"
    header = b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, symbols, len(optional), 0)
    section = b".rdata\0\0" + struct.pack("<IIII", len(imports), 4096, len(imports), start) + bytes(16)
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + header + optional + section + imports
