#!/usr/bin/env bash
# Proves that a container started from an image that means harm either runs as if the
# image were honest, or is refused in one sentence: the places that every container
# mounts on are links, files or missing; the root is no directory; programs are setuid.
# A canary outside is as it was, no mount is left, and the cache holds whole trees only.
#
#   .ci/hostile-images.sh [PROGRAM]...     default: the finished one
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
seclude "$@"

# shellcheck disable=SC2154 # it is made there
canary=$scratch/canary
tree=$scratch/tree

# What must not change: the canary, the mounts, and what is in the store but for whole trees.
world() {
    find "$canary" -printf '%p %y %m %U:%G %n %s %T@\n' | sort
    find "$canary" -type f -exec cat {} +
    mount_table
    left_in "$RUBBER_DOCKER_CONTAINERS"
    find "$RUBBER_DOCKER_CONTAINERS/.images" -mindepth 1 -maxdepth 1 -name '*.partial'
}

# attempt ARGUMENTS...: runs the program, and compares the world before and after.
attempt() {
    local before
    before=$(world)
    status=0
    "$program" run -i image "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
    said=$(<"$scratch/err")
    complaint=$(diff <(printf '%s\n' "$before") <(world)) || :
    if grep -Eqi 'panicked|backtrace' <<<"$said"; then complaint+=' it panicked'; fi
}

# served WHAT: a container from the image runs, and sees its own world.
served() {
    # shellcheck disable=SC2016 # the variable is the inner shell's
    attempt -- sh -c 'read -r pid _ </proc/self/stat && [ -c /dev/null ] && [ -d /sys/kernel ] && [ "$pid" -lt 9 ] && echo served'
    if [ "$status" = 0 ] && [ "$(<"$scratch/out")" = served ] && [ -z "$complaint" ]; then
        ok "$name: $1"
    else
        not_ok "$name: $1" "status $status, printed \"$(<"$scratch/out")\", said: $said $complaint"
    fi
}

# refused WHAT WHY: it says why, and what to do.
refused() {
    attempt -- true
    if [ "$status" = 125 ] && grep -Eq -- "$2" <<<"$said" && [ -z "$complaint" ]; then
        ok "$name: $1"
    else
        not_ok "$name: $1" "status $status, expected 125 and: $2; said: $said $complaint"
    fi
}

# image COMMAND...: the base image, with something done to it first.
image() {
    rm -rf --one-file-system "$tree"
    cp -al "$scratch/base" "$tree"
    (cd "$tree" && "$@")
    tar -C "$tree" --numeric-owner -cf "$RUBBER_DOCKER_IMAGES/image.tar" .
}
# instead NAME COMMAND...: what is there gives way to what the command makes.
instead() {
    rm -rf --one-file-system "./$1"
    "${@:2}"
}

mount_points() {
    local point upwards
    upwards=$(printf '../%.0s' {1..20})
    for point in proc sys dev; do
        image instead $point true
        served "/$point is missing"
        image instead $point touch $point
        refused "/$point is a file" "/$point of this image is a link or a file.*Make it a directory"
        image instead $point mkfifo $point
        refused "/$point is a FIFO" "/$point of this image is a link or a file.*Make it a directory"
        local target
        for target in "$canary" "$upwards${canary#/}" usr . $point /nowhere /proc/self/root; do
            image instead $point ln -s "$target" $point
            refused "/$point is a link to $target" "/$point of this image is a link or a file.*Make it a directory"
        done
        image chmod 000 $point
        served "/$point is closed"
    done
    # Where pivot_root puts the host for a moment.
    image ln -s "$canary" .old-root
    refused '/.old-root is a link' '/.old-root of this image is a link or a file'
    image mkdir .old-root
    served '/.old-root is there already'
    image mkdir -p .old-root/something
    refused '/.old-root is there and not empty' 'ENOTEMPTY'
}

other_places() {
    image instead etc true
    served '/etc is missing'
    image instead etc touch etc
    served '/etc is a file'
    image instead etc ln -s "$canary" etc
    served '/etc is a link to the outside'
    image chmod 000 .
    served 'the root is closed'
    image true
    (cd "$tree" && tar --numeric-owner -cf "$RUBBER_DOCKER_IMAGES/image.tar" -- *)
    served 'no member describes the root'
    ln -s "$canary" "$scratch/root-link"
    tar -C "$scratch" --transform='flags=r;s,^root-link$,.,' -cf "$RUBBER_DOCKER_IMAGES/image.tar" root-link
    refused 'the root is a link' 'the root of the image is a Symlink.*What to do.*nothing of it was kept'
    tar -C "$canary" --transform='flags=r;s,^file$,.,' -cf "$RUBBER_DOCKER_IMAGES/image.tar" file
    refused 'the root is a file' 'the root of the image is a File.*What to do.*nothing of it was kept'
}

powers() {
    # The shell in between: setpriv itself keeps its powers until it has started something.
    # shellcheck disable=SC2016 # the arguments are those of the inner shell
    local as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups -- sh -c '"$@"' sh)
    image eval 'cp usr/bin/cat usr/bin/setuid; chmod 6755 usr/bin/setuid; mknod disk b 1 0; mknod null c 1 3'
    served 'it has a setuid program and devices'
    attempt -- stat -c '%a %u' /usr/bin/setuid
    same "$name: the setuid program is as the image has it" '6755 0' "$(<"$scratch/out")"
    local program_of_root
    program_of_root=$(find "$RUBBER_DOCKER_CONTAINERS" -path '*/usr/bin/setuid' | tail -n 1)
    check "$name: it is in the store" test -u "$program_of_root"
    same "$name: an ordinary user cannot start it there" 'Permission denied' \
        "$("${as_nobody[@]}" "$program_of_root" "$canary/file" 2>&1 | sed 's/.*: //')"
    same "$name: its devices were left out" '' "$(find "$RUBBER_DOCKER_CONTAINERS/.images" -xdev \( -type b -o -type c \))"
}

mkdir -p "$canary/directory" "$scratch/base"
echo alive >"$canary/file"
echo alive >"$canary/directory/file"
chmod 600 "$canary/file"
"$(program rd)" run true 2>/dev/null
tar -C "$scratch/base" -xpf "$RUBBER_DOCKER_IMAGES/base.tar"

names=("$@")
if [ $# = 0 ]; then names=(rd); fi
for name in "${names[@]}"; do
    program=$(program "$name")
    mount_points
    other_places
    powers
done
sums
