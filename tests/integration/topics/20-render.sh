# The Dockerfile of `render` in other engines gives the files that the host engine gives.

# built BASE ARCH: the host engine's tree, and the context for the others.
built() {
    need_part base-
    P=$W/render/$1-$2
    [ ! -e "$P.tree" ] || return 0
    project "$P" "$1" "$2"
    lbuild build -C "$P" -t "hello:v1" -o "$P.tar"
    lbuild context -C "$P" >"$P.context"
    python3 "$SOURCES/tree.py" "$P.tar" >"$P.tree"
    python3 "$SOURCES/tree.py" --no-content "$P.tar" >"$P.names"
}

# The compilers are the same, byte for byte, for this machine's own architecture only.
compare() {
    python3 "$SOURCES/tree.py" --no-content "$1" >"$1.names"
    diff -u "$P.names" "$1.names"
    [ "$2" != x86_64 ] || { python3 "$SOURCES/tree.py" "$1" >"$1.tree"; diff -u "$P.tree" "$1.tree"; }
    rm -f "$1"
}

ready() {
    built "$@"
    ENGINE_TAG=lbuild-test-$RUN_ID-render
    PLATFORM=linux/amd64
    [ "$2" != arm64 ] || { need_part builder-arm64; need_arm64; PLATFORM=linux/arm64; }
}

docker_gives() {
    need_docker
    ready "$2" "$3"
    DOCKER_BUILDKIT=$1 docker_ build -q --platform $PLATFORM --network none -t "$ENGINE_TAG" -f Dockerfile.lbuild - \
        <"$P.context"
    docker_ save -o "$P.docker" "$ENGINE_TAG"
    docker_ image rm -f "$ENGINE_TAG" >/dev/null
    compare "$P.docker" "$3"
}

buildah_gives() {
    need buildah
    ready "$@"
    buildah_ bud -q --platform $PLATFORM --network none -t "$ENGINE_TAG" -f Dockerfile.lbuild - <"$P.context"
    buildah_ push -q "$ENGINE_TAG" "oci-archive:$P.buildah"
    compare "$P.buildah" "$2"
}

podman_gives() {
    need podman
    ready "$@"
    podman_ build -q --platform $PLATFORM --network none -t "$ENGINE_TAG" -f Dockerfile.lbuild - <"$P.context"
    podman_ save -q --format oci-archive -o "$P.podman" "$ENGINE_TAG"
    compare "$P.podman" "$2"
}

render_is_in_context() {
    built al2023 x86_64
    lbuild render -C "$P" >"$P.dockerfile"
    tar -xOf "$P.context" Dockerfile.lbuild | diff -u "$P.dockerfile" -
    grep -q '^FROM .*lambda/provided' "$P.dockerfile"
    # The portable core only.
    exits 1 grep -nE -- '--mount|<<|--link|--chmod|^# *syntax|[$](BUILD|TARGET)' "$P.dockerfile"
}

check 'the context holds the Dockerfile of render' render_is_in_context
for base in al2023 al2 scratch; do
    check "docker classic, $base" docker_gives 0 $base x86_64
    check "docker BuildKit, $base" docker_gives 1 $base x86_64
    check "buildah, $base" buildah_gives $base x86_64
    check "podman, $base" podman_gives $base x86_64
done
check 'docker BuildKit, al2023 arm64' docker_gives 1 al2023 arm64
check 'buildah, al2023 arm64' buildah_gives al2023 arm64
