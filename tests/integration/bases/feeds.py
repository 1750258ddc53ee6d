"""What the repository's servers of packages have in common: a folder of files, made whole at the first request."""
import os
import shutil
import subprocess
import threading


class Absent(Exception):
    """What is asked for can't be made or had here; the text says why."""


class Feed:
    """The files of a server below `folder`. A kind of feed gives `what` it serves and `make`, which fills a new folder."""

    what = None

    def __init__(self, folder):
        self.folder, self.absent, self.lock = os.path.realpath(folder), None, threading.Lock()

    def file(self, path):
        """The bytes of a file; raises Absent and FileNotFoundError. One at a time: the first makes them all."""
        with self.lock:
            if self.absent:
                raise self.absent
            if not os.path.isdir(self.folder):
                self.try_to_make()
        full = os.path.realpath(f"{self.folder}/{path}")
        if not full.startswith(self.folder + "/") or not os.path.isfile(full):
            raise FileNotFoundError(path)
        with open(full, "rb") as f:
            return f.read()

    def try_to_make(self):
        new = self.folder + ".new"
        try:
            shutil.rmtree(new, ignore_errors=True)
            os.makedirs(new)
            self.make(new)
            os.rename(new, self.folder)
        except (subprocess.CalledProcessError, OSError, IndexError) as e:
            self.absent = Absent(f"no {self.what} can be made here: {e}")
            raise self.absent from e
        except Absent as e:
            self.absent = e
            raise

    def make(self, new):
        raise NotImplementedError
