# BuildKit itself, and the engines that build with it.

platform_digest() {
    python3 - "$1/index.json" <<'PY'
import json, sys
print(json.load(open(sys.argv[1]))["manifests"][0]["digest"])
PY
}

# The tests of the engines rely on this: the daemon runs steps, on a base from a folder of the client.
daemon_runs_a_step() {
    need_buildkit
    need_part base-
    local dir=$W/buildkit-step layout=$INTEGRATION_BASES/layouts/al2023-amd64
    mkdir -p "$dir"
    cat >"$dir/Dockerfile" <<'D'
FROM base AS made
RUN echo "made by $(id -u)" >/made
FROM scratch
COPY --from=made /made /
D
    buildctl_ build --progress plain --frontend dockerfile.v0 --local "context=$dir" --local "dockerfile=$dir" \
        --oci-layout "base=$layout" --opt "context:base=oci-layout://base@$(platform_digest "$layout")" \
        --output "type=tar,dest=$dir/out.tar"
    same 'made by 0' "$(tar -xOf "$dir/out.tar" made)"
}

check 'buildkitd runs a step on a base from an OCI layout' daemon_runs_a_step

# Makes a project, and its image by the host engine: the builder image has the same compiler.
built() {
    need_part base-
    P=$W/with-buildkit/$1-$2
    [ ! -e "$P.tar" ] || return 0
    project "$P" "$1" "$2"
    lbuild build -C "$P" -t hello:v1 -o "$P.tar"
}

# same_as_host BASE OPTION...: builds with these options; the image must equal the host engine's, byte for byte, and answer.
same_as_host() {
    local base=$1 out
    shift
    built "$base" x86_64
    out=$P-$TOPIC_CASE.tar
    lbuild build -C "$P" -t hello:v1 -o "$out" "$@"
    cmp "$P.tar" "$out" || {
        diff -u <(python3 "$SOURCES/tree.py" "$P.tar") <(python3 "$SOURCES/tree.py" "$out")
        exit 1
    }
    same '{"hello":{"n":1}}' "$(lbuild invoke --data '{"n":1}' "$out")"
    rm -f "$out"
}

docker_gives() {
    use_docker "$1"
    shift
    local before
    before=$(left_in_docker)
    TOPIC_CASE=docker same_as_host "$@" --engine docker --network none
    same "$before" "$(left_in_docker)"
}

# Lists containers, volumes and images, except the builders' caches and the bases that lbuild loaded.
left_in_docker() {
    docker_ ps -aq
    docker_ volume ls -q
    docker_ image ls --filter label=lbuild.build -q
}

buildctl_tls() {
    use_buildctl
    export BUILDKIT_HOST=$BUILDKIT_TCP
    TOPIC_CASE=tls same_as_host al2023 --engine buildctl --tlsdir "$DAEMONS/buildkit-tls"
    # A certificate of another authority.
    fails_with 4 'certificate.*--tls' lbuild build -C "$P" -o "$P-no.tar" --engine buildctl --tlscacert "$W/tls/ca.crt"
}

buildx_remote() {
    use_buildx
    TOPIC_CASE=buildx same_as_host al2023 --engine buildx --builder lbuild-test
    fails_with 4 'no builder .*docker buildx' lbuild build -C "$P" -o "$P-no.tar" --engine buildx --builder nope
}

# For a RUN that fails, the message has its command, the end of its output, and the line of lbuild.ini.
failing() {
    local name=$1
    shift
    need_part base-
    P=$W/with-buildkit/failing-$name
    project "$P"
    printf '\n[stage:bad]\nfrom = al2023\nrun = echo first\n    echo the reason; exit 7\n' >>"$P/lbuild.ini"
    printf '\n[files]\nstage:bad:/made = /var/task/\n' >>"$P/lbuild.ini"
    exits 1 lbuild build -C "$P" -o "$P.tar" "$@" 2>"$P.err"
    cat "$P.err"
    grep -E "^lbuild: .*lbuild.ini:18:5:.*'RUN echo the reason; exit 7' failed in stage 'bad' .*the reason.* 7" "$P.err"
    grep -E '\[bad [0-9]/[0-9]*\] the reason' "$P.err"
    [ ! -e "$P.tar" ]
}

failing_docker() {
    use_docker "$1"
    failing "docker$1" --engine docker --network none
    same '' "$(docker_ ps -aq)"
}
failing_buildctl() { use_buildctl; failing buildctl --engine buildctl --addr "unix://$DAEMONS/buildkit.sock"; }

# The value of a secret reaches only the step: no argument, no file of lbuild, no log, image or cache has it.
secret_stays() {
    local sentinel name=$1
    shift
    sentinel=sentinel-$RUN_ID-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
    need strace
    need_part base-
    P=$W/with-buildkit/secret-$name
    project "$P"
    cat >>"$P/lbuild.ini" <<'INI'

[stage:private]
from = al2023
run = tr 0-9 1-90 </run/secrets/token >/made
secrets = token

[files]
stage:private:/made = /var/task/

[secrets]
token = env:LBUILD_TEST_TOKEN
INI
    LBUILD_TEST_TOKEN=$sentinel strace -f -qq -e trace=execve -s 4096 -o "$P.trace" \
        "$LBUILD" build -C "$P" -o "$P.tar" --verbose "$@" >"$P.log" 2>&1 || { tail -n 5 "$P.log"; exit 1; }
    # The step has seen it ...
    python3 - "$P.tar" >"$P.made" <<'PY'
import gzip, io, json, sys, tarfile
a = tarfile.open(sys.argv[1])
read = lambda d: a.extractfile("blobs/" + d.replace(":", "/")).read()
m = json.loads(read(json.load(a.extractfile("index.json"))["manifests"][0]["digest"]))
t = tarfile.open(fileobj=io.BytesIO(gzip.decompress(read(m["layers"][-1]["digest"]))))
sys.stdout.write(t.extractfile("var/task/made").read().decode())
PY
    same "$(tr 0-9 1-90 <<<"$sentinel")" "$(cat "$P.made")"
    # ... and nothing else has.
    exits 1 grep -l "$sentinel" "$P.trace" "$P.log" "$P/lbuild.ini"
    # The daemons' folders may appear and disappear meanwhile.
    same '' "$(grep -rl "$sentinel" "$XDG_CACHE_HOME" "$W/with-buildkit" "$DAEMONS/buildkit" "$DAEMONS/docker" 2>/dev/null || true)"
    python3 - "$P.tar" "$sentinel" <<'PY'
import gzip, sys, tarfile
for member in tarfile.open(sys.argv[1]):
    data = tarfile.open(sys.argv[1]).extractfile(member.name).read() if member.isfile() else b""
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    assert sys.argv[2].encode() not in data, member.name
PY
}

secret_docker() {
    use_docker 1
    secret_stays docker --engine docker --network none
    DOCKER_BUILDKIT=0 LBUILD_TEST_TOKEN=x fails_with 2 "classic builder can't keep a secret" \
        lbuild build -C "$P" -o "$P-no.tar" --engine docker
}
secret_buildctl() {
    use_buildctl
    secret_stays buildctl --engine buildctl --addr "unix://$DAEMONS/buildkit.sock"
}

check 'docker classic, scratch' docker_gives 0 scratch
check 'docker BuildKit, al2' docker_gives 1 al2
check 'buildctl, TCP with TLS' buildctl_tls
check 'buildx, a remote builder' buildx_remote
check 'a step fails in docker classic' failing_docker 0
check 'a step fails in docker BuildKit' failing_docker 1
check 'a step fails in buildctl' failing_buildctl
check 'a secret, docker BuildKit' secret_docker
check 'a secret, buildctl' secret_buildctl
