# Every command of the languages' pages, from the empty folder on; then the image answers its event as Lambda starts it.

export CONTAINERS_CONF=$W/containers.conf CONTAINERS_STORAGE_CONF=$W/pages/storage.conf
mkdir -p "$W/pages/bin"
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$W/pages" "$W/pages" \
    >"$CONTAINERS_STORAGE_CONF"
# Packages come from registries, for which the steps need this machine's network.
# shellcheck disable=SC2016 # goes into the script as it is
printf '#!/bin/sh\ncase $1 in build) shift; set -- build --engine buildah --network host "$@" ;; esac\nexec "%s" "$@"\n' "$LBUILD" \
    >"$W/pages/bin/lbuild"
chmod 755 "$W/pages/bin/lbuild"

# Languages whose packages can't be had here, by name.
need_registry() {
    case $1 in
    dotnet) skip_case 'no .NET SDK and no NuGet package can be had here' ;;
    ruby) skip_case 'no gem can be had here' ;;
    nodejs | typescript) need npm ;;
    java) need mvn ;;
    esac
}

page_holds() {
    need buildah
    need_part base-amd64
    need_registry "$1"
    local dir=$W/pages/$1 answer
    mkdir "$dir"
    sed -n 's/^    //p' "$SOURCES/../../docs/languages/$1.md" >"$dir.sh"
    (cd "$dir" && PATH=$W/pages/bin:$PATH bash -euo pipefail "$dir.sh")
    answer=$(python3 "$SOURCES/run_image.py" "$dir/hello/hello.tar" "$(cat "$dir/hello/event.json")")
    printf '%s\n' "$answer"
    [ -n "$answer" ] && [[ $answer != *errorType* ]]
}

for page in "$SOURCES"/../../docs/languages/*.md; do
    page=$(basename "$page" .md)
    check "$page: from the empty folder to the answered event" page_holds "$page"
done
