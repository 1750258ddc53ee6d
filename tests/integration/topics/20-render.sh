# In other engines, the Dockerfile of `render` must give the same files as the host engine.

# The host engine runs no stages: for it, the files that they make lie ready in the project. stages.ini makes them.
staged_project() {
    project "$1" al2023 "$2"
    mkdir -p "$1/assets" "$1/made/sub"
    echo first >"$1/assets/1.txt"
    echo second >"$1/assets/2.txt"
    echo named >"$1/a b"
    cp "$1/lbuild.ini" "$1/stages.ini"
    cat >>"$1/stages.ini" <<'INI'
[stage:pages]
from = al2023
workdir = /work dir
env = WORDS="it's  $HOME \"x\" \\ ;"
packages = gcc
copy = assets ./
    'a b' /in/
run = mkdir -p /out/pages/sub ; printf '%s\n' "$WORDS" >/out/pages/words
    # A comment.
    for file in assets/*; do \
        cat "$file" >>/out/pages/all; \
    done
    printf '#!/bin/sh\n' >/out/pages/sub/run && chmod 755 /out/pages/sub/run
[stage:last]
from = scratch
copy = stage:pages:/out/pages /pages/
[stage:unused]
from = al2023
run = exit 1
[files]
stage:last:/pages/pages = /var/task/
stage:pages:/in/a b = /opt/a b
INI
    cat "$1/assets/1.txt" "$1/assets/2.txt" >"$1/made/all"
    printf '%s\n' "it's  \$HOME \"x\" \\ ;" >"$1/made/words"
    printf '#!/bin/sh\n' >"$1/made/sub/run"
    chmod 755 "$1/made/sub/run"
    printf '[files]\nmade = /var/task/pages\na b = /opt/a b\n' >>"$1/lbuild.ini"
}

# built BASE ARCH: makes the host engine's tree, and the context for the others. BASE may be "stages": a project with stages.
built() {
    need_part base-
    P=$W/render/$1-$2
    mkdir -p "$W/render"
    (
        flock 9
        [ -e "$P.tree" ] || build "$@"
    ) 9>"$P.lock"
}

build() {
    if [ "$1" = stages ]; then staged_project "$P" "$2"; else project "$P" "$1" "$2"; fi
    lbuild build -C "$P" -t "hello:v1" -o "$P.tar"
    [ "$1" != stages ] || mv "$P/stages.ini" "$P/lbuild.ini"
    lbuild context -C "$P" >"$P.context"
    python3 "$SOURCES/tree.py" --no-content "$P.tar" >"$P.names"
    python3 "$SOURCES/tree.py" "$P.tar" >"$P.tree"
}

# Only for this machine's architecture is the compiler the same in the container, so only there is the program equal byte for byte.
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

# A stage that asks for a secret sees it, another stage doesn't, and the value gets nowhere else. The command builds from standard
# input and leaves the image in $P.secret.
secret_reaches() {
    local value sum
    P=$W/render/secret-$1
    ENGINE_TAG=lbuild-test-$RUN_ID-secret
    value=sentinel-$(date +%s%N)
    project "$P" al2023 x86_64
    cat >>"$P/lbuild.ini" <<'INI'
[stage:asks]
from = al2023
secrets = token
run = sha256sum </run/secrets/token >/sum
[stage:asks-not]
from = asks
run = test ! -s /run/secrets/token
[files]
stage:asks-not:/sum = /opt/
[secrets]
token = file:/nowhere
INI
    printf %s "$value" >"$P.token"
    lbuild context -C "$P" >"$P.context"
    "$@" <"$P.context"
    sum=$(printf %s "$value" | sha256sum | sha256sum | cut -d' ' -f1)
    python3 "$SOURCES/tree.py" "$P.secret" | grep -E '^opt/sum |/opt/sum ' | finds -F "$sum"
    exits 1 grep -qF "$value" "$P.context"
    tar -tf "$P.secret" | while read -r blob; do
        tar -xOf "$P.secret" "$blob" | zcat -f >"$P.blob"
        exits 1 grep -qF "$value" "$P.blob"
    done
    rm -f "$P.blob"
    rm -f "$P.secret" "$P.context"
}

docker_secret() {
    need_docker
    DOCKER_BUILDKIT=1 docker_ build -q --network none --secret "id=token,src=$P.token" -t "$ENGINE_TAG" -f Dockerfile.lbuild -
    docker_ save -o "$P.secret" "$ENGINE_TAG"
    docker_ image rm -f "$ENGINE_TAG" >/dev/null
}

buildah_secret() {
    need buildah
    buildah_ bud -q --network none --secret "id=token,src=$P.token" -t "$ENGINE_TAG" -f Dockerfile.lbuild -
    buildah_ push -q "$ENGINE_TAG" "oci-archive:$P.secret"
}

render_is_in_context() {
    built al2023 x86_64
    lbuild render -C "$P" >"$P.dockerfile"
    tar -xOf "$P.context" Dockerfile.lbuild | diff -u "$P.dockerfile" -
    grep -q '^FROM .*lambda/provided' "$P.dockerfile"
    # The Dockerfile has only what every engine understands.
    exits 1 grep -nE -- '--mount|<<|--link|--chmod|^# *syntax|[$](BUILD|TARGET)' "$P.dockerfile"
}

check 'the context holds the Dockerfile of render' render_is_in_context
for base in al2023 al2 scratch stages; do
    later docker "docker classic, $base" docker_gives 0 $base x86_64
    later docker "docker BuildKit, $base" docker_gives 1 $base x86_64
    later others "buildah, $base" buildah_gives $base x86_64
    later others "podman, $base" podman_gives $base x86_64
done
later docker 'docker BuildKit, al2023 arm64' docker_gives 1 al2023 arm64
# An emulated compiler is slow: topic 93 has buildah build for arm64 from the same Dockerfile.
[ "${LBUILD_TEST_MATRIX:-}" != full ] || later others 'buildah, al2023 arm64' buildah_gives al2023 arm64
later docker 'a secret reaches its stage alone, docker BuildKit' secret_reaches docker_secret
later others 'a secret reaches its stage alone, buildah' secret_reaches buildah_secret
together
