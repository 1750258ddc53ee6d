#!/usr/bin/env bash
# Nothing has changed since the last build: lbuild, which leaves its tarball as it is, against docker with everything cached.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bench_project

racers=("lbuild=$LBUILD build -q -C $W/p" "true=/bin/true")
limits=(--limit-ms lbuild:8)
if docker_ready; then
    docker_ load -q -i "$W/base.docker.tar" >/dev/null
    racers+=("docker build, cached=DOCKER_BUILDKIT=0 $DOCKER build -q --network none -t bench \
        -f $W/context/Dockerfile.docker $W/context")
    limits+=(--limit 'docker build, cached:0.15')
fi
if [ "$(id -u)" = 0 ] && have buildah; then
    $BUILDAH_ROOT pull -q "docker-archive:$W/base.docker.tar" >/dev/null
    racers+=("buildah build, cached=$BUILDAH_ROOT bud --layers --network none -q -t bench \
        -f $W/context/Dockerfile.buildah $W/context")
fi
python3 "$HERE/race.py" -n "$((ROUNDS * 3))" "${limits[@]}" "${racers[@]}"
