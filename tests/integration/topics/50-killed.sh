# Killed at any instant: no half-written output, and the next build works.

KILLS=${KILLS:-100}

# whole FILE: it is absent, or an archive whose blobs are all right.
whole() {
    [ ! -e "$1" ] || python3 - "$1" <<'PY'
import hashlib, json, sys, tarfile
a = tarfile.open(sys.argv[1])
names = a.getnames()
assert {"index.json", "manifest.json", "oci-layout"} <= set(names), names
for name in names:
    if name.startswith("blobs/sha256/"):
        assert hashlib.sha256(a.extractfile(name).read()).hexdigest() == name.rpartition("/")[2], name
json.load(a.extractfile("index.json"))
PY
}

# In the end, only the output, the project and known files may lie in the folders.
nothing_left() {
    local left
    left=$(find "$P" -newer "$P/started" ! -path "$P" ! -path "$P/src*" ! -name hello.tar ! -name started)
    [ -z "$left" ] || die "left behind: $left"
}

# milliseconds COMMAND...: prints how long the command takes, here and now.
milliseconds() {
    local from
    from=$(date +%s%3N)
    "$@" >/dev/null
    echo $(($(date +%s%3N) - from))
}

killed_at_random() {
    need_part base-
    local signal=$1 i pid delay status kind survived=0 interrupted=0 expected
    local -A takes
    fresh_store
    P=$W/killed-$signal
    project "$P"
    touch "$P/started"
    takes[whole]=$(milliseconds lbuild build -C "$P" -q)
    expected=$(sha256sum <"$P/hello.tar")
    printf '/* another */\n' >>"$P/src/handler.c"
    takes[update]=$(milliseconds lbuild build -C "$P" -q)
    RANDOM=${SEED:-4711}
    printf 'a whole build takes %s ms, an update %s ms\n' "${takes[whole]}" "${takes[update]}"
    # Repeats until enough builds were hit: on a machine whose load changes, no one knows how long the next build takes.
    for ((i = 0; interrupted < KILLS && i < 4 * KILLS; i++)); do
        # Every third build starts from nothing, so that the pull is hit too; in the others, the build or the update is hit.
        kind=update
        [ $((i % 3)) != 0 ] || { rm -rf "$XDG_CACHE_HOME" && kind=whole; }
        [ $((i % 2)) != 0 ] || rm -f "$P/hello.tar"
        printf '/* %d */\n' $i >>"$P/src/handler.c"
        delay=$((RANDOM * RANDOM % (takes[$kind] + 10) + 1))
        "$LBUILD" build -C "$P" -q >/dev/null 2>&1 &
        pid=$!
        sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
        kill -"$signal" $pid 2>/dev/null || true
        status=0
        wait $pid || status=$?
        case $signal.$status in
        *.0)
            survived=$((survived + 1))
            takes[$kind]=$((takes[$kind] * 9 / 10))
            ;;
        KILL.137 | TERM.143)
            interrupted=$((interrupted + 1))
            takes[$kind]=$((takes[$kind] * 102 / 100 + 1))
            ;;
        *) die "kill $i after $delay ms: status $status" ;;
        esac
        whole "$P/hello.tar"
        [ "$signal" = KILL ] || nothing_left
        [ $((i % 10)) != 0 ] || lbuild build -C "$P" -q >/dev/null
    done
    printf '%d interrupted, %d were quicker\n' $interrupted $survived
    [ $interrupted = "$KILLS" ] || die "too few were hit"
    project "$P"
    lbuild build -C "$P" -q >/dev/null
    same "$expected" "$(sha256sum <"$P/hello.tar")"
    [ "$signal" = KILL ] || nothing_left
}

no_child_survives() {
    need_part base-
    local pid status=0
    fresh_store
    P=$W/children
    project "$P"
    printf '#!/bin/sh\nsleep 77.25 & wait\n' >"$P/slow-cc"
    chmod 755 "$P/slow-cc"
    "$LBUILD" build -C "$P" -q --set "build.compiler=$P/slow-cc" >/dev/null 2>&1 &
    pid=$!
    wait_for 100 pgrep -f 'sleep 77.25' || true
    kill -TERM $pid
    wait $pid || status=$?
    same 143 $status
    sleep 0.2
    exits 1 pgrep -f 'sleep 77.25'
}

two_at_once() {
    need_part base-
    local i pids=() pid
    fresh_store
    for i in 1 2 3; do
        project "$W/at-once-$i"
        "$LBUILD" build -C "$W/at-once-$i" -q >/dev/null &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    cmp "$W/at-once-1/hello.tar" "$W/at-once-2/hello.tar"
    cmp "$W/at-once-1/hello.tar" "$W/at-once-3/hello.tar"
}

two_of_one_project() {
    need_part base-
    local i pids=() pid
    fresh_store
    project "$W/one"
    for i in 1 2 3 4; do
        "$LBUILD" build -C "$W/one" -q >/dev/null &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    whole "$W/one/hello.tar"
}

check "SIGKILL at $KILLS instants" killed_at_random KILL
check "SIGTERM at $KILLS instants" killed_at_random TERM
check 'no compiler outlives a terminated build' no_child_survives
check 'three builds at once on an empty store' two_at_once
check 'four builds of one project at once' two_of_one_project
