# Two builds of one commit give the same bytes, whoever builds, wherever and whenever.

repository() {
    (
        cd "$1" || exit
        export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
        export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
        git init -q -b main .
        git add -A
        git -c user.name=a -c user.email=a@example.com commit -q -m one
        git tag v1.2.3
    )
}

reference() {
    need_part base-
    R=$W/same/$1
    [ ! -e "$R.tar" ] || return 0
    project "$R"
    [ "$1" != repository ] || repository "$R"
    lbuild build -C "$R" -o "$R.tar"
}

# again KIND WORD...: copies the project elsewhere and builds it with WORD... lbuild and a fresh store.
again() {
    local kind=$1 to
    shift
    reference "$kind"
    to=$(mktemp -d "$W/other-place.XXXXXX")
    cp -a "$R" "$to/$kind"
    [ ! -e "$to/$kind/.git" ] || find "$to/$kind" -path '*/.git' -prune -o -type f -exec touch {} +
    fresh_store
    chmod 755 "$to"
    [ -z "${OWNER:-}" ] || chown -R "$OWNER" "$to" "$XDG_CACHE_HOME"
    "$@" "$LBUILD" build -C "$to/$kind" -o "$to/out.tar" "${MORE[@]}"
    cmp "$R.tar" "$to/out.tar"
    rm -rf "$to" "$XDG_CACHE_HOME"
}
MORE=()

other_user() { OWNER=23456:23456 again "$1" env HOME=/nonexistent setpriv --reuid 23456 --regid 23456 --clear-groups; }
other_umask() { again "$1" bash -c 'umask 077; exec "$@"' _; }
other_zone() { again "$1" env TZ=Pacific/Kiritimati; }
# The Turkish locale, where "i" and "I" aren't a pair; made here, since few machines have it.
other_locale() {
    need localedef
    [ -e "$W/locales/tr_TR.UTF-8" ] || {
        mkdir -p "$W/locales"
        localedef -i tr_TR -f UTF-8 "$W/locales/tr_TR.UTF-8" || skip_case "this machine has no Turkish locale"
    }
    again "$1" env LOCPATH="$W/locales" LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8
}
other_date() {
    need faketime
    again "$1" faketime '2031-07-01 12:00:00'
}
other_jobs() {
    MORE=(-j 1)
    again "$1" env
    MORE=(-j 7)
    again "$1" env
}
bare_environment() {
    env -i PATH="$PATH" XDG_CACHE_HOME="$XDG_CACHE_HOME" LBUILD_DATA="${LBUILD_DATA:-}" CFLAGS=-O0 GCC_COLORS=x "$@"
}
other_environment() { again "$1" bare_environment; }
other_file_system() {
    reference "$1"
    local to
    to=$(mktemp -d "$W/tmpfs.XXXXXX")
    mount -t tmpfs none "$to"
    cp -a "$R" "$to/p"
    fresh_store
    lbuild build -C "$to/p" -o "$to/out.tar"
    cmp "$R.tar" "$to/out.tar"
    umount "$to"
}

times_and_labels() {
    reference repository
    local labels
    labels=$(skopeo inspect --config --raw "oci-archive:$R.tar")
    printf '%s\n' "$labels"
    case $labels in *"$(git -C "$R" rev-parse HEAD)"*) ;; *) die "no revision in the configuration" ;; esac
    same 2023-11-14T22:13:20Z "$(printf '%s' "$labels" | python3 -c 'import json, sys; print(json.load(sys.stdin)["created"])')"
}

epoch_wins() {
    reference repository
    SOURCE_DATE_EPOCH=1600000000 lbuild build -C "$R" -o "$W/epoch.tar"
    same 2020-09-13T12:26:40Z "$(skopeo inspect --config --raw "oci-archive:$W/epoch.tar" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["created"])')"
    lbuild build -C "$R" -o "$W/epoch2.tar" --source-date-epoch 1600000000
    cmp "$W/epoch.tar" "$W/epoch2.tar"
}

for kind in repository no-repository; do
    check "another folder and store, $kind" again $kind env
    check "another user, $kind" other_user $kind
    check "another umask, $kind" other_umask $kind
    check "another time zone, $kind" other_zone $kind
    check "another locale, $kind" other_locale $kind
    check "another date, $kind" other_date $kind
    check "other job counts, $kind" other_jobs $kind
    check "another environment, $kind" other_environment $kind
done
check 'another file system' other_file_system no-repository
check 'revision and commit time' times_and_labels
check 'SOURCE_DATE_EPOCH wins over the commit' epoch_wins
