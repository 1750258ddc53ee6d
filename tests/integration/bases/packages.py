"""Distribution packages for the bases, fetched through a private apt root: the machine's own apt is left alone."""
import glob
import os
import re
import subprocess

DROP = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian", "usr/share/bug",
        "usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", "usr/share/gdb", "usr/share/perl", "usr/lib/x86_64-linux-gnu/perl")

# What the builder stand-ins are made of.
BUILDER = ["gcc", "libc6-dev", "dash", "coreutils", "make", "sed", "grep", "tar", "gzip", "bash",
           "libc-bin"]


def run(*argv, **how):
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE, **how).stdout


class Apt:
    """Reads the machine's own mirror from its configuration and asks it for any architecture and for sources."""

    def __init__(self, folder, arch, sources=False):
        self.folder = folder
        for name in ("state/lists/partial", "cache/archives/partial", "parts"):
            os.makedirs(f"{folder}/{name}", exist_ok=True)
        open(f"{folder}/status", "w").close()
        with open(f"{folder}/sources.list", "w") as f:
            f.writelines(self._lines(arch, sources))
        self.options = []
        for key, value in (("Dir::State", f"{folder}/state"), ("Dir::State::status", f"{folder}/status"),
                           ("Dir::Cache", f"{folder}/cache"), ("Dir::Etc::sourcelist", f"{folder}/sources.list"),
                           ("Dir::Etc::sourceparts", f"{folder}/parts"), ("APT::Architecture", arch),
                           ("APT::Architectures::", arch), ("APT::Install-Recommends", "false"),
                           ("Acquire::Languages", "none"), ("Acquire::IndexTargets::deb::DEP-11::DefaultEnabled",
                                                            "false"), ("APT::Sandbox::User", "root"),
                           ("Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled", "false")):
            self.options += ["-o", f"{key}={value}"]
        self.get("-q", "update")

    @staticmethod
    def _lines(arch, sources):
        seen = set()
        form = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)"
        for line in run("apt-get", "indextargets", "--format", form, "Identifier: Packages").splitlines():
            uri, suite, component, origin = line.split("\t")
            if origin not in ("Debian", "Ubuntu") or (uri, suite, component) in seen:
                continue
            seen.add((uri, suite, component))
            yield f"deb [arch={arch}] {uri} {suite} {component}\n"
            if sources and not re.search("-(updates|security|backports)$", suite):
                yield f"deb-src [arch={arch}] {uri} {suite} {component}\n"

    def get(self, *argv, **how):
        return run("apt-get", *self.options, *argv, **how)

    def extract(self, package, into):
        """One package without what it depends on."""
        os.makedirs(f"{self.folder}/debs", exist_ok=True)
        self.get("-q", "download", package, cwd=f"{self.folder}/debs")
        run("dpkg-deb", "-x", glob.glob(f"{self.folder}/debs/{package}_*.deb")[0], into)

    def extract_all(self, packages, into, leave_out=()):
        """Packages with all that they depend on, except those in `leave_out`; no maintainer script runs."""
        archives = f"{self.folder}/cache/archives"
        for name in glob.glob(f"{archives}/*.deb"):
            os.unlink(name)
        self.get("-q", "-y", "--download-only", "install", *packages)
        for name in sorted(glob.glob(f"{archives}/*.deb")):
            if os.path.basename(name).partition("_")[0] not in leave_out:
                run("dpkg-deb", "-x", name, into)

    def source(self, package, into):
        """The upstream tree of a source package, without the distribution's patches."""
        os.makedirs(into, exist_ok=True)
        self.get("-q", "--download-only", "source", package, cwd=self.folder)
        for name in glob.glob(f"{self.folder}/{package}_*.orig.tar.*"):
            run("tar", "-xf", name, "-C", into, "--strip-components=1")


def closure(packages):
    """Installed packages that `packages` need, by this machine's dpkg database."""
    needs, provides = {}, {}
    for line in run("dpkg-query", "-W", "-f", "${Package}\t${Depends}, ${Pre-Depends}\t${Provides}\n").splitlines():
        name, depends, provided = line.split("\t")
        needs[name] = [re.split(r"[ :(|]", word.strip())[0] for word in depends.split(",") if word.strip()]
        for word in provided.split(","):
            provides[re.split(r"[ (]", word.strip())[0]] = name
    found, wanted = set(), list(packages)
    while wanted:
        name = wanted.pop()
        name = name if name in needs else provides.get(name)
        if name and name not in found:
            found.add(name)
            wanted += needs[name]
    return sorted(found)


def installed(packages):
    """Whether this machine has them all."""
    query = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}\n", *packages], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return query.returncode == 0 and set(query.stdout.split()) == {"installed"}


def files(packages, drop=DROP):
    """What is installed of them, below /, through no link to a folder."""
    names = set()
    for path in run("dpkg-query", "-L", *packages).splitlines() if packages else ():
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        inside = path.lstrip("/")
        if path.startswith("/") and os.path.lexists(path) and inside and not inside.startswith(tuple(drop)):
            names.add(inside)
    return sorted(names)


def skeleton(root):
    """The folders of a system whose /bin and /lib are links."""
    for name in ("bin", "sbin", "lib", "lib64"):
        os.makedirs(f"{root}/usr/{name}", exist_ok=True)
        if not os.path.lexists(f"{root}/{name}"):
            os.symlink(f"usr/{name}", f"{root}/{name}")


def copy_installed(packages, into):
    """The installed packages' files as they are on this machine: the same compiler, byte for byte."""
    pack = subprocess.Popen(["tar", "-C", "/", "--no-recursion", "--null", "-T", "-", "-cf", "-"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpack = subprocess.Popen(["tar", "-C", into, "-xf", "-"], stdin=pack.stdout)
    pack.stdin.write("\0".join(files(closure(packages))).encode())
    pack.stdin.close()
    if unpack.wait() or pack.wait():
        raise RuntimeError("copying the installed packages failed")
    for alternative in ("cc", "gcc", "awk"):
        target = f"/usr/bin/{alternative}"
        if os.path.lexists(target) and not os.path.lexists(into + target):
            os.symlink(os.path.realpath(target), into + target)
