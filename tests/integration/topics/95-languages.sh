# Every example that says what it answers, built with real toolchains and its locked dependencies by each engine that can,
# then started by the stock entry script as Lambda does it.

languages_storage
EXAMPLES=$SOURCES/../../examples

# What a language needs that this machine may lack, by name.
need_language() {
    case $1 in
    go) need go ;;
    rust) need_rust ;;
    c | cpp | custom) [ -e /usr/include/zlib.h ] || skip_case 'zlib is not installed' ;;
    nodejs | typescript) need npm ;;
    java) need mvn ;;
    dotnet) skip_case 'no .NET SDK and no NuGet package can be had here' ;;
    ruby) need_gems "$EXAMPLES/ruby" ;;
    esac
}

# answers IMAGE FOLDER
answers() {
    local got
    got=$(python3 "$SOURCES/run_image.py" --lend curl "$1" "$(cat "$2/event.json")")
    same "$(jq -cS . "$2/answer.json")" "$(jq -cS . <<<"$got" || printf '%s' "$got")"
}

# example NAME ENGINE
example() {
    need_part base-amd64
    need_language "$1"
    need jq curl
    case $2 in
    docker) need_docker; export DOCKER_HOST=unix://$W/docker.sock DOCKER_CONFIG=$W/docker-config PATH=/usr/bin:$PATH ;;
    host) ;;
    *) need "$2" ;;
    esac
    local dir=$W/languages/$1-$2 network=(--network host) locked=(--locked)
    # pom.xml names each version itself; no lock file of .NET can be made here.
    [[ $1 != java && $1 != dotnet ]] || locked=()
    cp -R "$EXAMPLES/$1" "$dir"
    # Where no container is, nobody installs packages: the machine has what they bring.
    [ "$2" != host ] || { network=(); sed -i '/^packages = /d' "$dir/lbuild.ini"; }
    time lbuild build -C "$dir" --engine "$2" "${network[@]}" "${locked[@]}" -o "$dir.tar"
    lbuild check --werror "$dir.tar"
    answers "$dir.tar" "$dir"
    ls -l "$dir.tar"
}

# What compiles to one program without a container, too.
engines() {
    case $1 in
    hello | c | cpp | custom | go | rust) echo host buildah docker ;;
    *) echo buildah docker ;;
    esac
}

stand_in() { [ "$1" != ruby ] || echo " (with a stand-in of AWS's client)"; }

for name in "$EXAMPLES"/*/answer.json; do
    name=$(basename "$(dirname "$name")")
    for engine in $(engines "$name"); do check "$name$(stand_in "$name") answers its event, $engine" example "$name" "$engine"; done
done

# The other architecture, without a container and without a C compiler for it.
crosses() {
    need_part base-arm64
    need_language "$1"
    need jq readelf
    [ "$1" != rust ] || [ -d "$(rustc --print sysroot)/lib/rustlib/aarch64-unknown-linux-musl" ] ||
        skip_case "Rust's library for arm64 is not installed"
    local dir=$W/languages/$1-arm64 layer
    cp -R "$EXAMPLES/$1" "$dir"
    lbuild build -C "$dir" --engine host --set image.arch=arm64 --locked -o "$dir.tar"
    lbuild check "$dir.tar"
    layer=$(tar -xOf "$dir.tar" manifest.json | jq -r '.[0].Layers[-1]')
    tar -xOf "$dir.tar" "$layer" | tar -xzO var/runtime/bootstrap >"$dir.program"
    readelf -h "$dir.program" | grep -q 'Machine: *AArch64'
    if (need_arm64); then answers "$dir.tar" "$dir"; fi
}

for name in go rust; do check "$name crosses to arm64, host" crosses $name; done

# An image as AWS's own of Python is, with the client and a working pip in it.
aws_python() {
    local at=$W/languages/aws-python
    mkdir -p "$at"
    cat >"$at/Dockerfile" <<'DOCKERFILE'
FROM public.ecr.aws/lambda/provided:al2023 AS lambda
FROM public.ecr.aws/amazonlinux/amazonlinux:2023
RUN dnf install -y python3.12 python3.12-pip && mkdir -p /var/lang/bin /var/runtime /var/task /opt \
    && ln -s "$(command -v python3.12)" /var/lang/bin/python3 \
    && python3.12 -m pip install --target /var/runtime awslambdaric==4.2.2
COPY --from=lambda /lambda-entrypoint.sh /lambda-entrypoint.sh
COPY --from=lambda /usr/local/bin/aws-lambda-rie /usr/local/bin/aws-lambda-rie
COPY bootstrap /var/runtime/bootstrap
ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime
WORKDIR /var/task
ENTRYPOINT ["/lambda-entrypoint.sh"]
DOCKERFILE
    # shellcheck disable=SC2016 # goes into the script as it is
    printf '#!/bin/sh\nexport PYTHONPATH=/var/runtime\nexec /var/lang/bin/python3 -m awslambdaric "$_HANDLER"\n' >"$at/bootstrap"
    chmod 755 "$at/bootstrap"
    buildah bud --network host -t lbuild-test-python "$at"
    buildah push --tls-verify=false lbuild-test-python "docker://${REGISTRY#http://}/lambda/python:3.12"
}

python_on_aws() {
    need_part base-amd64
    need jq curl buildah
    local dir=$W/languages/python-on-aws
    aws_python
    cp -R "$EXAMPLES/python" "$dir"
    time lbuild build -C "$dir" --engine buildah --network host --locked --set image.base=aws -o "$dir.tar"
    lbuild check "$dir.tar"
    answers "$dir.tar" "$dir"
}

check "python on AWS's own base, buildah" python_on_aws
