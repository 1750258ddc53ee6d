#!/usr/bin/env python3
"""`base.py FOLDER`: makes a base of realistic size (about 42 MB of gzip, 108 MB of tar, two layers) from this machine's own
files, as an OCI layout FOLDER/base and as FOLDER/base.docker.tar."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "integration", "bases"))
import images  # noqa: E402

SIZES = (92_000_000, 16_000_000)


def files(roots):
    for root in roots:
        for at, dirs, names in os.walk(root):
            dirs.sort()
            for name in sorted(names):
                path = os.path.join(at, name)
                if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 4_000_000:
                    yield path


def layer(paths, size):
    tar, made = images.Tar(), {"var", "var/task"}
    for folder in sorted(made):
        tar.dir(folder)
    for path in paths:
        inside = path.lstrip("/")
        folders = inside.split("/")[:-1]
        for n in range(1, len(folders) + 1):
            folder = "/".join(folders[:n])
            if folder not in made:
                made.add(folder)
                tar.dir(folder)
        with open(path, "rb") as f:
            data = f.read()
        tar.put(inside, data, os.stat(path).st_mode & 0o755)
        size -= len(data)
        if size < 0:
            break
    return tar.layer()


def main():
    out = sys.argv[1]
    paths = files(["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/bin", "/usr/share/perl",
                   "/usr/lib/python3", "/usr/include", "/usr/sbin", "/usr/lib/gcc"])
    layers = [layer(paths, size) for size in SIZES]
    image = images.Image("amd64", layers, {"Env": ["PATH=/usr/bin:/bin"], "WorkingDir": "/var/task"},
                         [{"created_by": "base"} for _ in layers])
    images.write_layout(out + "/base", [image])
    images.write_docker_archive(out + "/base.docker.tar", image, "lbuild-bench-base:latest")
    print(sum(len(x.data) for x in layers), "bytes of layers")


if __name__ == "__main__":
    main()
