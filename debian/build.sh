#!/usr/bin/env bash
# Builds the .deb of each architecture into build/deb (or DEB_OUT). Only the wheels come over the network, by the hashes
# of the lock files; what is built is built without one. What has not changed is not built again.
#   debian/build.sh [amd64] [arm64]      with PYTHON: an interpreter that has pip
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

out=${DEB_OUT:-$PWD/build/deb}
wheels=$PWD/build/wheels
parts=(debian docs firmware_store gateway pyproject.toml README.md requirements.lock requirements-deb.lock systemd)
version=$(dpkg-parsechangelog --show-field Version)
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog --show-field Timestamp)
export SOURCE_DATE_EPOCH

# what is in version control, and what will be; no leftovers of a working tree
ours() { git ls-files -z --cached --others --exclude-standard -- "${parts[@]}" | sort -zu | while IFS= read -r -d '' file; do
    if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done; }

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
    local work status=0
    work=$(mktemp -d)
    mkdir "$work/ocpp-gateway-$version"
    ours | tar -c --null --mtime="@$SOURCE_DATE_EPOCH" --files-from=- | tar -x -C "$work/ocpp-gateway-$version"
    (
        cd "$work/ocpp-gateway-$version"
        # -d: `./dev deb` asks for what is needed; dpkg would ask for compilers of the other architecture, which nothing uses
        DEB_BUILD_OPTIONS=nocheck WHEELS=$wheels offline dpkg-buildpackage -d -us -uc -b --host-arch "$1"
    ) >"$out/build-$1.log" 2>&1 || status=$?
    if [ "$status" -eq 0 ]; then mv "$work"/ocpp-gateway_* "$out"; else tail -n 40 "$out/build-$1.log" >&2; fi
    rm -rf "$work"
    return "$status"
}

mkdir -p "$out" "$wheels"
if [ $# -eq 0 ]; then set -- amd64 arm64; fi
mark=$(ours | xargs -0 sha256sum | sha256sum)
begun=()
for architecture in "$@"; do
    deb=$out/ocpp-gateway_${version}_$architecture.deb
    if [ ! -e "$deb" ] || [ "$(cat "$out/.made-from-$architecture" 2>/dev/null)" != "$mark" ]; then
        rm -f "$out/.made-from-$architecture" "$deb"
        fetch "$architecture"
        { build "$architecture" && echo "$mark" >"$out/.made-from-$architecture"; } &
        begun+=($!)
    fi
done
for one in "${begun[@]}"; do wait "$one"; done
for architecture in "$@"; do echo "$out/ocpp-gateway_${version}_$architecture.deb"; done
