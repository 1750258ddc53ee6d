# Registries: every kind of access, and every fault with its exit code.

FINAL=5 RETRY=75 LOCKED=7
# The first layer, by its digest: the config, which is fetched first, is too small to be cut.
BLOBS='/blobs/sha256:'
# shellcheck disable=SC2012  # digests
LAYERS=$BLOBS$(ls -S "$INTEGRATION_BASES/layouts/al2023-amd64/blobs/sha256" 2>/dev/null | sed -n 1p)
MANIFESTS='/manifests/'

hello() {
    need_part base-
    fresh_store
    P=$(mktemp -d "$W/registry.XXXXXX")
    project "$P"
}

# from_front: builds with the front as a mirror of the real host.
from_front() { lbuild build -C "$P" --registry-mirror "$REGISTRY_HOST=$FRONT" "$@"; }

reference_tar() {
    [ -e "$W/reference.tar" ] && return 0
    (hello; lbuild build -C "$P" -o "$W/reference.tar")
}

# faulty WANT PATTERN FRONT-OPTION...: WANT is an exit code; 0 means that the build recovers.
faulty() {
    local want=$1 pattern=$2
    shift 2
    reference_tar
    hello
    start_front "$@"
    if [ "$want" = 0 ]; then
        from_front
        cmp "$W/reference.tar" "$P/hello.tar"
    else
        printf 'the old output\n' >"$P/hello.tar"
        fails_with "$want" "$pattern" from_front
        same 'the old output' "$(cat "$P/hello.tar")"
    fi
    [ "$(count '"fault": "')" -gt 0 ] || die 'the fault was never met'
    stop_front
    # Whatever the fault left must not disturb the next build.
    start_front
    from_front
    cmp "$W/reference.tar" "$P/hello.tar"
    stop_front
}

# within SECONDS COMMAND...: ends the command after that time, so that a build that hangs doesn't hold up the tests.
within() {
    local seconds=$1
    shift
    timeout -k 5 "$seconds" "$@"
}

resumes() {
    reference_tar
    hello
    start_front --fault cut:200000 --match "$LAYERS" --times 1
    from_front
    cmp "$W/reference.tar" "$P/hello.tar"
    grep -q '"range": "bytes=200000-"' "$FRONT_LOG"
    stop_front
}

stalls() {
    hello
    start_front --fault stall:1000 --match "$LAYERS"
    local from=$SECONDS
    fails_with $RETRY 'time|stall|slow' within 170 env LBUILD_HTTP_TIMEOUT=5 "$LBUILD" build -C "$P" --registry-mirror "$REGISTRY_HOST=$FRONT"
    printf 'gave up after %d s\n' $((SECONDS - from))
    stop_front
}

default_flow() {
    hello
    local from
    from=$(wc -l <"$AWS_FRONT_LOG")
    lbuild build -C "$P"
    tail -n +$((from + 1)) "$AWS_FRONT_LOG" >"$W/flow.log"
    grep -q '"path": "/token/?.*service=public.ecr.aws' "$W/flow.log"
    # The blobs, the manifests and the token need this many requests; with fewer, something wasn't checked.
    grep -c . "$W/flow.log"
    exits 1 grep '"status": 403' "$W/flow.log"
}

no_authorization_leaks() {
    hello
    local cdn
    cdn=$(for log in "$W"/front.*/log; do grep -l "$CDN_HOST" "$log" 2>/dev/null || true; done | sed -n 1p)
    [ -n "$cdn" ] || { lbuild build -C "$P"; cdn=$(grep -l "$CDN_HOST" "$W"/front.*/log | sed -n 1p); }
    exits 1 grep -E '"authorization": "[A-Za-z]' "$cdn"
    grep -q '"status": 200' "$cdn"
}

offline_second_build() {
    hello
    start_front
    from_front
    stop_front
    printf '/* another */\n' >>"$P/src/handler.c"
    lbuild build -C "$P" --offline
    lbuild build -C "$P" --pull never
    fresh_store
    fails_with $LOCKED 'offline|never' lbuild build -C "$P" --offline
}

pull_policies() {
    hello
    start_front
    from_front
    local before
    before=$(count "$MANIFESTS")
    printf '/* another */\n' >>"$P/src/handler.c"
    from_front --pull missing
    same "$before" "$(count "$MANIFESTS")"
    from_front --pull always
    [ "$(count "$MANIFESTS")" -gt "$before" ] || die '--pull always asked nothing'
    # Four layers and the config, each once.
    same 5 "$(count '"method": "GET", "path": "/v2/lambda/provided/blobs/')"
    stop_front
}

tls_with_own_ca() {
    hello
    start_front --tls "$W/tls/cert.pem" "$W/tls/key.pem"
    from_front --registry-ca "$W/tls/ca.crt"
    stop_front
    # A certificate authority that nobody knows.
    certificate "$W/other-tls" 2>/dev/null
    fresh_store
    start_front --tls "$W/other-tls/cert.pem" "$W/other-tls/key.pem"
    fails_with $FINAL 'certificate' from_front
    stop_front
}

# docker-registry's own ways of authentication.
copy_base() {
    skopeo copy -q --all --src-tls-verify=false "$@" "docker://${REGISTRY#http://}/lambda/provided:al2023" \
        "docker://127.0.0.1:$STARTED/lambda/provided:al2023"
}

htpasswd_registry() {
    need htpasswd skopeo
    hello
    htpasswd -Bbn user secret >"$W/htpasswd"
    start_registry basic 'http: {addr: 127.0.0.1:@PORT@}' "auth: {htpasswd: {realm: R, path: $W/htpasswd}}"
    copy_base --dest-tls-verify=false --dest-creds user:secret
    FRONT=http://127.0.0.1:$STARTED
    fails_with $FINAL 'unauthorized|401|credential|login' from_front
    mkdir -p "$W/docker-auth"
    printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$STARTED" "$(printf 'user:secret' | base64)" \
        >"$W/docker-auth/config.json"
    printf '[project]\nname = hello\n\n[image]\nbase = 127.0.0.1:%s/lambda/provided:al2023\n' "$STARTED" >"$P/lbuild.ini"
    DOCKER_CONFIG=$W/docker-auth lbuild build -C "$P"
    printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$STARTED" "$(printf 'user:wrong' | base64)" \
        >"$W/docker-auth/config.json"
    fresh_store
    DOCKER_CONFIG=$W/docker-auth fails_with $FINAL 'unauthorized|401|credential|login' lbuild build -C "$P"
}

bearer_registry() {
    hello
    start_front --auth bearer --realm 'http://127.0.0.1:{port}/token/' --service S
    from_front
    grep -q '"path": "/token/?.*service=S' "$FRONT_LOG"
    grep -qE 'scope=repository(:|%3A)lambda(/|%2F)provided(:|%3A)pull' "$FRONT_LOG"
    stop_front
}

silly_registry() {
    hello
    start_front --service S
    local tokens=$FRONT log=$FRONT_LOG pid=$FRONT_PID
    REGISTRY_DATA=$INTEGRATION_BASES/registry start_registry silly 'http: {addr: 127.0.0.1:@PORT@}' \
        "auth: {silly: {realm: \"$tokens/token/\", service: S}}"
    FRONT=http://127.0.0.1:$STARTED
    from_front
    grep -q 'service=S' "$log"
    FRONT_PID=$pid stop_front
}

redirecting_registry() {
    hello
    start_front --cdn
    local cdn=$FRONT log=$FRONT_LOG pid=$FRONT_PID
    start_front --auth bearer --realm 'http://127.0.0.1:{port}/token/' --service S --redirect-blobs "$cdn"
    from_front
    exits 1 grep -E '"authorization": "[A-Za-z]' "$log"
    grep -q '"status": 200' "$log"
    stop_front
    FRONT_PID=$pid stop_front
}

refused_connection() {
    hello
    FRONT=http://127.0.0.1:$(free_port)
    fails_with $RETRY 'connect|refused' from_front
}

unknown_tag() {
    hello
    start_front
    fails_with $FINAL 'not found|404|unknown' from_front --set "image.base=$REGISTRY_HOST/lambda/provided:nosuch"
    stop_front
}

check 'the default base, anonymous, over TLS' default_flow
check 'no authorization reaches the content host' no_authorization_leaks
check 'TLS with an authority of its own' tls_with_own_ca
check 'a registry with passwords' htpasswd_registry
check 'a registry with tokens' bearer_registry
check 'docker-registry with tokens' silly_registry
check 'a registry that redirects blobs' redirecting_registry
check 'a second build needs no network' offline_second_build
check 'pull policies' pull_policies
check 'a cut is resumed' resumes
check 'cut once' faulty 0 '' --fault cut:5000 --match "$LAYERS" --times 1
check 'cut in the manifest once' faulty 0 '' --fault cut:100 --match "$MANIFESTS" --times 1
check 'cut again and again' faulty $RETRY 'cut|closed|bytes|transfer|reset' --fault cut:0 --match "$LAYERS"
check 'dropped once' faulty 0 '' --fault drop --times 1
check 'dropped always' faulty $RETRY 'empty|closed|reply|reset|connect' --fault drop
check 'a stall' stalls
check '401 without a way in' faulty $FINAL '401|unauthorized|denied|credential|login' --fault status:401 \
    --realm 'http://127.0.0.1:{port}/token/' --service S
check '403' faulty $FINAL '403|denied|forbidden' --fault status:403
check '404' faulty $FINAL '404|not found|unknown' --fault status:404
check '429 once, with Retry-After' faulty 0 '' --fault status:429 --retry-after 1 --times 1
check '429 always' faulty $RETRY '429|too many' --fault status:429 --retry-after 1
check '500 once' faulty 0 '' --fault status:500 --times 1
check '503 always' faulty $RETRY '503|unavailable' --fault status:503
check 'other bytes than the digest says, blob' faulty $FINAL 'changed or damaged' --fault lie --match "$LAYERS"
check 'other bytes than the digest says, config' faulty $FINAL 'changed or damaged' --fault lie --match "$BLOBS"
check 'a bit flipped, blob' faulty $FINAL 'changed or damaged' --fault flip:700 --match "$LAYERS"
check 'a bit flipped, manifest' faulty $FINAL 'changed or damaged' --fault flip:300 --match "$MANIFESTS"
check 'a blob shorter than the manifest says' faulty $FINAL 'size|digest|bytes' --fault truncate:500 --match "$LAYERS"
check 'a page in place of a manifest' faulty $FINAL 'html|type|json|manifest' --fault html --match "$MANIFESTS"
check 'a manifest without end' faulty $FINAL 'large|size|limit|exceed|MiB' --fault endless --match "$MANIFESTS"
check 'a redirect to itself' faulty $FINAL 'redirect' --fault loop --match "$LAYERS"
check 'a redirect to a file' faulty $FINAL 'redirect|protocol|scheme|file' --fault redirect:file:///etc/passwd \
    --match "$LAYERS"
check 'nobody listens' refused_connection
check 'an unknown tag' unknown_tag
