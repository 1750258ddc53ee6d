"""Images for the corpus: made by hand, byte for byte, so that each has exactly the intended mistake."""
import copy
import gzip
import hashlib
import io
import json
import os
import tarfile

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def pack(data):
    return gzip.compress(data, 1, mtime=0)


class Layer:
    """Entries in their order. `raw`: the tar, instead of the one that the entries make; `blob`: its packed form."""

    def __init__(self, *entries, raw=None, packer=pack, media=OCI + "layer.v1.tar+gzip"):
        self.entries, self.raw, self.packer, self.media = list(entries), raw, packer, media

    def tar(self):
        if self.raw is not None:
            return self.raw
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for entry in self.entries:
                info, data = entry
                tar.addfile(info, io.BytesIO(data) if data is not None else None)
        return out.getvalue()


def entry(name, kind, mode, data=None, link="", uid=0, gid=0):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname, info.uid, info.gid = kind, mode, link, uid, gid
    info.size = len(data) if data is not None else 0
    return info, data


def folder(name, mode=0o755, **more):
    return entry(name, tarfile.DIRTYPE, mode, **more)


def folders(*names):
    return [folder(name) for name in names]


def file(name, data=b"x", mode=0o644, **more):
    return entry(name, tarfile.REGTYPE, mode, data if isinstance(data, bytes) else data.encode(), **more)


def link(name, target):
    return entry(name, tarfile.SYMTYPE, 0o777, link=target)


def hard(name, target):
    return entry(name, tarfile.LNKTYPE, 0o644, link=target)


class Image:
    """Everything in an image; may be changed at will before it is written."""

    def __init__(self, *layers, arch="amd64", entrypoint=None, cmd=None, env=(), workdir=None, **more):
        self.layers = list(layers)
        self.arch, self.os, self.platform = arch, "linux", None
        self.process = dict({"Entrypoint": entrypoint, "Cmd": cmd, "Env": list(env), "WorkingDir": workdir}, **more)
        self.history = None
        self.manifest_type, self.config_type = OCI + "manifest.v1+json", OCI + "config.v1+json"
        self.annotations = {OCI.replace("application/vnd.oci.", "org.opencontainers.") + "ref.name": "v1"}
        self.extra_manifest, self.extra_entries, self.extra_diff_ids = {}, [], []
        self.through_index = False
        self.names = None  # the names in docker's manifest.json
        self.change_blob = None  # (layer's number, bytes)
        self.swap_docker = False
        self.cut_config = False

    def copy(self):
        return copy.deepcopy(self)

    def blobs(self):
        """{digest: bytes} and the layers' descriptors with their diff_ids."""
        blobs, layers = {}, []
        for number, layer in enumerate(self.layers):
            tar = layer.tar()
            blob = layer.packer(tar)
            digest = sha(blob)
            blobs[digest] = blob
            if self.change_blob and self.change_blob[0] == number:
                blobs[digest] = self.change_blob[1](blob)
            layers.append(({"mediaType": layer.media, "digest": digest, "size": len(blob)}, sha(tar)))
        return blobs, layers

    def files(self):
        """{path: bytes} of an OCI layout."""
        blobs, layers = self.blobs()
        config = {"architecture": self.arch, "os": self.os, "config": {k: v for k, v in self.process.items() if v},
                  "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers] + self.extra_diff_ids}}
        if self.history is not None:
            config["history"] = self.history

        def put(document):
            text = document if isinstance(document, bytes) else json.dumps(document).encode()
            blobs[sha(text)] = text
            return {"digest": sha(text), "size": len(text)}

        config_at = put(json.dumps(config).encode()[:-9] if self.cut_config else config)
        manifest = dict({"schemaVersion": 2, "mediaType": self.manifest_type,
                         "config": dict(config_at, mediaType=self.config_type), "layers": [one for one, _ in layers]},
                        **self.extra_manifest)
        at = dict(put(manifest), mediaType=self.manifest_type)
        if self.platform:
            at["platform"] = dict(zip(("os", "architecture"), self.platform.split("/")))
        if self.through_index:
            inner = put({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [at]})
            at = dict(inner, mediaType=OCI + "index.v1+json")
        at["annotations"] = self.annotations
        out = {"blobs/sha256/" + digest[7:]: data for digest, data in blobs.items()}
        out["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [at] + self.extra_entries}).encode()
        out["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
        path = "blobs/sha256/"
        docker = [path + one["digest"][7:] for one, _ in layers]
        if self.swap_docker:
            docker = docker[:-1] + docker[:1]
        out["manifest.json"] = json.dumps([{"Config": path + config_at["digest"][7:], "Layers": docker,
                                            "RepoTags": self.names or ["localhost/corpus:v1"]}]).encode()
        return out

    def write(self, path):
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, data in self.files().items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def write_folder(image, path):
    for name, data in image.files().items():
        full = os.path.join(path, name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as out:
            out.write(data)


def header(name, size=0, kind=tarfile.REGTYPE, **fields):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode = kind, size, 0o644
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def tar_of(*parts):
    out = b"".join(part + bytes(-len(part) % 512) for part in parts)
    return out + bytes(1024)


def pax(records, rest):
    body = b"".join(records)
    return header("PaxHeader", len(body), tarfile.XHDTYPE) + body + bytes(-len(body) % 512) + rest
