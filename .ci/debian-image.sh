#!/usr/bin/env bash
# Proves that an image need not be ours: a Debian made by debootstrap, put into the
# image directory as debian.tar, runs its own programs on an overlay.
#
#   .ci/debian-image.sh
#
# The archive is kept under ~/.cache/rubber-docker; the first run downloads it.
# DEBIAN_SUITE and DEBIAN_MIRROR choose another one.
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
seclude "$@"

rd=$(program rd)
suite=$debian_suite
archive=$(debian_archive)
cp "$archive" "$RUBBER_DOCKER_IMAGES/debian.tar"
mounts_before=$(mount_table)

# run NAME COMMAND [ARG]...: in a container of that image; what it prints is then in $printed.
run() {
    local name=$1 status=0
    shift
    printed=$("$rd" run -i debian -- "$@" 2>"$scratch/err") || status=$?
    if [ "$status" = 0 ]; then ok "$name"; else not_ok "$name" "status $status: $(<"$scratch/err")"; fi
}
# matches NAME PATTERN: what was printed.
matches() {
    if grep -Eq -- "$2" <<<"$printed"; then ok "$1"; else not_ok "$1" "awaited: $2"$'\n'"printed: $printed"; fi
}

run 'dpkg runs' bash -c 'dpkg --version'
matches 'dpkg says which version it is' '^Debian .dpkg. package management program version [0-9.]+'

run 'the container reads its release' cat /etc/os-release
matches "it is Debian $suite" "^VERSION_CODENAME=$suite\$"

run 'the container reads its mount table' grep ' / / ' /proc/self/mountinfo
matches 'its root is an overlay' ' / / .* - overlay '
same 'and nothing else is mounted on /' 1 "$(wc -l <<<"$printed")"

run 'dpkg can read its database' dpkg-query -W -f "\${Status}\\n" base-files
matches 'and base-files is installed' '^install ok installed$'

run 'what has an owner keeps it' stat -c '%U:%G %a' /etc/shadow
matches 'as of /etc/shadow' '^root:shadow 640$'

run 'what is setuid stays setuid' stat -c '%U %a' /bin/su
matches 'as /bin/su is' '^root 4755$'

run 'a package can be removed' bash -c 'dpkg --purge --force-all sed && ! test -e /bin/sed'
run 'the next container has it again' test -e /bin/sed

same 'the mount table is as before' "$mounts_before" "$(mount_table)"
same 'of the containers only the cache is left' .images "$(ls -A "$RUBBER_DOCKER_CONTAINERS")"
sums
