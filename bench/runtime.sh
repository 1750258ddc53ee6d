#!/bin/sh
# The C runtime against aws-lambda-cpp, both as static echo functions, in one run:
#     bench/runtime.sh [FOLDER]
# FOLDER keeps the build of aws-lambda-cpp for the next run (default: a temporary folder, removed at the end). Its source and
# libcurl's come inside the npm package aws-lambda-ric. Needs gcc, g++, musl-gcc, cmake, make, npm, tar and strace.
# ROUNDS: how often each program is measured (15); the median round counts.
set -eu
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
rounds=${ROUNDS:-15}
work=$(mktemp -d "${TMPDIR:-/tmp}/lbuild-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
keep=${1:-$work/peers}
mkdir -p "$keep"
keep=$(cd "$keep" && pwd)

for tool in gcc g++ musl-gcc cmake make npm tar strace; do
    command -v "$tool" >/dev/null || { echo "bench/runtime.sh: $tool isn't installed" >&2; exit 4; }
done

# ---- the peer ----
build_peer() {
    (
        cd "$keep"
        npm pack --silent aws-lambda-ric@3.3.0
        tar xzf aws-lambda-ric-*.tgz
        tar xzf package/deps/curl-*.tar.gz
        tar xzf package/deps/aws-lambda-cpp-*.tar.gz
        cmake -S curl-* -B curl-build -DCMAKE_BUILD_TYPE=Release -DHTTP_ONLY=ON -DCURL_ENABLE_SSL=OFF -DBUILD_SHARED_LIBS=OFF \
            -DENABLE_THREADED_RESOLVER=OFF -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DCURL_ZLIB=OFF -DCURL_USE_LIBSSH2=OFF -DUSE_NGHTTP2=OFF \
            -DENABLE_MANUAL=OFF -DCMAKE_INSTALL_PREFIX="$keep/root" -DCMAKE_INSTALL_LIBDIR=lib
        cmake --build curl-build --target install -- -j2
        cmake -S aws-lambda-cpp-* -B cpp-build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DENABLE_TESTS=OFF \
            -DCMAKE_PREFIX_PATH="$keep/root" -DCMAKE_INSTALL_PREFIX="$keep/root" -DCMAKE_INSTALL_LIBDIR=lib
        cmake --build cpp-build --target install -- -j2
        g++ -O2 -s -static -I root/include "$here/runtime_echo.cpp" root/lib/libaws-lambda-runtime.a root/lib/libcurl.a -o peer
    )
}
if [ ! -x "$keep/peer" ]; then
    echo "building aws-lambda-cpp and its libcurl (a minute or two)" >&2
    build_peer >"$keep/build.log" 2>&1 || { tail -n 20 "$keep/build.log" >&2; exit 4; }
fi
ln -s "$keep/peer" "$work/cpp"

# ---- ours ----
for libc in musl glibc; do
    case $libc in musl) cc=musl-gcc ;; *) cc=gcc ;; esac
    $cc -std=gnu11 -O2 -s -static -I"$top/runtimes/c/include" "$here/runtime_echo.c" "$top"/runtimes/c/*.c -o "$work/$libc"
done
gcc -std=gnu11 -O2 -D_GNU_SOURCE "$here/runtime_api.c" -o "$work/api"

# ---- measure: the programs take turns ----
round=0
while [ "$round" -lt "$rounds" ]; do
    for program in cpp musl glibc; do
        "$work/api" -c 0 -n 5000 "$work/$program" >>"$work/$program.events" 2>/dev/null
        "$work/api" -c 0 -n 0 -r 51 "$work/$program" >>"$work/$program.start" 2>/dev/null
    done
    round=$((round + 1))
done
for program in cpp musl glibc; do
    for events in 10 1010; do
        "$work/api" -n "$events" "$(command -v strace)" -f -qq -o "$work/trace" "$work/$program" >/dev/null 2>&1
        grep -c '(' "$work/trace" >"$work/$program.calls.$events" || true
    done
done

median() { # FILE COLUMN
    cut -d ' ' -f "$2" "$1" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}
line() {
    awk -v name="$1" -v cpp="$2" -v musl="$3" -v glibc="$4" -v target="$5" 'BEGIN {
        printf "%-42s %10s %10s %10s   %6.2f %6.2f   %s\n", name, cpp, musl, glibc, musl / cpp, glibc / cpp, target }'
}
row() { # NAME SUFFIX COLUMN TARGET
    line "$1" "$(median "$work/cpp.$2" "$3")" "$(median "$work/musl.$2" "$3")" "$(median "$work/glibc.$2" "$3")" "$4"
}
calls() {
    awk -v few="$(cat "$work/$1.calls.10")" -v many="$(cat "$work/$1.calls.1010")" 'BEGIN { printf "%.2f", (many - few) / 1000 }'
}
size() {
    stat -Lc %s "$work/$1"
}
printf '%-42s %10s %10s %10s   %6s %6s   %s\n' '' cpp musl glibc musl glibc 'target (ratio to cpp, or value)'
row 'invocations per second of one core' events 1 '>= 2.3'
row 'CPU per invocation, microseconds' events 2 '<= 0.40'
line 'system calls per invocation' "$(calls cpp)" "$(calls musl)" "$(calls glibc)" '4'
row 'exec to first /next, microseconds' start 1 'musl <= 0.30, glibc <= 1.0'
row 'RSS, KiB' events 3 'musl <= 150'
line 'program, bytes' "$(size cpp)" "$(size musl)" "$(size glibc)" 'musl <= 80000, glibc <= 800000'
