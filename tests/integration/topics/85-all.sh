# `lbuild build --all`: a tree of functions shares bases, jobs and signals.
# shellcheck disable=SC2016  # what is in single quotes is for other shells

# tree FOLDER: three functions on two bases, each with three sources of its own.
tree() {
    local name base source
    for name in one two three; do
        base=al2023
        [ $name != three ] || base=al2
        project "$1/fn/$name" $base
        sed -i "s/^name = .*/name = $name/" "$1/fn/$name/lbuild.ini"
        sed -i "s/{\\\\\"hello/{\\\\\"$name/" "$1/fn/$name/src/handler.c"
        for source in a b c; do printf 'int %s_%s;\n' $name $source >"$1/fn/$name/src/$source.c"; done
    done
}

# Makes a compiler that records when it starts and ends; "$2" is what it does in between.
compiler() {
    mkdir -p "$1"
    printf '#!/bin/sh\necho "+ $$" >>%s/log\n%s\n/usr/bin/gcc "$@"\nstatus=$?\necho "- $$" >>%s/log\nexit $status\n' \
        "$1" "$2" "$1" >"$1/gcc"
    chmod 755 "$1/gcc"
}

each_answers() {
    need_part base-
    fresh_store
    P=$(mktemp -d "$W/all.XXXXXX")
    tree "$P"
    (cd "$P" && lbuild build --all --image-refs "$P/refs" >"$P/report")
    cat "$P/report"
    same 3 "$(grep -c '^built ' "$P/report")"
    for name in one two three; do
        same "{\"$name\":5}" "$(lbuild invoke --data 5 "$P/fn/$name/$name.tar")"
        grep -q "^$name:latest@sha256:" "$P/refs"
    done
}

one_pull_per_base() {
    need_part base-
    fresh_store
    P=$(mktemp -d "$W/all.XXXXXX")
    tree "$P"
    start_front
    lbuild build --all -j 3 "$P" --pull always --registry-mirror "$REGISTRY_HOST=$FRONT" >"$P/report"
    cat "$FRONT_LOG"
    same 2 "$(count 'GET.*/manifests/(al2|al2023)')"
    same "$(grep -E 'GET.*/blobs/' "$FRONT_LOG" | grep -oE 'sha256:[0-9a-f]{64}' | sort | uniq -d)" ''
    stop_front
    # A missing base is requested once, and fails the functions that need it.
    start_front --fault status:404 --match '/manifests/al2023'
    fresh_store
    exits 5 lbuild build --all "$P" --registry-mirror "$REGISTRY_HOST=$FRONT" >"$P/report" 2>"$P/log"
    cat "$P/report" "$FRONT_LOG"
    same 2 "$(grep -c '^failed ' "$P/report")"
    same 1 "$(grep -c '^built ' "$P/report")"
    same 1 "$(count 'GET.*/manifests/al2023')"
    stop_front
}

# The maximum number of compilers that ran at a time, from a log with a line for each start and end.
most() { awk '$1 == "+" { n++; if (n > m) m = n } $1 == "-" { n-- } END { print m + 0 }' "$1"; }

jobs_are_shared() {
    need_part base-
    fresh_store
    P=$(mktemp -d "$W/all.XXXXXX")
    tree "$P"
    lbuild build --all -q "$P" >/dev/null # the toolchain is known and the base is there
    compiler "$P/bin" 'sleep 0.2'
    for jobs in 1 2 5; do
        touch "$P"/fn/*/src/*.c
        find "$P/fn" -name '*.c' -exec sed -i "\$a extern int v$jobs;" {} +
        : >"$P/bin/log"
        PATH=$P/bin:$PATH lbuild build --all -q -j $jobs "$P" >/dev/null
        test "$(grep -c '^+' "$P/bin/log")" -ge 12
        test "$(most "$P/bin/log")" -le $jobs
        [ $jobs = 1 ] || test "$(most "$P/bin/log")" -gt 1
    done
    # Under make, make's jobs are the limit.
    need make
    printf 'all:\n\t+@%s build --all -q %s >/dev/null\n' "$LBUILD" "$P" >"$P/Makefile"
    find "$P/fn" -name '*.c' -exec sed -i '$a extern int made;' {} +
    : >"$P/bin/log"
    env -u MAKEFLAGS PATH="$P/bin:$PATH" make -j2 -f "$P/Makefile"
    test "$(grep -c '^+' "$P/bin/log")" -ge 12
    same 2 "$(most "$P/bin/log")"
}

a_signal_stops_all() {
    need_part base-
    fresh_store
    P=$(mktemp -d "$W/all.XXXXXX")
    tree "$P"
    local long=600.$RANDOM pid
    compiler "$P/bin" "[ ! -e $P/slow ] || sleep $long"
    PATH=$P/bin:$PATH lbuild build --all -q "$P" >/dev/null
    find "$P/fn" -name '*.c' -exec sed -i '$a extern int later;' {} +
    rm "$P"/fn/*/*.tar
    touch "$P/slow"
    : >"$P/bin/log"
    PATH=$P/bin:$PATH "$LBUILD" build --all -j 2 "$P" >"$P/report" 2>"$P/log" &
    pid=$!
    wait_for 300 bash -c '[ "$(wc -l <"$1")" -ge 2 ]' - "$P/bin/log"
    kill -TERM $pid
    exits 143 wait $pid
    cat "$P/report" "$P/log"
    same 3 "$(grep -c '^stopped ' "$P/report")"
    grep -q '^lbuild: interrupted (Terminated)$' "$P/log"
    # No compilers, no children of theirs and no temporary files are left.
    while read -r _ pid; do wait_for 100 bash -c '! kill -0 "$1"' - "$pid"; done <"$P/bin/log"
    wait_for 100 bash -c '! pgrep -x -f "$1"' - "sleep $long"
    same '' "$(ls -A "$XDG_CACHE_HOME/lbuild/objects/work")"
    same '' "$(find "$P/fn" -name '*.tar*')"
    rm "$P/slow"
    lbuild build --all -q "$P" >/dev/null
}

check 'each function answers' each_answers
check 'one pull for each base' one_pull_per_base
check 'the jobs are shared' jobs_are_shared
check 'a signal stops all' a_signal_stops_all
