"""ELF files for the corpus, as small as possible: no code, only the facts that the gate looks for."""
import struct

CLIENT = b"AWS_LAMBDA_RUNTIME_API\0"
MACHINES = {"amd64": 62, "arm64": 183, "386": 3}


class Strings:
    def __init__(self):
        self.bytes = b"\0"

    def add(self, text):
        at = len(self.bytes)
        self.bytes += text.encode() + b"\0"
        return at


def hash_of(name):
    """The hash of a version's name, by the System V ABI."""
    value = 0
    for c in name.encode():
        value = (value << 4) + c
        value = (value ^ ((value & 0xF0000000) >> 24)) & 0x0FFFFFFF
    return value


def version_needs(strings, needs):
    """.gnu.version_r: {library: [version]}."""
    out = b""
    for i, (library, versions) in enumerate(needs.items()):
        size = 16 + 16 * len(versions)
        out += struct.pack("<HHIII", 1, len(versions), strings.add(library), 16, size if i + 1 < len(needs) else 0)
        for j, version in enumerate(versions):
            out += struct.pack("<IHHII", hash_of(version), 0, 2 + j, strings.add(version), 16 if j + 1 < len(versions) else 0)
    return out


def version_gifts(strings, soname, gifts):
    """.gnu.version_d: the library itself first, as the base definition."""
    out = b""
    names = [soname] + list(gifts)
    for i, name in enumerate(names):
        out += struct.pack("<HHHHIII", 1, 1 if i == 0 else 0, i + 1, 1, hash_of(name), 20, 28 if i + 1 < len(names) else 0)
        out += struct.pack("<II", strings.add(name), 0)
    return out


def elf(machine="amd64", library=False, interp=None, needed=(), soname=None, runpath=None, versions=None, gives=(), isa=None,
        client=True):
    strings = Strings()
    tags = [(1, strings.add(name)) for name in needed]
    if soname:
        tags.append((14, strings.add(soname)))
    if runpath:
        tags.append((29, strings.add(runpath)))
    needs = version_needs(strings, versions) if versions else b""
    gifts = version_gifts(strings, soname or "it", gives) if gives else b""
    note = b""
    if isa:
        note = struct.pack("<III", 4, 16, 5) + b"GNU\0" + struct.pack("<III", 0xC0008002, 4, (1 << isa) - 1) + bytes(4)
    dynamic = bool(tags or gifts or interp)
    count = 2 + bool(interp) + dynamic + bool(note)
    parts, at = [], 64 + 56 * count

    def place(data):
        nonlocal at
        pad = -at % 8
        parts.append(bytes(pad) + data)
        offset = at + pad
        at = offset + len(data)
        return offset

    name = interp.encode() + b"\0" if interp else b""
    interp_at, strings_at = place(name), place(strings.bytes)
    needs_at, gifts_at, note_at = place(needs), place(gifts), place(note)
    place(CLIENT if client else b"")
    tags += [(5, strings_at), (10, len(strings.bytes))]
    if needs:
        tags += [(0x6FFFFFFE, needs_at), (0x6FFFFFFF, len(versions))]
    if gifts:
        tags += [(0x6FFFFFFC, gifts_at), (0x6FFFFFFD, len(gives) + 1)]
    tags.append((0, 0))
    table = b"".join(struct.pack("<QQ", *tag) for tag in tags) if dynamic else b""
    dynamic_at = place(table)

    def segment(kind, flags, offset, size):
        return struct.pack("<IIQQQQQQ", kind, flags, offset, offset, offset, size, size, 8)

    heads = segment(1, 5, 0, at) + segment(0x6474E551, 6, 0, 0)
    heads += segment(3, 4, interp_at, len(name)) if interp else b""
    heads += segment(2, 6, dynamic_at, len(table)) if dynamic else b""
    heads += segment(4, 4, note_at, len(note)) if note else b""
    kind = 3 if library or dynamic else 2
    entry = 0 if library else 64
    ident = b"\x7fELF" + (b"\1" if machine == "386" else b"\2") + b"\1\1" + bytes(9)
    head = struct.pack("<HHIQQQIHHHHHH", kind, MACHINES[machine], 1, entry, 64, 0, 0, 64, 56, count, 64, 0, 0)
    return ident + head + heads + b"".join(parts)
