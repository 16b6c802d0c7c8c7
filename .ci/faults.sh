#!/usr/bin/env bash
# Proves that a machine which runs out of something is answered like a user's mistake: by
# one paragraph and the status 125, without a trace. A disk without room or inodes,
# directories that cannot be written, no descriptor, process or memory left, a control
# group that cannot be made, a command that is no program. And when the machine has what
# was missing, the next container runs.
#
#   .ci/faults.sh [PROGRAM]     default: rd
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
# shellcheck source=.ci/answers.sh disable=SC1091
. "$(dirname "$script")/answers.sh"

# A control group of our own for the limit of processes, outside of our namespaces too.
tidy_up() {
    if [ -d "$(limited)" ]; then wait_until 5 rmdir "$(limited)" 2>/dev/null || :; fi
    remove_groups
    rm -rf --one-file-system "$scratch"
}
limited() { printf '%s/rubber-docker-check-%s' "$(hierarchy pids)" "${scratch##*/}"; }
seclude "$@"

name=${1:-rd}
program=$(program "$name")
workshop=$(program workshop)
place=$scratch/place

# answered NAME COMMAND...: it prints `served`, or it is refused; $works says which.
answered() {
    local assertion=$1 status=0
    shift
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
    works=no
    if [ "$status" = 0 ]; then
        works=yes
        served "$assertion" "$@"
    else
        refused "$assertion" 125 '; |What to do' "$@"
    fi
}
# Where the program cannot even be loaded, the loader has the word, and nothing is begun.
is_loaded() { "$@" >/dev/null; } 2>/dev/null
# nothing_is_left NAME: in the store there is nothing but whole trees.
nothing_is_left() {
    same "$name: $1: nothing is left" '' \
        "$(left_in "$RUBBER_DOCKER_CONTAINERS"; find "$RUBBER_DOCKER_CONTAINERS" "$RUBBER_DOCKER_IMAGES" -maxdepth 2 -name '*partial*')"
}

# ---- a full disk ----

# with_store OPTIONS COMMAND...: with a store of its own, on a tmpfs.
with_store() {
    local -x RUBBER_DOCKER_CONTAINERS=$place
    mount -t tmpfs -o "mode=700,$1" none "$place"
    shift
    "$@"
    umount "$place"
}
run_served() { "$program" run echo served; }

disks() {
    local size inodes
    size=$(du -sk "$RUBBER_DOCKER_CONTAINERS/.images" | cut -f 1)
    inodes=$(find "$RUBBER_DOCKER_CONTAINERS/.images" | wc -l)
    with_store size=1m no_room_to_unpack 'room for 1 MiB'
    with_store "size=$((size / 2))k" no_room_to_unpack 'room for half of the image'
    with_store nr_inodes=3 no_room_to_unpack 'room for three files'
    with_store "nr_inodes=$((inodes / 2))" no_room_to_unpack 'room for half of the files'
    with_store "nr_inodes=$inodes" no_room_to_unpack 'room for all files but one'
    with_store size=256m no_room_for_directories
    with_store "size=$((size + 4096))k" no_room_for_the_command 'head -c 100m /dev/zero >/big'
    # shellcheck disable=SC2016 # the variable is that of the shell in the container
    with_store "nr_inodes=$((inodes + 100))" no_room_for_the_command 'seq 1000 | while read -r file; do echo >"/root/$file" || exit 1; done'
}
no_room_to_unpack() {
    refused "$1" 125 'ENOSPC.*make room there' run_served
    same "$name: $1: no tree is in the cache" '' "$(ls -A "$place/.images" 2>/dev/null)"
    mount -o remount,size=256m,nr_inodes=10000 "$place"
    served "$1, and then for all" run_served
}
# Inode by inode, until there are enough for the container's own directories and the kernel's.
no_room_for_directories() {
    local used more
    "$program" run true 2>/dev/null
    used=$(df --output=iused "$place" | tail -n 1)
    for more in {1..20}; do
        mount -o "remount,nr_inodes=$((used + more - 1))" "$place"
        answered "room for $((more - 1)) more files" run_served
        nothing_is_left "room for $((more - 1)) more files"
        if [ "$works" = yes ]; then break; fi
    done
    check "$name: some were too few" test "$more" -gt 3
    same "$name: some were enough" yes "$works"
}
no_room_for_the_command() {
    local status=0
    "$program" run -- sh -c "$1" >"$scratch/out" 2>"$scratch/err" || status=$?
    check "$name: a command fills the disk: it is told" grep -q 'No space left on device\|cannot create' "$scratch/err"
    same "$name: a command fills the disk: the status is its own" 1 "$status"
    nothing_is_left 'a command fills the disk'
    served 'a command has filled the disk, and the next one finds room' run_served
}

# ---- directories ----

# read_only DIRECTORY COMMAND...: it cannot be written in the meantime.
read_only() {
    local directory=$1
    shift
    mount --bind "$directory" "$directory"
    mount -o remount,bind,ro "$directory"
    "$@"
    umount "$directory"
}
directories() {
    local empty=$scratch/empty
    mkdir "$empty"
    read_only "$RUBBER_DOCKER_IMAGES" served 'a read-only image directory with the image in it' run_served
    read_only "$empty" refused 'a read-only image directory without it' 125 'EROFS.*(--image-dir|RUBBER_DOCKER_IMAGES)' \
        "$program" run --image-dir "$empty" true
    read_only "$empty" refused 'no image directory, where none can be made' 125 'EROFS.*(--image-dir|RUBBER_DOCKER_IMAGES)' \
        "$program" run --image-dir "$empty/images" true
    served 'no image directory' "$program" run --image-dir "$empty/images" echo served
    refused 'no image directory, and not our image' 125 'there is no image "other"' "$program" run --image-dir "$scratch/none" -i other true
    read_only "$RUBBER_DOCKER_CONTAINERS" refused 'a read-only container directory with the tree in it' 125 'EROFS.*read-only' run_served
    becomes_read_only
}
# Nothing can be removed then; but it is said, and can be later.
becomes_read_only() {
    local parent status=0
    mkfifo "$scratch/hold"
    mount --bind "$RUBBER_DOCKER_CONTAINERS" "$RUBBER_DOCKER_CONTAINERS"
    "$program" run -- sh -c 'echo begun; read -r _; exit 3' <"$scratch/hold" >"$scratch/out" 2>"$scratch/err" &
    parent=$!
    exec {hold}>"$scratch/hold"
    wait_until "$patience" test -s "$scratch/out" || :
    mount -o remount,bind,ro "$RUBBER_DOCKER_CONTAINERS"
    exec {hold}>&-
    wait "$parent" || status=$?
    same "$name: read-only in the meantime: the status is the command's" 3 "$status"
    check "$name: read-only in the meantime: it says so" grep -q '^rd: warning: cannot remove .*: EROFS .*read-only.*cargo workshop clean' "$scratch/err"
    umount "$RUBBER_DOCKER_CONTAINERS"
    "$workshop" clean >/dev/null
    nothing_is_left 'read-only in the meantime, and then cleaned'
}

# ---- limits of a process ----

# from_nothing: with neither an image nor a tree, as on the first day.
from_nothing() {
    local -x RUBBER_DOCKER_IMAGES=$scratch/first/images RUBBER_DOCKER_CONTAINERS=$scratch/first/containers
    rm -rf --one-file-system "$scratch/first"
    mkdir -p "$RUBBER_DOCKER_IMAGES" "$RUBBER_DOCKER_CONTAINERS/.images"
    "$@"
}
forget() { find "$RUBBER_DOCKER_IMAGES" "$RUBBER_DOCKER_CONTAINERS/.images" -mindepth 1 -maxdepth 1 -exec rm -rf --one-file-system {} +; }

# until_it_works ABOUT FIRST STEP LAST OPTION: the first of these limits that is enough.
until_it_works() {
    local about=$1 limit refusals=0
    works=no
    for ((limit = $2; limit <= $4; limit += $3)); do
        if ! is_loaded prlimit "$5=$limit" "$program"; then continue; fi
        answered "$about: $limit" prlimit "$5=$limit" "$program" run echo served
        nothing_is_left "$about: $limit"
        if [ "$works" = yes ]; then break; fi
        refusals=$((refusals + 1))
    done
    same "$name: $about: it works with $limit" yes "$works"
    check "$name: $about: it does not with less" test "$refusals" -gt 2
}
descriptors() {
    until_it_works 'open files' 3 1 40 --nofile
    from_nothing on_the_first_day --nofile 3 1 40
}
memory() { until_it_works 'address space' 4000000 700000 64000000 --as; }
# Without an image every try begins anew.
on_the_first_day() {
    local limit
    for ((limit = $2; limit <= $4; limit += $3)); do
        forget
        if ! is_loaded prlimit "$1=$limit" "$program"; then continue; fi
        if prlimit "$1=$limit" "$program" run true >"$scratch/out" 2>"$scratch/err"; then break; fi
        forget
        refused "the first container with $1=$limit" 125 '; ' prlimit "$1=$limit" "$program" run true
    done
    check "$name: the first container with $1=$limit" test "$limit" -lt "$4"
    nothing_is_left "the first container with $1"
}

# The limit is on files, not on pipes: through a pipe the message comes whole.
piped() {
    local status=0 readers=()
    cat <"$scratch/pipe.out" & readers+=($!)
    cat <"$scratch/pipe.err" >&2 & readers+=($!)
    "$@" >"$scratch/pipe.out" 2>"$scratch/pipe.err" || status=$?
    wait "${readers[@]}"
    return "$status"
}
file_sizes() {
    local limit status
    for limit in 0 1 10 4096; do
        served "files of at most $limit bytes" piped prlimit --fsize="$limit" "$program" run echo served
        nothing_is_left "files of at most $limit bytes"
        # Its own last words are too long for such a file.
        status=0
        prlimit --fsize="$limit" "$program" run true >"$scratch/out" 2>"$scratch/err" || status=$?
        same "$name: files of at most $limit bytes, its messages too" 0 "$status"
        nothing_is_left "files of at most $limit bytes, its messages too"
        from_nothing refused "no image, and files of at most $limit bytes" 125 'EFBIG.*ulimit -f' \
            piped prlimit --fsize="$limit" "$program" run true
    done
    status=0
    piped prlimit --fsize=1000 "$program" run -- sh -c 'head -c 2000 /dev/zero >/big' >/dev/null 2>&1 || status=$?
    # 128 and SIGXFSZ: for the command it is what it always was.
    same "$name: a command that writes more is killed, as anywhere" 153 "$status"
    nothing_is_left 'a command that writes more'
}

processes() {
    local uid=64123 idle=()
    setpriv --reuid $uid --regid $uid --clear-groups sleep 1000 & idle+=($!)
    setpriv --reuid $uid --regid $uid --clear-groups sleep 1000 & idle+=($!)
    wait_until "$patience" users_are $uid 2 || :
    refused 'a user with too many processes' 126 'EAGAIN.*ulimit -u' \
        prlimit --nproc=1 "$program" run --user $uid true
    kill "${idle[@]}"
    wait "${idle[@]}" 2>/dev/null || :
    served 'a user with few processes' prlimit --nproc=1 "$program" run --user $uid echo served

    if [ -z "$(hierarchy pids)" ] || ! wait_until 5 make_limited; then
        skip "$name: no process more" 'this machine gives no control group for it'
        return
    fi
    refused 'no process more' 125 'clone.*EAGAIN.*pids.max' with_processes 1 "$program" run true
    served 'one process more' with_processes 2 "$program" run echo served
    from_nothing refused 'no image, and no process more' 125 'EAGAIN|os error 11' with_processes 1 "$program" run true
}
# A keeper of the checks removes any group with such a name that no process has locked, even one
# that is a moment old.
make_limited() {
    mkdir -p "$(limited)" && exec {limited}<"$(limited)" && flock -n "$limited" && [ -e "$(limited)/pids.max" ]
} 2>/dev/null
users_are() { [ "$(pgrep -cu "$1" sleep)" = "$2" ]; }
# with_processes NUMBER COMMAND...
with_processes() {
    printf '%s' "$1" >"$(limited)/pids.max"
    shift
    # shellcheck disable=SC2016 # the variables are those of the inner shell
    bash -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$(limited)" "$@"
}

# ---- the first group is made, the second is not; the last step fails ----

groups() {
    refused 'the group of cpu is made, that of memory is not' 125 'mkdir.*memory.*EROFS.*read-only' \
        in_a_world_where "mount -o remount,bind,ro $(hierarchy memory)" "$program" run true
}

last_steps() {
    local tree=$scratch/odd-programs step
    mkdir "$tree" "$tree/directory"
    printf 'no program\n' >"$tree/text"
    printf '#!/no/such/interpreter\n' >"$tree/orphan"
    printf '#!/directory\n' >"$tree/misled"
    printf '#!/loop\n' >"$tree/loop"
    # The mark of an ELF file, and nothing of what follows it.
    printf '\x7fELF\x02\x01\x01' >"$tree/torso"
    printf 'no program\n' >"$tree/plain"
    chmod +x "$tree"/{text,orphan,misled,loop,torso}
    tar -C "$tree" -cf "$RUBBER_DOCKER_IMAGES/odd.tar" .
    "$program" run -i odd /none 2>/dev/null || :
    # What the kernel takes for no program, execvp(3) hands to /bin/sh: here there is none.
    for step in /text /torso; do refused "exec of $step" 127 'ENOENT.*interpreter' "$program" run -i odd "$step"; done
    while read -r step status advice; do
        refused "exec of $step" "$status" "$advice" "$program" run -i odd "$step"
    done <<'STEPS'
/none 127 ENOENT
/directory 126 EACCES.*directory
/plain 126 EACCES.*chmod
/orphan 127 ENOENT.*interpreter
/misled 126 EACCES.*interpreter
/loop 126 ELOOP
STEPS
}

mkdir "$place"
mkfifo "$scratch/pipe.out" "$scratch/pipe.err"
"$program" run true 2>/dev/null
mounts_before=$(mount_table)
groups_before=$(control_groups)
disks
directories
descriptors
memory
file_sizes
processes
groups
last_steps
served 'after all that' run_served
same "$name: the mount table is as before" "$mounts_before" "$(mount_table)"
same "$name: no control group is left" '' "$(new_groups 5 "$groups_before")"
sums
