# Three projects, every engine, both architectures: each image answers its event, and the file trees differ by nothing but what
# tests/integration/differences lists. buildah, with which the others are compared, builds all; the others build some for each
# architecture, or all with LBUILD_TEST_MATRIX=full.

TREES=$W/every
mkdir -p "$TREES/out"
chmod 1777 "$TREES/out"
storage_conf overlay "$TREES/storage" >"$TREES/storage.conf"
export CONTAINERS_CONF=$W/containers.conf CONTAINERS_STORAGE_CONF=$TREES/storage.conf
ENGINES='host buildah buildah-rootless podman docker-classic docker-BuildKit buildctl buildx'

# sources PROJECT ARCH: sets P, the project's folder. plain is only C, stage has a stage of its own, and packages has a builder that installs
# some. For arm64, stage has a ready-made program: plain and packages already test the compiler, which is emulated and slow.
sources() {
    P=$TREES/$1-$2
    (
        flock 9
        [ -e "$P" ] || write_sources "$@"
    ) 9>"$TREES/lock"
}

write_sources() {
    project "$P" al2023 "$2"
    case $1 in
    stage)
        [ "$2" != arm64 ] || ready_made "$P"
        mkdir -p "$P/notes"
        printf 'a\nb\n' >"$P/notes/one"
        cat >>"$P/lbuild.ini" <<'INI'

[stage:pages]
from = al2023
copy = notes /notes
run = mkdir -p /made/deep /made/empty
    wc -l </notes/one >/made/deep/count; uname -m >/made/machine
    ln -s deep/count /made/link; ln /made/machine /made/again
    chmod 700 /made/deep/count; chown 7:7 /made/machine; chmod 4755 /made/machine

[files]
stage:pages:/made = /var/task/made
notes = /var/task/notes
INI
        ;;
    packages) printf 'packages = gcc glibc-static zip\n' >>"$P/lbuild.ini" ;;
    esac
}

# ready_made FOLDER: replaces the project's sources by the program that the host engine makes from them.
ready_made() {
    lbuild build -C "$1" --engine host -q -o "$1.tar"
    rm -r "$1/src"
    tar -xOf "$1.tar" "$(tar -xOf "$1.tar" manifest.json | jq -r '.[0].Layers[-1]')" | tar -xzO var/runtime/bootstrap >"$1/bootstrap"
    chmod 755 "$1/bootstrap"
    printf '[project]\nname = hello\n\n[function]\nlanguage = custom\nhandler = hello\n\n[image]\nbase = al2023\narch = arm64\n' >"$1/lbuild.ini"
}

builds() {
    local engine=$1 project=$2 arch=$3 before out=$TREES/out/$2-$3.$1
    need jq
    need_part base-
    [ "$arch" != arm64 ] || { need_part builder-arm64; need_arm64; }
    sources "$project" "$arch"
    use_engine "$engine"
    before=$(left_in "$engine")
    "${AS[@]}" "$LBUILD" build -C "$P" "${OPTIONS[@]}" -o "$out.tar" >"$out.log" 2>&1 || { cat "$out.log"; exit 1; }
    same "$before" "$(left_in "$engine")"
    python3 "$SOURCES/tree.py" "$out.tar" >"$out.tree"
    same '{"hello":{"a":1}}' "$(lbuild invoke --data '{"a":1}' "$out.tar")"
    [ "$project" = stage ] || return 0
    grep -q '\[pages [0-9]*/[0-9]*\] RUN wc -l' "$out.log"
    grep -E '^var/task/made/deep/count - 0755 0:0 2 ' "$out.tree"
    grep -E '^var/task/made/machine - 0755 0:0 ' "$out.tree"
    grep -E '^var/task/made/empty d 0755 0:0' "$out.tree"
    grep -E '^var/task/made/link l .*deep/count' "$out.tree"
}

# Compares the images of one project with buildah's; prints the paths that differ in the form of the list.
differing() {
    local image name engine paths reference=$TREES/out/$1-$2.buildah
    for image in "$TREES/out/$1-$2".*.tree; do
        name=${image%.tree} engine=${image%.tree}
        engine=${engine##*.}
        paths=$(comm -3 "$reference.tree" "$image" | tr -d '\t' | cut -d' ' -f1 | sort -u)
        [ -z "$paths" ] || printf '%s\n' "$paths" | sed "s|^|$1 $2 $engine |"
        [ -n "$paths" ] || cmp "$reference.tar" "$name.tar" >&2
    done
}

differ_as_listed() {
    local project arch engine
    for project in plain stage packages; do
        for arch in x86_64 arm64; do
            [ -e "$TREES/out/$project-$arch.buildah.tree" ] || continue
            differing $project $arch >>"$TREES/found"
            # Skipped engines, which aren't installed here, are in no list.
            for engine in $ENGINES; do
                [ ! -e "$TREES/out/$project-$arch.$engine.tree" ] ||
                    grep "^$project $arch $engine " "$SOURCES/differences" >>"$TREES/listed" || true
            done
        done
    done
    [ -e "$TREES/found" ] || skip_case 'buildah is not installed'
    touch "$TREES/listed"
    diff -u <(sort "$TREES/listed") <(sort "$TREES/found")
}

# Whichever engine made them, the tools accept the images: one manifest each, as the first topics check for host.
accepted() {
    local image layout=$TREES/layout sum
    need skopeo umoci oci-image-tool podman buildah
    need_docker
    for image in "$TREES/out"/*.tar; do
        sum=$(sha256sum <"$image" | cut -c1-64)
        [ ! -e "$TREES/$sum" ] || continue
        touch "$TREES/$sum"
        mkdir "$layout"
        tar -xf "$image" -C "$layout"
        same 1 "$(jq '.manifests | length' "$layout/index.json")"
        oci-image-tool validate --type image "$layout"
        umoci unpack --image "$layout:latest" "$layout/bundle"
        skopeo inspect "oci-archive:$image" >/dev/null
        skopeo inspect "docker-archive:$image" >/dev/null
        docker_ load -q -i "$image"
        podman load -q -i "$image"
        buildah rm "$(buildah from "oci-archive:$image")"
        rm -rf "$layout"
    done
    docker_ image rm -f hello:latest
}

# projects ENGINE ARCH: prints the projects to build. host has no containers. Engines that share their code, e.g. buildctl and buildx, divide the
# projects among them. packages covers everything in plain.
projects() {
    case ${LBUILD_TEST_MATRIX:-}-$1-$2 in
    *-host-*) echo plain ;;
    full-* | -buildah-x86_64 | -buildah-arm64) echo plain stage packages ;;
    -buildah-rootless-x86_64 | -docker-classic-x86_64 | -buildctl-x86_64) echo plain packages ;;
    -buildah-rootless-arm64 | -docker-classic-arm64 | -buildctl-arm64) echo stage ;;
    *-x86_64) echo stage ;;
    *-arm64) echo packages ;;
    esac
}

# Emulated compilers are slow, and an engine starts them one by one: so two engines work side by side.
lane() { case $1 in buildah-rootless | docker-*) echo 2 ;; *) echo 1 ;; esac; }

(need_arm64) >/dev/null || true
for engine in $ENGINES; do
    for arch in x86_64 arm64; do
        for project in $(projects "$engine" $arch); do
            later "$(lane "$engine")" "$engine, $project, $arch" builds "$engine" "$project" "$arch"
        done
    done
done
together
check 'the trees differ as the list says' differ_as_listed
check 'the tools accept each image' accepted
