# The examples under docs/ci/: each is valid for its CI system, and its shell parts do what they promise. Only the AWS CLI is
# a stub; images are pushed to a registry on this machine.

EXAMPLES=$SOURCES/../../docs/ci

parts() { python3 "$SOURCES/ci_steps.py" show "$EXAMPLES/$1" "$2"; }

# A commit with two functions, one on each base, and the tools that the examples expect in their image.
repository() {
    need_part base-
    need git jq skopeo python3 htpasswd
    python3 -c 'import yaml' || skip_case 'python3-yaml is not installed'
    fresh_store
    R=$(mktemp -d "$W/ci.XXXXXX")
    mkdir -p "$R/bin" "$R/home" "$R/repo"
    ln -s "$LBUILD" "$R/bin/lbuild"
    printf '#!/bin/sh\n[ "$*" = "ecr get-login-password" ] || exit 9\necho secret\n' >"$R/bin/aws"
    chmod 755 "$R/bin/aws"
    project "$R/repo/functions/one"
    project "$R/repo/functions/two" al2
    sed -i 's/^name = .*/name = one/' "$R/repo/functions/one/lbuild.ini"
    sed -i 's/^name = .*/name = two/' "$R/repo/functions/two/lbuild.ini"
    [ "$1" != broken ] || sed -i 's/lambda_printf/lambda_primtf/; s/static int hello/static imt hello/' \
        "$R/repo/functions/two/src/handler.c"
    (
        cd "$R/repo" || exit
        git init -q .
        git add .
        git -c user.name=ci -c user.email=ci@example.com commit -q -m all
    )
    COMMIT=$(git -C "$R/repo" rev-parse HEAD)
    htpasswd -Bbn AWS secret >"$R/htpasswd"
    start_registry "${R##*.}" "http: {addr: 127.0.0.1:@PORT@, tls: {certificate: $W/tls/cert.pem, key: $W/tls/key.pem}}" \
        "auth: {htpasswd: {realm: ecr, path: $R/htpasswd}}"
}

# step FILE NAME VARIABLE=VALUE...: runs a step as the CI system's shell does, in the checkout, without our environment.
step() {
    local file=$1 name=$2
    shift 2
    parts "$file" "$name" >"$R/script"
    test -s "$R/script"
    (
        cd "$R/repo" || exit
        env -i PATH="$R/bin:$PATH" HOME="$R/home" LBUILD_DATA="$LBUILD_DATA" SSL_CERT_FILE="$SSL_CERT_FILE" \
            XDG_RUNTIME_DIR="$R/home" REGISTRY="127.0.0.1:$STARTED" XDG_CACHE_HOME="$R/repo/.cache" "$@" "${RUNNER[@]}" sh -e "$R/script"
    )
}

# The pushed image is the one that was built, and its tag is the commit.
pushed() {
    local line name digest count=0
    while read -r line; do
        name=${line%%:*} digest=${line#*@}
        same "$digest" "$(skopeo inspect --creds AWS:secret --format '{{.Digest}}' \
            "docker://127.0.0.1:$STARTED/$name:$COMMIT")"
        count=$((count + 1))
    done <"$R/repo/images.txt"
    same 2 $count
    same "$COMMIT" "$(skopeo inspect --creds AWS:secret --format \
        '{{index .Labels "org.opencontainers.image.revision"}}' "docker://127.0.0.1:$STARTED/one:$COMMIT")"
}

RUNNER=()

lint() {
    need python3
    python3 -c 'import yaml' || skip_case 'python3-yaml is not installed'
    local file
    for file in github-actions.yml gitlab-ci.yml buildspec.yml Jenkinsfile; do
        python3 "$SOURCES/ci_steps.py" lint "$EXAMPLES/$file"
        python3 "$SOURCES/ci_steps.py" show "$EXAMPLES/$file" >"$W/ci-script"
        sh -n "$W/ci-script"
        ! command -v shellcheck >/dev/null || shellcheck -s sh "$W/ci-script"
        # The page must name every example.
        grep -qF "ci/$file" "$EXAMPLES/../ci.md"
    done
    test "$(find "$EXAMPLES" -type f | wc -l)" = 4
}

# The linter for the workflow syntax, if it is available.
actionlint_passes() {
    if ! command -v actionlint >/dev/null; then
        need go
        GOBIN=$W/gobin timeout 150 go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7 >"$W/actionlint.log" 2>&1 ||
            skip_case "actionlint can't be installed: $(tail -n 1 "$W/actionlint.log")"
        PATH=$PATH:$W/gobin
    fi
    actionlint "$EXAMPLES/github-actions.yml"
}

github() {
    repository fine
    local variables=(GITHUB_ACTIONS=true GITHUB_WORKSPACE="$R/repo" GITHUB_SHA="$COMMIT")
    step github-actions.yml Build "${variables[@]}" 2>"$R/log"
    exits 1 grep '^::' "$R/log"
    step github-actions.yml Push "${variables[@]}"
    pushed
}

github_shows_mistakes() {
    repository broken
    exits 1 step github-actions.yml Build GITHUB_ACTIONS=true GITHUB_WORKSPACE="$R/repo" 2>"$R/log"
    cat "$R/log"
    grep -qE '^::error file=functions/two/src/handler.c,line=3,col=[0-9]+::' "$R/log"
    same 1 "$(jq .status "$R/repo/report.json")"
    test -s "$R/repo/functions/one/one.tar"
    same 1 "$(wc -l <"$R/repo/images.txt")"
}

containers_show_mistakes() {
    need buildah
    need_part builder-amd64
    repository broken
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$R" "$R" >"$R/storage.conf"
    exits 1 env CONTAINERS_CONF="$W/containers.conf" CONTAINERS_STORAGE_CONF="$R/storage.conf" GITHUB_ACTIONS=true \
        GITHUB_WORKSPACE="$R/repo" "$LBUILD" build -C "$R/repo/functions/two" --engine buildah 2>"$R/log"
    cat "$R/log"
    grep -qE '^::error file=functions/two/src/handler.c,line=3,col=[0-9]+::' "$R/log"
}

# As root of an ordinary container: without any capability, and without an engine's socket.
unprivileged() {
    need setpriv
    RUNNER=(setpriv --inh-caps=-all --bounding-set=-all --no-new-privs)
    ! "${RUNNER[@]}" mount -t tmpfs none /mnt 2>/dev/null || die 'the runner has privileges'
}

gitlab() {
    unprivileged
    repository fine
    local variables=(CI_PROJECT_DIR="$R/repo" CI_COMMIT_SHA="$COMMIT" GITLAB_CI=true)
    step gitlab-ci.yml functions "${variables[@]}"
    same 0 "$(jq length "$R/repo/gl-code-quality.json")"
    step gitlab-ci.yml images "${variables[@]}"
    pushed
}

gitlab_shows_mistakes() {
    unprivileged
    repository broken
    exits 1 step gitlab-ci.yml functions CI_PROJECT_DIR="$R/repo" GITLAB_CI=true
    # The members that GitLab's documentation requires of an entry.
    jq -e 'length > 0 and all(.[]; (.description | type == "string") and (.check_name | type == "string")
        and (.fingerprint | test("^[0-9a-f]{32}$")) and (.severity | IN("info", "minor", "major", "critical", "blocker"))
        and (.location.path == "functions/two/src/handler.c") and (.location.lines.begin | type == "number"))
        and ([.[].fingerprint] | length == (unique | length))' "$R/repo/gl-code-quality.json"
}

codebuild() {
    repository fine
    local variables=(CODEBUILD_SRC_DIR="$R/repo" CODEBUILD_RESOLVED_SOURCE_VERSION="$COMMIT")
    step buildspec.yml build "${variables[@]}"
    step buildspec.yml post_build "${variables[@]}" CODEBUILD_BUILD_SUCCEEDING=1
    pushed
    exits 1 step buildspec.yml post_build "${variables[@]}" CODEBUILD_BUILD_SUCCEEDING=0
}

jenkins() {
    repository fine
    local variables=(WORKSPACE="$R/repo" GIT_COMMIT="$COMMIT" HOME="$R/repo/.home")
    step Jenkinsfile Build "${variables[@]}"
    step Jenkinsfile Push "${variables[@]}"
    pushed
}

check 'the examples are well-formed' lint
check 'actionlint passes' actionlint_passes
check 'GitHub Actions' github
check 'GitHub shows mistakes' github_shows_mistakes
check 'compilers in containers show mistakes' containers_show_mistakes
check 'GitLab CI, without privileges' gitlab
check 'GitLab shows mistakes' gitlab_shows_mistakes
check 'AWS CodeBuild' codebuild
check 'Jenkins' jenkins
