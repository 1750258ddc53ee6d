# The layer of dependencies is kept while they stay the same, and made again when the lock file changes; and lbuild's messages about
# dependencies that can't work. The dependencies are wheels made here; the runtime interface client comes from its registry.

languages_storage
mkdir -p "$W/dependencies/wheels"
WHEELS=$W/dependencies/wheels
python3 -u -m http.server --bind 127.0.0.1 --directory "$WHEELS" 0 >"$W/dependencies/server" 2>&1 &
echo $! >>"$W/pids"
# The server chooses its port and prints it.
wheels_at() { sed -n 's|.*(\(http://[^)]*\)).*|\1|p' "$W/dependencies/server"; }

# wheel NAME VERSION FILE...: makes a wheel of these files; prints its line for a lock file.
wheel() {
    python3 - "$WHEELS" "$@" <<'PY'
import hashlib, os, sys, zipfile
folder, name, version, *files = sys.argv[1:]
path = f"{folder}/{name}-{version}-py3-none-any.whl"
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(path, "w") as out:
    for file in files:
        out.write(file, f"{name}/{os.path.basename(file)}")
    out.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    out.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    if name == "greet":
        out.writestr(f"{info}/entry_points.txt", "[console_scripts]\ngreet = greet:main\n")
    out.writestr(f"{info}/RECORD", "")
print(f"{name}=={version} --hash=sha256:{hashlib.sha256(open(path, 'rb').read()).hexdigest()}")
PY
}

# greeting VERSION: makes the wheel greet, whose command of the same name prints its version.
greeting() {
    mkdir -p "$W/dependencies/greet"
    printf 'def main():\n    print("%s")\n' "$1" >"$W/dependencies/greet/__init__.py"
    wheel greet "$1" "$W/dependencies/greet/__init__.py"
}

# python_project FOLDER LOCKED...
python_project() {
    local dir=$1
    shift
    mkdir -p "$dir"
    printf '[project]\nname = hello\n\n[function]\nlanguage = python\n\n[image]\nbase = al2023\n' >"$dir/lbuild.ini"
    cat >"$dir/app.py" <<'PY'
import subprocess


def handler(event, context):
    return [subprocess.check_output("/var/lang/python/bin/greet", text=True).strip(), "first"]
PY
    { echo "--find-links $(wheels_at)"; printf '%s\n' "$@"; } >"$dir/requirements.txt"
}

python_build() { lbuild build -C "$1" --engine buildah --network host --locked "${@:2}"; }

layers() {
    local manifest
    manifest=$(tar -xOf "$1" index.json | jq -r '.manifests[0].digest | sub(":"; "/")')
    tar -xOf "$1" "blobs/$manifest" | jq -r '.layers[].digest'
}

answer_of() { python3 "$SOURCES/run_image.py" "$1" '{}' | jq -c .; }

need_python() {
    need buildah jq
    need_part base-amd64
    wait_for 100 grep -q http "$W/dependencies/server" || die "no server: $(cat "$W/dependencies/server")"
}

# traced TRACE COMMAND...: records which programs the command starts, and which files it opens and renames.
traced() {
    strace -f --seccomp-bpf -qq -s 300 -e trace=execve,openat,rename,renameat,renameat2 -o "$@"
}
INSTALLER='execve\(.*"(pip|-m", "pip)"'

# Prints what identifies a layer's file in the store: its inode and its time.
layer_file() { stat -c '%i %y' "$XDG_CACHE_HOME/lbuild/blobs/sha256/${1#sha256:}"; }

app_changed() {
    need_python
    need strace
    local dir=$W/dependencies/changed first second deps file trace=$W/dependencies/trace
    python_project "$dir" "$(greeting 1.0)"
    time python_build "$dir"
    same '["1.0","first"]' "$(answer_of "$dir/hello.tar")"
    mapfile -t first < <(layers "$dir/hello.tar")
    deps=${first[-2]} file=$(layer_file "${first[-2]}")

    sed -i 's/"first"/"second"/' "$dir/app.py"
    time traced "$trace" "$LBUILD" build -C "$dir" --engine buildah --network host --locked >"$dir.said" 2>&1 || die "$(cat "$dir.said")"
    same '["1.0","second"]' "$(answer_of "$dir/hello.tar")"
    mapfile -t second < <(layers "$dir/hello.tar")
    same "${#first[*]}" "${#second[*]}"
    same "$deps" "${second[-2]}"
    [ "${first[-1]}" != "${second[-1]}" ] || die 'the layer of the app is the same'
    # lbuild says that it kept the layer; the engine ran the app's steps and no installer; the layer was neither written nor renamed again.
    grep -q 'deps *unchanged' "$dir.said" || die "$(cat "$dir.said")"
    grep -q 'execve.*check.py' "$trace" || die 'the app has no step in the trace'
    ! grep -E "$INSTALLER" "$trace" || die 'dependencies were installed again'
    ! grep -E "(O_WRONLY|O_RDWR|O_CREAT|rename).*(${deps#sha256:}|/deps-)" "$trace" || die 'the layer was written again'
    same "$file" "$(layer_file "$deps")"
}

lock_changed() {
    need_python
    need strace
    local dir=$W/dependencies/changed before after trace=$W/dependencies/trace
    if [ ! -e "$dir/hello.tar" ]; then
        python_project "$dir" "$(greeting 1.0)"
        python_build "$dir"
    fi
    mapfile -t before < <(layers "$dir/hello.tar")
    python_project "$dir" "$(greeting 1.1)"
    traced "$trace" "$LBUILD" build -C "$dir" --engine buildah --network host --locked
    grep -qE "$INSTALLER" "$trace" || die 'no installer in the trace'
    same '["1.1","first"]' "$(answer_of "$dir/hello.tar")"
    mapfile -t after < <(layers "$dir/hello.tar")
    [ "${before[-2]}" != "${after[-2]}" ] || die 'the layer of dependencies is the same'
}

# library FILE SONAME MAP: makes a library with the symbol 'other' in the map's version.
library() {
    echo 'void other(void) { }' >"$1.c"
    echo "$3" >"$1.map"
    cc -shared -fPIC -nostdlib -Wl,-soname,"$2" -Wl,--version-script="$1.map" -o "$1" "$1.c"
}
libraries() {
    library ./libm.so libm.so.6 'GLIBC_2.99 { global: other; };'
    library ./libabsent.so libabsent.so.7 '{ global: other; };'
}

# native FILE SOURCE [LIBRARY]: makes a shared library that links with nothing but LIBRARY.
native() {
    echo "$2" >"$1.c"
    cc -shared -fPIC -nostdlib -o "$1" "$1.c" "${@:3}"
}

native_code() {
    need_python
    need cc
    local dir=$W/dependencies/native uses='void other(void); void f(void) { other(); }'
    mkdir -p "$dir"
    (
        cd "$dir" || exit
        libraries
        native foreign.so 'int f;'
        printf '\267' | dd of=foreign.so bs=1 seek=18 conv=notrunc status=none
        native newer.so "$uses" ./libm.so
        native lacking.so "$uses" ./libabsent.so
    )
    python_project "$dir" "$(greeting 1.0)" "$(cd "$dir" && wheel native 1.0 foreign.so newer.so lacking.so)"
    rm "$dir"/*.so "$dir"/*.c "$dir"/*.map
    python_build "$dir" >"$dir.said" 2>&1 || die "$(cat "$dir.said")"
    grep -E 'warning|LB' "$dir.said"
    grep -q "LB032.*native/foreign.so.*it is for arm64, the image for x86_64" "$dir.said"
    grep -q "LB039.*native/newer.so.*it wants GLIBC_2.99, which '.*libm.so.6' doesn't have" "$dir.said"
    grep -q "LB037.*native/lacking.so.*it needs 'libabsent.so.7', which is nowhere in the image" "$dir.said"
}

custom_program() {
    need cc
    need_part base-amd64
    local dir=$W/dependencies/custom
    mkdir -p "$dir"
    cd "$dir" || exit
    printf '[project]\nname = x\n\n[function]\nlanguage = custom\n\n[image]\nbase = al2023\n' >lbuild.ini
    libraries
    echo 'void other(void); const char api[] = "AWS_LAMBDA_RUNTIME_API"; int main(void) { other(); }' >main.c
    cc -o bootstrap main.c ./libm.so
    fails_with 6 "bootstrap.*it wants GLIBC_2.99, which '.*libm.so.6' doesn't have" lbuild build
    cc -o bootstrap main.c ./libabsent.so
    fails_with 6 "bootstrap.*it needs 'libabsent.so.7', which is nowhere in the image" lbuild build
    printf '\267' | dd of=bootstrap bs=1 seek=18 conv=notrunc status=none
    fails_with 6 "'bootstrap' is not a program for x86_64; build it for that" lbuild build
    [ ! -e x.tar ]
}

no_handler() {
    need_python
    local dir=$W/dependencies/handler
    python_project "$dir" "$(greeting 1.0)"
    fails_with 1 "handler 'app.nothing': 'app.py' has no function 'nothing'" python_build "$dir" -q --set function.handler=app.nothing
    fails_with 1 "handler 'other.handler': there is no file 'other.py' in the project" \
        python_build "$dir" -q --set function.handler=other.handler
    [ ! -e "$dir/hello.tar" ]
}

wrong_lock() {
    need_python
    local dir=$W/dependencies/wrong
    greeting 1.0
    python_project "$dir" "greet==1.0 --hash=sha256:$(printf '0%.0s' {1..64})"
    fails_with 7 "failed in stage 'deps'.*a package doesn't fit its digest in requirements.txt" python_build "$dir" -q
    python_project "$dir" "$(greeting 1.0)" awslambdaric
    fails_with 7 "failed in stage 'deps'.*requirements.txt lacks digests of packages" python_build "$dir" -q
    [ ! -e "$dir/hello.tar" ]
}

# A template recognizes the tool's message about a lock file that doesn't fit by a text in it; the tool on this machine must print that text.
says() { grep -qF -e "$(sed -n "/^\[failure:$2]/,/^says/s/^says = //p" "$LBUILD_DATA/templates/$1.template")"; }

npm_says() {
    need npm
    mkdir -p "$W/dependencies/npm/other"
    cd "$W/dependencies/npm" || exit
    echo '{"name": "other", "version": "1.0.0"}' >other/package.json
    echo '{"name": "x", "version": "1.0.0", "dependencies": {"other": "file:other"}}' >package.json
    echo '{"name": "x", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "x", "version": "1.0.0"}}}' >package-lock.json
    { npm ci --offline --omit=dev 2>&1 || true; } | tee said
    says nodejs lock <said
    says typescript lock <said
}

cargo_says() {
    need_rust
    local dir=$W/dependencies/cargo
    mkdir -p "$dir/src" "$dir/other/src"
    printf '[package]\nname = "x"\nversion = "1.0.0"\n\n[dependencies]\nother = { path = "other" }\n' >"$dir/Cargo.toml"
    printf '[package]\nname = "other"\nversion = "1.0.0"\n' >"$dir/other/Cargo.toml"
    printf 'version = 3\n\n[[package]]\nname = "x"\nversion = "1.0.0"\n' >"$dir/Cargo.lock"
    echo 'fn main() {}' >"$dir/src/main.rs"
    : >"$dir/other/src/lib.rs"
    printf '[project]\nname = x\n\n[function]\nlanguage = rust\n\n[image]\nbase = scratch\n' >"$dir/lbuild.ini"
    fails_with 7 "Cargo.lock is missing, or doesn't fit Cargo.toml" lbuild build -C "$dir" --engine host -q
}

go_says() {
    need go
    local dir=$W/dependencies/go
    mkdir -p "$dir"
    printf 'module x\n\ngo 1.19\n\nrequire example.com/d v1.0.0\n' >"$dir/go.mod"
    printf 'package main\n\nimport _ "example.com/d"\n\nfunc main() {}\n' >"$dir/main.go"
    : >"$dir/go.sum"
    printf '[project]\nname = x\n\n[function]\nlanguage = go\n\n[image]\nbase = scratch\n' >"$dir/lbuild.ini"
    GOPROXY=off fails_with 7 "go.sum doesn't fit go.mod" lbuild build -C "$dir" --engine host -q
}

# ruby_project FOLDER: the example as topic 95 builds it, so that the engine makes its dependencies only once.
ruby_project() {
    need buildah curl
    need_part base-amd64
    need_gems "$SOURCES/../../examples/ruby"
    cp -R "$SOURCES/../../examples/ruby" "$1"
}

bundler_says() {
    local dir=$W/dependencies/bundler
    ruby_project "$dir"
    sed -i 's/0\.17\.0/0.16.0/' "$dir/Gemfile"
    fails_with 7 "failed in stage 'deps'.*Gemfile.lock doesn't fit the Gemfile; run 'bundle lock'" \
        lbuild build -C "$dir" --engine buildah --network host --locked -q
    [ ! -e "$dir/hello-ruby.tar" ]
}

no_ruby_handler() {
    local dir=$W/dependencies/ruby-handler
    ruby_project "$dir"
    cp "$LBUILD_DATA/templates/ruby/function.rb" "$dir"
    fails_with 1 "handler 'function.nothing': 'function.rb' defines no 'nothing'" \
        lbuild build -C "$dir" --engine buildah --network host --locked -q --set function.handler=function.nothing
    fails_with 1 "handler 'other.handler': there is no file 'other.rb'" \
        lbuild build -C "$dir" --engine buildah --network host --locked -q --set function.handler=other.handler
    [ ! -e "$dir/hello-ruby.tar" ]
}

check 'one file of the app changed: the layer of dependencies stays, and nothing makes it again' app_changed
check 'another lock file: another layer of dependencies' lock_changed
check 'native code for another machine, of a newer libc, or without its library is named' native_code
check 'a program of another machine, for a newer libc, or without its library is refused' custom_program
check "a handler that isn't there is named" no_handler
check "a handler of Ruby that isn't there is named" no_ruby_handler
check 'a lock file with a wrong digest, or without one' wrong_lock
check "Gemfile.lock that doesn't fit the Gemfile, by Bundler" bundler_says
check "npm's words about a lock file that doesn't fit" npm_says
check 'Cargo.lock without a dependency of Cargo.toml' cargo_says
check 'go.sum without a module of go.mod' go_says
