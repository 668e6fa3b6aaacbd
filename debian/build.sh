#!/usr/bin/env bash
# Builds the .deb of every architecture into build/deb (or DEB_OUT). Only the wheels come over the network, by the
# hashes of the lock files; what is built is built without one.
#   debian/build.sh [amd64] [arm64]      with PYTHON: an interpreter that has pip
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

out=${DEB_OUT:-$PWD/build/deb}
wheels=$PWD/build/wheels
version=$(dpkg-parsechangelog --show-field Version)
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog --show-field Timestamp)
# nothing of who builds, and where, may come into the package
export TZ=UTC LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS=nocheck
umask 022

offline() {
    if unshare --net true 2>/dev/null; then unshare --net "$@"; else "$@"; fi
}

fetch() { # architecture
    local mark
    mark=$(cat requirements.lock requirements-deb.lock debian/vendor.py | cksum)
    if [ "$(cat "$wheels/.made-from-$1" 2>/dev/null)" = "$mark" ]; then return; fi
    "${PYTHON:-python3}" debian/vendor.py download "$1" "$wheels" requirements.lock requirements-deb.lock
    echo "$mark" >"$wheels/.made-from-$1"
}

build() { # architecture
    local work tree
    work=$(mktemp -d)
    tree=$work/ocpp-gateway-$version
    mkdir "$tree"
    # what is in version control, and what will be; no leftovers of a working tree
    git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- --ignore-failed-read 2>/dev/null \
        | tar -x -C "$tree"
    (
        cd "$tree"
        export WHEELS=$wheels
        # build dependencies are asked for by `./dev deb`, the machine's own architecture aside
        offline dpkg-buildpackage -d -us -uc -b --host-arch "$1" >"$out/build-$1.log" 2>&1
    ) || { tail -n 40 "$out/build-$1.log" >&2; rm -rf "$work"; return 1; }
    mv "$work"/ocpp-gateway_* "$out"
    rm -rf "$work"
}

mkdir -p "$out" "$wheels"
if [ $# -eq 0 ]; then set -- amd64 arm64; fi
for architecture in "$@"; do
    fetch "$architecture"
    build "$architecture"
    echo "$out/ocpp-gateway_${version}_$architecture.deb"
done
