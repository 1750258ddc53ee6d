# The Lambda gate on images that other tools made, and other tools on the images that the gate refuses.

CORPUS=$W/corpus
export PYTHONDONTWRITEBYTECODE=1
mkdir -p "$CORPUS"
python3 "$SOURCES/../corpus/gate.py" "$CORPUS"

# ids IMAGE [OPTION...]: prints what the gate found, except notes.
ids() {
    local status=0
    lbuild check --json "$@" >"$W/gate.json" || status=$?
    [ $status = 0 ] || [ $status = 6 ] || die "exit code $status"
    python3 - "$W/gate.json" <<'PY'
import json, sys
report = json.load(open(sys.argv[1]))
print(" ".join(sorted({one["id"] for one in report["findings"] if one["severity"] != "note"})))
PY
}

# Lambda's own unpacker isn't available. For the record: what the engines that people try first make of the bad images.
engine_takes() {
    local name=$1 load=$2 number taken='' refused=''
    for number in "$CORPUS"/*-bad.tar; do
        if $load "$number" >"$W/load.log" 2>&1; then
            taken+=" $(basename "$number" -bad.tar)"
        else
            refused+=" $(basename "$number" -bad.tar)"
        fi
    done
    printf '%s takes:%s\n%s refuses:%s\n' "$name" "$taken" "$name" "$refused" | tee "$W/log/gate-$name"
    [ -n "$taken" ] || die "$name takes none: is it at work at all?"
}
docker_load_() { docker_ load -q -i "$1"; }
podman_load_() { podman_ load -q -i "$1"; }
docker_takes() { need_docker; engine_takes docker docker_load_; }
podman_takes() { need podman; engine_takes podman podman_load_; }

# dockerfile FOLDER: writes a Dockerfile with one mistake of each kind that Dockerfiles invite.
dockerfile() {
    mkdir -p "$1"
    printf 'int main(void) { return 0; }\n' >"$1/app.c"
    gcc -static -o "$1/app" "$1/app.c"
    printf 'AWS_LAMBDA_RUNTIME_API' >>"$1/app"
    cp "$1/app" "$1/locked"
    chmod 700 "$1/locked"
    cat >"$1/Dockerfile" <<'DOCKER'
FROM scratch
COPY app /var/task/app
WORKDIR /var/task
ENTRYPOINT ["/var/task/app"]
DOCKER
    cat >"$1/Dockerfile.bad" <<'DOCKER'
FROM scratch
COPY app /var/task/app
COPY locked /var/task/locked
ENV HOME=/root AWS_REGION=here
WORKDIR /var/task
ENTRYPOINT ["/var/task/locked"]
DOCKER
}
BAD='LB055 LB061 LB076 LB082'

judges() {
    local want=$1 image=$2
    same "$want" "$(ids "$image")"
}

by_docker() {
    need_docker
    fresh_store
    dockerfile "$W/gate-docker"
    local file
    for file in Dockerfile Dockerfile.bad; do
        docker_ build -q --network none -t "gate-$RUN_ID:$file" -f "$W/gate-docker/$file" "$W/gate-docker"
        docker_ save -o "$W/gate-docker/$file.tar" "gate-$RUN_ID:$file"
    done
    judges '' "$W/gate-docker/Dockerfile.tar"
    judges "$BAD" "$W/gate-docker/Dockerfile.bad.tar"
    need skopeo
    skopeo copy -q "docker-archive:$W/gate-docker/Dockerfile.bad.tar" "oci:$W/gate-docker/layout:v1"
    judges "$BAD" "oci:$W/gate-docker/layout:v1"
}

# with BUILDER LAYOUTS: images of buildah and podman, as archives and as layouts.
by_buildah() {
    need "$1"
    fresh_store
    dockerfile "$W/gate-$1"
    local file build=("${1}_" build)
    [ "$1" = podman ] || build=(buildah_ bud)
    for file in Dockerfile Dockerfile.bad; do
        "${build[@]}" -q --network none --isolation chroot -f "$W/gate-$1/$file" -t "gate-$RUN_ID:$file" "$W/gate-$1" ||
            "${build[@]}" -q -f "$W/gate-$1/$file" -t "gate-$RUN_ID:$file" "$W/gate-$1"
        "${1}_" push -q "localhost/gate-$RUN_ID:$file" "oci-archive:$W/gate-$1/$file.tar:v1"
        "${1}_" push -q "localhost/gate-$RUN_ID:$file" "docker-archive:$W/gate-$1/$file.docker.tar:gate:v1"
    done
    judges '' "$W/gate-$1/Dockerfile.tar"
    judges "$BAD" "$W/gate-$1/Dockerfile.bad.tar"
    judges "$BAD" "docker-archive:$W/gate-$1/Dockerfile.bad.docker.tar"
}

# umoci writes no entries for the parent folders of what it inserts, which Lambda's unpacker refuses.
by_umoci() {
    need umoci
    fresh_store
    local dir=$W/gate-umoci
    dockerfile "$dir"
    umoci init --layout "$dir/layout"
    umoci new --image "$dir/layout:v1"
    umoci insert --image "$dir/layout:v1" "$dir/app" /opt/app
    umoci config --image "$dir/layout:v1" --config.entrypoint /opt/app
    judges 'LB021' "$dir/layout"
}

by_buildkit() {
    need_buildkit
    fresh_store
    local dir=$W/gate-buildkit
    dockerfile "$dir"
    buildctl_ build --frontend dockerfile.v0 --local "context=$dir" --local "dockerfile=$dir" \
        --opt filename=Dockerfile.bad -o "type=oci,dest=$dir/plain.tar"
    judges "$BAD" "$dir/plain.tar"
    buildctl_ build --frontend dockerfile.v0 --local "context=$dir" --local "dockerfile=$dir" --opt filename=Dockerfile \
        --opt attest:provenance=mode=min -o "type=oci,dest=$dir/attested.tar"
    judges 'LB001 LB003' "$dir/attested.tar"
}

from_a_registry() {
    need skopeo
    fresh_store
    local name=${REGISTRY#http://}/gate-$RUN_ID
    skopeo copy -q --dest-tls-verify=false "oci-archive:$CORPUS/LB055-bad.tar:v1" "docker://$name:bad"
    skopeo copy -q --dest-tls-verify=false "oci-archive:$CORPUS/LB055-good.tar:v1" "docker://$name:good"
    same 'LB055' "$(ids "$name:bad")"
    same '' "$(ids "$name:good")"
    grep -q LB085 "$W/gate.json"
    same '' "$(ids "$name:good" --ignore LB085)"
    same 'equal' "$(lbuild diff "$name:good" "$CORPUS/LB055-good.tar")"
    lbuild size "$name:good" | finds /var/task/app
    lbuild inspect "$name:good" | finds '^format *registry'
    fails_with 5 'not there|no image|unknown|404' lbuild check "$name:none"
    fails_with 7 'offline' lbuild check --offline "$name:good"
}

# A known base isn't read again: its blob may even have vanished from the registry.
known_layers() {
    need skopeo
    fresh_store
    local name=${REGISTRY#http://}/known-$RUN_ID
    skopeo copy -q --dest-tls-verify=false "oci-archive:$CORPUS/LB055-good.tar:v1" "docker://$name:v1"
    start_front
    lbuild check "${FRONT#http://}/known-$RUN_ID:v1"
    local before after
    before=$(count '"method": "GET", "path": "/v2/known-[^"]*/blobs/')
    lbuild check "${FRONT#http://}/known-$RUN_ID:v1"
    after=$(count '"method": "GET", "path": "/v2/known-[^"]*/blobs/')
    stop_front
    [ "$before" -gt 0 ] || die 'no blob was fetched at all'
    [ "$((after - before))" -le 1 ] || die "$((after - before)) blobs were fetched again" # the config alone
}

# No false alarms for the stand-in bases with a program on them, nor for debootstrap's tree.
on_bases() {
    need_part base-
    local base image
    for base in al2023 al2; do
        image=$W/gate-$base.tar
        project "$W/gate-$base" $base
        lbuild build -q -C "$W/gate-$base" -o "$image"
        same "$([ $base = al2023 ] || echo LB083)" "$(ids "$image")"
    done
}

on_debian() {
    need debootstrap
    fresh_store
    local dir=$W/gate-debian
    mkdir -p "$dir"
    debootstrap --variant=minbase bookworm "$dir/root" >"$W/debootstrap.log" 2>&1 || skip_case "debootstrap fails here"
    tar -C "$dir/root" --numeric-owner -cf "$dir/layer.tar" .
    python3 "$SOURCES/../corpus/system.py" "$dir/layer.tar" "$dir/image.tar"
    same '' "$(ids "$dir/image.tar")"
}

too_much() {
    local status=0
    SIZE=large "$SOURCES/../corpus/malformed" >"$W/log/gate-large" || status=$?
    grep -vE '^ok' "$W/log/gate-large"
    [ $status = 0 ] || die 'see above'
}

# This record takes some minutes, and judges nothing in lbuild.
if [ "${LBUILD_TEST_MATRIX:-}" = full ]; then
    later images 'docker loads the bad images' docker_takes
    later images 'podman loads the bad images' podman_takes
fi
later images 'images of docker and skopeo' by_docker
later images 'images of buildah' by_buildah buildah
later images 'images of podman' by_buildah podman
later images 'images of umoci' by_umoci
later images 'images of BuildKit' by_buildkit
later images 'images in a registry' from_a_registry
later images 'known layers are not fetched again' known_layers
later images 'the bases' on_bases
later images 'a Debian tree' on_debian
later large 'zip bombs and a million entries' too_much
together
