#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds this tree with the compiler and the libraries of another Debian and runs its unit tests there:
#   tests/debian.sh SUITE TESTLOG PACKAGE...
# TESTLOG gets meson's testlog.json. The Debian is made once and kept in ${XDG_CACHE_HOME:-~/.cache}/candor, named by a hash of
# what it is made of. The sources are copied in; every build is a fresh one, made quick by ccache. Works as root, also without
# the right to mount, and as a user with a range of subordinate ids.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=$1 testlog=$2
shift 2
recipe=1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/candor
name=debian-$suite-$(printf '%s\n' "$recipe" "$suite" "$@" | sha256sum | cut -c1-16)
mkdir -p "$cache"
exec 9>"$cache/$name.lock"
flock 9

# As somebody who owns files of all users, with mounts of its own where the kernel allows it.
as_owner() {
    if [ "$(id -u)" != 0 ]; then
        unshare --map-auto --map-root-user --mount "$@"
    elif unshare --mount true 2>/dev/null; then
        unshare --mount "$@"
    else
        "$@"
    fi
}

make_debian() { # FOLDER SUITE MODE PACKAGES
    mkdir "$1/root"
    mmdebstrap --mode="$3" --variant=minbase --include="$4" "$2" - | as_owner tar -C "$1/root" --exclude='./dev/*' -xf -
}

if [ ! -d "$cache/$name" ]; then
    echo "making a Debian ($suite) to build in, a minute or two; it is kept as $cache/$name"
    new=$(mktemp -d "$cache/$name.XXXXXX")
    trap 'as_owner rm -rf "$new"' EXIT
    packages=$(IFS=,; echo "$*")
    if [ "$(id -u)" = 0 ]; then
        make_debian "$new" "$suite" root "$packages" || { as_owner rm -rf "$new/root"; make_debian "$new" "$suite" unshare "$packages"; }
    else
        make_debian "$new" "$suite" unshare "$packages"
    fi
    chmod 755 "$new"
    mv -T "$new" "$cache/$name"
    trap - EXIT
    find "$cache" -maxdepth 1 -type d -name 'debian-*' -mtime +30 | while read -r old; do as_owner rm -rf "$old"; done
fi
touch "$cache/$name"

git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
    tar --null -T - -cf "$cache/$name/source.tar"

cat >"$cache/$name/inside.sh" <<'INSIDE'
set -eu
for folder in dev proc; do
    mount --rbind "/$folder" "root/$folder" 2>/dev/null || true
done
if [ ! -c root/dev/null ]; then
    for node in null:3 zero:5 full:7 random:8 urandom:9; do
        mknod -m 666 "root/dev/${node%:*}" c 1 "${node#*:}"
    done
    mkdir -p -m 1777 root/dev/shm
fi
rm -rf root/src root/build root/testlog.json
mkdir root/src
tar -C root/src --no-same-owner -xf source.tar
exec chroot root /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    CCACHE_DIR=/var/cache/ccache CCACHE_MAXSIZE=1G JOBS="$JOBS" /bin/sh -euc '
        cd /src
        meson setup /build -Dwerror=true
        ninja -C /build -j "$JOBS"
        status=0
        meson test -C /build --no-rebuild --suite unit --timeout-multiplier 5 || status=$?
        cp /build/meson-logs/testlog.json /testlog.json
        exit $status'
INSIDE
cd "$cache/$name"
status=0
JOBS=${JOBS:-$(nproc)} as_owner sh inside.sh || status=$?
cd - >/dev/null
[ ! -e "$cache/$name/root/testlog.json" ] || cp "$cache/$name/root/testlog.json" "$testlog"
exit $status
