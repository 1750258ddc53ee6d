#!/usr/bin/env bash
# The gate: a cold check of a large image against `gzip -dc | openssl sha256` over the same layers, which is the minimum for verifying
# it; then a check whose layers are known, and the cost in a build. SIZE: megabytes, unpacked (1000).
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LBUILD=$(realpath "${LBUILD:-$HERE/../build/lbuild}")
LBUILD_DATA=${LBUILD_DATA:-$HERE/..}
ROUNDS=${ROUNDS:-5}
W=$(mktemp -d "${TMPDIR:-/var/tmp}/lbg.XXXXXX")
trap 'rm -rf "$W"' EXIT
export LBUILD_DATA W PYTHONDONTWRITEBYTECODE=1

python3 - "$W" "${SIZE:-1000}" "$HERE/../tests/corpus" <<'PY'
import gzip, hashlib, json, os, subprocess, sys, tarfile, io
work, megabytes, corpus = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sys.path.insert(0, corpus)
from elf import elf
layers, files, total = [], [[], [], []], 0
for folder in "usr/lib", "usr/bin", "usr/share", "usr/include", "usr/local", "opt", "root":
    for here, _, names in os.walk("/" + folder):
        for name in names:
            path = os.path.join(here, name)
            if os.path.isfile(path) and not os.path.islink(path) and total < megabytes * 1000000:
                files[total * 3 // (megabytes * 1000000)].append(path[1:])
                total += os.path.getsize(path)
for number, names in enumerate(files):
    blob = "%s/layer%d.tar.gz" % (work, number)
    with open(work + "/names", "w") as listed:
        listed.write("\n".join(names))
    # Parents first, as an image has them.
    folders = sorted({"/".join(name.split("/")[:i]) for name in names for i in range(1, name.count("/") + 1)})
    with open(work + "/folders", "w") as listed:
        listed.write("\n".join(folders))
    tar = subprocess.Popen(["tar", "-C", "/", "--no-recursion", "--mode=a+rX,go-w,u-s,g-s", "--ignore-failed-read", "-cf", "-",
                            "-T", work + "/folders", "-T", work + "/names"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with open(blob, "wb") as out:
        pack = subprocess.Popen(["gzip", "-6n"], stdin=subprocess.PIPE, stdout=out)
        plain = hashlib.sha256()
        while piece := tar.stdout.read(1 << 20):
            plain.update(piece)
            pack.stdin.write(piece)
        pack.stdin.close()
        pack.wait()
    layers.append((blob, plain.hexdigest()))
app = io.BytesIO()
with tarfile.open(fileobj=app, mode="w:gz") as tar:
    for name, data in ("var", None), ("var/task", None), ("var/task/app", elf()):
        info = tarfile.TarInfo(name)
        info.mode, info.type, info.size = 0o755, tarfile.REGTYPE if data else tarfile.DIRTYPE, len(data or b"")
        tar.addfile(info, io.BytesIO(data) if data else None)
with open(work + "/app.tar.gz", "wb") as out:
    out.write(app.getvalue())
layers.append((work + "/app.tar.gz", hashlib.sha256(gzip.decompress(app.getvalue())).hexdigest()))
os.makedirs(work + "/layout/blobs/sha256")
OCI = "application/vnd.oci.image."
def put(data):
    digest = hashlib.sha256(data).hexdigest()
    open(work + "/layout/blobs/sha256/" + digest, "wb").write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}
descriptors = []
for blob, plain in layers:
    digest = hashlib.sha256(open(blob, "rb").read()).hexdigest()
    os.link(blob, work + "/layout/blobs/sha256/" + digest)
    descriptors.append({"mediaType": OCI + "layer.v1.tar+gzip", "digest": "sha256:" + digest, "size": os.path.getsize(blob)})
config = put(json.dumps({"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/var/task/app"]},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + plain for _, plain in layers]}}).encode())
manifest = put(json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                           "config": dict(config, mediaType=OCI + "config.v1+json"), "layers": descriptors}).encode())
open(work + "/layout/index.json", "w").write(json.dumps({"schemaVersion": 2, "manifests": [dict(manifest, mediaType=OCI + "manifest.v1+json")]}))
open(work + "/layout/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
PY
XDG_CACHE_HOME=$W/warm "$LBUILD" check "$W/layout" >"$W/report" || true
tail -n 1 "$W/report"
du -shc "$W"/layer*.gz | tail -n 1
# shellcheck disable=SC2016 # the racers' own
python3 "$HERE/race.py" -n "$ROUNDS" --limit 'gzip and sha256:1.25' --limit-rss check:64 \
    "check=XDG_CACHE_HOME=\$(mktemp -d $W/cold.XXXXXX) $LBUILD check $W/layout || [ \$? = 6 ]" \
    "gzip and sha256=for one in $W/*.tar.gz; do gzip -dc \$one | openssl sha256; done"

echo "layers known: hashing the blobs is left"
python3 "$HERE/race.py" -n "$ROUNDS" \
    "check=XDG_CACHE_HOME=$W/warm $LBUILD check $W/layout || [ \$? = 6 ]" "sha256=openssl sha256 $W/*.tar.gz"

echo "in a build: the unit test's figure, in CPU time"
test=$(dirname "$LBUILD")/tests/unit/test_gate
if [ -x "$test" ]; then "$test" 2>&1 | grep '^# gate'; fi
