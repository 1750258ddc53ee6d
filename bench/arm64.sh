#!/usr/bin/env bash
# A build for the other architecture against one for this machine's: a whole compile and a tarball without a base.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
have aarch64-linux-gnu-gcc || die "aarch64-linux-gnu-gcc is not installed (gcc-aarch64-linux-gnu)"
project "$W/p" scratch

build="rm -rf $W/cache $W/p/hello.tar && $LBUILD build -q -C $W/p"
python3 "$HERE/race.py" -n "$ROUNDS" --limit 'native:1.15' "arm64=$build --arm64" "native=$build"
