# Checks the Dockerfile of each template, as `lbuild init` and `lbuild render` make it, with the linters that are installed. Left out are:
# DL3029, FromPlatformFlagConstDisallowed  the platform is fixed on purpose: an image has the architecture that was requested
# DL3033, DL3041  Amazon Linux keeps no older versions of its packages, so a pinned one is gone tomorrow
# DL3003  `cd` within a step, which has no effect after the step
# DL4006  sh has no pipefail; the steps check the status of the command that matters
# SC1007  `LC_ALL= command` is meant

LINT=$W/lint
TEMPLATES=$SOURCES/../../templates
mkdir -p "$LINT"

rendered() {
    [ ! -e "$LINT/$1.made" ] || return 0
    (cd "$LINT" && lbuild init "$1" --lang "$1")
    lbuild render -C "$LINT/$1" >"$LINT/$1.Dockerfile"
    touch "$LINT/$1.made"
}

hadolint_() {
    [ -x "$TEST_TOOLS/hadolint/bin/hadolint" ] || skip_case 'hadolint is not installed; tests/integration/install-wheels does it'
    rendered "$1"
    "$TEST_TOOLS/hadolint/bin/hadolint" --no-color --ignore DL3029 --ignore DL3033 --ignore DL3041 --ignore DL3003 --ignore DL4006 \
        --ignore SC1007 "$LINT/$1.Dockerfile"
}

buildkit() {
    need_buildkit
    rendered "$1"
    mkdir -p "$LINT/$1.d"
    cp "$LINT/$1.Dockerfile" "$LINT/$1.d/Dockerfile"
    buildctl_ build --progress plain --frontend dockerfile.v0 --local context="$LINT/$1.d" --local dockerfile="$LINT/$1.d" \
        --opt requestid=frontend.lint --opt build-arg:BUILDKIT_DOCKERFILE_CHECK=skip="$2" >"$LINT/$1.lint"
    cat "$LINT/$1.lint"
    exits 1 grep WARNING "$LINT/$1.lint"
}

# Without the exception, BuildKit's linter finds something.
buildkit_looks() { (buildkit c none) | grep FromPlatformFlagConstDisallowed; }

check 'BuildKit looks' exits 1 buildkit_looks
for template in "$TEMPLATES"/*.template; do
    template=$(basename "$template" .template)
    check "hadolint, $template" hadolint_ "$template"
    check "BuildKit, $template" buildkit "$template" FromPlatformFlagConstDisallowed
done
