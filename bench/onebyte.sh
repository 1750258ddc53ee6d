#!/usr/bin/env bash
# One byte of the handler changes: compile, link and a new tarball, for lbuild and for umoci with the same compiler.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bench_project

runtime=$HERE/../runtimes/c
mkdir -p "$W/objects"
for source in "$runtime"/*.c "$W/p/src/ballast.c"; do
    gcc -O2 -std=gnu11 -D_GNU_SOURCE -I "$runtime/include" -I "$runtime" -c "$source" \
        -o "$W/objects/$(basename "$source" .c).o"
done
compile="gcc -O2 -std=gnu11 -I $runtime/include -c $W/p/src/handler.c -o $W/objects/handler.o &&
    gcc -static -s -o $W/bootstrap $W/objects/*.o"
prepare="sed -i \"/HANDLERS/!s|\\\"hello[0-9]*|\\\"hello\$RANDOM|\" $W/p/src/handler.c"
racers=("lbuild=$LBUILD build -q -C $W/p" "compile and link alone=$compile")
limits=()
if have umoci; then
    racers+=("umoci, compile included=$compile && $UMOCI")
    limits+=(--limit 'umoci, compile included:0.30')
fi
python3 "$HERE/race.py" -n "$ROUNDS" --prepare "bash -c '$prepare'" "${limits[@]}" "${racers[@]}"
