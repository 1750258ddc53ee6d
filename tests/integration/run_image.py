#!/usr/bin/env python3
"""`run_image.py [--rie FILE] [--lend PROGRAM] IMAGE EVENT`: what Lambda does with a finished image, without an engine. Its layers are unpacked and
its own ENTRYPOINT and CMD get one event, as uid 993 and gid 990, without HOME, on a read-only root with a /tmp of its own, with
no network but loopback. Prints the answer; what the program prints goes to stderr. --rie: the emulator for an image that has none.
--lend: a program of this machine that the real base has and the stand-in lacks. Needs root."""
import argparse
import fcntl
import gzip
import io
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

import tree

URL = "http://127.0.0.1:8080/2015-03-31/functions/function/invocations"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
UID, GID = 993, 990


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def inside(root, name):
    """Where a layer's entry goes: its folder's links are followed, but never out of root."""
    at = root
    for word in os.path.dirname(name).split("/"):
        at = os.path.join(at, word) if word not in ("", ".") else at
        for _ in range(40):
            if not os.path.islink(at):
                break
            link = os.readlink(at)
            at = os.path.normpath(root + link if link.startswith("/") else os.path.join(os.path.dirname(at), link))
    assert at == root or at.startswith(root + "/"), name
    return os.path.join(at, os.path.basename(name))


def unpack(layer, root):
    data = gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            name = os.path.normpath(member.name.strip("/"))
            path = inside(root, name)
            last = os.path.basename(name)
            if last == ".wh..wh..opq":
                for entry in os.listdir(os.path.dirname(path)):
                    remove(os.path.join(os.path.dirname(path), entry))
            elif last.startswith(".wh."):
                remove(os.path.join(os.path.dirname(path), last[4:]))
            elif name != ".":
                put(tar, member, path, root)


def put(tar, member, path, root):
    if member.isdir():
        if not os.path.isdir(path):
            remove(path)
            os.mkdir(path)
        os.chmod(path, member.mode)
        return
    remove(path)
    if member.issym():
        os.symlink(member.linkname, path)
    elif member.islnk():
        os.link(inside(root, member.linkname.strip("/")), path)
    elif member.isreg():
        with open(path, "wb") as f:
            shutil.copyfileobj(tar.extractfile(member), f)
        os.chmod(path, member.mode)


def lend(root, name):
    """The program with its libraries, except the C library's, where nothing else finds them."""
    program, folder = shutil.which(name), f"/usr/libexec/{name}"
    os.makedirs(root + folder)
    listing = subprocess.run(["ldd", program], check=True, text=True, stdout=subprocess.PIPE).stdout
    for path in [program] + [line.split()[2] for line in listing.splitlines() if " => /" in line]:
        if not os.path.basename(path).startswith(("libc.so", "libm.so", "libresolv.so")):
            shutil.copy(path, root + folder)
    with open(f"{root}/usr/bin/{name}", "w", encoding="ascii") as f:
        f.write(f'#!/bin/sh\nLD_LIBRARY_PATH={folder} exec {folder}/{name} "$@"\n')
    os.chmod(f"{root}/usr/bin/{name}", 0o755)


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def confine(root, rie):
    for name in ("proc", "dev", "tmp"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("--bind", root, root)
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("--bind", "/dev", f"{root}/dev")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}/tmp")
    if rie:
        shutil.copy(rie, f"{root}/tmp/rie")
        os.chmod(f"{root}/tmp/rie", 0o755)
    mount("-o", "remount,bind,ro", root)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def start(root, config, rie):
    def enter():
        os.chroot(root)
        os.chdir(config.get("WorkingDir") or "/")
        os.setgroups([])
        os.setgid(GID)
        os.setuid(UID)
    argv = (config.get("Entrypoint") or []) + (config.get("Cmd") or [])
    env = dict(word.split("=", 1) for word in config.get("Env") or [])
    argv = ["/tmp/rie", *argv] if rie else argv
    # The program is looked for after chroot: an absolute path, or nothing.
    assert argv and argv[0].startswith("/"), f"ENTRYPOINT {argv}"
    return subprocess.Popen(argv, env=env, preexec_fn=enter, stdout=sys.stderr)


def ask(event):
    for left in reversed(range(100)):
        try:
            with urllib.request.urlopen(URL, event.encode(), timeout=120) as reply:
                return reply.read().decode()
        except urllib.error.HTTPError as e:
            return f"{e.code} {e.read().decode()}"
        except urllib.error.URLError:
            if not left:
                raise
            time.sleep(0.1)
    return None


def answer(options):
    """Inside of the namespaces."""
    archive = tree.Archive(options.image)
    digest, layers = archive.image()
    root = tempfile.mkdtemp(prefix="lbuild-root.")
    try:
        os.chmod(root, 0o755)
        for layer in layers:
            unpack(layer, root)
        if options.lend:
            lend(root, options.lend)
        config = json.loads(archive.blob(digest))["config"]
        confine(root, options.rie)
        process = start(root, config, options.rie)
        try:
            print(ask(options.event))
        finally:
            process.kill()
            process.wait()
    finally:
        for at in ("tmp", "dev", "proc", ""):
            subprocess.run(["umount", "-l", f"{root}/{at}"], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(root)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--inside", action="store_true")
    parser.add_argument("--rie")
    parser.add_argument("--lend")
    parser.add_argument("image")
    parser.add_argument("event")
    options = parser.parse_args()
    if options.inside:
        answer(options)
        return 0
    unshare = ["unshare", "--mount", "--propagation", "private", "--net", "--ipc", "--pid", "--fork", "--kill-child"]
    return subprocess.run([*unshare, "--", sys.executable, __file__, "--inside", *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
