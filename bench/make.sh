#!/usr/bin/env bash
# The cost of a second make without changes: the Makefile of two lines, against a make with nothing to do at all. Neither starts
# lbuild.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
have make || die "make is not installed"
export LBUILD_DATA=${LBUILD_DATA-$(realpath "$HERE/..")}
ROUNDS=$((ROUNDS * 3))

project "$W/p" scratch
# shellcheck disable=SC2016 # not a command
sed -n '/^```make$/,/^```$/p' "$HERE/../docs/make.md" | sed '1d;/^```$/,$d' >"$W/p/Makefile"
mkdir -p "$W/bin" "$W/nothing"
ln -s "$LBUILD" "$W/bin/lbuild"
export PATH=$W/bin:$PATH
printf 'image:\n' >"$W/nothing/Makefile"
make -s -C "$W/p" >/dev/null
printf 'one image depends on %s files and folders\n' "$(grep -c '^ ' "$W/p/lbuild-out/.p.d")"

python3 - "$ROUNDS" "$W" <<'PY'
import statistics, subprocess, sys, time

rounds, folder = int(sys.argv[1]), sys.argv[2]
commands = {"make, the image is up to date": ["make", "-s", "-C", folder + "/p"],
            "make, nothing to do at all": ["make", "-s", "-C", folder + "/nothing"]}
times = {name: [] for name in commands}
for _ in range(rounds):  # in turn, so that both meet the same noise
    for name, command in commands.items():
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times[name].append((time.perf_counter() - start) * 1000)
medians = [statistics.median(t) for t in times.values()]
for name, median in zip(times, medians):
    print(f"{name:32} {median:7.1f} ms")
print(f"{'difference':32} {medians[0] - medians[1]:7.1f} ms, the limit is 30 ms: {'ok' if medians[0] - medians[1] < 30 else 'MISSED'}")
PY
