# The engines with containers that need no daemon: buildah (as root and rootless) and podman.

export CONTAINERS_CONF=$W/containers.conf CONTAINERS_STORAGE_CONF=$W/engines/storage.conf
mkdir -p "$W/engines"
storage_conf() { printf '[storage]\ndriver = "%s"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$1" "$2" "$2"; }
storage_conf overlay "$W/engines" >"$CONTAINERS_STORAGE_CONF"

# stages FOLDER [ARCH]: a project with a builder that installs packages and with a stage of its own.
stages() {
    project "$1" al2023 "${2:-x86_64}"
    printf 'packages = gcc glibc-static zip\n' >>"$1/lbuild.ini"
    cat >>"$1/lbuild.ini" <<'INI'

[stage:pages]
from = al2023
copy = notes /notes
run = mkdir -p /made/deep
    wc -l </notes/one >/made/deep/count
    ln -s deep/count /made/link
    chmod 700 /made/deep/count

[files]
stage:pages:/made = /var/task/made
INI
    mkdir -p "$1/notes"
    printf 'a\nb\n' >"$1/notes/one"
}

# What an engine may leave: its cache. Nothing of ours runs, is mounted, or lies about.
nothing_left() {
    local work=$XDG_CACHE_HOME/lbuild/objects/work
    same '' "$(buildah containers -q)"
    same '' "$(find "$work" -mindepth 1 -maxdepth 1)"
    exits 1 grep -q " $W/engines/graph/.*/merged" /proc/self/mounts
    ! pgrep -f "lbuild-sleeps-$RUN_ID" || die 'a process of the step still runs'
    ! ls -d "$W"/tmp-engines/* 2>/dev/null || die 'temporary files are left'
}
mkdir -p "$W/tmp-engines"
export TMPDIR=$W/tmp-engines

answers() { same '{"hello":{"a":1}}' "$(lbuild invoke --data '{"a":1}' "$1")"; }

like_host() {
    need "$1"
    need_part base-
    P=$W/engines/$1-c
    project "$P"
    lbuild build -C "$P" -q -o "$P-host.tar"
    lbuild build -C "$P" --engine "$1" -o "$P.tar"
    cmp "$P-host.tar" "$P.tar"
    answers "$P.tar"
    nothing_left
    # Offline, and with another configuration: everything is there.
    lbuild build -C "$P" -q --engine "$1" --offline --no-cache --set function.handler=hello2 -o "$P-2.tar"
    nothing_left
}

with_stages() {
    need "$1"
    need_part base-
    P=$W/engines/$1-stages-$2
    stages "$P" "$2"
    [ "$2" != arm64 ] || { need_part builder-arm64; need_arm64; }
    lbuild build -C "$P" --engine "$1" -o "$P.tar" 2>&1 | tee "$P.log"
    grep -q '\[pages 4/.*\] RUN wc -l' "$P.log"
    python3 "$SOURCES/tree.py" "$P.tar" >"$P.tree"
    grep -E '/?var/task/made/deep/count .*0?755 ' "$P.tree" || { grep made "$P.tree"; die 'no such file in the image'; }
    grep -E 'var/task/made/link .*deep/count' "$P.tree" || { grep made "$P.tree"; die 'no such link in the image'; }
    [ "$2" = arm64 ] || answers "$P.tar"
    lbuild check -C "$P"
    nothing_left
}

auto_takes_what_it_needs() {
    need buildah
    need_part base-
    P=$W/engines/auto
    stages "$P"
    lbuild plan -C "$P" | grep -E '^engine +one with containers +\(.*lbuild.ini:'
    fails_with 4 "the engine host can't do .*lbuild.ini:[0-9]+" lbuild build -C "$P" -q --engine host
    lbuild build -C "$P" --network none 2>&1 | tee "$P.log"
    grep -q '^engine *buildah: the first that works here' "$P.log"
    sleep 0.1
    # Nothing changed: no engine is started, and no other tool either.
    mkdir -p "$P-none"
    printf '#!/bin/sh\necho started >>"%s/ran"\nexit 1\n' "$P-none" >"$P-none/buildah"
    chmod +x "$P-none/buildah"
    lbuild build -C "$P" --network none -q
    PATH=$P-none lbuild build -C "$P" --network none -q && die 'another PATH is another build'
    lbuild build -C "$P" --network none 2>&1 | tee "$P.log"
    grep -q '^fresh' "$P.log"
    exits 1 grep -q '^engine' "$P.log"
    printf 'c\n' >>"$P/notes/one"
    lbuild build -C "$P" --network none 2>&1 | grep '^engine'
    lbuild build -C "$P" --network none --target pages 2>&1 | tee "$P.log"
    exits 1 grep -q '^write' "$P.log"
    nothing_left
}

# sleeper FOLDER: a project whose stage runs until it is ended.
sleeper() {
    project "$1"
    printf '\n[stage:long]\nfrom = al2023\nrun = cp /usr/bin/sleep /tmp/lbuild-sleeps-%s; /tmp/lbuild-sleeps-%s 600\n' \
        "$RUN_ID" "$RUN_ID" >>"$1/lbuild.ini"
    printf '\n[files]\nstage:long:/made = /var/task/\n' >>"$1/lbuild.ini"
}

# Ends a build while its step runs: by a signal to lbuild, or by the engine's own death.
ended_in_the_middle() {
    need "$1"
    need_part base-
    local pid engine status=0 want=$3
    P=$W/engines/$1-$2
    sleeper "$P"
    # A shell's background jobs ignore SIGINT otherwise.
    env --default-signal=INT "$LBUILD" build -C "$P" --engine "$1" -o "$P.tar" >"$P.log" 2>&1 &
    pid=$!
    wait_for 600 pgrep -f "tmp/lbuild-sleeps-$RUN_ID 600" || die "the step did not start: $(tail -n 3 "$P.log")"
    if [ "$2" = engine ]; then
        engine=$(pgrep -P $pid -x "$1" | head -n 1)
        kill -KILL "$engine"
    else
        kill -"$2" $pid
    fi
    wait $pid || status=$?
    cat "$P.log"
    same "$want" $status
    [ ! -e "$P.tar" ] || die 'there is an image'
    nothing_left
}

too_late() {
    need buildah
    need_part base-
    P=$W/engines/late
    sleeper "$P"
    fails_with 1 'did not end in time' lbuild build -C "$P" -q --engine buildah --timeout 8s
    nothing_left
}

a_failing_step() {
    need "$1"
    need_part base-
    P=$W/engines/$1-fails
    project "$P"
    printf '\n[stage:broken]\nfrom = al2023\nrun = true\n    echo these are its last words; exit 7\n' >>"$P/lbuild.ini"
    printf '\n[files]\nstage:broken:/made = /var/task/\n' >>"$P/lbuild.ini"
    line=$(grep -n 'last words' "$P/lbuild.ini" | cut -d: -f1)
    fails_with 1 "lbuild.ini:$line:.*RUN echo these are its last words; exit 7.* failed in stage 'broken'.*: these are its last words; .*7" \
        lbuild build -C "$P" -q --engine "$1"
    nothing_left
    project "$P-c"
    echo 'int main(void) { return undeclared; }' >"$P-c/src/handler.c"
    exits 1 lbuild build -C "$P-c" -q --engine "$1" 2>"$P-c.log"
    grep "^src/handler.c:1:.*error:.*undeclared" "$P-c.log"
    grep "^lbuild: .*failed in stage 'build'" "$P-c.log"
    nothing_left
}

# The sentinel is in no image, blob, log, cache key or argument list, nor in what the engine keeps.
secrets_stay_secret() {
    need buildah
    need_part base-
    local sentinel=sentinel-$RUN_ID-$RANDOM$RANDOM
    fresh_store
    P=$W/engines/secret
    project "$P"
    cat >>"$P/lbuild.ini" <<'INI'

[stage:private]
from = al2023
run = test "$(wc -c </run/secrets/token)" -gt 12
    mkdir /made; wc -c </run/secrets/file >/made/size
secrets = token file

[secrets]
token = env:SENTINEL

[files]
stage:private:/made = /var/task/made
INI
    mkdir -p "$P-bin"
    printf '#!/bin/sh\necho "$@" >>"%s"\nexec %s "$@"\n' "$P-bin/log" "$(command -v buildah)" >"$P-bin/buildah"
    chmod +x "$P-bin/buildah"
    printf '%s' "$sentinel" >"$W/secret-file"
    SENTINEL=$sentinel PATH=$P-bin:$PATH lbuild build -v -C "$P" --engine buildah --secret "id=file,src=$W/secret-file" >"$P.log" 2>&1
    grep -q -- '--secret' "$P-bin/log"
    mkdir -p "$P-out"
    tar -xf "$P/hello.tar" -C "$P-out"
    for blob in "$P-out"/blobs/sha256/*; do zcat -f "$blob"; done >"$P-out/plain"
    exits 1 grep -rqaF "$sentinel" "$P-out" "$P.log" "$P-bin/log" "$XDG_CACHE_HOME" "$W/engines/graph"
    fails_with 3 "the secret 'token' is to be in .SENTINEL, which isn't set" env -u SENTINEL "$LBUILD" build -C "$P" -q --engine buildah -o "$P-2.tar"
}

# A small file system holds the engine's storage.
full_disk() {
    need buildah
    need_part base-
    P=$W/engines/full
    project "$P"
    mkdir -p "$P-disk"
    mount -t tmpfs -o size=24m lbuild-full "$P-disk"
    storage_conf vfs "$P-disk" >"$P.conf"
    CONTAINERS_STORAGE_CONF=$P.conf fails_with 4 'no space left on device' lbuild build -C "$P" -q --engine buildah
    umount "$P-disk"
    [ ! -e "$P/hello.tar" ] || die 'there is an image'
    nothing_left
    lbuild build -C "$P" -q --engine buildah
}

two_at_once() {
    need buildah
    need_part base-
    local one two
    P=$W/engines/two
    stages "$P"
    lbuild build -C "$P" -q --engine buildah -o "$W/engines/two-1.tar" &
    one=$!
    lbuild build -C "$P" -q --engine buildah -o "$W/engines/two-2.tar" &
    two=$!
    wait $one
    wait $two
    cmp "$W/engines/two-1.tar" "$W/engines/two-2.tar"
    nothing_left
}

# An ordinary user with ranges of ids: known in the tests' own mount namespace alone.
rootless() {
    need buildah setpriv newuidmap
    need_part base-
    local user=lbuild-test home=$W/rootless run
    mkdir -p "$home/storage" "$home/runtime"
    for file in passwd group subuid subgid; do cat "/etc/$file" >"$home/$file" 2>/dev/null || : >"$home/$file"; done
    echo "$user:x:61717:61717::$home:/bin/sh" >>"$home/passwd"
    echo "$user:x:61717:" >>"$home/group"
    echo "$user:617170000:65536" | tee -a "$home/subuid" >>"$home/subgid"
    for file in passwd group subuid subgid; do
        [ -e "/etc/$file" ] || skip_case "there is no /etc/$file"
        mount --bind "$home/$file" "/etc/$file"
    done
    storage_conf overlay "$home/storage" >"$home/storage.conf"
    printf 'rootless_storage_path = "%s/storage/graph"\n' "$home" >>"$home/storage.conf"
    P=$home/project
    stages "$P"
    chown -R 61717:61717 "$home"
    run=(setpriv --reuid 61717 --regid 61717 --clear-groups env HOME="$home" XDG_CACHE_HOME="$home/cache" TMPDIR="$home"
        XDG_RUNTIME_DIR="$home/runtime" USER="$user" LOGNAME="$user" CONTAINERS_STORAGE_CONF="$home/storage.conf" BUILDAH_ISOLATION=chroot)
    "${run[@]}" buildah unshare true || skip_case 'user namespaces are not allowed here'
    "${run[@]}" "$LBUILD" build -C "$P" --engine buildah --network host
    answers "$P/hello.tar"
    lbuild build -C "$P" -q --engine buildah -o "$P-root.tar"
    cmp "$P/hello.tar" "$P-root.tar"
    same '' "$("${run[@]}" buildah containers -q)"
    same '' "$(find "$home/cache/lbuild/objects/work" -mindepth 1 -maxdepth 1)"
    "${run[@]}" buildah unshare rm -rf "$home/storage/graph"
}

# Every command on the engines' pages.
docs_hold() {
    need buildah podman
    need_part base-
    local page
    P=$W/engines/docs
    project "$P"
    mkdir -p "$P-bin"
    ln -sf "$LBUILD" "$P-bin/lbuild"
    for page in engines.md engines/buildah.md engines/podman.md; do
        sed -n 's/^    //p' "$SOURCES/../../docs/$page"
    done >"$P.sh"
    grep -c lbuild "$P.sh"
    (cd "$P" && PATH=$P-bin:$PATH bash -euxo pipefail "$P.sh")
    lbuild doctor | grep -E '^  buildah .*\(1\.[0-9.]+, as root\)'
    podman image prune --all --force >/dev/null
    same '' "$(buildah images -aq)"
}

check 'buildah gives what host gives' like_host buildah
check 'podman gives what host gives' like_host podman
check 'buildah: packages and a stage' with_stages buildah x86_64
check 'podman: packages and a stage' with_stages podman x86_64
check 'buildah: packages and a stage, arm64' with_stages buildah arm64
check 'podman: packages and a stage, arm64' with_stages podman arm64
check 'auto takes an engine when the plan needs one, and none when nothing changed' auto_takes_what_it_needs
check 'a failing step, buildah' a_failing_step buildah
check 'a failing step, podman' a_failing_step podman
check 'interrupt, buildah' ended_in_the_middle buildah INT 130
check 'terminate, podman' ended_in_the_middle podman TERM 143
check 'buildah dies' ended_in_the_middle buildah engine 4
check 'podman dies' ended_in_the_middle podman engine 4
check 'timeout' too_late
check 'a secret stays where it belongs' secrets_stay_secret
check 'full disk' full_disk
check 'two builds at once' two_at_once
check 'buildah without root' rootless
check 'the commands of the docs' docs_hold
