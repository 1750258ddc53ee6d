# Shared by the runner and the topics: cases, projects, the registry's fronts and the engines.
# The runner exports W (a private folder), LBUILD, SOURCES (this folder) and INTEGRATION_BASES; each topic is one bash
# process that calls `check NAME COMMAND...` and `skip NAME REASON`, a TAP line each.
# shellcheck shell=bash disable=SC2034  # the topics use what is set here

REGISTRY_HOST=public.ecr.aws
CDN_HOST=d5l0dvt14r5h8.cloudfront.net
unset SOURCE_DATE_EPOCH

say() { printf '# %s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# The command runs in a subshell under set -e; its output is shown if it fails. A case that hangs is ended, and the run goes on.
# Each line says how long the case took.
CASE_SECONDS=${CASE_SECONDS:-1200}
check() {
    local name=$1 status watchdog took started=${EPOCHREALTIME/[.,]/}
    shift
    mkdir -p "$W/log"
    local log="$W/log/${TOPIC:-case}-${name//[^a-zA-Z0-9]/_}"
    if [[ -n ${ONLY:-} && ! $name =~ $ONLY ]]; then return 0; fi
    if [[ -n ${LBUILD_TEST_END:-} && $(date +%s) -ge $LBUILD_TEST_END ]]; then
        skip "$name" 'no time is left'
        return 0
    fi
    rm -f "$log.pid" "$log.late"
    end_late "$log" >/dev/null 2>&1 </dev/null &
    watchdog=$!
    disown
    set +e
    (echo "$BASHPID" >"$log.pid"; set -euo pipefail; "$@") >"$log" 2>&1 </dev/null
    status=$?
    set -e
    while [ -e "$log.late" ] && [ -e "/proc/$watchdog" ]; do sleep 0.1; done
    # shellcheck disable=SC2046  # one word per process
    kill $(descendants "$watchdog") 2>/dev/null || true
    took=$(((${EPOCHREALTIME/[.,]/} - started + 50000) / 100000))
    took="$((took / 10)).$((took % 10)) s"
    if [ -e "$log.late" ]; then
        printf 'not ok - %s (%s)\n' "$name" "$took"
        tail -n 25 "$log" | cut -c1-1200 | sed 's/^/#   /'
        printf '#   (no end after %s seconds)\n' "$CASE_SECONDS"
    elif [ $status = 0 ]; then
        printf 'ok - %s (%s)\n' "$name" "$took"
    elif [ $status = 77 ]; then
        printf 'ok - %s (%s) # SKIP %s\n' "$name" "$took" "$(tail -n 1 "$log")"
    else
        printf 'not ok - %s (%s)\n' "$name" "$took"
        tail -n 25 "$log" | cut -c1-1200 | sed 's/^/#   /'
        printf '#   (status %s)\n' "$status"
    fi
}

# Ends a process and its descendants. A daemon that a case started isn't a descendant any more.
descendants() {
    local child
    echo "$1"
    # shellcheck disable=SC2013  # one line, many words
    for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do descendants "$child"; done
}

# Ends the watchdog of the case with that log.
end_late() {
    local late
    sleep "$CASE_SECONDS" || return
    touch "$1.late"
    late=$(descendants "$(cat "$1.pid")")
    # shellcheck disable=SC2086  # one word per process
    { kill $late; sleep 2; kill -9 $late; }
}

skip() { printf 'ok - %s # SKIP %s\n' "$1" "$2"; }

# For long cases that don't disturb each other: `later LANE NAME COMMAND...` notes a case. `together` runs the noted cases, the lanes side by
# side and the cases of a lane one after the other, and reports them in the order in which they were noted.
LATER=()
later() {
    local lane=$1 name=$2
    shift 2
    LATER+=("$lane" "$name" "$(printf '%q ' "$@")")
}

together() {
    local dir i lane
    local -A lanes=()
    dir=$(mktemp -d "$W/lanes.XXXXXX")
    for ((i = 0; i < ${#LATER[@]}; i += 3)); do
        lane=${LATER[i]}
        [ -z "${lanes[$lane]:-}" ] || continue
        run_lane "$lane" "$dir" </dev/null &
        lanes[$lane]=$!
        echo $! >>"$W/pids"
    done
    for ((i = 0; i < ${#LATER[@]}; i += 3)); do
        until [ -e "$dir/$i" ] || [ ! -e "/proc/${lanes[${LATER[i]}]}" ]; do sleep 0.1; done
        cat "$dir/$i" || printf 'not ok - %s\n#   (its lane came to an end)\n' "${LATER[i + 1]}"
    done
    LATER=()
}

run_lane() {
    local i
    for ((i = 0; i < ${#LATER[@]}; i += 3)); do
        [ "${LATER[i]}" = "$1" ] || continue
        eval "check \"\${LATER[i + 1]}\" ${LATER[i + 2]}" >"$2/$i.new" 2>&1
        mv "$2/$i.new" "$2/$i"
    done
}

# Within a case: end it as skipped.
skip_case() { printf '%s\n' "$*"; exit 77; }
need() {
    local tool
    for tool; do command -v "$tool" >/dev/null || skip_case "$tool is not installed"; done
}
# rustup installs cargo before there is any toolchain.
need_rust() {
    need cargo
    cargo --version >/dev/null 2>&1 || skip_case 'cargo has no toolchain'
}
# need_feed KIND FILE: the repository makes packages of that kind when they are first requested, or says why it can't.
need_feed() {
    local said
    need curl
    said=$(curl -s "http://127.0.0.1:$(cat "$W/repository.port")/$1/$2" | tr -d '\0' | sed -n 's/.*<p>Message: \(.*\)\.<\/p>.*/\1/p')
    [ -z "$said" ] || skip_case "$said"
}
# need_gems [FOLDER]: with FOLDER, also the gems of its lock file.
need_gems() {
    local gem
    need_feed gems specs.4.8
    while read -r gem; do
        curl -sf -o /dev/null "http://127.0.0.1:$(cat "$W/repository.port")/gems/gems/$gem.gem" || skip_case "the distribution has no $gem"
    done < <([ $# = 0 ] || sed -n 's/^    \([a-z_]*\) (\(.*\))$/\1-\2/p' "$1/Gemfile.lock")
}
# .NET's SDK is the one in the builder image, run in a container that stays.
need_dotnet() {
    need buildah
    need_part base-amd64
    need_feed nuget yamldotnet/index.json
    (
        exec 9>"$W/dotnet.lock"
        flock 9
        [ ! -e "$W/dotnet" ] || exit 0
        builder=$(buildah from public.ecr.aws/amazonlinux/amazonlinux:2023)
        buildah run --network host "$builder" dnf install -y dotnet-sdk-8.0 || skip_case "no .NET SDK is available"
        buildah config --env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 --env DOTNET_CLI_TELEMETRY_OPTOUT=1 --env DOTNET_NOLOGO=1 "$builder"
        echo "$builder" >"$W/dotnet"
    ) 9>&-
}
# dotnet_here FILE: changes a project file to the version that is available here.
dotnet_here() { sed -i 's/>net8.0</>netcoreapp3.1</' "$1"; }
# dotnet_project FOLDER: a project for the version that is available here, with a lock file, whose digests are the feed's.
dotnet_project() {
    dotnet_here "$1/function.csproj"
    buildah run --network host --volume "$(realpath "$1"):/src" "$(cat "$W/dotnet")" dotnet restore --use-lock-file --force-evaluate /src/function.csproj
    rm -rf "$1/obj"
}

# How a case names a language: AWS's clients for Ruby and .NET aren't available here.
subject() {
    case $1 in
    ruby) echo "ruby (with a stand-in of AWS's client)" ;;
    dotnet) echo "dotnet (3.1, with a stand-in of AWS's client)" ;;
    *) echo "$1" ;;
    esac
}

need_part() {
    local line
    line=$(grep "^$1" "$INTEGRATION_BASES/absent" || true)
    [ -z "$line" ] || skip_case "${line:0:100}"
}

same() { [ "$1" = "$2" ] || die "expected: $1
     got: $2"; }

# Like `grep -q` at the end of a pipe, but reads everything: grep -q leaves early, and under pipefail its writer's SIGPIPE is a failure.
finds() {
    local all
    all=$(cat)
    grep -q "$@" <<<"$all"
}

# layer_files IMAGE NUMBER: the names of the files in a layer; layers are counted from the last.
layer_files() {
    tar -xOf "$1" "$(tar -xOf "$1" manifest.json | jq -r ".[0].Layers[-$2]")" | tar -tz | grep -v '/$' | sort
}

# The command's exit code must be the given one.
exits() {
    local want=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" = "$want" ] || die "exit code $got, not $want: $*"
}

# A failed lbuild must print one line that names what went wrong.
fails_with() {
    local want=$1 pattern=$2 got=0 err
    shift 2
    err=$(mktemp "$W/err.${TOPIC:-}.XXXXXX")
    "$@" >"$err.out" 2>"$err" || got=$?
    cat "$err"
    [ "$got" = "$want" ] || die "exit code $got, not $want: $*"
    grep -qiE -e "$pattern" "$err" || die "the message does not match: $pattern"
    [ ! -s "$err.out" ] || die "stdout is not empty: $(head -c 200 "$err.out")"
}

lbuild() { "$LBUILD" "$@"; }

# A fresh store for this case.
fresh_store() {
    XDG_CACHE_HOME=$(mktemp -d "$W/cache.XXXXXX")
    export XDG_CACHE_HOME
}

# project FOLDER [BASE [ARCH]]: a small project; it answers {"hello":EVENT}.
project() {
    mkdir -p "$1/src"
    printf '[project]\nname = hello\n\n[function]\nlanguage = c\nhandler = hello\n\n' >"$1/lbuild.ini"
    printf '[image]\nbase = %s\narch = %s\n\n[build]\nsources = src/*.c\n' "${2:-al2023}" "${3:-x86_64}" \
        >>"$1/lbuild.ini"
    cat >"$1/src/handler.c" <<'C'
#include <lambda_runtime.h>

static int hello(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    (void)context;
    return lambda_printf(response, "{\"hello\":%.*s}", (int)event->size, event->data);
}

LAMBDA_HANDLERS({ "hello", hello })
C
    # Nothing may depend on who cloned the project, nor on the times of its files.
    find "$1" -exec touch -d @1700000000 {} +
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# wait_for TENTHS COMMAND...: waits until the command succeeds, at most TENTHS tenths of a second on a quiet machine and three times as long
# on a busy one.
wait_for() {
    local tries=$(($1 * 3))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
}

# start_front [OPTION...]: a front of the plain registry; sets FRONT (its URL), FRONT_LOG and FRONT_PID.
start_front() {
    local dir scheme=http arg
    dir=$(mktemp -d "$W/front.XXXXXX")
    for arg; do [ "$arg" != --tls ] || scheme=https; done
    python3 "$SOURCES/front.py" --upstream "$REGISTRY" --log "$dir/log" --port-file "$dir/port" "$@" \
        >"$dir/out" 2>&1 &
    FRONT_PID=$!
    echo $FRONT_PID >>"$W/pids"
    wait_for 100 test -s "$dir/port" || die "the front did not start: $(cat "$dir/out")"
    FRONT=$scheme://127.0.0.1:$(cat "$dir/port") FRONT_LOG=$dir/log
}

stop_front() { kill "$FRONT_PID" 2>/dev/null || true; wait "$FRONT_PID" 2>/dev/null || true; }

# count PATTERN: prints how many lines of the front's log match.
count() { grep -cE -e "$1" "$FRONT_LOG" || true; }

# start_registry NAME YAML...: starts docker-registry with this additional configuration; sets STARTED (its port).
start_registry() {
    local name=$1 port dir=$W/registry-$1
    shift
    port=$(free_port)
    mkdir -p "$dir/data"
    {
        printf 'version: 0.1\nlog: {level: warn}\n'
        printf 'storage:\n  filesystem: {rootdirectory: %s}\n  delete: {enabled: true}\n' "${REGISTRY_DATA:-$dir/data}"
        printf '%s\n' "$@" | sed "s/@PORT@/$port/g"
    } >"$dir/config.yml"
    docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 &
    echo $! >>"$W/pids"
    STARTED=$port
    wait_for 100 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || die "docker-registry: $(tail -n 3 "$dir/log")"
}

certificate() {
    local dir=$1
    mkdir -p "$dir"
    openssl req -x509 -newkey rsa:2048 -nodes -days 9999 -subj /CN=lbuild-test-ca -keyout "$dir/ca.key" -out "$dir/ca.crt"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$REGISTRY_HOST" -keyout "$dir/key.pem" -out "$dir/leaf.csr"
    printf 'subjectAltName=DNS:%s,DNS:%s,DNS:localhost,IP:127.0.0.1\n' "$REGISTRY_HOST" "$CDN_HOST" >"$dir/ext"
    openssl x509 -req -days 9999 -in "$dir/leaf.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial \
        -extfile "$dir/ext" -out "$dir/cert.pem"
}

# Docker: the engine under test is Debian's client and our own daemon. Each lane of topics has its own daemons, in the folder
# DAEMONS, so that lanes don't see what others leave in them.
docker_() { DOCKER_HOST=unix://$DAEMONS/docker.sock DOCKER_CONFIG=$DAEMONS/docker-config "$DOCKER" "$@"; }

need_docker() {
    need dockerd
    DOCKER=/usr/bin/docker
    [ -x $DOCKER ] || skip_case "/usr/bin/docker is not installed"
    docker_ version >/dev/null 2>&1 || start_docker
}

start_docker() {
    (
        flock 9
        ! docker_ version >/dev/null 2>&1 || exit 0
        mkdir -p "$DAEMONS/docker-config"
        dockerd --data-root "$DAEMONS/docker" --exec-root "$DAEMONS/docker-exec" --pidfile "$DAEMONS/docker.pid" \
            --host "unix://$DAEMONS/docker.sock" --storage-driver overlay2 --iptables=false --bridge=none \
            >"$DAEMONS/docker.log" 2>&1 9>&- &
        wait_for 300 docker_ version || die "dockerd did not start: $(tail -n 5 "$DAEMONS/docker.log")"
    ) 9>"$DAEMONS/docker.lock"
}

# BuildKit: as tests/integration/install-buildkit built it, with our own daemon, which runs its steps with runc.
need_buildkit() {
    local tool
    need runc
    for tool in buildkit/buildkitd buildkit/buildctl "$@"; do
        [ -x "$TEST_TOOLS/$tool" ] || skip_case "${tool##*/} is not built; tests/integration/install-buildkit does it"
    done
    buildkit_answers || start_buildkitd
    BUILDKIT_TCP=tcp://127.0.0.1:$(cat "$DAEMONS/buildkit.port")
}

# It listens on a unix socket, and on TCP for clients with a certificate of $DAEMONS/buildkit-tls (ca.pem, cert.pem, key.pem).
start_buildkitd() {
    (
        flock 9
        ! buildkit_answers || exit 0
        local tls=$DAEMONS/buildkit-tls
        certificate "$tls" 2>/dev/null
        cp "$tls/ca.crt" "$tls/ca.pem"
        free_port >"$DAEMONS/buildkit.port"
        : >"$DAEMONS/buildkitd.toml"
        "$TEST_TOOLS/buildkit/buildkitd" --config "$DAEMONS/buildkitd.toml" --root "$DAEMONS/buildkit" \
            --addr "unix://$DAEMONS/buildkit.sock" --addr "tcp://127.0.0.1:$(cat "$DAEMONS/buildkit.port")" \
            --tlscacert "$tls/ca.pem" --tlscert "$tls/cert.pem" --tlskey "$tls/key.pem" \
            --containerd-worker=false --oci-worker=true --oci-worker-binary runc --oci-worker-net host \
            >"$DAEMONS/buildkitd.log" 2>&1 9>&- &
        echo $! >"$DAEMONS/buildkitd.pid"
        wait_for 300 buildkit_answers || die "buildkitd did not start: $(tail -n 5 "$DAEMONS/buildkitd.log")"
    ) 9>"$DAEMONS/buildkitd.lock"
}

stop_buildkitd() {
    [ -s "$DAEMONS/buildkitd.pid" ] || return 0
    local pid
    pid=$(cat "$DAEMONS/buildkitd.pid")
    kill "$pid" 2>/dev/null || true
    wait_for 150 test ! -e "/proc/$pid/exe" || kill -9 "$pid"
    rm -f "$DAEMONS/buildkitd.pid"
}

buildkit_answers() { [ -S "$DAEMONS/buildkit.sock" ] && buildctl_ debug workers; } >/dev/null 2>&1
buildctl_() { BUILDKIT_HOST=unix://$DAEMONS/buildkit.sock "$TEST_TOOLS/buildkit/buildctl" "$@"; }

# Makes lbuild find the engine. use_docker 0 is the classic builder, use_docker 1 is BuildKit.
use_docker() {
    need_docker
    export DOCKER_HOST=unix://$DAEMONS/docker.sock DOCKER_CONFIG=$DAEMONS/docker-config DOCKER_BUILDKIT=$1 PATH=$DAEMONS/docker-bin:$PATH
    mkdir -p "$DAEMONS/docker-bin"
    ln -sf /usr/bin/docker "$DAEMONS/docker-bin/docker"
}

use_buildctl() {
    need_buildkit
    export PATH=$TEST_TOOLS/buildkit:$PATH
}

# The builder lbuild-test is the daemon of use_buildctl.
use_buildx() {
    need_buildkit buildx/buildx
    export PATH=$TEST_TOOLS/buildx:$PATH BUILDX_CONFIG=$DAEMONS/buildx-config DOCKER_CONFIG=$DAEMONS/no-docker
    export DOCKER_HOST=unix:///nonexistent
    [ -e "$BUILDX_CONFIG/instances/lbuild-test" ] ||
        buildx create --name lbuild-test --driver remote "unix://$DAEMONS/buildkit.sock"
}

# An ordinary user with ranges of ids, who exists only in the tests' own mount namespace. ROOTLESS starts a command as this user, whose
# home is $W/rootless; buildah is set up there.
need_rootless() {
    local user=lbuild-test home=$W/rootless file
    need buildah setpriv newuidmap
    ROOTLESS=(setpriv --reuid 61717 --regid 61717 --clear-groups env HOME="$home" XDG_CACHE_HOME="$home/cache" TMPDIR="$home"
        XDG_RUNTIME_DIR="$home/runtime" USER="$user" LOGNAME="$user" CONTAINERS_CONF="$W/containers.conf"
        CONTAINERS_STORAGE_CONF="$home/storage.conf" BUILDAH_ISOLATION=chroot)
    if [ ! -e "$home" ]; then
        mkdir -p "$home/storage" "$home/runtime"
        for file in passwd group subuid subgid; do
            [ -e "/etc/$file" ] || skip_case "there is no /etc/$file"
            cat "/etc/$file" >"$home/$file"
        done
        echo "$user:x:61717:61717::$home:/bin/sh" >>"$home/passwd"
        echo "$user:x:61717:" >>"$home/group"
        echo "$user:617170000:65536" | tee -a "$home/subuid" >>"$home/subgid"
        for file in passwd group subuid subgid; do mount --bind "$home/$file" "/etc/$file"; done
        storage_conf overlay "$home/storage" >"$home/storage.conf"
        printf 'rootless_storage_path = "%s/storage/graph"\n' "$home" >>"$home/storage.conf"
        chown -R 61717:61717 "$home"
    fi
    "${ROOTLESS[@]}" buildah unshare true || skip_case 'user namespaces are not allowed here'
}

# use_engine NAME: NAME is an engine, or docker-classic, docker-BuildKit or buildah-rootless. Sets OPTIONS for lbuild, AS (the words in
# front of it) and CACHE (its cache).
use_engine() {
    CACHE=$XDG_CACHE_HOME OPTIONS=(--engine "${1%%-*}") AS=()
    case $1 in
    host) ;;
    buildah | podman) need "$1" ;;
    buildah-rootless)
        need_rootless
        AS=("${ROOTLESS[@]}") CACHE=$W/rootless/cache
        OPTIONS+=(--network host)
        ;;
    docker-*)
        if [ "$1" = docker-BuildKit ]; then use_docker 1; else use_docker 0; fi
        OPTIONS+=(--network none)
        ;;
    buildctl)
        use_buildctl
        OPTIONS+=(--addr "unix://$DAEMONS/buildkit.sock")
        ;;
    buildx)
        use_buildx
        OPTIONS+=(--builder lbuild-test)
        ;;
    esac
}

# Lists what such an engine has besides its cache and the bases that lbuild loaded.
left_in() {
    case $1 in
    buildah | podman) buildah containers -q ;;
    buildah-rootless) "${AS[@]}" buildah containers -q ;;
    docker-*)
        docker_ ps -aq
        docker_ volume ls -q
        docker_ image ls --filter label=lbuild.build -q
        ;;
    esac
}

storage_conf() { printf '[storage]\ndriver = "%s"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$1" "$2" "$2"; }

containers_conf() {
    local files
    files=$(ulimit -Hn)
    [ "$files" != unlimited ] && [ "$files" -lt 20000 ] || files=20000
    printf '[containers]\ndefault_ulimits = ["nofile=%s:%s","nproc=32768:32768"]\n' "$files" "$files"
    printf '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
}

# The topics that build languages share an engine's storage, because the layers below the project's own files are the same.
languages_storage() {
    export CONTAINERS_CONF=$W/containers.conf CONTAINERS_STORAGE_CONF=$W/languages/storage.conf
    mkdir -p "$W/languages"
    [ -e "$CONTAINERS_STORAGE_CONF" ] || storage_conf overlay "$W/languages" >"$CONTAINERS_STORAGE_CONF"
}

podman_() { CONTAINERS_CONF=$W/containers.conf podman --root "$W/podman" --runroot "$W/podman-run" "$@"; }
buildah_() { CONTAINERS_CONF=$W/containers.conf buildah --root "$W/buildah" --runroot "$W/buildah-run" "$@"; }

# Registers qemu, so that arm64 programs run on this machine; an existing registration is left alone.
need_arm64() {
    need qemu-aarch64-static
    local at=/proc/sys/fs/binfmt_misc
    [ -e $at/register ] || mount -t binfmt_misc none $at 2>/dev/null || skip_case "binfmt_misc can't be mounted"
    grep -qs -l 7f454c460201010000000000000000000200b700 $at/* || (
        flock 9
        [ -e "$at/lbuild-test-$RUN_ID" ] || printf '%s\n' \
            ":lbuild-test-$RUN_ID:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$(command -v qemu-aarch64-static):F" \
            >$at/register
    ) 9>"$W/binfmt.lock"
    # The daemon sees a new platform only when it starts.
    ! buildkit_answers || buildctl_ debug workers | finds linux/arm64 || stop_buildkitd
}

forget_arm64() {
    local at=/proc/sys/fs/binfmt_misc/lbuild-test-$RUN_ID
    [ ! -e "$at" ] || echo -1 >"$at"
}

# The stand-in of debian:bookworm-slim is in the registry; made once.
need_debian() {
    [ "$(uname -m)" = x86_64 ] || skip_case 'the stand-in of Debian is for x86_64'
    need mmdebstrap
    (
        flock 9
        [ ! -e "$INTEGRATION_BASES/debian" ] || exit 0
        "$SOURCES/bases/debian" "$INTEGRATION_BASES" "$REGISTRY" 2>"$W/debian.log" || skip_case "no Debian: $(tail -n 1 "$W/debian.log")"
        touch "$INTEGRATION_BASES/debian"
    ) 9>"$W/debian.lock"
}
