# Full disks, read-only folders, damaged and hostile bases, missing and failing compilers: each gives a clear error with its exit
# code, and nothing is lost.

FAILED=1 ENGINE=4 REGISTRY_FINAL=5 UNFIT=6

hello() {
    need_part base-
    fresh_store
    P=$(mktemp -d "$W/damage.XXXXXX")
    project "$P" "$@"
}

# keeps_output COMMAND...: the previous output must still be there after the command.
keeps_output() {
    printf 'the old output\n' >"$P/hello.tar"
    "$@"
    same 'the old output' "$(cat "$P/hello.tar")"
    left=$(find "$P" -maxdepth 1 ! -path "$P" ! -name hello.tar ! -name src ! -name lbuild.ini)
    [ -z "$left" ] || die "left behind: $left"
}

small_disk() {
    mkdir -p "$1"
    mount -t tmpfs -o "size=$2" none "$1"
}

full_disk_for_output() {
    hello
    small_disk "$W/small-out" 512k
    fails_with $FAILED 'no space left' lbuild build -C "$P" -o "$W/small-out/hello.tar"
    same '' "$(ls -A "$W/small-out")"
    umount "$W/small-out"
}

full_disk_for_store() {
    hello
    small_disk "$W/small-store" 700k
    XDG_CACHE_HOME=$W/small-store keeps_output fails_with $FAILED 'no space left' lbuild build -C "$P"
    mount -o remount,size=64m "$W/small-store"
    XDG_CACHE_HOME=$W/small-store lbuild build -C "$P"
    umount "$W/small-store"
}

read_only_output() {
    hello
    mkdir -p "$W/read-only"
    mount -t tmpfs -o ro none "$W/read-only"
    fails_with $FAILED 'read-only' lbuild build -C "$P" -o "$W/read-only/hello.tar"
    umount "$W/read-only"
}

missing_output_folder() {
    hello
    fails_with $FAILED 'no such file' lbuild build -C "$P" -o "$P/no/such/hello.tar"
}

nothing_escaped() {
    [ ! -e /lbuild-escape ] || die "a base wrote out of its place"
    # W is above lbuild's folders. What lies deeper in it, e.g. the engines' storages, isn't lbuild's.
    same '' "$(find "$P" "$XDG_CACHE_HOME" -name lbuild-escape)"
    same '' "$(find "$W" -maxdepth 2 -name lbuild-escape)"
}

bad_layout() {
    hello "oci:$INTEGRATION_BASES/layouts/$1"
    keeps_output fails_with $REGISTRY_FINAL "$2" lbuild build -C "$P"
    nothing_escaped
}

# B2, B3: such names are read inside of the image, which has nothing that Lambda could start.
inside_layout() {
    local got=0
    hello "oci:$INTEGRATION_BASES/layouts/$1"
    lbuild build -C "$P" || got=$?
    [ $got = 0 ] || [ $got = $UNFIT ] || die "exit code $got"
    nothing_escaped
}

wrong_architecture() {
    need_part base-arm64
    hello "oci:$INTEGRATION_BASES/layouts/al2023-arm64"
    keeps_output fails_with $REGISTRY_FINAL 'arm64' lbuild build -C "$P"
}

damaged_store() {
    hello
    lbuild build -C "$P"
    cp "$P/hello.tar" "$W/before.tar"
    local blob
    blob=$(find "$XDG_CACHE_HOME/lbuild/blobs" -type f -size +100k | sed -n 1p)
    chmod u+w "$blob"
    printf 'X' | dd of="$blob" bs=1 seek=5000 conv=notrunc status=none
    printf '/* another */\n' >>"$P/src/handler.c"
    # lbuild notices the damage and removes the blob; with the registry, the next build is right again.
    lbuild build -C "$P" || lbuild build -C "$P"
    project "$P"
    lbuild build -C "$P"
    cmp "$W/before.tar" "$P/hello.tar"
}

odd_base() {
    hello "oci:$INTEGRATION_BASES/layouts/$1"
    lbuild build -C "$P"
    need skopeo
    skopeo inspect --config --raw "oci-archive:$P/hello.tar" | python3 -c '
import json, sys
top = json.load(sys.stdin)
layers = [h for h in top["history"] if not h.get("empty_layer")]
assert len(layers) == len(top["rootfs"]["diff_ids"]) == 5, top["history"]'
}

archive_base() {
    local kind=$1 file=$2
    hello "$kind:$INTEGRATION_BASES/archives/$file"
    lbuild build -C "$P"
    P2=$P
    hello "oci:$INTEGRATION_BASES/layouts/al2023-amd64"
    lbuild build -C "$P"
    diff <(python3 "$SOURCES/tree.py" "$P2/hello.tar") <(python3 "$SOURCES/tree.py" "$P/hello.tar")
}

no_compiler() {
    hello
    lbuild build -C "$P" >/dev/null
    mkdir -p "$W/no-tools"
    printf '/* another */\n' >>"$P/src/handler.c"
    keeps_output fails_with $ENGINE 'compiler' env PATH="$W/no-tools" "$LBUILD" build -C "$P"
    fails_with $ENGINE 'no-such-cc' lbuild build -C "$P" --set build.compiler=no-such-cc
}

failing_compiler() {
    hello
    printf 'int x = ;\n' >>"$P/src/handler.c"
    keeps_output fails_with $FAILED 'handler\.c' lbuild build -C "$P"
}

crashing_compiler() {
    hello
    printf '#!/bin/sh\nkill -SEGV $$\n' >"$W/crash-cc"
    chmod 755 "$W/crash-cc"
    local got=0
    lbuild build -C "$P" --set "build.compiler=$W/crash-cc" || got=$?
    [ $got = $FAILED ] || [ $got = $ENGINE ] || die "exit code $got"
}

wrong_linker_flag() {
    hello
    keeps_output fails_with $FAILED 'did not link' lbuild build -C "$P" --set build.link-flags=-Wl,--no-such-flag
}

unfit_program() {
    hello
    keeps_output fails_with $UNFIT 'executable stack' lbuild build -C "$P" --set build.link-flags=-Wl,-z,execstack
}

check 'a full disk for the output' full_disk_for_output
check 'a full disk for the store' full_disk_for_store
check 'a read-only output folder' read_only_output
check 'a missing output folder' missing_output_folder
check 'a truncated base layer' bad_layout truncated 'digest|size|truncat|bytes'
check 'a bit-flipped base layer' bad_layout flipped 'changed or damaged'
for kind in dotdot hardlink; do
    check "a base path that climbs out, $kind" bad_layout hostile-$kind 'path|outside|escape|\.\.|climb|link'
done
for kind in absolute symlink; do
    check "a base path that would climb out, $kind" inside_layout hostile-$kind
done
check 'a base of the wrong architecture' wrong_architecture
check 'a damaged blob in the store' damaged_store
check 'a base with null history' odd_base null-history
check 'a base without history' odd_base no-history
check 'a base layer of several gzip members' odd_base multi-member
check 'an OCI archive as base' archive_base oci-archive al2023-amd64.oci.tar
check 'a docker save archive as base' archive_base docker-archive al2023-amd64.docker.tar
check 'no compiler' no_compiler
check 'a compiler that finds an error' failing_compiler
check 'a compiler that crashes' crashing_compiler
check 'a linker flag that is wrong' wrong_linker_flag
check 'a program that Lambda would refuse' unfit_program
