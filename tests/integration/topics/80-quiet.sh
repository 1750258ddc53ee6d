# A build with nothing to do opens no socket and starts no program; a second build starts only what it must.

traced() {
    need strace
    strace -f -v -s 4096 -o "$W/trace" -e trace=%network,execve "$LBUILD" "$@"
}

programs() { grep -c 'execve(.* = 0' "$W/trace" || true; }
sockets() { grep -cE '(socket|connect)\(' "$W/trace" || true; }

# The times of files can't tell two changes within one tick of the kernel's clock apart. A build that starts that soon after
# a change is right, but leaves no record that the next build could trust.
settle() { sleep 0.1; }

no_change() {
    need_part base-
    fresh_store
    P=$W/quiet
    project "$P"
    settle
    lbuild build -C "$P" >"$W/first"
    local before
    before=$(stat -c '%Y %i' "$P/hello.tar")
    traced build -C "$P" >"$W/second"
    cmp "$W/first" "$W/second"
    same 1 "$(programs)"
    same 0 "$(sockets)"
    same "$before" "$(stat -c '%Y %i' "$P/hello.tar")"
}

one_byte() {
    no_change
    sed -i 's/{\\"hello/{\\"hallo/' "$P/src/handler.c"
    traced build -C "$P"
    same 0 "$(sockets)"
    [ "$(programs)" -gt 1 ] || die 'nothing was compiled'
    grep -E 'execve\(.*(gcc|cc|clang)' "$W/trace" | finds handler.c
    # The runtime isn't compiled again.
    exits 1 grep -E 'execve\(.*"[^"]*runtimes/c/[a-z_]+\.c"' "$W/trace"
}

each_input_counts() {
    no_change
    local before after
    for change in 'touch -d @1800000000 src/handler.c; printf "\n" >>src/handler.c' \
        'printf "\n[env]\nGREETING = b\n" >>lbuild.ini' 'printf "x" >src/other.c; printf "" >src/other.c'; do
        before=$(sha256sum <"$P/lbuild.ini")
        (cd "$P" && eval "$change")
        settle
        after=$("$LBUILD" build -C "$P")
        traced build -C "$P" >"$W/again"
        same "$after" "$(cat "$W/again")"
        same 1 "$(programs)"
    done
    rm "$P/hello.tar"
    lbuild build -C "$P"
    test -s "$P/hello.tar"
    : >"$P/hello.tar"
    lbuild build -C "$P"
    test -s "$P/hello.tar"
}

dry_run_changes_nothing() {
    need_part base-
    fresh_store
    P=$W/dry
    project "$P"
    lbuild build -C "$P" --dry-run
    [ ! -e "$P/hello.tar" ] || die '--dry-run wrote the output'
}

check 'a run without a change' no_change
check 'a run with one byte changed' one_byte
check 'each kind of input is noticed' each_input_counts
check '--dry-run' dry_run_changes_nothing
