# Every command of the languages' pages, from the empty folder on; then the image answers its event as Lambda starts it.

languages_storage
mkdir -p "$W/pages/bin"
# As the pages' reader would have it: an engine only where this machine's tools don't do. Packages come from registries, for which its
# steps need this machine's network. What invoke prints is kept.
cat >"$W/pages/bin/lbuild" <<'SH'
#!/bin/sh
case $1 in
build) [ -z "$PAGE_ENGINE" ] || { shift; set -- build --engine "$PAGE_ENGINE" --network host "$@"; } ;;
init)
    "$LBUILD" "$@" || exit
    # The version of .NET that can be had here.
    [ ! -e hello/function.csproj ] || exec sed -i 's/>net8.0</>netcoreapp3.1</' hello/function.csproj
    exit
    ;;
invoke) exec "$LBUILD" "$@" >invoked ;;
esac
exec "$LBUILD" "$@"
SH
chmod 755 "$W/pages/bin/lbuild"

# What a page's reader has, and languages whose packages can't be had here, by name.
need_registry() {
    PAGE_ENGINE=
    case $1 in
    c) need gcc; return ;;
    cpp) need g++; return ;;
    go) need go; return ;;
    rust) need_rust; return ;;
    custom) return ;;
    esac
    need buildah
    PAGE_ENGINE=buildah
    case $1 in
    dotnet) need_dotnet ;;
    ruby) need_gems ;;
    nodejs | typescript) need npm ;;
    java) need mvn ;;
    esac
}

page_holds() {
    need jq curl
    need_part base-amd64
    need_registry "$1"
    export PAGE_ENGINE
    local page=$SOURCES/../../docs/languages/$1.md dir=$W/pages/$1 expected answer
    mkdir "$dir"
    sed -n 's/^    //p' "$page" >"$dir.sh"
    (cd "$dir" && PATH=$W/pages/bin:$PATH bash -euo pipefail "$dir.sh")
    answer=$(python3 "$SOURCES/run_image.py" --lend curl "$dir/hello/hello.tar" "$(cat "$dir/hello/event.json")")
    printf '%s\n' "$answer"
    [ -n "$answer" ] && [[ $answer != *errorType* ]]
    # Where the page says the answer, it is this one, from the image and from invoke.
    # shellcheck disable=SC2016 # a backtick of the page
    expected=$(sed -n 's/^The answer is `\(.*\)`\.$/\1/p' "$page")
    [ -z "$expected" ] || same "$expected" "$(jq -c . <<<"$answer")"
    [ ! -e "$dir/hello/invoked" ] || same "$expected" "$(jq -c . "$dir/hello/invoked")"
}

# Two halves that take about the same time.
lane() { case $1 in nodejs | ruby | shell | typescript) echo 2 ;; *) echo 1 ;; esac; }

for page in "$SOURCES"/../../docs/languages/*.md; do
    page=$(basename "$page" .md)
    later "$(lane "$page")" "$(subject "$page"): from the empty folder to the answered event" page_holds "$page"
done
together
