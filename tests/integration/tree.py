#!/usr/bin/env python3
"""What a container made from an image archive would see: a line per path, with type, mode, owner, link target and, for
regular files, size and digest. Reads OCI archives, OCI layouts and `docker save` archives; `--no-content` leaves size
and digest out, `--config` prints the digest of the image's configuration and nothing else."""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile


class Archive:
    def __init__(self, path):
        self.path = path
        self.tar = None if os.path.isdir(path) else tarfile.open(path)

    def read(self, name):
        if not self.tar:
            with open(os.path.join(self.path, name), "rb") as f:
                return f.read()
        return self.tar.extractfile(self.tar.getmember(name)).read()

    def blob(self, digest):
        return self.read("blobs/" + digest.replace(":", "/"))

    def image(self):
        """(configuration's digest, layers)"""
        try:
            index = json.loads(self.read("index.json"))
        except KeyError:
            m = json.loads(self.read("manifest.json"))[0]
            config = "sha256:" + hashlib.sha256(self.read(m["Config"])).hexdigest()
            return config, [self.read(layer) for layer in m["Layers"]]
        assert len(index["manifests"]) == 1, "not one manifest"
        m = json.loads(self.blob(index["manifests"][0]["digest"]))
        return m["config"]["digest"], [self.blob(layer["digest"]) for layer in m["layers"]]


def line(member, tar, content):
    kinds = {tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l", tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b", tarfile.FIFOTYPE: "p"}
    kind = kinds.get(member.type, "-")
    row = [kind, f"{member.mode & 0o7777:04o}" if kind != "l" else "-", f"{member.uid}:{member.gid}"]
    if kind == "l":
        row.append("-> " + member.linkname)
    if kind == "-" and content:
        data = tar.extractfile(member).read()
        row += [str(len(data)), hashlib.sha256(data).hexdigest()]
    return " ".join(row)


def apply(layer, tree, content):
    if layer[:2] == b"\x1f\x8b":
        layer = gzip.decompress(layer)
    tar = tarfile.open(fileobj=io.BytesIO(layer))
    for member in tar:
        name = member.name.strip("/")
        name = name[2:] if name.startswith("./") else name
        folder, _, last = name.rpartition("/")
        if name in ("", "."):
            continue
        if last.startswith(".wh."):
            gone = folder if last == ".wh..wh..opq" else os.path.join(folder, last[4:])
            for path in [p for p in tree if p.startswith(gone + "/") or (p == gone and gone != folder)]:
                del tree[path]
            continue
        if member.islnk():
            tree[name] = tree[member.linkname.strip("/")]
            continue
        if not member.isdir():
            for path in [p for p in tree if p.startswith(name + "/")]:
                del tree[path]
        tree[name] = line(member, tar, content)


def main():
    words = sys.argv[1:]
    config, layers = Archive(words[-1]).image()
    if "--config" in words:
        print(config)
        return
    tree = {}
    for layer in layers:
        apply(layer, tree, "--no-content" not in words)
    for path in sorted(tree):
        print(path, tree[path])


if __name__ == "__main__":
    main()
