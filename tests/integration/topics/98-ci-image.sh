# lbuild's own image for CI, built by lbuild as docs/ci.md says, and used there.

I=$W/ci-image
mkdir -p "$I"
storage_conf overlay "$I/storage" >"$I/storage.conf"
export CONTAINERS_CONF=$W/containers.conf CONTAINERS_STORAGE_CONF=$I/storage.conf
TREE=$(cd "$SOURCES/../.." && pwd)

# Runs the page's NUMBERth command, with the registry, podman and the options of these tests.
page() {
    sed -n '/^## An image for it/,/^## What to keep/s/^    //p' "$TREE/docs/ci.md" | sed -n "$1p" |
        sed -e "s|registry.example.com|${REGISTRY#http://}/test|" -e "s|lbuild-ci.tar|$I/image.tar|" \
            -e 's|^docker run --rm|careful_run|' -e 's|^skopeo copy|& --dest-tls-verify=false|'
}

# Runs a command in a container without any capability, as a careful runner does.
careful_run() {
    podman run --rm --tls-verify=false --network host --cap-drop all --security-opt no-new-privileges -e CI=true \
        -v "$W/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro" "$@"
}

inside() {
    local folder=$1
    shift
    [ -e "$I/ready" ] || skip_case 'the image is not there'
    careful_run -v "$folder:/src" "${REGISTRY#http://}/test/lbuild-ci:1" "$@"
}

# All packages that the file names can be installed together, for the architecture that the image is built for.
packages_exist() {
    need_part base-
    local name options
    for name in amd64 arm64; do
        options=()
        [ $name = amd64 ] || options=(--profile arm64)
        (cd "$TREE" && lbuild render -f ci-image.ini "${options[@]}") |
            sed -n 's/.* --no-install-recommends \(.*\) \\$/\1/p' >"$I/packages"
        same 2 "$(wc -l <"$I/packages")"
        PYTHONPATH=$SOURCES/bases python3 - "$I/apt-$name" $name "$I/packages" <<'PY'
import sys, packages
folder, arch, lists = sys.argv[1:]
apt = packages.Apt(folder, arch)
for line in open(lists):
    apt.get("-q", "-s", "install", *line.split())
PY
    done
}

# Without the AWS CLI and skopeo, which are large and which lbuild itself doesn't need.
FEW="ca-certificates gcc gcc-aarch64-linux-gnu git jq libc6-dev libc6-dev-arm64-cross make libarchive13 libcurl4 libdeflate0 libexpat1 \
libgit2-1.5 libinih1 libjansson4 libmicrohttpd12 libssl3"

build() {
    need buildah podman skopeo
    need_part base-
    need_debian
    same 4 "$(page '1,$' | wc -l)"
    cd "$TREE" || exit
    eval "$(page 1) --network host --registry-mirror docker.io=$REGISTRY -o $I/image.tar --set 'stage:tools.packages=$FEW'"
    eval "$(page 2)"
    touch "$I/ready"
}

builds_hello() {
    [ -e "$I/ready" ] || skip_case 'the image is not there'
    cp -R "$TREE/examples/hello" "$I/hello"
    cd "$I/hello" || exit
    # Without a command: lbuild, which builds the project in /src.
    eval "$(page 3)" | grep '^hello@sha256:'
    same '{"hello":{}}' "$(eval "$(page 4)")"
    same '{"hello":{"name":"world"}}' "$(lbuild invoke --data '{"name":"world"}' "$I/hello/hello.tar")"
    inside "$I/hello" lbuild --arm64 -o arm64.tar
    same '{"hello":{"name":"world"}}' "$(lbuild invoke --data '{"name":"world"}' "$I/hello/arm64.tar")"
}

# The image has the tools that the examples of docs/ci use, and all of lbuild: every library that it loads, its templates, its Makefile.
has_the_tools() {
    inside "$I" sh -euc 'git --version; jq --version; make --version; lbuild version'
    inside "$I" lbuild doctor >"$I/doctor"
    cat "$I/doctor"
    inside "$I" sh -euc 'cd /tmp; lbuild init new; cd new; git init -q .; printf "include lbuild.mk\n" >Makefile; make -n image'
}

# Runs the shell part of an example as GitLab's runner does: /bin/sh through the image's entry point.
gitlab() {
    [ -e "$I/ready" ] || skip_case 'the image is not there'
    local repo=$I/repo
    project "$repo/functions/one"
    project "$repo/functions/two" al2 arm64
    sed -i 's/^name = .*/name = two/' "$repo/functions/two/lbuild.ini"
    git init -q "$repo"
    git -C "$repo" add .
    git -C "$repo" -c user.name=ci -c user.email=ci@example.com commit -q -m all
    python3 "$SOURCES/ci_steps.py" show "$TREE/docs/ci/gitlab-ci.yml" functions >"$repo/.git/script"
    inside "$repo" env CI_PROJECT_DIR=/src GITLAB_CI=true CI_COMMIT_SHA="$(git -C "$repo" rev-parse HEAD)" XDG_CACHE_HOME=/src/.cache \
        sh -e .git/script
    same '{"hello":1}' "$(lbuild invoke --data 1 "$repo/functions/one/hello.tar")"
    same '{"hello":1}' "$(lbuild invoke --data 1 "$repo/functions/two/two.tar")"
}

check 'the packages exist' packages_exist
check 'lbuild builds its own image' build
check 'it builds examples/hello, for both architectures' builds_hello
check 'it has the tools' has_the_tools
check 'GitLab CI in it' gitlab
