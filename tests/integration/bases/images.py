"""Layers, configs and manifests for the test bases: what a registry, an OCI layout or `docker save` would hold.

A Blob is bytes with a media type; an Image is a config with its layers; both formats (Docker, OCI) are made from it.
"""
import gzip
import hashlib
import io
import json
import os
import tarfile
import urllib.request

DOCKER = {
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "index": "application/vnd.docker.distribution.manifest.list.v2+json",
}
OCI = {
    "config": "application/vnd.oci.image.config.v1+json",
    "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "index": "application/vnd.oci.image.index.v1+json",
}
CREATED = "2024-10-14T09:12:33.561842071Z"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Layer:
    """A gzip layer. `members` > 1 cuts the tar into as many gzip members."""

    def __init__(self, tar, members=1, level=6):
        self.diff_id = digest(tar)
        step = max(1, (len(tar) + members - 1) // members)
        parts = [tar[i:i + step] for i in range(0, len(tar), step)] or [b""]
        self.data = b"".join(gzip.compress(p, level, mtime=0) for p in parts)
        self.digest = digest(self.data)

    @classmethod
    def load(cls, data):
        """A layer from its gzip bytes."""
        layer = cls.__new__(cls)
        layer.data, layer.digest, layer.diff_id = data, digest(data), digest(gzip.decompress(data))
        return layer


class Tar:
    """A tar built entry by entry; names are taken as given, hostile ones too."""

    def __init__(self):
        self.file = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.file, mode="w", format=tarfile.GNU_FORMAT)

    def _add(self, name, kind, mode, data=b"", link=""):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.mtime, info.linkname, info.size = kind, mode, 1728897153, link, len(data)
        self.tar.addfile(info, io.BytesIO(data))

    def dir(self, *names, mode=0o755):
        for name in names:
            self._add(name, tarfile.DIRTYPE, mode)

    def put(self, name, data, mode=0o644):
        self._add(name, tarfile.REGTYPE, mode, data)

    def symlink(self, name, target):
        self._add(name, tarfile.SYMTYPE, 0o777, link=target)

    def hardlink(self, name, target):
        self._add(name, tarfile.LNKTYPE, 0o755, link=target)

    def tree(self, root, skip=()):
        """Everything below root in a fixed order, owned by root."""
        for at, dirs, files in os.walk(root):
            dirs.sort()
            for name in sorted(dirs + files):
                path = os.path.join(at, name)
                inside = os.path.relpath(path, root)
                if inside.startswith(skip):
                    continue
                info = self.tar.gettarinfo(path, inside)
                info.uid = info.gid = 0
                info.uname = info.gname = ""
                info.mtime = 1728897153
                if info.isreg():
                    with open(path, "rb") as f:
                        self.tar.addfile(info, f)
                else:
                    self.tar.addfile(info)

    def layer(self, **how):
        self.tar.close()
        return Layer(self.file.getvalue(), **how)


class Image:
    """config: the `config` object of the image; history: a list, None for JSON null, or False to leave it out."""

    def __init__(self, arch, layers, config, history=False, variant=None):
        self.layers = layers
        self.platform = {"architecture": arch, "os": "linux"}
        if variant:
            self.platform["variant"] = variant
        top = {"architecture": arch, "config": config, "created": CREATED, "os": "linux",
               "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}}
        if variant:
            top["variant"] = variant
        if history is not False:
            top["history"] = history
        self.config = json.dumps(top, separators=(",", ":")).encode()

    def manifest(self, types):
        def entry(kind, data):
            return {"mediaType": types[kind], "size": len(data), "digest": digest(data)}
        return json.dumps({"schemaVersion": 2, "mediaType": types["manifest"],
                           "config": entry("config", self.config),
                           "layers": [entry("layer", layer.data) for layer in self.layers]}, indent=3).encode()

    def blobs(self):
        return [self.config] + [layer.data for layer in self.layers]


def index(images, types):
    entries = []
    for image in images:
        m = image.manifest(types)
        entries.append({"mediaType": types["manifest"], "size": len(m), "digest": digest(m),
                        "platform": image.platform})
    return json.dumps({"schemaVersion": 2, "mediaType": types["index"], "manifests": entries}, indent=3).encode()


class Registry:
    """Pushes over plain HTTP, as any client does."""

    def __init__(self, url):
        self.url = url

    def _call(self, method, url, data=b"", **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        return urllib.request.urlopen(request, timeout=60)

    def _blob(self, repository, data):
        start = self._call("POST", f"{self.url}/v2/{repository}/blobs/uploads/")
        where = start.headers["Location"]
        where += ("&" if "?" in where else "?") + "digest=" + digest(data)
        self._call("PUT", where, data, Content_Type="application/octet-stream")

    def _manifest(self, repository, reference, data, kind):
        self._call("PUT", f"{self.url}/v2/{repository}/manifests/{reference}", data, Content_Type=kind)

    def push(self, repository, tag, images, types=DOCKER):
        """One image: a manifest under the tag. Several: an index of them."""
        for image in images:
            for data in image.blobs():
                self._blob(repository, data)
            m = image.manifest(types)
            self._manifest(repository, tag if len(images) == 1 else digest(m), m, types["manifest"])
        if len(images) > 1:
            self._manifest(repository, tag, index(images, types), types["index"])


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def write_layout(folder, images, types=OCI, tag="latest"):
    """An OCI layout whose index.json lists every image with its platform."""
    entries = []
    for image in images:
        m = image.manifest(types)
        for data in image.blobs() + [m]:
            write(f"{folder}/blobs/{digest(data).replace(':', '/')}", data)
        entries.append({"mediaType": types["manifest"], "size": len(m), "digest": digest(m),
                        "platform": image.platform, "annotations": {"org.opencontainers.image.ref.name": tag}})
    write(f"{folder}/oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    write(f"{folder}/index.json", json.dumps({"schemaVersion": 2, "manifests": entries}).encode())


def write_docker_archive(path, image, tag):
    """What `docker save` writes: config and uncompressed layers, named by manifest.json."""
    tar, names = Tar(), []
    name = digest(image.config)[7:] + ".json"
    tar.put(name, image.config)
    for layer in image.layers:
        folder = layer.diff_id[7:]
        names.append(folder + "/layer.tar")
        tar.dir(folder)
        tar.put(names[-1], gzip.decompress(layer.data))
    tar.put("manifest.json", json.dumps([{"Config": name, "RepoTags": [tag], "Layers": names}]).encode())
    tar.tar.close()
    write(path, tar.file.getvalue())
