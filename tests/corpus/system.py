#!/usr/bin/env python3
"""Makes an image of a whole system's layer with one small program on it.

    system.py LAYER.tar IMAGE.tar
"""
import sys

from elf import elf
from image import Image, Layer, file, folders

with open(sys.argv[1], "rb") as tar:
    base = Layer(raw=tar.read())
own = Layer(*folders("var", "var/task"), file("var/task/app", elf(), 0o755))
Image(base, own, entrypoint=["/var/task/app"], workdir="/var/task", env=["PATH=/usr/local/bin:/usr/bin:/bin"]).write(sys.argv[2])
