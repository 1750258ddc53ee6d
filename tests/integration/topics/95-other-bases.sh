# Bases that aren't Amazon's: Debian, a system with musl like Alpine, one without a shell like distroless. lbuild adds the client, and
# Lambda starts the image without AWS's entry script.

languages_storage
OTHERS=$W/other-bases
EXAMPLES=$SOURCES/../../examples
mkdir -p "$OTHERS"
ALPINE=docker.io/library/alpine:3.20
DEBIAN=docker.io/library/debian:bookworm-slim
DISTROLESS=oci:$INTEGRATION_BASES/layouts/distroless

need_others() {
    need jq
    need_part base-amd64
    [ -e "$INTEGRATION_BASES/layouts/distroless" ] || "$SOURCES/bases/others" "$INTEGRATION_BASES" "$REGISTRY"
}

# on BASE NAME [OPTION...]: builds the project $OTHERS/NAME on BASE.
on() { lbuild build -C "$OTHERS/$2" --registry-mirror "docker.io=$REGISTRY" --set "image.base=$1" "${@:3}" -o "$OTHERS/$2.tar"; }
by_buildah() { on "$@" --engine buildah --network host; }

# answered NAME EVENT ANSWER: starts the image as Lambda does. The emulator plays Lambda's part and isn't in the image.
answered() {
    lbuild check --werror "$OTHERS/$1.tar"
    same "$(jq -cS . <<<"$3")" "$(python3 "$SOURCES/run_image.py" --rie "$INTEGRATION_BASES/rie-amd64" "$OTHERS/$1.tar" "$2" | jq -cS .)"
}

example_on() {
    local base=$1 name=$2
    cp -R "$EXAMPLES/$name" "$OTHERS/$name"
    "$3" "$base" "$name" "${@:4}"
    answered "$name" "$(cat "$OTHERS/$name/event.json")" "$(cat "$OTHERS/$name/answer.json")"
}

debian_python() {
    need buildah
    need_others
    need_debian
    # This machine's certificate authorities, which a plain Debian doesn't know: update-ca-certificates adds them.
    sed "s|^\[containers]|&\nvolumes = [\"$W/ca-certificates.crt:/usr/local/share/ca-certificates/machine.crt:ro\"]|" "$W/containers.conf" \
        >"$OTHERS/containers.conf"
    CONTAINERS_CONF=$OTHERS/containers.conf example_on $DEBIAN python by_buildah --locked
}

# shell_project NAME: makes a project that answers with the event.
shell_project() {
    mkdir -p "$OTHERS/$1"
    printf '[project]\nname = echo\n\n[function]\nlanguage = shell\n' >"$OTHERS/$1/lbuild.ini"
    printf 'handler() { cat; }\n' >"$OTHERS/$1/function.sh"
}

# As docs/base-images.md says: a plain Debian has neither curl nor wget, so a stage adds curl.
debian_shell() {
    need buildah
    need_others
    need_debian
    shell_project debian-shell
    by_buildah $DEBIAN debian-shell 2>&1 | tee "$OTHERS/said"
    grep -q "LB060.*neither 'curl' nor 'wget' is in the image" "$OTHERS/said"
    sed -n '/^## Other systems/,/^## /s/^    //p' "$SOURCES/../../docs/base-images.md" >>"$OTHERS/debian-shell/lbuild.ini"
    by_buildah $DEBIAN debian-shell
    answered debian-shell '{"a":[1]}' '{"a":[1]}'
}

check 'Debian: python with a locked dependency' debian_python
check 'Debian: shell, with curl from a stage' debian_shell

# If the template needs no packages, the base itself is the builder. A compiler comes from Amazon Linux, whose static program needs no
# library of the base.
alpine_shell() {
    need buildah
    need_others
    shell_project alpine-shell
    by_buildah $ALPINE alpine-shell
    answered alpine-shell '{"a":[1]}' '{"a":[1]}'
}

alpine_c() {
    need_others
    project "$OTHERS/alpine-c"
    on $ALPINE alpine-c --engine host
    answered alpine-c 1 '{"hello":1}'
    need buildah
    by_buildah $ALPINE alpine-c --set build.builder=al2023
    answered alpine-c 2 '{"hello":2}'
}

# own_program NAME COMPILER...: makes a project with a program that another compiler made.
own_program() {
    mkdir -p "$OTHERS/$1"
    printf '[project]\nname = x\n\n[function]\nlanguage = custom\n' >"$OTHERS/$1/lbuild.ini"
    echo 'const char api[] = "AWS_LAMBDA_RUNTIME_API"; int main(void) { return 0; }' >"$OTHERS/$1/main.c"
    "${@:2}" -o "$OTHERS/$1/bootstrap" "$OTHERS/$1/main.c"
}

alpine_glibc() {
    need cc
    need_others
    own_program alpine-glibc cc
    fails_with 6 "bootstrap.*it wants the interpreter '/lib64/ld-linux-x86-64.so.2', which is not in the image" \
        on $ALPINE alpine-glibc --engine host
    same 1 "$(cat "$W/err.$TOPIC".* | grep -c LB033)"
    [ ! -e "$OTHERS/alpine-glibc.tar" ]
    need musl-gcc
    own_program alpine-musl musl-gcc
    on $ALPINE alpine-musl --engine host
    lbuild check --werror "$OTHERS/alpine-musl.tar"
}

# Only the base's user may enter its WORKDIR, and Lambda runs as another user: so WORKDIR becomes /var/task.
distroless_program() {
    need_others
    case $1 in
    go) need go ;;
    cpp) [ -e /usr/include/zlib.h ] || skip_case 'zlib is not installed' ;;
    esac
    cp -R "$EXAMPLES/$1" "$OTHERS/$1"
    sed -i '/^packages = /d' "$OTHERS/$1/lbuild.ini"
    on "$DISTROLESS" "$1" --engine host --locked
    same /var/task "$(lbuild inspect --json "$OTHERS/$1.tar" | jq -r .workdir)"
    answered "$1" "$(cat "$OTHERS/$1/event.json")" "$(cat "$OTHERS/$1/answer.json")"
}

distroless_shell() {
    need buildah
    need_others
    shell_project no-shell
    fails_with 6 "LB033.*it is a script for '/bin/sh', which is not in the image" by_buildah "$DISTROLESS" no-shell -q
}

check 'Alpine: shell, with its wget' alpine_shell
check 'Alpine: C, host and buildah' alpine_c
check 'Alpine: a program for glibc is refused, one for musl is not' alpine_glibc
for name in cpp go; do check "distroless: $name, host" distroless_program $name; done
check 'distroless: a script is refused' distroless_shell
