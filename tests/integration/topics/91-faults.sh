# Engines that are interrupted, hang, die, have no room, refuse access, or go away: one line, the right exit code, and nothing left.

F=$W/faults
mkdir -p "$F/tmp"
chmod 1777 "$F/tmp"
storage_conf overlay "$F/storage" >"$F/storage.conf"
export CONTAINERS_CONF=$W/containers.conf CONTAINERS_STORAGE_CONF=$F/storage.conf TMPDIR=$F/tmp

# sleeper FOLDER: makes a project whose stage runs until it is ended.
sleeper() {
    project "$1"
    printf '\n[stage:long]\nfrom = al2023\nrun = cp /usr/bin/sleep /tmp/lbuild-sleeps-%s; echo it runs; /tmp/lbuild-sleeps-%s 600\n' \
        "$RUN_ID" "$RUN_ID" >>"$1/lbuild.ini"
    printf '\n[files]\nstage:long:/made = /var/task/\n' >>"$1/lbuild.ini"
}

sleeps() { pgrep -f "tmp/lbuild-sleeps-$RUN_ID 600"; }
sleeps_no_more() { ! sleeps; }
as_before() { [ "$(left_in "$1")" = "$BEFORE" ]; }
# Ignores what containerd writes there on a signal.
no_files() { same '' "$(find "$F/tmp" "$CACHE/lbuild/objects/work" -mindepth 1 -maxdepth 1 ! -name 'containerd.*.stacks.log')"; }

# An engine may leave only its cache. A daemon removes containers once it notices that its client is gone.
nothing_left() {
    wait_for 150 sleeps_no_more || die 'a process of the step still runs'
    wait_for 150 as_before "$1" || die "there was '$BEFORE', now '$(left_in "$1")'"
    exits 1 grep -q " $F/storage/graph/.*/merged" /proc/self/mounts
    no_files
}

# begin ENGINE CASE OPTION...: starts the build of a sleeper, and returns when its step sleeps. Sets P, PID and BEFORE.
begin() {
    need_part base-
    use_engine "$1"
    P=$F/$1-$2
    BEFORE=$(left_in "$1")
    shift 2
    sleeper "$P"
    # A shell's background jobs ignore SIGINT otherwise.
    "${AS[@]}" env --default-signal=INT ${FAR:+"DOCKER_HOST=$FAR"} "$LBUILD" build -C "$P" "${OPTIONS[@]}" "$@" -o "$F/tmp/out.tar" >"$P.log" 2>&1 &
    PID=$!
    wait_for 1800 sleeps || die "the step did not start: $(tail -n 3 "$P.log")"
}

# ends ENGINE STATUS [PATTERN]
ends() {
    local status=0
    wait "$PID" || status=$?
    cat "$P.log"
    same "$2" $status
    grep -qE "^lbuild: .*${3:-}" "$P.log"
    nothing_left "$1"
}

signalled() {
    begin "$1" "$2"
    kill -"$2" "$PID"
    ends "$1" "$3"
}

# The engine's program: the engine itself, or a daemon's client.
dies() {
    begin "$1" dies
    kill -KILL "$(pgrep -P "$PID" -x "${1%%-*}" | sed -n 1p)"
    ends "$1" 4 'was killed by signal 9'
}

# The timeout counts only for the step: the base and everything before the step are cached by the previous case.
hangs() {
    [ -e "$F/$1-INT" ] || signalled "$1" INT 130
    begin "$1" hangs --timeout 15s
    ends "$1" 1 'did not end in time.*--timeout'
}

# SIGKILL for lbuild itself: the engine's container stays until the user runs the page's command; the next build removes lbuild's own files.
killed() {
    begin buildah killed
    kill -KILL "$PID"
    wait "$PID" || true
    # shellcheck disable=SC2046  # one word per process
    kill -KILL $(sleeps)
    test -n "$(left_in buildah)"
    buildah rm --all
    rm -rf "${F:?}/tmp"/*
    # A young file may belong to a process that is about to lock it.
    find "$CACHE/lbuild/objects/work" -mindepth 1 -maxdepth 1 -exec touch -d '-11 minutes' {} +
    lbuild build -C "$P" -q --engine buildah --set stage:long.run='mkdir /made' -o "$P.tar"
    nothing_left buildah
}

# The engine's storage is on a small file system.
no_room() {
    need_part base-
    use_engine "$1"
    P=$F/$1-full ROOM=$F/room-$1 LITTLE=
    project "$P"
    mkdir "$ROOM"
    mount -t tmpfs -o size=40m lbuild-room "$ROOM"
    "little_${1%%-*}"
    fails_with 4 'no space left on device' lbuild build -C "$P" -q "${OPTIONS[@]}" -o "$P.tar"
    [ -z "$LITTLE" ] || { kill "$LITTLE"; wait "$LITTLE" || true; }
    grep " $ROOM" /proc/self/mounts | cut -d' ' -f2 | sort -r | xargs -r -n1 umount -l
    [ ! -e "$P.tar" ] || die 'there is an image'
    no_files
}

little_buildah() {
    storage_conf vfs "$ROOM" >"$P.conf"
    export CONTAINERS_STORAGE_CONF=$P.conf
}

little_podman() { little_buildah; }

little_docker() {
    dockerd --data-root "$ROOM/data" --exec-root "$P.exec" --pidfile "$P.pid" --host "unix://$P.sock" --storage-driver overlay2 \
        --iptables=false --bridge=none >"$P.daemon" 2>&1 &
    LITTLE=$!
    echo $LITTLE >>"$W/pids"
    export DOCKER_HOST=unix://$P.sock
    wait_for 300 "$DOCKER" version || die "dockerd did not start: $(tail -n 5 "$P.daemon")"
}

little_buildctl() {
    : >"$P.toml"
    "$TEST_TOOLS/buildkit/buildkitd" --config "$P.toml" --root "$ROOM" --addr "unix://$P.sock" --containerd-worker=false \
        --oci-worker=true --oci-worker-binary runc --oci-worker-net host >"$P.daemon" 2>&1 &
    LITTLE=$!
    echo $LITTLE >>"$W/pids"
    OPTIONS=(--engine buildctl --addr "unix://$P.sock")
    wait_for 300 buildctl --addr "unix://$P.sock" debug workers || die "buildkitd did not start: $(tail -n 5 "$P.daemon")"
}

# As an ordinary user who owns nothing.
forbidden() {
    need setpriv
    need_part base-
    use_engine "$1"
    P=$F/$1-forbidden
    project "$P" scratch
    if [ "$1" = buildctl ]; then
        mkdir -p "$F/bin"
        cp "$TEST_TOOLS/buildkit/buildctl" "$F/bin"
        PATH=$F/bin:$PATH
    fi
    mkdir -p "$F/home"
    install -d -o 65534 -m 700 "$F/tmp/nobody"
    fails_with 4 "$2" env -u DOCKER_CONFIG HOME="$F/home" TMPDIR="$F/tmp/nobody" XDG_RUNTIME_DIR="$F/tmp/nobody" XDG_CACHE_HOME="$F/tmp/nobody/cache" \
        setpriv --reuid 65534 --regid 65534 --clear-groups "$LBUILD" build -C "$P" -q "${OPTIONS[@]}" -o "$F/tmp/out.tar"
    rm -rf "$F/tmp/nobody"
    no_files
}

docker_is_absent() {
    use_engine docker-BuildKit
    P=$F/docker-absent
    project "$P" scratch
    DOCKER_HOST=unix://$W/nobody.sock fails_with 4 "no docker daemon answers; start it .*DOCKER_HOST" \
        lbuild build -C "$P" -q "${OPTIONS[@]}"
}

# A remote builder whose connection breaks while a step runs: exit code 75.
goes_away() {
    local socket=$DAEMONS/buildkit.sock address cut=$F/cut-$1
    use_engine "$1"
    [ "${1%-*}" != docker ] || socket=$DAEMONS/docker.sock
    python3 "$SOURCES/cut.py" "$socket" "$cut.port" "$cut.now" &
    echo $! >>"$W/pids"
    wait_for 200 test -s "$cut.port"
    address=tcp://127.0.0.1:$(cat "$cut.port")
    if [ "$1" = buildx ]; then
        buildx create --name lbuild-cut --driver remote "$address"
        begin "$1" away --builder lbuild-cut
    elif [ "$1" = buildctl ]; then
        begin "$1" away --addr "$address"
    else
        FAR=$address begin "$1" away
    fi
    : >"$cut.now"
    ends "$1" 75 'went away in the middle.*try again'
}

# buildah, for one, can't commit on such an image.
without_history() {
    need_part base-amd64
    use_engine "$1"
    P=$F/$1-history
    project "$P"
    printf '\n[stage:odd]\nfrom = oci:%s\nrun = echo made > /made\n\n[files]\nstage:odd:/made = /var/task/\n' \
        "$INTEGRATION_BASES/layouts/no-history" >>"$P/lbuild.ini"
    lbuild build -C "$P" -q "${OPTIONS[@]}" -o "$F/$1-history.tar"
    same 'made' "$(python3 "$SOURCES/tree.py" "$F/$1-history.tar" | grep -o 'var/task/made' | sed 's,.*/,,')"
}

for engine in buildah buildah-rootless podman docker-classic docker-BuildKit buildctl buildx; do
    check "interrupt, $engine" signalled $engine INT 130
    check "timeout, $engine" hangs $engine
    check "$engine dies" dies $engine
done
check 'terminate, podman' signalled podman TERM 143
check 'terminate, docker BuildKit' signalled docker-BuildKit TERM 143
check 'lbuild is killed' killed
for engine in buildah podman docker-classic docker-BuildKit buildctl; do check "full disk, $engine" no_room $engine; done
check 'without permission, docker' forbidden docker-BuildKit "you may not use docker's daemon; run 'sudo usermod -aG docker"
check 'without permission, buildctl' forbidden buildctl "may not talk to .*its socket belongs to"
check 'without permission, buildah' forbidden buildah 'permission denied.*storage.conf'
check 'without permission, podman' forbidden podman 'permission denied.*storage.conf'
check 'no docker daemon' docker_is_absent
for engine in docker-classic docker-BuildKit buildctl buildx; do check "$engine goes away" goes_away $engine; done
for engine in buildah podman docker-classic docker-BuildKit buildctl; do check "a stage on an image without history, $engine" without_history $engine; done
