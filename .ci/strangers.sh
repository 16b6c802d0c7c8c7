#!/usr/bin/env bash
# Proves that no user but root gets at a container's files: the runtime refuses a container
# directory of another user, or one that another user could exchange, before it makes
# anything; it closes one of root's that lets others in. And that root makes nothing in
# another place while the owner of such a directory swaps it for a link.
#
#   .ci/strangers.sh [PROGRAM]...     default: the solutions of levels 01, 04 and of all
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
seclude "$@"

names=("$@")
if [ $# = 0 ]; then names=(level02 level05 rd); fi

stranger=65534
# they COMMAND [ARG]...: as the stranger does it.
they() { setpriv --reuid "$stranger" --regid "$stranger" --clear-groups "$@"; }

place=$scratch/place elsewhere=$scratch/elsewhere
# The place is sticky for all, as /tmp is: theirs, root's, and something to protect.
fresh() {
    rm -rf --one-file-system "$place" "$elsewhere"
    mkdir -m 1777 "$place"
    mkdir -m 700 "$elsewhere"
    before=$(state "$elsewhere")
}
state() { find "$1" -printf '%P %y %m %U:%G %n %C@ %l\n' | sort; }

# run STORE: leaves $status and $said.
run() {
    status=0
    said=$("$program" run --container-dir "$1" echo served 2>&1 </dev/null) || status=$?
}
# refused NAME STORE PATTERN: with a reason and what to do, and nothing is made or changed.
refused() {
    local place_before
    place_before=$(state "$place")
    run "$2"
    same "$name: $1: it is refused" 125 "$status"
    check "$name: $1: it says why, and what to do" grep -Eq -- "^$name: .*$3.*(--container-dir|sudo )" <<<"$said"
    same "$name: $1: in one line" 1 "$(wc -l <<<"$said")"
    same "$name: $1: nothing there is made or changed" "$place_before" "$(state "$place")"
    same "$name: $1: nothing elsewhere is made or changed" "$before" "$(state "$elsewhere")"
}
# served NAME STORE: a container runs, in a store that is root's and closed.
served() {
    run "$2"
    check "$name: $1: a container runs" grep -qx served <<<"$said"
    same "$name: $1: the store is closed, and root's" '700 0' "$(stat -Lc '%a %u' "$2")"
    same "$name: $1: nothing is left in it" '' "$(left_in "$(realpath "$2")")"
}

owners() {
    fresh
    they mkdir -m 755 "$place/store"
    refused "a stranger's store" "$place/store" "belongs to user $stranger"
    they chmod 700 "$place/store"
    refused "a stranger's store, closed" "$place/store" "belongs to user $stranger"
    they chmod 1777 "$place/store"
    refused "a stranger's store, sticky for all" "$place/store" "belongs to user $stranger"

    fresh
    they mkdir -m 755 "$place/theirs"
    refused "a store to be made in a stranger's directory" "$place/theirs/a/store" "theirs on the way there belongs to user $stranger"
    mkdir -m 700 "$place/theirs/store"
    refused "root's store in a stranger's directory" "$place/theirs/store" "belongs to user $stranger"
    they chmod 1755 "$place/theirs"
    refused "root's store in a stranger's sticky directory" "$place/theirs/store" "belongs to user $stranger"
    mkdir -p "$place/theirs/deep"/{er,store}
    refused "root's store far below a stranger's directory" "$place/theirs/deep/er/../store" "belongs to user $stranger"
}

modes() {
    local mode
    for mode in 777 775 757; do
        fresh
        mkdir "$place/shared"
        chmod "$mode" "$place/shared"
        refused "a store to be made where others may write ($mode)" "$place/shared/store" 'other users may write'
    done
    fresh
    served 'a store to be made in a sticky directory' "$place/a/store"
    same "$name: what is made above it is root's to write, and every user's to read" '755 0' "$(stat -c '%a %u' "$place/a")"
    for mode in 755 711 777 1777 2775; do
        fresh
        mkdir "$place/store"
        chmod "$mode" "$place/store"
        served "root's store, which lets others in ($mode)" "$place/store"
    done
    mkdir "$scratch/in-memory"
    mount -t tmpfs none "$scratch/in-memory"
    served 'a tmpfs, sticky for all as it comes' "$scratch/in-memory"
    umount "$scratch/in-memory"
    rmdir "$scratch/in-memory"

    # The runtime chooses the modes of what it makes; a careless shell's umask does not.
    fresh
    (umask 000 && RUBBER_DOCKER_IMAGES=$place/var/lib/images "$program" run --container-dir "$place/var/lib/containers" true 2>/dev/null)
    same "$name: with umask 000: nothing that is made is open to write" '' \
        "$(find "$place" -mindepth 1 -maxdepth 3 ! -type l -perm /022)"
    same "$name: with umask 000: the store is closed" 700 "$(stat -c %a "$place/var/lib/containers")"
}

links() {
    fresh
    they ln -s "$elsewhere" "$place/store"
    refused "a stranger's link" "$place/store" "belongs to user $stranger"
    refused "a store to be made behind a stranger's link" "$place/store/below" "belongs to user $stranger"
    fresh
    mkdir "$place/real"
    ln -s real "$place/one"
    ln -s one "$place/two"
    served "links of root's" "$place/two"
    they mkdir "$place/theirs"
    ln -s "$place/theirs" "$place/three"
    refused "root's link to a stranger's directory" "$place/three" "belongs to user $stranger"
    ln -s circle "$place/circle"
    refused 'a link to itself' "$place/circle" 'ELOOP'
}

# What strangers have put into a store while they could.
planted() {
    fresh
    mkdir -m 777 "$place/store"
    chmod 777 "$place/store"
    they mkdir "$place/store/.images"
    refused "a stranger's cache in an open store" "$place/store" 'such as ".images"'
    chmod 700 "$place/store"
    refused "a stranger's cache in a closed store" "$place/store" "belongs to user $stranger"
    rmdir "$place/store/.images"
    chmod 777 "$place/store"
    they ln -s "$elsewhere" "$place/store/0123456789ab"
    refused "a stranger's link in an open store" "$place/store" 'such as "0123456789ab"'
    rm "$place/store/0123456789ab"
    chmod 700 "$place/store"
    ln -s "$elsewhere" "$place/store/.images"
    refused 'a cache that is a link' "$place/store" 'is no directory'
    rm "$place/store/.images"
    mkdir -m 755 "$place/store/.images"
    served 'a cache that lets others in' "$place/store"
    same "$name: a cache that lets others in: it is closed" 700 "$(stat -c %a "$place/store/.images")"
}

# A setuid program that a container makes turns no user of the host into root.
setuid() {
    local program_of_root
    fresh
    mkdir -m 755 "$place/store"
    "$program" run --container-dir "$place/store" --keep sh -c 'cp /bin/sh /way-out && chmod 4755 /way-out' 2>/dev/null
    program_of_root=$(find "$place/store" -name way-out -perm -4000)
    check "$name: a setuid program is in the store" test -n "$program_of_root"
    check "$name: a stranger does not get at it" cannot they test -e "$program_of_root"
    same "$name: the container's own directory is closed, too" 1700 "$(stat -c %a "$(left_in "$place/store")")"
    # Not even if root opens the store to others later.
    chmod 755 "$place/store"
    check "$name: nor through an open store" cannot they test -e "$program_of_root"
}
cannot() { ! "$@"; }

# The owner of a store swaps a container's directory for a link, at the best of moments: the
# parent waits for the lock of the image's half-made tree, which the owner holds, and will
# make directories when it gets it. No clock decides who wins.
swapped() {
    local store=$place/store lock parent id=''
    fresh
    # What is elsewhere may be written to by root alone, and so by the parent, misled.
    they mkdir -m 755 "$store"
    they mkdir -p "$store/.images/$(key "$RUBBER_DOCKER_IMAGES/base.tar").partial"
    exec {lock}<"$store/.images/$(key "$RUBBER_DOCKER_IMAGES/base.tar").partial"
    flock "$lock"
    "$program" run --container-dir "$store" true >/dev/null 2>"$scratch/err" {lock}<&- &
    parent=$!
    begun_or_ended() {
        id=$(find "$store" -mindepth 1 -maxdepth 1 -type d ! -name .images)
        [ -n "$id" ] || gone "$parent"
    }
    wait_until "$patience" begun_or_ended || not_ok "$name: swapped: it begins or ends" "$(<"$scratch/err")"
    if [ -n "$id" ]; then
        they mv "$id" "$store/aside" 2>/dev/null || mv "$id" "$store/aside"
        they ln -s "$elsewhere" "$id"
    fi
    exec {lock}<&-
    wait "$parent" || :
    same "$name: swapped: nothing elsewhere is made or changed" "$before" "$(state "$elsewhere")"
    same "$name: swapped: root has made nothing in the stranger's store" '' "$(find "$store" -user root)"
}
gone() { ! kill -0 "$1" 2>/dev/null; }
# The name of an image's tree: what stat says of the archive.
key() {
    local size seconds inode
    read -r size seconds inode < <(stat -c '%s %.9Y %i' "$1")
    printf 'base-%x-%x.%x-%x' "$size" "${seconds%.*}" "$((10#${seconds#*.}))" "$inode"
}

"$(program rd)" run true 2>/dev/null
for name in "${names[@]}"; do
    program=$(program "$name")
    owners
    modes
    links
    planted
    setuid
    if [[ $name > level04 ]]; then swapped; fi
done
sums
