# The engines with containers that need no daemon: buildah and podman.

export CONTAINERS_CONF=$W/containers.conf CONTAINERS_STORAGE_CONF=$W/engines/storage.conf
mkdir -p "$W/engines"
storage_conf overlay "$W/engines" >"$CONTAINERS_STORAGE_CONF"

# stages FOLDER: makes a project whose builder installs packages, and which has its own stage.
stages() {
    project "$1"
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

# An engine may leave only its cache. Nothing of ours may still run, be mounted, or lie about.
nothing_left() {
    local work=$XDG_CACHE_HOME/lbuild/objects/work
    same '' "$(buildah containers -q)"
    same '' "$(find "$work" -mindepth 1 -maxdepth 1)"
    exits 1 grep -q " $W/engines/graph/.*/merged" /proc/self/mounts
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
    # Offline, and with another configuration: everything needed is in the cache.
    lbuild build -C "$P" -q --engine "$1" --offline --no-cache --set function.handler=hello2 -o "$P-2.tar"
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
    # If nothing has changed, no engine and no other tool is started.
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

# The secret must be in no image, blob, log, cache key or argument list, nor in the engine's storage.
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
    printf '#!/bin/sh\necho "$@" >>"%s"\nexec %s "$@"\n' "$P-calls" "$(command -v buildah)" >"$P-bin/buildah"
    chmod +x "$P-bin/buildah"
    printf '%s' "$sentinel" >"$W/secret-file"
    SENTINEL=$sentinel PATH=$P-bin:$PATH lbuild build -v -C "$P" --engine buildah --secret "id=file,src=$W/secret-file" >"$P.log" 2>&1
    grep -q -- '--secret' "$P-calls"
    mkdir -p "$P-out"
    tar -xf "$P/hello.tar" -C "$P-out"
    for blob in "$P-out"/blobs/sha256/*; do zcat -f "$blob"; done >"$P-out/plain"
    exits 1 grep -rqaF "$sentinel" "$P-out" "$P.log" "$P-calls" "$XDG_CACHE_HOME" "$W/engines/graph"
    # Another value of the secret is no change. The output is another one, since for the existing one lbuild may start no engine at all.
    SENTINEL=$sentinel-2 PATH=$P-bin:$PATH lbuild build -C "$P" --engine buildah --secret "id=file,src=$W/secret-file" -o "$P-1.tar" 2>&1 |
        grep -F '[private 3/3] taken from the cache'
    printf '%s-longer' "$sentinel" >"$W/secret-file"
    SENTINEL=$sentinel-2 lbuild build -C "$P" --engine buildah --secret "id=file,src=$W/secret-file" --no-cache -o "$P-3.tar"
    exits 1 cmp -s "$P/hello.tar" "$P-3.tar"
    fails_with 3 "the secret 'token' is expected in .SENTINEL, which isn't set" env -u SENTINEL "$LBUILD" build -C "$P" -q --engine buildah -o "$P-2.tar"
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

# Runs every command on the engines' pages.
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
check 'auto takes an engine when the plan needs one, and none when nothing changed' auto_takes_what_it_needs
check 'a failing step, buildah' a_failing_step buildah
check 'a failing step, podman' a_failing_step podman
check 'a secret stays where it belongs' secrets_stay_secret
check 'two builds at once' two_at_once
check 'the commands of the docs' docs_hold
