# A project of 200,000 files: lbuild's work is measured in system calls and memory, not in time. The calls are counted for
# a tenth of the files, since strace slows down each.

FILES=200000
L=$W/large
mkdir -p "$L"

# large NAME FILES: makes a project of that many files.
large() {
    need_part base-
    [ ! -e "$L/$1.made" ] || return 0
    project "$L/$1"
    python3 - "$L/$1/data" $(($2 / 500)) <<'PY'
import os, sys
for folder in range(int(sys.argv[2])):
    at = os.path.join(sys.argv[1], f"{folder:04}")
    os.makedirs(at)
    for name in range(500):
        with open(os.path.join(at, f"{name:03}.txt"), "w") as f:
            f.write(f"{folder} {name}\n")
PY
    touch "$L/$1.made"
}

# costs CALLS MEMORY WORD...: lbuild WORD... may make at most CALLS system calls for ten files, and take at most MEMORY MiB.
costs() {
    local calls=$1 memory=$2 used
    shift 2
    need strace
    large tenth $((FILES / 10))
    large p $FILES
    strace -f -qq -c -o "$L/calls" "$LBUILD" "$1" -C "$L/tenth" "${@:2}" >/dev/null
    used=$(awk '$NF == "total" { print $4 }' "$L/calls")
    cat "$L/calls"
    [ $((used * 100 / FILES)) -le "$calls" ] || die "$used system calls for a tenth of $FILES files"
    python3 - "$memory" "$LBUILD" "$1" -C "$L/p" "${@:2}" <<'PY' >"$L/out"
import resource, subprocess, sys
subprocess.run(sys.argv[2:], check=True)
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(most, "MiB", file=sys.stderr)
sys.exit(most > int(sys.argv[1]) and f"{most} MiB, not {sys.argv[1]}")
PY
}

# A build without a change needs to look at each file only once.
nothing_changed() {
    large tenth $((FILES / 10))
    large p $FILES
    lbuild build -C "$L/tenth" -q
    lbuild build -C "$L/p" -q
    costs 12 96 build -q
}

# For each file: open, fstat, two reads, close, and one stat.
context() {
    costs 65 96 context
    tar -tf "$L/out" >"$L/list"
    same $FILES "$(grep -c '^data/.*txt$' "$L/list")"
    # lbuild's own cap is a million files, and the ignore rules apply to all of them.
    printf 'data\n' >"$L/p/.dockerignore"
    lbuild context -C "$L/p" | tar -t | exits 1 grep '^data/'
    rm "$L/p/.dockerignore"
}

# The context for the engine is written once; lbuild itself stays within the same memory.
engine() {
    large p $FILES
    use_engine "$1"
    local pid most=0 now
    [ -e "$L/host.tar" ] || lbuild build -C "$L/p" -q -o "$L/host.tar"
    "$LBUILD" build -C "$L/p" -q "${OPTIONS[@]}" -o "$L/engine.tar" &
    pid=$!
    while now=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status") && [ -n "$now" ]; do
        most=$now
        sleep 0.1
    done
    wait $pid
    printf '%s KiB\n' "$most"
    if [ "$most" = 0 ] || [ "$most" -gt $((96 * 1024)) ]; then die "lbuild had $most KiB"; fi
    cmp "$L/host.tar" "$L/engine.tar"
}

check 'a build without a change looks at each file once' nothing_changed
check 'the context' context
check 'docker BuildKit' engine docker-BuildKit
rm -rf "$L/p"
