#!/usr/bin/env bash
# A cached base and a program of 1 MB into one OCI tarball: lbuild against umoci, skopeo's pure copy, buildah, docker,
# BuildKit and the disk's own limit, a plain copy of the output. Only the ratios count; absolute figures of a shared machine
# mean nothing.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bench_project

racers=("lbuild=$LBUILD build -q -C $W/p -o $W/out.tar")
limits=(--limit 'cp of the output:5' --limit-rss lbuild:12)
racers+=("cp of the output=cp $W/p/hello.tar $W/copy.tar")
if have umoci; then
    racers+=("umoci insert, config, gc, tar=$UMOCI")
    limits+=(--limit 'umoci insert, config, gc, tar:0.25')
fi
if have skopeo; then
    racers+=("skopeo copy, nothing added=skopeo copy -q oci:$W/base:latest oci-archive:$W/skopeo.tar:latest")
    limits+=(--limit 'skopeo copy, nothing added:0.30')
fi
if [ "$(id -u)" = 0 ] && have buildah; then
    $BUILDAH_ROOT pull -q "docker-archive:$W/base.docker.tar" >/dev/null
    racers+=("buildah build, push=$(buildah_command --no-cache)")
    limits+=(--limit 'buildah build, push:0.15')
fi
if docker_ready; then
    docker_ load -q -i "$W/base.docker.tar" >/dev/null
    racers+=("docker build, save=DOCKER_BUILDKIT=0 $DOCKER build -q --no-cache --network none -t bench \
        -f $W/context/Dockerfile.docker $W/context && rm -f $W/docker.tar && $DOCKER save -o $W/docker.tar bench")
    limits+=(--limit 'docker build, save:0.15')
fi
if buildkit_ready; then
    racers+=("BuildKit to an OCI tar=$(buildkit_command --no-cache)")
    limits+=(--limit 'BuildKit to an OCI tar:0.15')
else
    printf 'BuildKit: skipped (it needs root, runc and what tests/integration/install-buildkit builds)\n' >&2
fi
# Renaming over an existing file makes ext4 write it out, so every racer starts without an output.
python3 "$HERE/race.py" -n "$ROUNDS" --prepare "rm -f $W/*.tar.new $W/out.tar $W/copy.tar $W/skopeo.tar $W/buildkit.tar" "${limits[@]}" "${racers[@]}"
