# lbuild under make: which programs are started, as strace sees it; make 4.4 and its other jobserver; a make that is interrupted.
# What the makefile itself does is in tests/golden/make-*.

newer_make() {
    NEWER=$TEST_TOOLS/make/bin
    [ -x "$NEWER/make" ] || skip_case "GNU make 4.4 is not installed; tests/integration/install-wheels does it"
}

# make_project FOLDER: makes a project with the Makefile of two lines that docs/make.md begins with.
make_project() {
    project "$1" "${2:-al2023}"
    # shellcheck disable=SC2016  # not a command
    sed -n '/^```make$/,/^```$/p' "$SOURCES/../../docs/make.md" | sed '1d;/^```$/,$d' >"$1/Makefile"
    mkdir -p "$W/bin"
    ln -sf "$LBUILD" "$W/bin/lbuild"
    export PATH=$W/bin:$PATH
}

traced_make() { strace -f -qq -s 4096 -o "$W/trace" -e trace=execve make -s -C "$P" "$@"; }
started() { grep -c 'execve(.* = 0' "$W/trace" || true; }

# The times of files can't tell two changes within one tick of the kernel's clock apart.
settle() { sleep 0.1; }

second_run() {
    need strace make
    need_part base-
    fresh_store
    P=$W/make
    make_project "$P"
    settle
    traced_make
    grep -qE 'execve\("[^"]*(gcc|cc1)"' "$W/trace"
    traced_make
    same 1 "$(started)" # make itself
    settle
    touch "$P/src/handler.c"
    traced_make
    [ "$(started)" -gt 1 ]
    exits 1 grep -E 'execve\("[^"]*cc1"' "$W/trace"
    traced_make
    same 1 "$(started)"
    traced_make image-arm64 image-x86_64 -j2
    traced_make image-arm64 image-x86_64 image -j2
    same 1 "$(started)"
    same '{"hello":{}}' "$(make -s -C "$P" invoke)"
}

# The bytes are the same as without make, although make's own files lie in the project.
same_image() {
    need git make
    need_part base-
    fresh_store
    P=$W/same
    make_project "$P"
    (
        cd "$P" || exit
        printf '/lbuild.mk\n/hello.tar\n' >.gitignore
        git init -q .
        git add .
        git -c user.name=A -c user.email=a@example.com commit -q -m one
        make -s -j2 image image-arm64
        "$LBUILD"
        cmp hello.tar lbuild-out/same.tar
        same '' "$(git status --porcelain)"
        skopeo inspect --raw oci-archive:lbuild-out/same.tar | finds '"org.opencontainers.image.revision":"[0-9a-f]\{40\}"'
    )
}

# Installed under /usr/local, the makefile is found without asking lbuild. Only this run sees the mount.
found_by_itself() {
    need make
    P=$W/itself
    make_project "$P" scratch
    mkdir -p /usr/local/include
    mount -t tmpfs none /usr/local/include
    cp "$LBUILD_DATA/lbuild.mk" /usr/local/include/
    local status=0
    make -n -C "$P" >"$W/itself.log" || status=$?
    umount -l /usr/local/include
    same 0 $status
    grep -q -e --depfile "$W/itself.log"
    exits 1 grep 'ln -sf' "$W/itself.log"
}

with_newer_make() {
    newer_make
    LBUILD_DATA=$(cd "$SOURCES/../.." && pwd) PATH=$NEWER:$PATH "$SOURCES/../golden/run" make-image make-jobs make-tree make-docs
}

newer_make_has_a_fifo() {
    newer_make
    # shellcheck disable=SC2016  # for make
    local file='all: ; +@echo "$(MAKEFLAGS)"'
    echo "$file" | "$NEWER/make" -s -j2 -f - | finds 'jobserver-auth=fifo:'
    echo "$file" | "$NEWER/make" -s -j2 --jobserver-style=pipe -f - | finds 'jobserver-auth=[0-9]'
}

# A terminal or a CI system ends the whole process group at once: nothing may be left running, and the next make must work.
interrupted() {
    need make setsid
    fresh_store
    P=$W/interrupted
    make_project "$P" scratch
    mkdir "$P/tools"
    # shellcheck disable=SC2016  # for the script
    printf '#!/bin/sh\ncase "$*" in *"-c src"*) echo $$ >"%s"; sleep 60 ;; esac\nexec cc "$@"\n' "$W/begun" >"$P/tools/cc"
    chmod +x "$P/tools/cc"
    printf 'compiler = tools/cc\n' >>"$P/lbuild.ini"
    setsid make -s -C "$P" -j3 >"$W/interrupted.log" 2>&1 &
    local group=$!
    wait_for 200 test -s "$W/begun" || die "nothing was compiled: $(cat "$W/interrupted.log")"
    kill -TERM -- "-$group"
    ! wait "$group" || die 'make says that all went well'
    wait_for 200 bash -c "! pgrep -g $group" || die "still there: $(pgrep -ag "$group")"
    # make passes the signal on, so lbuild gets two. The second ends lbuild at once, and the kernel ends its compilers.
    wait_for 100 bash -c "! grep -qs '^State:.[^Z]' /proc/$(cat "$W/begun")/status" || die 'a compiler is still there'
    exits 1 grep INTERNAL "$W/interrupted.log"
    sed -i 's/sleep 60/:/' "$P/tools/cc"
    make -s -C "$P" -j3
    test -s "$P/lbuild-out/interrupted.tar"
}

check 'a second make starts nothing' second_run
check 'the same image as without make' same_image
check 'the makefile is found by itself' found_by_itself
check 'GNU make 4.4 has the other jobserver' newer_make_has_a_fifo
check 'all of it with GNU make 4.4' with_newer_make
check 'a make that is interrupted' interrupted
