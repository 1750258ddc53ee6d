#!/usr/bin/env python3
"""Files that are not images, or far too large ones: each must end in a finding or a clear error, in little memory.

    malformed.py small|large LBUILD FOLDER      makes each in FOLDER, checks it and prints a TAP line

The large ones take minutes. The limit of memory is 64 MiB plus five times the size of the layers' lists (once as files,
four times as trees).
"""
import gzip
import json
import multiprocessing
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import zlib

from elf import elf
from gate import app
from image import Layer, file, folders, header, link, pack, pax, sha, tar_of

CASES = []
MIB = 1 << 20


def case(expected, status, large=False):
    """`expected`: the ids of the findings, or a pattern of the error."""
    def add(make):
        CASES.append((make.__name__.replace("_", " "), make, expected, status, large))
        return make
    return add


def with_layer(layer):
    image = app()
    image.layers.append(layer)
    return image


def changed(change):
    """An image whose files are changed at will before they are written."""
    image = app()
    inner = image.files

    def files():
        out = inner()
        change(out)
        return out
    image.files = files
    return image


def index_of(files):
    return json.loads(files["index.json"])


def manifest_path(files):
    return "blobs/sha256/" + index_of(files)["manifests"][0]["digest"][7:]


def with_config(text):
    """The config is this text, and the manifest and index fit it."""
    def change(files):
        manifest = json.loads(files[manifest_path(files)])
        files["blobs/sha256/" + sha(text)[7:]] = text
        manifest["config"].update(digest=sha(text), size=len(text))
        put_manifest(files, manifest)
    return changed(change)


def put_manifest(files, manifest):
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    index = index_of(files)
    index["manifests"][0].update(digest=sha(text), size=len(text))
    files["blobs/sha256/" + sha(text)[7:]] = text
    files["index.json"] = json.dumps(index).encode()
    del files["manifest.json"]


def with_manifest(edit):
    def change(files):
        manifest = json.loads(files[manifest_path(files)])
        put_manifest(files, edit(manifest) or manifest)
    return changed(change)


def with_field(head, at, value):
    """A tar header with other bytes in it, and the right checksum."""
    head = head[:at] + value + head[at + len(value):]
    head = head[:148] + 8 * b" " + head[156:]
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]


def record(key, value):
    text = b" " + key + b"=" + value + b"\n"
    size = len(text) + 2
    while len(b"%d" % size) + len(text) != size:
        size += 1
    return b"%d" % size + text


@case("LB015", 6)
def a_tar_that_ends_in_a_header():
    return with_layer(Layer(raw=header("opt", kind=tarfile.DIRTYPE)[:300]))


@case("LB015", 6)
def a_tar_that_ends_in_a_file():
    return with_layer(Layer(raw=header("data", 100000) + bytes(5000)))


@case("LB015", 6)
def gzip_that_ends_in_the_middle():
    return with_layer(Layer(*folders("opt"), packer=lambda tar: pack(tar)[:-9]))


@case("LB015", 6)
def gzip_with_something_behind_it():
    return with_layer(Layer(*folders("opt"), packer=lambda tar: pack(tar) + b"something"))


@case("LB015", 6)
def gzip_with_a_wrong_checksum():
    return with_layer(Layer(*folders("opt"), packer=lambda tar: pack(tar)[:-8] + b"12345678"))


@case("LB015", 6)
def compressed_twice():
    return with_layer(Layer(*folders("opt"), packer=lambda tar: pack(pack(tar))))


@case("LB006", 6)
def zstd_under_the_name_of_gzip():
    return with_layer(Layer(*folders("opt"), packer=lambda tar: b"\x28\xb5\x2f\xfd" + tar))


@case("LB015", 6)
def no_tar_at_all():
    return with_layer(Layer(raw=b"hello, " * 1000))


@case("LB015", 6)
def a_size_beyond_all():
    return with_layer(Layer(raw=tar_of(with_field(header("data"), 124, b"\x80" + b"\x7f" * 11))))


@case("LB015", 6)
def a_size_below_nothing():
    return with_layer(Layer(raw=tar_of(with_field(header("data"), 124, b"\xff" * 12))))


@case("LB015", 6)
def an_owner_below_nothing():
    return with_layer(Layer(raw=tar_of(with_field(header("data"), 108, b"\xff" * 8))))


@case("LB019", 6)  # C24
def times_of_all_kinds():
    return with_layer(Layer(raw=tar_of(with_field(header("old"), 136, b"\xff" * 12), with_field(header("new"), 136, b"\x80" + b"\x7f" * 11))))


@case("LB015", 6)
def a_path_of_5000_in_pax():
    return with_layer(Layer(raw=tar_of(pax([record(b"path", b"n" * 5000)], header("short")))))


@case("LB015", 6)
def a_path_of_5000_in_gnu_form():
    name = b"n" * 5000 + b"\0"
    return with_layer(Layer(raw=tar_of(header("././@LongLink", len(name), b"L") + name + bytes(-len(name) % 512), header("short"))))


@case("", 0)
def a_path_of_4000_in_pax():
    return with_layer(Layer(raw=tar_of(pax([record(b"path", b"n" * 4000)], header("short")))))


@case("", 0)
def a_path_of_4000_in_gnu_form():
    name = b"n" * 4000 + b"\0"
    return with_layer(Layer(raw=tar_of(header("././@LongLink", len(name), b"L") + name + bytes(-len(name) % 512), header("short"))))


@case("LB015", 6)
def a_link_to_a_path_of_5000():
    return with_layer(Layer(raw=tar_of(pax([record(b"linkpath", b"n" * 5000)], header("short", kind=tarfile.SYMTYPE)))))


@case("LB019", 6)  # C24
def a_nul_in_a_name():
    return with_layer(Layer(raw=tar_of(pax([record(b"path", b"data\0more")], header("short")))))


@case("LB019", 6)  # C24
def pax_records_without_end():
    return with_layer(Layer(raw=tar_of(pax([b"99999999999999999999 path=x\n"], header("short")))))


@case("LB021", 6)
def a_thousand_folders_deep():
    return with_layer(Layer(raw=tar_of(pax([record(b"path", b"/".join([b"d"] * 2000))], header("short")))))


@case("LB026", 6)
def links_in_a_circle():
    return with_layer(Layer(link("one", "two"), link("two", "one"), file("one/data")))


@case("LB053", 6)
def a_start_in_a_circle():
    image = with_layer(Layer(link("one", "two"), link("two", "one")))
    image.process["Entrypoint"] = ["/one"]
    return image


@case("LB026", 6)
def a_link_to_itself_as_a_folder():
    return with_layer(Layer(link("opt", "opt"), file("opt/data")))


@case("LB024", 6)
def whiteouts_of_nothing():
    return with_layer(Layer(file(".wh."), *[file(".wh.n%d" % i, "") for i in range(1000)]))


@case("LB041", 6)
def an_elf_header_and_no_more():
    return app(program=elf()[:70])


@case("LB041", 6)
def an_elf_file_without_its_end():
    return app(program=elf(needed=["libc.so.6"])[:-40])


@case("LB018", 6)
def a_config_of_1000_levels():
    return with_config(b'{"a":' * 1000 + b"1" + b"}" * 1000)


@case("nested deeper", 5)
def an_index_of_1000_levels():
    return changed(lambda files: files.update({"index.json": b"[" * 1000}))


@case("LB018", 6)
def huge_numbers():
    return with_config(b'{"architecture":"amd64","os":"linux","x":1e999}')


@case("LB018", 6)
def a_number_of_20_digits():
    return with_config(b'{"architecture":"amd64","os":"linux","x":99999999999999999999}')


@case("LB018", 6)
def a_nul_in_a_text():
    return with_config(b'{"architecture":"amd64","os":"linux","config":{"Env":["A\\u0000=b"]}}')


@case("LB018", 6)
def a_key_twice():
    return with_config(b'{"architecture":"amd64","architecture":"arm64"}')


@case("LB018", 6)
def no_utf8():
    return with_config(b'{"architecture":"\xff\xfe"}')


@case("LB010 LB012 LB051", 6)
def an_empty_config():
    return with_config(b"{}")


@case("LB018", 6)
def a_config_that_is_a_list():
    return with_config(b"[]")


@case("LB010 LB012 LB017 LB051", 6)
def members_of_wrong_types():
    return with_config(b'{"architecture":7,"os":[],"rootfs":"x","history":{"a":1},"config":{"Entrypoint":"x","Env":{"a":1},"Cmd":7,'
                       b'"Labels":[],"WorkingDir":{}}}')


@case("no list of manifests|not a JSON text|neither", 5)
def an_empty_index():
    return changed(lambda files: files.update({"index.json": b"{}"}))


@case("has no config", 5)
def a_manifest_without_layers():
    return with_manifest(lambda manifest: manifest.pop("layers") and None)


@case("LB009", 6)
def a_layer_without_a_digest():
    return with_manifest(lambda manifest: manifest["layers"][0].pop("digest") and None)


@case("LB009", 6)
def a_layer_of_a_size_below_nothing():
    return with_manifest(lambda manifest: manifest["layers"][0].update(size=-1))


@case("LB009", 6)
def a_layer_that_is_missing():
    return with_manifest(lambda manifest: manifest["layers"][0].update(digest="sha256:" + 64 * "a"))


@case("LB009", 6)
def a_layer_that_is_a_number():
    return with_manifest(lambda manifest: manifest["layers"].__setitem__(0, 7))


@case("more than 1000 layers", 5)
def two_thousand_layers():
    return with_manifest(lambda manifest: manifest.update(layers=manifest["layers"] * 2000))


@case("LB075", 0)
def one_layer_150_times():
    """D10: the texts that it has for the gate, 1.5 MB, are kept once."""
    text = "/lib\n" * 800
    layer = Layer(*folders("etc", "etc/ld.so.conf.d"), *(file("etc/ld.so.conf.d/%03d" % i, text) for i in range(400)))
    image = app()
    image.layers += [layer] * 150
    return image


def zero_layer(megabytes, first=b""):
    """gzip of one member: `first`, then zeros; a thousand times smaller than its content."""
    def packed(raw):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        head = deflate.compress(raw) + deflate.flush(zlib.Z_FULL_FLUSH)
        piece = zlib.compressobj(9, zlib.DEFLATED, -15)
        block = piece.compress(bytes(MIB)) + piece.flush(zlib.Z_FULL_FLUSH)
        crc = zlib.crc32(raw)
        for _ in range(megabytes):
            crc = zlib.crc32(bytes(MIB), crc)
        total = len(raw) + megabytes * MIB
        return gzip.compress(b"", mtime=0)[:10] + head + block * megabytes + b"\3\0" + struct.pack("<II", crc, total & 0xFFFFFFFF)
    return Layer(raw=first, packer=packed)


@case("LB010 LB071", 6, large=True)
def ten_gigabytes_of_zeros_in_a_file():
    return with_layer(zero_layer(10241, header("zeros", 10240 * MIB)))


@case("LB010 LB071", 6, large=True)
def ten_gigabytes_of_zeros_behind_the_end():
    return with_layer(zero_layer(10241))


@case("LB015", 6, large=True)
def seventeen_gigabytes():
    return with_layer(zero_layer(17409, header("zeros", 17408 * MIB)))


@case("LB010 LB073", 6, large=True)
def two_gigabytes():
    return with_layer(zero_layer(2048, header("zeros", 2047 * MIB)))


def many(count):
    heads = (with_field(header("f0000000"), 0, b"f%07d" % i) for i in range(count))
    return Layer(raw=b"".join(heads) + bytes(1024))


@case("", 0, large=True)
def nearly_a_million_entries():
    return with_layer(many(999999))


@case("LB015", 6, large=True)
def more_than_a_million_entries():
    return with_layer(many(1000001))


def peak(argv, **more):
    """Its output, its status, and its maximum memory, in bytes."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more) as process:
        out, err = process.communicate()
    return out.decode(), err.decode(), process.returncode


def run(lbuild, path, case_of, cache):
    """None, or what is wrong."""
    name, _, expected, status, _ = case_of
    usage = path + ".usage"
    env = dict(os.environ, XDG_CACHE_HOME=cache)
    wrapper = "import resource,subprocess,sys;s=subprocess.call(sys.argv[2:]);" \
        "open(sys.argv[1],'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss));sys.exit(s if s>=0 else 128-s)"
    out, err, got = peak([sys.executable, "-c", wrapper, usage, lbuild, "check", "--json", path], env=env)
    with open(usage, encoding="ascii") as used:
        memory = int(used.read()) * 1024
    lists = os.path.join(cache, "lbuild", "lists")
    size = sum(os.path.getsize(os.path.join(lists, name)) for name in os.listdir(lists)) if os.path.isdir(lists) else 0
    if got != status:
        return "exit status %d, not %d: %s%s" % (got, status, out, err)
    if status == 5 and not re.search(expected, err):
        return "the error does not match '%s': %s" % (expected, err)
    ids = " ".join(sorted(set(re.findall(r'"id": "(LB\d+)"', out))))
    if status != 5 and ids != expected:
        return "found '%s', not '%s': %s" % (ids, expected, out)
    unfinished = 80 * MIB if "more than a million" in name else 0  # an unfinished list isn't in a file
    limit = 64 * MIB + 5 * size + unfinished
    return "it took %d bytes, not at most %d" % (memory, limit) if memory > limit and "LBUILD_ANY_MEMORY" not in os.environ else None


def judge(lbuild, out, number):
    """Runs the case with that number: returns its name, and what is wrong, or None. Leaves no files."""
    path, cache = (os.path.join(out, name % number) for name in ("image%d.tar", "cache%d"))
    CASES[number][1]().write(path)
    trouble = run(lbuild, path, CASES[number], cache)
    shutil.rmtree(cache, ignore_errors=True)
    os.unlink(path)
    return CASES[number][0], trouble


def main(which, lbuild, out):
    failed = 0
    chosen = [(lbuild, out, number) for number, one in enumerate(CASES) if one[4] == (which == "large")]
    with multiprocessing.Pool(2 if which == "large" else 1) as pool:
        rows = [pool.apply_async(judge, one) for one in chosen]
        for number, row in enumerate(rows, 1):
            name, trouble = row.get()
            print("%s %d - %s" % ("not ok" if trouble else "ok", number, name))
            if trouble:
                print("\n".join("# " + line for line in trouble.splitlines()[:40]))
                failed += 1
            sys.stdout.flush()
    print("1..%d" % len(chosen))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
