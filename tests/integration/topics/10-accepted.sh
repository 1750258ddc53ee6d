# Every consumer accepts the same tarball and finds the same config digest; and the function answers in a container as on Lambda.

EVENT='{"n":1}'
ANSWER='{"hello":{"n":1}}'
URL=http://127.0.0.1:8080/2015-03-31/functions/function/invocations

# image BASE ARCH: builds the image once; sets IMAGE, TAG and CONFIG.
image() {
    need_part base-
    IMAGE=$W/images/$1-$2.tar TAG=lbuild-test-$RUN_ID-$1-$2:v1
    mkdir -p "$W/images"
    if [ ! -e "$IMAGE" ]; then
        project "$W/images/$1-$2" "$1" "$2"
        lbuild build -C "$W/images/$1-$2" -t "$TAG" -o "$IMAGE"
    fi
    CONFIG=$(python3 "$SOURCES/tree.py" --config "$IMAGE")
}

docker_loads() {
    need_docker
    image "$@"
    docker_ load -q -i "$IMAGE"
    same "$CONFIG" "$(docker_ image inspect -f '{{.Id}}' "$TAG")"
}

podman_loads() {
    need podman
    image "$@"
    podman_ load -q -i "$IMAGE"
    same "${CONFIG#sha256:}" "$(podman_ image inspect -f '{{.Id}}' "localhost/$TAG")"
}

skopeo_inspects() {
    need skopeo
    image "$@"
    same "$CONFIG" "sha256:$(skopeo inspect --raw --config "oci-archive:$IMAGE" | sha256sum | cut -c1-64)"
    skopeo inspect "oci-archive:$IMAGE" >/dev/null
    same "$CONFIG" "sha256:$(skopeo inspect --raw --config "docker-archive:$IMAGE" | sha256sum | cut -c1-64)"
}

buildah_takes() {
    need buildah
    image "$@"
    local container
    container=$(buildah_ from "oci-archive:$IMAGE")
    same "${CONFIG#sha256:}" "$(buildah_ inspect -f '{{.FromImageID}}' "$container")"
    buildah_ rm "$container"
}

layout() {
    LAYOUT=$(mktemp -d "$W/layout.XXXXXX")
    tar -xf "$IMAGE" -C "$LAYOUT"
}

umoci_unpacks() {
    need umoci
    image "$@"
    layout
    umoci stat --image "$LAYOUT:v1"
    umoci unpack --image "$LAYOUT:v1" "$LAYOUT/bundle"
    test -x "$LAYOUT/bundle/rootfs$(program)"
    rm -rf "$LAYOUT"
}

oci_image_tool_validates() {
    need oci-image-tool
    image "$@"
    layout
    local manifest
    manifest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["manifests"][0]["digest"])' \
        "$LAYOUT/index.json")
    oci-image-tool validate --type image "$LAYOUT"
    oci-image-tool validate --type imageIndex "$LAYOUT/index.json"
    oci-image-tool validate --type manifest "$LAYOUT/blobs/${manifest/://}"
    oci-image-tool validate --type config "$LAYOUT/blobs/${CONFIG/://}"
    rm -rf "$LAYOUT"
}

registry_keeps_digest() {
    need skopeo
    image "$@"
    local before
    before=$(skopeo inspect --format '{{.Digest}}' "oci-archive:$IMAGE")
    skopeo copy -q --dest-tls-verify=false "oci-archive:$IMAGE" "docker://${REGISTRY#http://}/test/pushed:$1-$2"
    same "$before" "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' \
        "docker://${REGISTRY#http://}/test/pushed:$1-$2")"
}

# The image's program: the first word of the entry point, or what the stock entry script starts.
program() {
    local first
    first=$(skopeo inspect --config --raw "oci-archive:$IMAGE" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["config"]["Entrypoint"][0])')
    [ "$first" != /lambda-entrypoint.sh ] || first=/var/runtime/bootstrap
    printf '%s\n' "$first"
}

# As on Lambda: another user, only /tmp writable, no network. The caller is inside the container.
docker_answers() {
    local base=$1 arch=$2 name=lbuild-test-$RUN_ID platform=linux/amd64 part=amd64 client=wget more=() args=()
    need_docker
    [ "$arch" != arm64 ] || { need_arm64; platform=linux/arm64 part=arm64; }
    image "$base" "$arch"
    docker_ load -q -i "$IMAGE"
    if [ "$base" = scratch ]; then
        # Such an image has no emulator and no client: both are lent to it.
        client="/busybox wget"
        more=(-v "$INTEGRATION_BASES/rie-$part:/lent-rie:ro" --entrypoint /lent-rie
            -v "$INTEGRATION_BASES/busybox-$part/bin/busybox:/busybox:ro")
        args=("$(program)" hello)
    fi
    docker_ rm -f "$name" >/dev/null 2>&1 || true
    docker_ run -d --name "$name" --platform $platform --read-only --user 993:990 --tmpfs /tmp --network none \
        "${more[@]}" "$TAG" "${args[@]}"
    # shellcheck disable=SC2086  # two words for a lent client
    wait_for 50 docker_ exec "$name" $client -q -O - --post-data="$EVENT" $URL || docker_ logs "$name"
    # shellcheck disable=SC2086
    same "$ANSWER" "$(docker_ exec "$name" $client -q -O - --post-data="$EVENT" $URL)"
    # An event over the framing's limit comes in chunks.
    # shellcheck disable=SC2086
    same 100010 "$(docker_ exec "$name" $client -q -O - \
        --post-data="\"$(head -c 99998 /dev/zero | tr '\0' x)\"" $URL | wc -c)"
    docker_ rm -f "$name"
}

invoke_answers() {
    image "$@"
    same "$ANSWER" "$(lbuild invoke --data "$EVENT" "$IMAGE")"
}

# Runs the commands that docs/image.md lists, word for word except FILE and HOST/NAME:TAG, with the engines of this test.
documented_commands() {
    need skopeo podman buildah
    need_docker
    image "$@"
    local commands
    commands=$(sed -n '/^file goes to:$/,/^[^ ]/s/^    //p' "$SOURCES/../../docs/image.md")
    same 'docker podman skopeo buildah' "$(printf '%s\n' "$commands" | awk '{ printf "%s%s", s, $1; s = " " }')"
    commands=$(printf '%s\n' "$commands" | sed -E -e 's/^(docker|podman|buildah) /\1_ /' \
        -e 's/^skopeo copy /&--dest-tls-verify=false /')
    commands=${commands//FILE/$IMAGE}
    eval "set -x; ${commands//'HOST/NAME:TAG'/${REGISTRY#http://}/test/documented:$1-$2}"
}

for base in al2023 al2 scratch; do
    for arch in x86_64 arm64; do
        check "docker load, $base $arch" docker_loads $base $arch
        check "podman load, $base $arch" podman_loads $base $arch
        check "skopeo inspect, $base $arch" skopeo_inspects $base $arch
        check "buildah from, $base $arch" buildah_takes $base $arch
        check "umoci unpack, $base $arch" umoci_unpacks $base $arch
        check "oci-image-tool validate, $base $arch" oci_image_tool_validates $base $arch
        check "the function answers in docker, $base $arch" docker_answers $base $arch
    done
    check "lbuild invoke answers, $base" invoke_answers $base x86_64
done
check 'a registry keeps the digest' registry_keeps_digest al2023 x86_64
check 'the commands of docs/image.md' documented_commands al2023 x86_64
