#!/usr/bin/env bash
# A big tree of dependencies into one layer: lbuild at each level of compression against `umoci insert`, which has the fastest
# compressor of the peers. The targets are for MEGABYTES=1000; the default is small, for a quick run.
# `layers.sh small` packs 20 files for each MB, `layers.sh big` 20 in all; without an argument it does both.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
MEGABYTES=${MEGABYTES:-60}
have umoci || { echo "umoci is not installed" >&2 && exit 77; }

# The start for both: lbuild has compiled the program, but hasn't seen the tree.
set_up() {
    python3 "$HERE/tree.py" "$W/$1/deps" "$MEGABYTES" "$2"
    project "$W/$1" scratch
    printf '\n[files]\ndeps = /opt/deps\n' >>"$W/$1/lbuild.ini"
    "$LBUILD" build -q -C "$W/$1" --set output.compression=fast >/dev/null
}
forget="rm -rf $W/cache/lbuild/blobs $W/cache/lbuild/objects/tree-* $W/cache/lbuild/objects/layer-* $W/cache/lbuild/builds \
    $W/layout $W/out-*; umoci init --layout $W/layout && umoci new --image $W/layout:latest; sync -f $W"

# The size of the layer: the largest blob of umoci's layout or of lbuild's tar.
size_of() {
    case $1 in
    *.tar) tar -tvf "$1" | awk '{ print $3 }' ;;
    *) find "$1/blobs" -type f -printf '%s\n' ;;
    esac | sort -n | tail -1
}

pack() {
    local umoci="umoci insert --image $W/layout:latest $W/$1/deps /opt/deps" level size theirs
    printf '\n%s MB in %s files\n' "$MEGABYTES" "$2"
    for level in default fast; do
        python3 "$HERE/race.py" -n "$ROUNDS" --prepare "$forget" --limit "umoci insert:$([ $level = fast ] && echo 0.60 || echo 0.80)" \
            --limit-rss "$level:24" "$level=$LBUILD build -q -C $W/$1 -o type=oci,dest=$W/out-$level.tar,compression=$level" \
            "umoci insert=$umoci"
        sh -c "$forget"
        "$LBUILD" build -q -C "$W/$1" -o "type=oci,dest=$W/out-$level.tar,compression=$level" >/dev/null
        sh -c "$umoci"
        size=$(size_of "$W/out-$level.tar")
        theirs=$(size_of "$W/layout")
        awk -v name=$level -v a="$size" -v b="$theirs" -v limit="$([ $level = fast ] && echo 1.01 || echo 0.97)" \
            'BEGIN { printf "%s: %d bytes, %.3f of umoci (target <= %s: %s)\n", name, a, a / b, limit, a / b <= limit ? "met" : "MISSED" }'
    done
    "$LBUILD" build -q -C "$W/$1" -o "type=oci,dest=$W/out-best.tar,compression=best" >/dev/null
    awk -v a="$(size_of "$W/out-best.tar")" -v b="$theirs" 'BEGIN { printf "best: %.3f of umoci\n", a / b }'
}

ROUNDS=${LAYER_ROUNDS:-3}
[ $# -gt 0 ] || set -- small big
for kind; do
    count=$([ "$kind" = small ] && echo $((20 * MEGABYTES)) || echo 20)
    set_up "$kind" "$count"
    pack "$kind" "$count"
    rm -rf "${W:?}/$kind"
done
