#!/usr/bin/env bash
# Twenty C functions on one base, each with a different change: `lbuild build --all` against twenty times gcc, `buildah bud`
# and a push to a tarball. Both have the base and the compiled runtime at hand. Then a run without changes.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bench_project

mkdir -p "$W/tree"
for i in $(seq 20); do
    cp -R "$W/p" "$W/tree/f$i"
    rm -f "$W/tree/f$i"/*.tar "$W/tree/f$i/src/ballast.c"
    sed -i "s/^name = .*/name = f$i/" "$W/tree/f$i/lbuild.ini"
    sed -i 's| extern const unsigned char lbuild_bench_ballast.*||' "$W/tree/f$i/src/handler.c"
done
# shellcheck disable=SC2016  # for race.py's shell
prepare='for f in '"$W"'/tree/*/src/handler.c; do sed -i "s|\"hello[0-9]*|\"hello$RANDOM|" $f; done'
runtime=$HERE/../runtimes/c
mkdir -p "$W/objects"
for source in "$runtime"/*.c; do
    gcc -O2 -std=gnu11 -D_GNU_SOURCE -I "$runtime/include" -I "$runtime" -c "$source" -o "$W/objects/$(basename "$source" .c).o"
done
compile="gcc -O2 -std=gnu11 -I $runtime/include -c $W/tree/f\$i/src/handler.c -o $W/handler.o &&
    gcc -static -s -o $W/context/bootstrap $W/handler.o $W/objects/*.o"
# measure NAME COMMAND: one run; sets TOOK, in ms. Twenty functions in a row need no separate warm-up.
measure() {
    local start=${EPOCHREALTIME/./}
    bash -c "$2" >/dev/null </dev/null || die "it failed: $2"
    TOOK=$(((${EPOCHREALTIME/./} - start) / 1000))
    printf '%-36s %8d ms' "$1" $TOOK
}

"$LBUILD" build --all -q "$W/tree" >/dev/null
eval "$prepare"
measure 'lbuild build --all' "$LBUILD build --all -q $W/tree"
ours=$TOOK
printf '\n'
if [ "$(id -u)" = 0 ] && have buildah; then
    $BUILDAH_ROOT pull -q "docker-archive:$W/base.docker.tar" >/dev/null
    measure '20 x gcc, buildah bud, push' "for i in \$(seq 20); do $compile && $(buildah_command --no-cache) || exit 1; done"
    awk -v a="$ours" -v b=$TOOK 'BEGIN { printf "  %.3f of it (target <= 0.333: %s)\n", a / b, a <= b / 3 ? "met" : "MISSED" }'
fi
sleep 0.2
"$LBUILD" build --all -q "$W/tree" >/dev/null
measure 'lbuild build --all, nothing changed' "$LBUILD build --all -q $W/tree"
printf '\n'
