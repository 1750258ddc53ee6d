# Shared by the benches that race lbuild against other tools: a private folder, a base of real size and the engines.
# shellcheck shell=bash disable=SC2034  # the benches use what is set here
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LBUILD=${LBUILD:-$HERE/../build/lbuild}
SOURCES=$HERE/../tests/integration
# shellcheck source=/dev/null
. "$SOURCES/lib.sh"
[ -x "$LBUILD" ] || die "lbuild is not built yet: run make, or set LBUILD"
LBUILD=$(realpath "$LBUILD")
DOCKER=/usr/bin/docker
ROUNDS=${ROUNDS:-9}
# Kept from the first start: when this is run again below, XDG_CACHE_HOME is the private folder.
export LBUILD_TEST_TOOLS=${LBUILD_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/lbuild-tests}
TEST_TOOLS=$LBUILD_TEST_TOOLS

W=$(mktemp -d "${TMPDIR:-/var/tmp}/lbb.XXXXXX")
RUN_ID=${W##*.}
RUN_ID=${RUN_ID,,}
export W LBUILD DOCKER DAEMONS=$W PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=$W/cache XDG_RUNTIME_DIR=$W/run
export DOCKER_HOST=unix://$W/docker.sock CONTAINERS_CONF=$W/containers.conf DOCKER_CONFIG=$W/docker-config
mkdir -p "$XDG_RUNTIME_DIR" "$DOCKER_CONFIG"
printf "{}\n" >"$DOCKER_CONFIG/config.json"
touch "$W/pids"
containers_conf >"$W/containers.conf"
finish() {
    set +e
    # shellcheck disable=SC2046  # one word per process
    kill $(cat "$W/docker.pid" 2>/dev/null) $(cat "$W/pids") 2>/dev/null
    stop_buildkitd
    [ ! -s "$W/docker.pid" ] || wait_for 100 test ! -e "$W/docker.pid"
    grep " $W/" /proc/self/mounts | cut -d' ' -f2 | sort -r | xargs -r -n1 umount -l 2>/dev/null
    rm -rf "$W"
}
trap finish EXIT
# Start again in a mount namespace: whatever an engine mounts goes away with it.
if [ "$(id -u)" = 0 ] && [ -z "${LBUILD_BENCH_NAMESPACE:-}" ]; then
    rm -rf "$W"
    trap - EXIT
    LBUILD_BENCH_NAMESPACE=1 exec unshare --mount --propagation private -- "$0" "$@"
fi

have() { command -v "$1" >/dev/null; }
docker_ready() { [ "$(id -u)" = 0 ] && have dockerd && [ -x $DOCKER ] && { docker_ version >/dev/null 2>&1 || start_docker; }; }

buildkit_ready() {
    [ "$(id -u)" = 0 ] && have runc && [ -x "$TEST_TOOLS/buildkit/buildkitd" ] && [ -x "$TEST_TOOLS/buildkit/buildctl" ] &&
        { buildkit_answers || start_buildkitd; }
}

# A project on the large base, built once; its program is about 1 MB.
bench_project() {
    python3 "$HERE/base.py" "$W" >&2
    project "$W/p" "oci:$W/base"
    {
        printf '#include <lambda_runtime.h>\nconst unsigned char lbuild_bench_ballast[300000] = {'
        python3 -c 'import random; r = random.Random(1); print(",".join(str(r.randrange(256)) for _ in range(300000)))'
        printf '};\n'
    } >"$W/p/src/ballast.c"
    sed -i 's|(void)context;|(void)context; extern const unsigned char lbuild_bench_ballast[]; if (event->size > 6000000) return lbuild_bench_ballast[event->size % 300000];|' \
        "$W/p/src/handler.c"
    "$LBUILD" build -C "$W/p" -q >/dev/null
    python3 - "$W/p/hello.tar" "$W/bootstrap" <<'PY'
import gzip, io, json, sys, tarfile
a = tarfile.open(sys.argv[1])
read = lambda d: a.extractfile("blobs/" + d.replace(":", "/")).read()
m = json.loads(read(json.load(a.extractfile("index.json"))["manifests"][0]["digest"]))
layer = tarfile.open(fileobj=io.BytesIO(gzip.decompress(read(m["layers"][-1]["digest"]))))
program = max((x for x in layer if x.isfile()), key=lambda x: x.size)
print("the program has", program.size, "bytes, at", program.name, file=sys.stderr)
open(sys.argv[2], "wb").write(layer.extractfile(program).read())
PY
    chmod 755 "$W/bootstrap"
    mkdir -p "$W/context"
    cp "$W/bootstrap" "$W/context/"
    # `FROM` is each engine's own name for the same base.
    printf 'FROM %s\nCOPY bootstrap /var/runtime/bootstrap\nENV FOO=bar\nLABEL a=b\nWORKDIR /var/task\n' @BASE@ >"$W/body"
    printf 'ENTRYPOINT ["/var/runtime/bootstrap"]\nCMD ["hello"]\n' >>"$W/body"
    sed 's|@BASE@|lbuild-bench-base:latest|' "$W/body" >"$W/context/Dockerfile.docker"
    sed 's|@BASE@|bench-base|' "$W/body" >"$W/context/Dockerfile.buildkit"
    sed 's|@BASE@|localhost/lbuild-bench-base:latest|' "$W/body" >"$W/context/Dockerfile.buildah"
}

# The commands of the peers, for the program of today.
# shellcheck disable=SC2016  # for race.py's shell
UMOCI='rm -rf $W/work $W/umoci.tar && cp -al $W/base $W/work &&
    umoci insert --image $W/work:latest $W/bootstrap /var/runtime/bootstrap &&
    umoci config --image $W/work:latest --config.entrypoint /var/runtime/bootstrap --config.cmd hello \
        --config.env FOO=bar && umoci gc --layout $W/work &&
    tar -C $W/work -cf $W/umoci.tar oci-layout index.json blobs'
BUILDAH_ROOT="buildah --root $W/buildah --runroot $W/buildah-run"
buildah_command() {
    printf '%s' "$BUILDAH_ROOT bud $1 --network none -q -t bench -f $W/context/Dockerfile.buildah $W/context &&
        rm -f $W/buildah.tar && $BUILDAH_ROOT push -q bench oci-archive:$W/buildah.tar"
}
# The daemon is warm and has the base; `bench-base` names the layout's one manifest.
buildkit_command() {
    local digest
    digest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["manifests"][0]["digest"])' "$W/base/index.json")
    printf '%s' "BUILDKIT_HOST=unix://$W/buildkit.sock $TEST_TOOLS/buildkit/buildctl build --progress=quiet $1 \
        --frontend dockerfile.v0 --local context=$W/context --local dockerfile=$W/context \
        --opt filename=Dockerfile.buildkit --oci-layout base=$W/base \
        --opt context:bench-base=oci-layout://base@$digest --output type=oci,dest=$W/buildkit.tar"
}
