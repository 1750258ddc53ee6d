# .NET beyond its example: a solution of several projects, and the build's messages about lock files and handlers that don't fit.

languages_storage
D=$W/dotnet-projects
mkdir -p "$D"

# The SDK that is available here has version 3.1.
dotnet_build() { lbuild build -C "$1" --engine buildah --network host "${@:2}"; }

# solution FOLDER: the example, with its look-up in a separate library, which uses the package with native code.
solution() {
    local library=$1/src/patterns app=$1/src/app
    mkdir -p "$library" "$app"
    cp "$SOURCES/../../examples/dotnet/"{lbuild.ini,event.json,answer.json} "$1"
    cp "$SOURCES/../../examples/dotnet/function.csproj" "$app"
    dotnet_here "$app/function.csproj"
    sed '/OutputType/d; /Amazon/d; /YamlDotNet/d' "$app/function.csproj" >"$library/patterns.csproj"
    sed -i 's|.*"SQLitePCLRaw.*|    <ProjectReference Include="../patterns/patterns.csproj" />|' "$app/function.csproj"
    sed 's/sqlite3_strglob(pattern, Text(part.Key)) == 0/Patterns.Match(pattern, Text(part.Key))/; /DllImport/,+2d' \
        "$SOURCES/../../examples/dotnet/Program.cs" >"$app/Program.cs"
    cat >"$library/Patterns.cs" <<'CS'
using System.Runtime.InteropServices;

public static class Patterns
{
    [DllImport("e_sqlite3")]
    static extern int sqlite3_strglob(byte[] pattern, byte[] text);

    public static bool Match(byte[] pattern, byte[] text) => sqlite3_strglob(pattern, text) == 0;
}
CS
    printf '\n[inputs]\nproject = src/app\n' >>"$1/lbuild.ini"
}

solution_answers() {
    need_dotnet
    need jq
    local dir=$D/solution
    solution "$dir"
    dotnet_build "$dir" -o "$D/first.tar" 2>"$D/said" || die "$(cat "$D/said")"
    lbuild check --werror "$D/first.tar"
    same "$(jq -cS . "$dir/answer.json")" "$(python3 "$SOURCES/run_image.py" "$D/first.tar" "$(cat "$dir/event.json")" | jq -cS .)"
    layer_files "$D/first.tar" 2 | finds '^var/task/YamlDotNet.dll'
    layer_files "$D/first.tar" 2 | finds '^var/task/runtimes/linux-x64/native/libe_sqlite3.so'
    same 'var/task/function.deps.json
var/task/function.dll
var/task/function.pdb
var/task/function.runtimeconfig.json
var/task/patterns.dll
var/task/patterns.pdb' "$(layer_files "$D/first.tar" 1 | grep ^var/task/)"
    # Only the app's layer is made again.
    sed -i 's/== 0/!= 0/' "$dir/src/patterns/Patterns.cs"
    dotnet_build "$dir" -o "$D/second.tar" 2>"$D/said" || die "$(cat "$D/said")"
    grep -q 'deps *unchanged' "$D/said" || die "$(cat "$D/said")"
    same '{"handle":"stout"}' "$(python3 "$SOURCES/run_image.py" "$D/second.tar" "$(cat "$dir/event.json")" | jq -cS .)"
}

# The project's own steps fail without its sources, so the packages go into the program's layer.
without_sources() {
    need_dotnet
    local dir=$D/without
    cp -R "$SOURCES/../../examples/dotnet" "$dir"
    dotnet_project "$dir"
    sed -i 's|^</Project>|  <Target Name="Own" BeforeTargets="ComputeResolvedFilesToPublishList"><Error Condition="!Exists(\x27Program.cs\x27)" Text="where is it?" /></Target>\n&|' \
        "$dir/function.csproj"
    dotnet_build "$dir" --locked -o "$D/without.tar" 2>"$D/said" || die "$(cat "$D/said")"
    grep -q "the project can't list its packages' files without its sources" "$D/said"
    layer_files "$D/without.tar" 1 | finds '^var/task/YamlDotNet.dll'
    same '{"lid":"1","spout":"short"}' "$(python3 "$SOURCES/run_image.py" "$D/without.tar" "$(cat "$dir/event.json")" | jq -cS .)"
}

refused() {
    need_dotnet
    local dir=$D/refused
    cp -R "$SOURCES/../../examples/dotnet" "$dir"
    fails_with 7 'the project has none; create packages.lock.json' dotnet_build "$dir" -q --locked
    dotnet_project "$dir"
    cp "$dir/function.csproj" "$dir/other.csproj"
    fails_with 1 "there is more than one project file; name the program's with 'project' in \[inputs\]" dotnet_build "$dir" -q --locked
    # The named project is built: other.csproj has no packages.
    sed -i '/PackageReference/d' "$dir/other.csproj"
    dotnet_build "$dir" -q --locked --set inputs.project=function.csproj -o "$D/named.tar"
    layer_files "$D/named.tar" 2 | finds '^var/task/YamlDotNet.dll'
    mkdir "$dir/src"
    mv "$dir/"*.csproj "$dir/src"
    fails_with 1 "there is no project file in the top folder; name its folder with 'project' in \[inputs\]" dotnet_build "$dir" -q --locked
    mv "$dir/src/function.csproj" "$dir"
    rm -r "$dir/src"
    fails_with 1 "handler 'nothing': the project makes no 'nothing.dll'" dotnet_build "$dir" -q --locked --set function.handler=nothing
    fails_with 1 "handler 'function::Function::Answer': it must be the assembly's name" \
        dotnet_build "$dir" -q --locked --set function.handler=function::Function::Answer
    sed -i 's/16\.3\.0/16.2.0/' "$dir/packages.lock.json"
    fails_with 7 "packages.lock.json doesn't fit the project; run 'dotnet restore --force-evaluate'" dotnet_build "$dir" -q --locked
    [ ! -e "$dir/hello-dotnet.tar" ]
}

check "a solution: the image answers, and its packages are a layer of their own" solution_answers
check "a project that wants its sources early: its packages go with the program" without_sources
check "no project file and two, one of which is named, a lock file that doesn't fit and none, handlers that aren't there" refused
