#!/usr/bin/env python3
"""The corpus of the Lambda gate: for each rule, an image that breaks it, and a twin that differs only in that.

    gate.py FOLDER      writes FOLDER/LB001-bad.tar, FOLDER/LB001-good.tar ..., and FOLDER/list with a line for each case:
                        the rule's id, perhaps a letter, and the options of `lbuild check` that it needs
"""
import sys
import tarfile

from elf import elf
from image import DOCKER, OCI, Image, Layer, entry, file, folder, folders, hard, header, link, pack, pax, sha, tar_of

LD = "/lib64/ld-linux-x86-64.so.2"
ENTRY = "#!/bin/sh\nexec /var/runtime/bootstrap\n"
CASES = {}


def case(number, options="", more=""):
    """`more`: a letter, for a second case of the rule."""
    def add(make):
        CASES["LB%03d%s" % (number, more)] = (make, options)
        return make
    return add


def app(*more, program=None, **settings):
    """An image without any fault, with one static program, followed by the entries `more`."""
    entries = folders("var", "var/task") + [file("var/task/app", program or elf(), 0o755)] + list(more)
    return Image(Layer(*entries), entrypoint=["/var/task/app"], **settings)


def system(*more, program, libc=("GLIBC_2.2.5", "GLIBC_2.34"), **settings):
    """The same with a loader and a C library, for programs that need them."""
    return app(*folders("lib64"), file("lib64/ld-linux-x86-64.so.2", elf(library=True, soname="ld-linux-x86-64.so.2"), 0o755),
               file("lib64/libc.so.6", elf(library=True, soname="libc.so.6", gives=libc), 0o755), *more, program=program, **settings)


def stock(*more, cmd=("hello",), script=ENTRY):
    """The same with AWS's own entry script."""
    entries = [file("lambda-entrypoint.sh", script, 0o755)] + folders("bin", "var", "var/runtime") + \
        [file("bin/sh", elf(client=False), 0o755)] + list(more)
    return Image(Layer(*entries), entrypoint=["/lambda-entrypoint.sh"], cmd=list(cmd))


BOOTSTRAP = file("var/runtime/bootstrap", elf(), 0o755)


@case(1)
def index():
    bad, good = app(), app()
    bad.through_index = True
    return bad, good


@case(2)
def several():
    bad, good = app(), app()
    other = dict(digest=sha(b"other"), size=5, mediaType=OCI + "manifest.v1+json", platform={"os": "linux", "architecture": "s390x"},
                 annotations=bad.annotations)
    bad.extra_entries = [other]
    bad.platform = "linux/amd64"
    return bad, good


@case(3)
def attestation():
    bad, good = app(), app()
    bad.platform = good.platform = "linux/amd64"
    bad.extra_entries = [dict(digest=sha(b"proof"), size=5, mediaType=OCI + "manifest.v1+json",
                              platform={"os": "unknown", "architecture": "unknown"},
                              annotations={"vnd.docker.reference.type": "attestation-manifest"})]
    return bad, good


@case(4)
def media_type():
    bad, good = app(), app()
    bad.layers[0].media = OCI + "layer.v1.tar+zstd"
    return bad, good


@case(5)
def mixed_types():
    bad, good = app(), app()
    bad.config_type = DOCKER + "container.image.v1+json"
    return bad, good


@case(6)
def plain_docker_layer():
    bad, good = app(), app()
    for image in bad, good:
        image.manifest_type = DOCKER + "distribution.manifest.v2+json"
        image.config_type = DOCKER + "container.image.v1+json"
        image.layers[0].media = DOCKER + "image.rootfs.diff.tar.gzip"
    bad.layers[0].packer = lambda tar: tar
    bad.layers[0].media = DOCKER + "image.rootfs.diff.tar"
    return bad, good


@case(7)
def plain_oci_layer():
    bad, good = app(), app()
    bad.layers[0].packer = lambda tar: tar
    bad.layers[0].media = OCI + "layer.v1.tar"
    return bad, good


@case(8)
def two_members():
    bad, good = app(), app()
    bad.layers[0].packer = lambda tar: pack(tar[:512]) + pack(tar[512:])
    return bad, good


@case(9)
def changed_blob():
    bad, good = app(), app()
    bad.change_blob = (0, lambda blob: blob[:9] + b"\x07" + blob[10:])
    return bad, good


@case(10)
def diff_ids():
    bad, good = app(), app()
    bad.extra_diff_ids = [sha(b"")]
    return bad, good


@case(11)
def history():
    bad, good = app(), app()
    good.history = [{"created_by": "COPY"}, {"created_by": "ENTRYPOINT", "empty_layer": True}]
    bad.history = [{"created_by": "COPY"}, {"created_by": "ENTRYPOINT"}]
    return bad, good


@case(12)
def platform():
    bad, good = app(arch="riscv64"), app()
    return bad, good


@case(13)
def platforms_differ():
    bad, good = app(), app()
    bad.platform, good.platform = "linux/arm64", "linux/amd64"
    return bad, good


@case(14)
def two_faces():
    bad, good = app(), app()
    for image in bad, good:
        image.layers.append(Layer(*folders("opt")))
    bad.swap_docker = True
    return bad, good


@case(15)
def truncated():
    bad, good = app(), app()
    bad.layers[0].raw = bad.layers[0].tar()[:700]
    return bad, good


@case(16)
def artifact():
    bad, good = app(), app()
    bad.extra_manifest = {"subject": {"mediaType": OCI + "manifest.v1+json", "digest": sha(b"other"), "size": 5}}
    return bad, good


@case(17)  # C23
def schema_version():
    bad, good = app(), app()
    bad.extra_manifest = {"schemaVersion": 1}
    return bad, good


@case(17, more="b")  # C23
def media_types_differ():
    bad, good = app(), app()
    for image in bad, good:
        image.manifest_type = DOCKER + "distribution.manifest.v2+json"
        image.config_type = DOCKER + "container.image.v1+json"
        image.layers[0].media = DOCKER + "image.rootfs.diff.tar.gzip"
    bad.extra_manifest, bad.manifest_type = {"mediaType": bad.manifest_type}, OCI + "manifest.v1+json"
    return bad, good


@case(17, more="c")  # C23
def env_is_an_object():
    bad, good = app(), app(env=["NAME=b"])
    bad.process["Env"] = {"NAME": "b"}
    return bad, good


@case(17, more="d")  # C23
def cmd_has_a_number():
    bad, good = app(), app(Labels={"title": None})  # null is fine
    bad.process["Cmd"], good.process["Cmd"] = [80], ["80"]
    return bad, good


@case(18)  # C23
def half_a_config():
    bad, good = app(), app()
    bad.cut_config = True
    return bad, good


def special(kind, size=0):
    """A layer with an entry of that type."""
    def raw(type_of):
        out = app()
        out.layers.append(Layer(raw=tar_of(header("data", size, type_of) + bytes(size))))
        return out
    return raw(kind), raw(tarfile.REGTYPE)


@case(19)  # C24
def pax_length():
    def image(record):
        out = app()
        out.layers.append(Layer(raw=tar_of(pax([record], header("data")))))
        return out
    return image(b"31 mtime=1\n"), image(b"11 mtime=1\n")


@case(20)  # C1
def sparse():
    return special(tarfile.GNUTYPE_SPARSE, 512)


@case(20, more="b")  # C1
def label():
    return special(b"V")


@case(20, more="c")  # C1
def unknown_type():
    return special(b"Z", 1024)


@case(21)
def no_parent():
    bad, good = app(), app()
    bad.layers.append(Layer(file("opt/lib/data")))
    good.layers.append(Layer(*folders("opt", "opt/lib"), file("opt/lib/data")))
    return bad, good


@case(22)
def twice():
    return app(file("var/task/data", "1"), file("var/task/data", "2")), app(file("var/task/data", "2"))


@case(23)
def hard_link():
    return app(hard("var/task/other", "var/task/nothing")), app(hard("var/task/other", "var/task/app"))


@case(24)
def whiteout():
    bad, good = app(), app()
    bad.layers.append(Layer(*folders("var", "var/task"), file("var/task/.wh.data", "not empty")))
    good.layers.append(Layer(*folders("var", "var/task"), file("var/task/.wh.data", "")))
    return bad, good


@case(25)
def escape():
    bad, good = app(), app(link("var/task/out", "/var/task"), file("var/task/out/passwd"))  # B3: a link stays in the image
    bad.layers[0].entries.append(file("../etc/passwd"))
    return bad, good


@case(26)
def below_file():
    return app(file("var/task/app/data")), app(file("var/task/data"))


@case(27)
def fifo():
    return app(entry("var/task/pipe", tarfile.FIFOTYPE, 0o644)), app(file("var/task/pipe"))


@case(28)
def setuid():
    return app(file("var/task/tool", elf(), 0o4755)), app(file("var/task/tool", elf(), 0o755))


@case(29)
def world_writable():
    return app(file("var/task/data", mode=0o666)), app(file("var/task/data"))


@case(30)
def absolute():
    bad, good = app(), app(file("var/task/data"))
    bad.layers[0].entries.append(file("/var/task/data"))
    return bad, good


@case(31)
def machine():
    return app(program=elf("arm64")), app(program=elf("arm64"), arch="arm64")


@case(32)
def other_machine():
    return app(file("var/task/lib.so", elf("arm64", library=True))), app(file("var/task/lib.so", elf(library=True)))


@case(33)
def interpreter():
    program = elf(interp=LD)
    return app(program=program), system(program=program)


@case(34)
def carriage_return():
    shell = folders("bin") + [file("bin/sh", elf(), 0o755)]
    return app(*shell, program=b"#!/bin/sh\r\n"), app(*shell, program=b"#!/bin/sh\n")


@case(35)
def other_program():
    shell = folders("bin") + [file("bin/sh", elf(), 0o755)]
    return app(*shell, file("var/task/tool", "#!/usr/bin/perl\n", 0o755)), app(*shell, file("var/task/tool", "#!/bin/sh\n", 0o755))


@case(36)
def library():
    program = elf(interp=LD, needed=["libz.so.1", "libc.so.6"])
    return system(program=program), system(file("lib64/libz.so.1", elf(library=True, soname="libz.so.1")), program=program)


@case(36, more="b")  # C25: glibc's loader passes by a library for another machine, and fails where there is no other
def library_for_another_machine():
    program = elf(interp=LD, needed=["libdemo.so.1", "libc.so.6"])
    first = folders("srv", "srv/a", "srv/b") + [file("srv/a/libdemo.so.1", elf("arm64", library=True))]
    env = ["LD_LIBRARY_PATH=/srv/a:/srv/b"]
    return system(*first, program=program, env=env), \
        system(*first, file("srv/b/libdemo.so.1", elf(library=True)), program=program, env=env)


@case(36, more="c")  # C25: but it goes no further than a file that is no library
def no_library():
    program = elf(interp=LD, needed=["libdemo.so.1", "libc.so.6"])

    def image(data, mode=0o644):
        return system(*folders("srv", "srv/a", "srv/b"), file("srv/a/libdemo.so.1", data, mode),
                      file("srv/b/libdemo.so.1", elf(library=True)), program=program, env=["LD_LIBRARY_PATH=/srv/a:/srv/b"])
    return image(b"version https://git-lfs.github.com/spec/v1\n"), image(elf(library=True))


@case(36, more="d")  # C25: musl's loader takes the first
def library_for_another_machine_musl():
    musl = "/lib/ld-musl-x86_64.so.1"
    program = elf(interp=musl, needed=["libdemo.so.1"])

    def image(machine):
        return app(*folders("lib", "srv", "srv/a", "srv/b"), file(musl[1:], elf(library=True), 0o755),
                   file("srv/a/libdemo.so.1", elf(machine, library=True)), file("srv/b/libdemo.so.1", elf(library=True)),
                   program=program, env=["LD_LIBRARY_PATH=/srv/a:/srv/b"])
    return image("arm64"), image("amd64")


@case(37)
def other_library():
    module = file("var/task/module.so", elf(library=True, needed=["libz.so.1"], client=False))
    return system(module, program=elf(interp=LD)), \
        system(module, file("lib64/libz.so.1", elf(library=True)), program=elf(interp=LD))


@case(38)
def glibc():
    def program(version):
        return elf(interp=LD, needed=["libc.so.6"], versions={"libc.so.6": [version]})
    return system(program=program("GLIBC_2.38")), system(program=program("GLIBC_2.34"))


@case(39)
def other_glibc():
    def module(version):
        return file("var/task/module.so", elf(library=True, needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.2.5", version]}))
    return system(module("GLIBC_2.38"), program=elf(interp=LD)), system(module("GLIBC_2.34"), program=elf(interp=LD))


@case(40)
def level():
    return app(program=elf(isa=4)), app(program=elf(isa=3))


@case(41)
def no_program():
    return app(program=b"echo hello\n"), app()


@case(51)
def nothing():
    bad, good = app(), app()
    bad.process["Entrypoint"] = None
    return bad, good


@case(52)  # C20
def relative():
    bad, good = app(workdir="/var/task"), app(workdir="/var/task")
    bad.process["Entrypoint"] = ["./app"]
    return bad, good


@case(53)
def absent():
    bad, good = app(), app()
    bad.process["Entrypoint"] = ["/var/task/main"]
    return bad, good


@case(54)  # C20
def entry_link():
    bad, good = app(link("var/task/start", "app")), app(link("var/task/start", "app"))
    bad.process["Entrypoint"] = ["/var/task/start"]
    return bad, good


@case(55)
def not_executable():
    bad, good = app(), app()
    bad.layers[0].entries[2][0].mode = 0o744
    return bad, good


@case(56)
def words():
    return stock(BOOTSTRAP, cmd=("hello", "world")), stock(BOOTSTRAP)


@case(57)
def bootstrap():
    return stock(file("var/runtime/boot", elf(), 0o755)), stock(BOOTSTRAP)


@case(58)
def relative_workdir():
    return app(workdir="var/task"), app(workdir="/var/task")


@case(59)
def workdir():
    return app(*folders("home"), folder("home/me", 0o700), workdir="/home/me"), \
        app(*folders("home"), folder("home/me", 0o755), workdir="/home/me")


@case(60)
def client():
    return app(program=elf(client=False)), app()


@case(61)
def rights():
    return app(file("var/task/data", mode=0o600)), app(file("var/task/data", mode=0o600, uid=993))


@case(62)  # C28
def start_in_tmp():
    tmp = [folder("tmp", 0o1777)] + folders("tmp/work")
    return app(*tmp, workdir="/tmp/work"), app(*tmp, workdir="/tmp")


@case(63)  # C28
def file_in_tmp():
    return app(folder("tmp", 0o1777), file("tmp/model")), app(folder("tmp", 0o1777), *folders("tmp/work"))


@case(74, "--budget 15kB")
def budget():
    return app(file("var/task/data", bytes(10000))), app()


@case(75)
def layers():
    bad, good = app(), app()
    for image, count in (bad, 127), (good, 126):
        image.layers += [Layer(*folders("n%d" % i)) for i in range(count)]
    return bad, good


@case(76)
def reserved():
    return app(env=["AWS_LAMBDA_FUNCTION_NAME=x"]), app(env=["LAMBDA_TASK_ROOT=/var/task", "AWS_LAMBDA_FUNCTION=x"])


@case(77)
def ill_formed():
    return app(env=["MY-NAME=x"]), app(env=["MY_NAME=x"])


@case(78)
def variables():
    return app(env=["LONG=" + 4092 * "x"]), app(env=["LONG=" + 4091 * "x"])


@case(79)
def many_words():
    bad, good = app(), app()
    bad.process["Cmd"], good.process["Cmd"] = 1501 * ["x"], 1500 * ["x"]
    return bad, good


@case(81)
def ignored():
    return app(User="1000"), app(User="")


@case(82)
def caches():
    return app(env=["HOME=/root"]), app(env=["HOME=/tmp"])


@case(83)
def al2():
    def release(version):
        return folders("etc") + [file("etc/os-release", 'NAME="Amazon Linux"\nID="amzn"\nVERSION_ID="%s"\n' % version)]
    return app(*release("2")), app(*release("2023"))


@case(84)
def fips():
    bad, good = app(), app()
    bad.names = ["123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/hello:v1"]
    good.names = ["123456789012.dkr.ecr.us-east-1.amazonaws.com/hello:v1"]
    return bad, good


@case(86)
def secret_variable():
    return app(env=["KEY=AKIA" + 16 * "A"]), app(env=["KEY=AKIA" + 15 * "A"])


@case(87)
def secret_file():
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"
    bad, good = app(file("var/task/key.pem", key)), app(file("var/task/key.pem", key.replace("PRIVATE", "PUBLIC")))
    for image in bad, good:  # hidden by a later layer, but still there
        image.layers.append(Layer(*folders("var", "var/task"), file("var/task/.wh.key.pem", "")))
    return bad, good


@case(87, more="b")  # C27
def settings():
    text = "# settings\nexport AWS_SECRET_ACCESS_KEY='%s'\n"
    return app(file("var/task/.env", text % ("k7Rp/2Qz" * 5))), \
        app(file("var/task/.env", text % "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))


@case(87, more="c")  # C27
def npmrc():
    text = "//host.test/:_authToken=%s\n"
    return app(file("var/task/.npmrc", text % "8f2b1c7a-3d4e-4f60-9a1b-2c3d4e5f6071")), app(file("var/task/.npmrc", text % "${NPM_TOKEN}"))


@case(88)
def old():
    bad, good = app(), app()
    bad.history, good.history = [{"created": "2020-01-01T00:00:00Z"}], [{"created": "1970-01-01T00:00:00Z"}]
    return bad, good


def main(out):
    with open(out + "/list", "w", encoding="utf-8") as listed:
        for number, (make, options) in sorted(CASES.items()):
            for name, image in zip(("bad", "good"), make()):
                image.write("%s/%s-%s.tar" % (out, number, name))
            listed.write("%s %s\n" % (number, options))


if __name__ == "__main__":
    main(sys.argv[1])
