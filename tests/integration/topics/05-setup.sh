# Tests of the stand-ins themselves: a test on a wrong base proves nothing.

raw_manifest() { skopeo inspect --raw "docker://$REGISTRY_HOST/$1"; }

base_is_as_documented() {
    need skopeo
    local tag=$1 config
    config=$(skopeo --override-arch "$2" inspect --config --raw "docker://$REGISTRY_HOST/lambda/provided:$tag")
    python3 - "$config" "$2" <<'PY'
import json, sys
top = json.loads(sys.argv[1])
c = top["config"]
assert top["architecture"] == sys.argv[2]
assert c["Entrypoint"] == ["/lambda-entrypoint.sh"] and not c.get("Cmd") and c["WorkingDir"] == "/var/task"
assert not c.get("User") and not c.get("Labels") and not c.get("ExposedPorts")
env = dict(e.split("=", 1) for e in c["Env"])
assert env["PATH"] == "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin" and len(env) == 6
assert len(top["rootfs"]["diff_ids"]) == 4
assert sum(not h.get("empty_layer") for h in top["history"]) == 4
PY
    raw_manifest "lambda/provided:$tag" | finds 'docker.distribution.manifest.list.v2+json'
}

anonymous_flow() {
    local base=https://$REGISTRY_HOST token
    same 401 "$(curl -s -o /dev/null -w '%{http_code}' "$base/v2/lambda/provided/manifests/al2023")"
    token=$(curl -s "$base/token/?service=$REGISTRY_HOST&scope=repository:lambda/provided:pull" |
        sed 's/.*"token": "\([^"]*\)".*/\1/')
    same 200 "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" \
        -H 'Accept: application/vnd.docker.distribution.manifest.list.v2+json' \
        "$base/v2/lambda/provided/manifests/al2023")"
    same 401 "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" \
        "$base/v2/amazonlinux/amazonlinux/manifests/2023")"
}

entry_script_wants_one_word() {
    need_docker
    local name=$REGISTRY_HOST/lambda/provided:al2023
    docker_ pull -q "$name"
    exits 142 docker_ run --rm --network none "$name"
    exits 142 docker_ run --rm --network none "$name" a b
}

arm64_base_runs() {
    need_part base-arm64
    need_arm64
    need_docker
    docker_ pull -q --platform linux/arm64 "$REGISTRY_HOST/lambda/provided:al2023-arm64"
    exits 142 docker_ run --rm --network none --platform linux/arm64 "$REGISTRY_HOST/lambda/provided:al2023-arm64"
}

builder_checks_names() {
    need_docker
    local name=$REGISTRY_HOST/amazonlinux/amazonlinux:2023
    docker_ pull -q "$name"
    docker_ run --rm --network none "$name" dnf install -y gcc glibc-static
    exits 1 docker_ run --rm --network none "$name" dnf install -y gcc libfoo
    docker_ run --rm --network none "$name" sh -c \
        'printf "int main(void) { return 3; }" >/tmp/a.c; gcc -static -O2 -o /tmp/a /tmp/a.c; /tmp/a; test $? = 3'
}

# Packages that the builder lacks come from the repository of packages, so a template that forgets one doesn't build.
builder_installs() {
    need_docker
    local name=$REGISTRY_HOST/amazonlinux/amazonlinux:2023
    docker_ pull -q "$name"
    exits 127 docker_ run --rm --network host "$name" jq --version
    docker_ run --rm --network host "$name" sh -c 'dnf install -y jq && echo {} | jq -c .a'
    exits 1 docker_ run --rm --network none "$name" dnf install -y jq
    exits 1 docker_ run --rm --network host "$name" dnf install -y nodejs20 2>&1 | tee "$W/absent"
    grep 'there is no stand-in for Node.js 20' "$W/absent"
}

faults_happen() {
    local url
    start_front --fault cut:100 --match /blobs/ --times 1
    url=$FRONT/v2/lambda/provided/blobs/$(raw_manifest lambda/provided:al2023-amd64 |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["layers"][0]["digest"])')
    exits 18 curl -s -o "$W/part" "$url"
    same 100 "$(stat -c %s "$W/part")"
    curl -s -C 100 -o "$W/part" "$url"
    same "sha256:$(sha256sum "$W/part" | cut -c1-64)" "${url##*/}"
    same 1 "$(count '"fault": "cut"')"
    stop_front
    start_front --fault status:429 --retry-after 2
    same 429 "$(curl -s -o /dev/null -w '%{http_code}' "$FRONT/v2/")"
    stop_front
    start_front --fault flip:50 --match /blobs/
    curl -s -o "$W/bad" "$FRONT/v2/${url#*/v2/}"
    same 1 "$(cmp -l "$W/part" "$W/bad" | wc -l)"
    stop_front
}

sources_are_there() {
    need_part source-
    test -s "$INTEGRATION_BASES/sources/zlib/inflate.c"
    test -s "$INTEGRATION_BASES/sources/sqlite3/src/main.c"
}

# The README's line, with a /usr/local that only this case sees; then lbuild finds all it needs there.
installed() {
    local build
    build=$(dirname "$LBUILD")
    [ -e "$build/Makefile" ] || skip_case "$LBUILD is not in a build folder"
    # shellcheck disable=SC2016  # Markdown's quotes
    grep -q '`make -C build install` puts lbuild under `/usr/local`' "$SOURCES/../../README.md"
    unset LBUILD_DATA
    fresh_store
    export build W
    # shellcheck disable=SC2016  # for the shell that it starts
    unshare --mount --propagation private bash -euc '
        mount -t tmpfs none /usr/local
        make -C "$build" install
        hash -r
        cd "$(mktemp -d "$W/installed.XXXXXX")"
        test "$(command -v lbuild)" = /usr/local/bin/lbuild
        lbuild init hello
        lbuild -C hello --set image.base=scratch
        lbuild invoke -C hello --set image.base=scratch --data "{\"n\":1}" | grep -F "{\"n\":1}"
        make -C "$build" uninstall
        test -z "$(find /usr/local ! -type d)"'
}

check 'the al2023 base is as documented, x86_64' base_is_as_documented al2023 amd64
check 'the al2023 base is as documented, arm64' base_is_as_documented al2023 arm64
check 'the al2 base is as documented, x86_64' base_is_as_documented al2 amd64
check 'the al2 base is as documented, arm64' base_is_as_documented al2 arm64
check 'the registry wants an anonymous token with the right scope' anonymous_flow
check 'the entry script wants one word' entry_script_wants_one_word
check 'the arm64 base runs' arm64_base_runs
check 'the builder has a compiler and real package names' builder_checks_names
check 'the builder installs what it lacks' builder_installs
check 'the faults of the registry front happen' faults_happen
check 'third-party sources are there' sources_are_there
check 'make install puts lbuild under /usr/local' installed
