# BuildKit itself, and the engines that build with it.

platform_digest() {
    python3 - "$1/index.json" <<'PY'
import json, sys
print(json.load(open(sys.argv[1]))["manifests"][0]["digest"])
PY
}

# What the tests of the engines stand on: the daemon runs steps, on a base that comes from a folder of the client's.
daemon_runs_a_step() {
    need_buildkit
    need_part base-
    local dir=$W/buildkit-step layout=$INTEGRATION_BASES/layouts/al2023-amd64
    mkdir -p "$dir"
    cat >"$dir/Dockerfile" <<'D'
FROM base AS made
RUN echo "made by $(id -u)" >/made
FROM scratch
COPY --from=made /made /
D
    buildctl_ build --progress plain --frontend dockerfile.v0 --local "context=$dir" --local "dockerfile=$dir" \
        --oci-layout "base=$layout" --opt "context:base=oci-layout://base@$(platform_digest "$layout")" \
        --output "type=tar,dest=$dir/out.tar"
    same 'made by 0' "$(tar -xOf "$dir/out.tar" made)"
}

check 'buildkitd runs a step on a base from an OCI layout' daemon_runs_a_step
