# Hostile values and a tree in [files]: every engine's image must hold exactly what the project says.

built() {
    need_part base-
    P=$W/values
    [ ! -e "$P.tree" ] || return 0
    mkdir -p "$P"
    "$SOURCES/values.py" project "$P"
    lbuild build -C "$P" -t "values:v1" -o "$P.tar"
    lbuild context -C "$P" >"$P.context"
    python3 "$SOURCES/tree.py" "$P.tar" >"$P.tree"
}

# compare ARCHIVE: compares the image that another engine made from the context.
compare() {
    python3 "$SOURCES/tree.py" "$1" >"$1.tree"
    diff -u "$P.tree" "$1.tree"
    rm -f "$1"
}

host_keeps() {
    need skopeo
    built
    skopeo inspect --config --raw "oci-archive:$P.tar" >"$P.config"
    "$SOURCES/values.py" compare "$P.config"
    grep '^opt/assets/deep/er/run.sh - 0755 0:0' "$P.tree"
    grep '^opt/assets/empty d 0755 0:0' "$P.tree"
    grep '^opt/assets/link l - 0:0 -> deep/.hidden' "$P.tree"
    exits 1 grep left-out "$P.tree"
}

function_answers() {
    built
    same "$("$SOURCES/values.py" answer)" "$(lbuild invoke "$P.tar")"
}

docker_keeps() {
    need_docker
    built
    local tag=lbuild-test-$RUN_ID-values
    DOCKER_BUILDKIT=$1 docker_ build -q --network none -t "$tag" -f Dockerfile.lbuild - <"$P.context"
    docker_ image inspect -f '{"config":{{json .Config}}}' "$tag" >"$P.docker.config"
    "$SOURCES/values.py" compare "$P.docker.config"
    docker_ save -o "$P.docker" "$tag"
    docker_ image rm -f "$tag" >/dev/null
    compare "$P.docker"
}

# containers_keep PODMAN|BUILDAH: the two share a library, and differ in how they call it.
containers_keep() {
    need "$1" skopeo
    built
    local tag=lbuild-test-$RUN_ID-values
    if [ "$1" = podman ]; then
        podman_ build -q --network none -t "$tag" -f Dockerfile.lbuild - <"$P.context"
        podman_ save -q --format oci-archive -o "$P.$1" "$tag"
    else
        buildah_ bud -q --network none -t "$tag" -f Dockerfile.lbuild - <"$P.context"
        buildah_ push -q "$tag" "oci-archive:$P.$1"
    fi
    skopeo inspect --config --raw "oci-archive:$P.$1" >"$P.$1.config"
    "$SOURCES/values.py" compare "$P.$1.config"
    compare "$P.$1"
}

# The host engine accepts values that no Dockerfile can express.
line_break_loads() {
    need_docker
    built
    fails_with 3 'line break' lbuild render -C "$P" --set 'env.LINES_OF_TEXT="one\ntwo"'
    lbuild build -C "$P" --set 'env.LINES_OF_TEXT="one\ntwo"' -t "lbuild-test-$RUN_ID-lines:v1" -o "$P.lines.tar"
    docker_ load -q -i "$P.lines.tar"
    docker_ image inspect -f '{{json .Config.Env}}' "lbuild-test-$RUN_ID-lines:v1" | grep -F '"LINES_OF_TEXT=one\ntwo"'
}

check 'the host engine keeps every value' host_keeps
check 'the program has every define and its odd handler' function_answers
check 'docker classic keeps every value' docker_keeps 0
check 'docker BuildKit keeps every value' docker_keeps 1
check 'buildah keeps every value' containers_keep buildah
check 'podman keeps every value' containers_keep podman
check 'a line break in a value' line_break_loads
