# Builds every example that has an answer.json, with real toolchains and its locked dependencies, and starts it by the stock entry script
# as Lambda does. Each is built by one engine; with LBUILD_TEST_MATRIX=full, by every engine that can.

languages_storage
EXAMPLES=$SOURCES/../../examples

# Skips the case if this machine lacks something that the language needs, and names it.
need_language() {
    case $1 in
    go) need go ;;
    rust) need_rust ;;
    c | cpp | custom) [ -e /usr/include/zlib.h ] || skip_case 'zlib is not installed' ;;
    nodejs | typescript) need npm ;;
    java) need mvn ;;
    dotnet) need_dotnet ;;
    ruby) need_gems "$EXAMPLES/ruby" ;;
    esac
}

# answers IMAGE FOLDER
answers() {
    local got
    got=$(python3 "$SOURCES/run_image.py" --lend curl "$1" "$(cat "$2/event.json")")
    same "$(jq -cS . "$2/answer.json")" "$(jq -cS . <<<"$got" || printf '%s' "$got")"
}

# Files in the layer of dependencies must not be in the app's layer again.
once_only() { same '' "$(comm -12 <(layer_files "$1" 1) <(layer_files "$1" 2))"; }

# Files left over from compiling gems must not be in the image: some would differ each time.
compiled_gems() {
    layer_files "$1" 2 >"$1.files"
    grep -q 'vendor/bundle/.*/thrift_native\.so$' "$1.files"
    ! grep -E 'vendor/bundle/.*(/Makefile|\.o|/mkmf\.log|/gem_make\.out|\.gem)$' "$1.files"
}

# example NAME ENGINE
example() {
    need_part base-amd64
    need_language "$1"
    need jq curl
    case $2 in
    docker) need_docker; export DOCKER_HOST=unix://$DAEMONS/docker.sock DOCKER_CONFIG=$DAEMONS/docker-config PATH=/usr/bin:$PATH ;;
    host) ;;
    *) need "$2" ;;
    esac
    local dir=$W/languages/$1-$2 network=(--network host)
    cp -R "$EXAMPLES/$1" "$dir"
    [ "$1" != dotnet ] || dotnet_project "$dir"
    # Without a container nothing installs packages: this machine has their contents.
    [ "$2" != host ] || { network=(); sed -i '/^packages = /d' "$dir/lbuild.ini"; }
    time lbuild build -C "$dir" --engine "$2" "${network[@]}" --locked -o "$dir.tar"
    lbuild check --werror "$dir.tar"
    answers "$dir.tar" "$dir"
    once_only "$dir.tar"
    [ "$1" != ruby ] || compiled_gems "$dir.tar"
    ls -l "$dir.tar"
}

# Languages that compile to one program are built without a container here. They are built in containers on Amazon Linux 2 below, and by topic 96.
# What a template does in a container doesn't depend on the engine; topic 93 compares the engines.
engines() {
    case ${LBUILD_TEST_MATRIX:-}-$1 in
    full-hello | full-c | full-cpp | full-custom | full-go | full-rust) echo host buildah docker ;;
    full-*) echo buildah docker ;;
    -c | -cpp | -go | -rust) echo host ;;
    -hello | -custom | -python | -shell) echo docker ;;
    *) echo buildah ;;
    esac
}

# Two halves.
lane() { if [ "$1" = buildah ]; then echo buildah; else echo others; fi; }

for name in "$EXAMPLES"/*/answer.json; do
    name=$(basename "$(dirname "$name")")
    for engine in $(engines "$name"); do
        later "$(lane "$engine")" "$(subject "$name") answers its event, $engine" example "$name" "$engine"
    done
done

# Builds for the other architecture, without a container and without a C compiler for it.
crosses() {
    need_part base-arm64
    need_language "$1"
    need jq readelf
    [ "$1" != rust ] || [ -d "$(rustc --print sysroot)/lib/rustlib/aarch64-unknown-linux-musl" ] ||
        skip_case "Rust's library for arm64 is not installed"
    local dir=$W/languages/$1-arm64 layer
    cp -R "$EXAMPLES/$1" "$dir"
    # The example above was compiled with all optimizations; here they would only take time.
    [ "$1" != rust ] || printf '\n[profile.release]\nopt-level = 0\n' >>"$dir/Cargo.toml"
    lbuild build -C "$dir" --engine host --set image.arch=arm64 --locked -o "$dir.tar"
    lbuild check "$dir.tar"
    layer=$(tar -xOf "$dir.tar" manifest.json | jq -r '.[0].Layers[-1]')
    tar -xOf "$dir.tar" "$layer" | tar -xzO var/runtime/bootstrap >"$dir.program"
    readelf -h "$dir.program" | finds 'Machine: *AArch64'
    if (need_arm64); then answers "$dir.tar" "$dir"; fi
}

for name in go rust; do later others "$name crosses to arm64, host" crosses $name; done

# For each language, what AWS's own image has: its packages, the commands that put interpreter and client where AWS has them, and the command
# that starts it. If making the client takes long, it is copied from the example's image.
# shellcheck disable=SC2016,SC2034 # shells of the image expand them; aws_base reads them
aws_parts() {
    case $1 in
    python)
        version=3.12 packages='python3.12 python3.12-pip'
        steps='RUN ln -s "$(command -v python3.12)" /var/lang/bin/python3 && python3.12 -m pip install --target /var/runtime awslambdaric==4.2.2'
        start='PYTHONPATH=/var/runtime exec /var/lang/bin/python3 -m awslambdaric "$_HANDLER"'
        ;;
    nodejs)
        version=24 packages='nodejs24 nodejs24-npm'
        steps='RUN ln -s "$(command -v node)" "$(command -v npm)" /var/lang/bin
COPY --from=made /var/lang/ric/node_modules /var/runtime/node_modules
COPY --from=made /var/lang/lib /var/lang/lib'
        start='exec /var/lang/bin/node /var/runtime/node_modules/aws-lambda-ric/index.mjs'
        ;;
    java)
        version=21 packages=tar
        steps='COPY --from=made /var/lang /var/lang
RUN mv /var/lang/ric /var/runtime/lib'
        start='exec /var/lang/bin/java -cp "/var/runtime/lib/*" com.amazonaws.services.lambda.runtime.api.client.AWSLambda "$_HANDLER"'
        ;;
    ruby)
        version=3.4 packages='ruby3.4 ruby3.4-devel ruby3.4-rubygem-bundler'
        steps='RUN for tool in ruby gem bundle; do ln -s /usr/bin/$tool /var/lang/bin/$tool; done
RUN gem install --no-document --install-dir /var/runtime aws_lambda_ric'
        start='gems=ruby/gems/$(/var/lang/bin/ruby -e "print Gem.ruby_api_version")
export GEM_HOME=/var/runtime GEM_PATH="/var/task/vendor/bundle/ruby/${gems##*/}:/opt/$gems" RUBYLIB=/var/task:/var/runtime/lib:/opt/ruby/lib
exec /var/lang/bin/ruby -e "require \"aws_lambda_ric\"; AwsLambdaRIC::Bootstrap.new.start"'
        ;;
    dotnet)
        version=8 packages='tar'
        steps='COPY --from=made /var/lang /var/lang
RUN mkdir -p /var/lang/bin && ln -s ../dotnet/dotnet /var/lang/bin/dotnet'
        start='export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
exec /var/lang/bin/dotnet exec "/var/task/$_HANDLER.dll"'
        ;;
    esac
}

# aws_base LANGUAGE: makes an image like AWS's own for the language, under the same name.
aws_base() {
    local at=$W/languages/aws-$1 version packages steps start
    aws_parts "$1"
    [[ $steps != *from=made* ]] || [ -e "$W/languages/$1-buildah.tar" ] || example "$1" buildah
    mkdir -p "$at"
    cat >"$at/Dockerfile" <<DOCKERFILE
FROM public.ecr.aws/lambda/provided:al2023 AS lambda
FROM oci-archive:$W/languages/$1-buildah.tar AS made
FROM public.ecr.aws/amazonlinux/amazonlinux:2023
RUN dnf install -y $packages && mkdir -p /var/lang/bin /var/runtime /var/task /opt
$steps
COPY --from=lambda /lambda-entrypoint.sh /lambda-entrypoint.sh
COPY --from=lambda /usr/local/bin/aws-lambda-rie /usr/local/bin/aws-lambda-rie
COPY bootstrap /var/runtime/bootstrap
ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime
ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib
WORKDIR /var/task
ENTRYPOINT ["/lambda-entrypoint.sh"]
DOCKERFILE
    printf '#!/bin/sh\n%s\n' "$start" >"$at/bootstrap"
    chmod 755 "$at/bootstrap"
    buildah bud --network host -t "lbuild-test-$1" "$at"
    buildah push --tls-verify=false "lbuild-test-$1" "docker://${REGISTRY#http://}/lambda/$1:$version"
}

on_aws() {
    need_part base-amd64
    need_language "$1"
    need jq curl buildah
    local dir=$W/languages/$1-on-aws
    time aws_base "$1"
    cp -R "$EXAMPLES/$1" "$dir"
    [ "$1" != dotnet ] || dotnet_project "$dir"
    time lbuild build -C "$dir" --engine buildah --network host --locked --set image.base=aws -o "$dir.tar"
    lbuild check "$dir.tar"
    answers "$dir.tar" "$dir"
}

for name in dotnet java nodejs python ruby; do later buildah "$(subject "$name") on AWS's own base, buildah" on_aws "$name"; done

# Rust without a crate, which takes seconds: it answers each event with the event.
small_rust() {
    mkdir -p "$1/src"
    printf '[project]\nname = hello\n\n[function]\nlanguage = rust\n' >"$1/lbuild.ini"
    printf '[package]\nname = "hello"\nversion = "1.0.0"\nedition = "2018"\n' >"$1/Cargo.toml"
    printf 'version = 3\n\n[[package]]\nname = "hello"\nversion = "1.0.0"\n' >"$1/Cargo.lock"
    echo '{"a":1}' | tee "$1/event.json" >"$1/answer.json"
    cat >"$1/src/main.rs" <<'RUST'
use std::io::{Read, Result, Write};
use std::net::TcpStream;

fn ask(method: &str, path: &str, body: &str) -> Result<String> {
    let host = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("AWS_LAMBDA_RUNTIME_API");
    let mut stream = TcpStream::connect(&host)?;
    write!(stream, "{} /2018-06-01/runtime/invocation/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", method, path, host)?;
    write!(stream, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", body.len(), body)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

fn main() -> Result<()> {
    loop {
        let event = ask("GET", "next", "")?;
        let parts: Vec<&str> = event.splitn(2, "\r\n\r\n").collect();
        let head = parts[0].to_ascii_lowercase();
        let id = head.split("lambda-runtime-aws-request-id: ").nth(1).and_then(|rest| rest.split("\r\n").next()).expect("an id");
        ask("POST", &format!("{}/response", id), parts[1])?;
    }
}
RUST
}

# Amazon Linux 2, for templates that have packages of it; the only finding may be the end of its support. A program that the host engine made
# above is the same for any base.
on_al2() {
    need_part base-amd64
    need_language "$1"
    need jq curl
    [ "$2" = host ] || need "$2"
    local dir=$W/languages/$1-al2-$2 options=(--engine "$2" --set image.base=al2 --locked)
    if [ "$2" = host ] && [ -e "$W/languages/$1-host" ]; then
        dir=$W/languages/$1-host
    elif [ "$1-$2" = rust-buildah ]; then
        small_rust "$dir"
    else
        cp -R "$EXAMPLES/$1" "$dir"
    fi
    if [ "$2" = host ]; then sed -i '/^packages = /d' "$dir/lbuild.ini"; else options+=(--network host); fi
    sed -i 's/^from = al2023/from = al2/' "$dir/lbuild.ini"
    time lbuild build -C "$dir" "${options[@]}" -o "$dir-al2.tar"
    lbuild check --werror --ignore LB083 "$dir-al2.tar"
    answers "$dir-al2.tar" "$dir"
}

for name in cpp go rust; do
    for engine in host buildah; do later "$(lane $engine)" "$name on al2, $engine" on_al2 $name $engine; done
done
later buildah 'shell on al2, buildah' on_al2 shell buildah
together
