# Programs of real size: zlib and SQLite from the distribution's source packages, and several sources of our own.

vendored() {
    need_part source-
    P=$W/real
    [ ! -e "$P/lbuild.ini" ] || return 0
    local zlib=$INTEGRATION_BASES/sources/zlib sqlite=$INTEGRATION_BASES/sources/sqlite3
    mkdir -p "$P/src" "$P/vendor/zlib" "$P/vendor/sqlite"
    cp "$zlib"/*.[ch] "$P/vendor/zlib/"
    rm -f "$P"/vendor/zlib/gz*.c
    if [ ! -e "$sqlite/build/sqlite3.c" ]; then
        need tclsh
        mkdir -p "$sqlite/build"
        (cd "$sqlite/build" && ../configure --disable-tcl --disable-readline && make -s sqlite3.c) >/dev/null 2>&1
    fi
    cp "$sqlite/build/sqlite3.c" "$sqlite/build/sqlite3.h" "$P/vendor/sqlite/"
    sources
    cat >"$P/lbuild.ini" <<'INI'
[project]
name = real

[function]
language = c
handler = query

[image]
base = al2023

[build]
sources = src/*.c vendor/zlib/*.c vendor/sqlite/sqlite3.c
include = vendor/zlib vendor/sqlite src
defines = SQLITE_OMIT_LOAD_EXTENSION SQLITE_THREADSAFE=0 Z_SOLO
INI
}

# The event is SQL. The answer has its result, the result's CRC-32, and its deflated form.
sources() {
    cat >"$P/src/facts.h" <<'C'
#include <stddef.h>
unsigned long checksum(const char *text, size_t size);
size_t packed_size(const char *text, size_t size);
int query(const char *sql, char *out, size_t size);
C
    cat >"$P/src/packed.c" <<'C'
#include "facts.h"
#include "zlib.h"
#include <stdlib.h>

static void *get(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return calloc(count, size);
}

static void put(void *unused, void *memory)
{
    (void)unused;
    free(memory);
}

unsigned long checksum(const char *text, size_t size)
{
    return crc32(0, (const unsigned char *)text, (unsigned)size);
}

size_t packed_size(const char *text, size_t size)
{
    static unsigned char out[65536];
    z_stream z = {.zalloc = get, .zfree = put, .next_in = (unsigned char *)text, .avail_in = (unsigned)size,
                  .next_out = out, .avail_out = sizeof out};
    deflateInit(&z, 9);
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return z.total_out;
}
C
    cat >"$P/src/query.c" <<'C'
#include "facts.h"
#include "sqlite3.h"
#include <stdio.h>
#include <string.h>

int query(const char *sql, char *out, size_t size)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    out[0] = 0;
    if (sqlite3_open(":memory:", &db) || sqlite3_prepare_v2(db, sql, -1, &row, NULL))
        return -1;
    while (sqlite3_step(row) == SQLITE_ROW)
        snprintf(out + strlen(out), size - strlen(out), "%s,", (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    return sqlite3_close(db);
}
C
    cat >"$P/src/main.c" <<'C'
#include "facts.h"
#include <lambda_runtime.h>
#include <string.h>

static int answer(const struct lambda_event *event, struct lambda_response *response,
                  const struct lambda_context *context)
{
    char text[32768];
    (void)context;
    if (query(event->data, text, sizeof text))
        return lambda_fail(response, "Function.Query", "the query failed");
    return lambda_printf(response, "{\"rows\":\"%.20s\",\"crc\":%lu,\"packed\":%zu}", text, checksum(text, strlen(text)),
                         packed_size(text, strlen(text)));
}

LAMBDA_HANDLERS({ "query", answer })
C
}

SQL='with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) select i from n'

# The same, computed here.
expected() {
    python3 - <<'PY'
import zlib
text = "".join(f"{i}," for i in range(1, 2001)).encode()
print('{"rows":"%s","crc":%d,"packed":%d}' % (text[:20].decode(), zlib.crc32(text), len(zlib.compress(text, 9))))
PY
}

real_program() {
    local arch=$1
    vendored
    lbuild build -C "$P" --set "image.arch=$arch" -o "$P-$arch.tar"
    python3 "$SOURCES/tree.py" "$P-$arch.tar" | grep 'var/runtime/bootstrap -'
    if [ "$arch" = x86_64 ]; then
        same "$(expected)" "$(lbuild invoke --data "$SQL" "$P-$arch.tar")"
    else
        need_arm64
    fi
    run_program "$P-$arch.tar"
}

# Runs the program from the archive with the stand-in for the emulator.
run_program() {
    local dir
    dir=$(mktemp -d "$W/run.XXXXXX")
    python3 - "$1" "$dir/bootstrap" <<'PY'
import gzip, io, json, sys, tarfile
a = tarfile.open(sys.argv[1])
read = lambda d: a.extractfile("blobs/" + d.replace(":", "/")).read()
m = json.loads(read(json.load(a.extractfile("index.json"))["manifests"][0]["digest"]))
layer = tarfile.open(fileobj=io.BytesIO(gzip.decompress(read(m["layers"][-1]["digest"]))))
open(sys.argv[2], "wb").write(layer.extractfile("var/runtime/bootstrap").read())
PY
    chmod 755 "$dir/bootstrap"
    HANDLER=query unshare --net -- python3 "$SOURCES/answer.py" "$INTEGRATION_BASES/rie-amd64" "$SQL" \
        "$dir/bootstrap" >"$dir/answer"
    same "$(expected)" "$(cat "$dir/answer")"
    rm -rf "$dir"
}

check 'SQLite and zlib, x86_64' real_program x86_64
check 'SQLite and zlib, arm64' real_program arm64
