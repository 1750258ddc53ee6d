#!/usr/bin/env python3
"""`tree.py FOLDER MEGABYTES FILES`: makes a tree of about that size, of files whose sizes are log-normal (or equal, if there are
fewer than 100). 85 percent are slices of this machine's own programs, libraries, headers and scripts, 15 percent are noise. On one
machine the tree is always the same."""
import math
import os
import random
import sys

FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib/python3", "/usr/lib/gcc", "/usr/include",
           "/usr/share/perl", "/usr/bin")
SOURCE = 128 * 1024 * 1024
SLICE = 65536


def source():
    """Up to SOURCE bytes, from each of FOLDERS in turn."""
    kinds = []
    for root in FOLDERS:
        paths = []
        for at, dirs, names in os.walk(root):
            dirs.sort()
            paths += [os.path.join(at, name) for name in sorted(names)]
        kinds.append(iter(paths))
    data = bytearray()
    while kinds and len(data) < SOURCE:
        for kind in list(kinds):
            path = next(kind, None)
            if path is None:
                kinds.remove(kind)
            elif os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 8_000_000:
                with open(path, "rb") as f:
                    data += f.read()
    return data


def main():
    folder, total, count = sys.argv[1], int(sys.argv[2]) * 1_000_000, int(sys.argv[3])
    rng = random.Random(1)
    data = source()
    sizes = [rng.lognormvariate(0, 1.5) if count >= 100 else 1.0 for _ in range(count)]
    scale = total / math.fsum(sizes)
    for n, size in enumerate(sizes):
        at = os.path.join(folder, f"d{n // 100:03d}")
        os.makedirs(at, exist_ok=True)
        left = int(size * scale)
        with open(os.path.join(at, f"f{n:05d}"), "wb") as f:
            while left > 0:
                part = min(left, SLICE)
                if rng.random() < 0.15:
                    f.write(rng.randbytes(part))
                else:
                    start = rng.randrange(len(data) - part)
                    f.write(data[start:start + part])
                left -= part


if __name__ == "__main__":
    main()
