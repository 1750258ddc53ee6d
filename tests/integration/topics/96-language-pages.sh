# Runs every command of the languages' pages, starting in an empty folder; then the image, started as on Lambda, answers its event.

languages_storage
mkdir -p "$W/pages/bin"
# lbuild as a reader of the pages has it, with an engine only if this machine's tools don't suffice. Packages come from registries, so the
# engine's steps need this machine's network. The output of invoke is kept.
cat >"$W/pages/bin/lbuild" <<'SH'
#!/bin/sh
case $1 in
build) [ -z "$PAGE_ENGINE" ] || { shift; set -- build --engine "$PAGE_ENGINE" --network host "$@"; } ;;
init)
    "$LBUILD" "$@" || exit
    # The version of .NET that is available here.
    [ ! -e hello/function.csproj ] || exec sed -i 's/>net8.0</>netcoreapp3.1</' hello/function.csproj
    exit
    ;;
invoke) exec "$LBUILD" "$@" >invoked ;;
esac
exec "$LBUILD" "$@"
SH
chmod 755 "$W/pages/bin/lbuild"

# Skips the case if this machine lacks the tools that a reader of the page has, or the language's packages, and says which.
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
    # If the page says the answer, it must be this one, both from the image and from invoke.
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
