#!/usr/bin/env bash
# Proves that what a user can do wrong, or a machine can lack, is answered by one
# paragraph that says what to do, with the right exit status (125 for us, 126 and 127
# for the command), without a panic, and that nothing is left behind by it: no mount,
# no half-made directory, no half-unpacked image, no control group.
#
#   .ci/bad-input.sh [PROGRAM]...     default: the solution of every level
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
# shellcheck source=.ci/answers.sh disable=SC1091
. "$(dirname "$script")/answers.sh"
seclude "$@"

# An ordinary user, who must be able to reach the programs.
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
# Root, but without root's power to read what it may not.
without_dac() { setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search "$@"; }

# ---- what a user gets wrong ----

command_line() {
    refused 'a mistyped option' 125 "unexpected argument '--kep'" "$program" run --kep true
    refused 'a mistyped action' 125 "unrecognized subcommand 'rum'" "$program" rum true
    refused 'no command' 125 'required arguments' "$program" run
    refused 'an option without its value' 125 'value is required' "$program" run --image-name
    refused "Docker's --rm" 125 'leave .--rm. out' "$program" run --rm alpine ls
    refused "Docker's -it" 125 'your terminal in any case' "$program" run -it bash
    refused "Docker's -p" 125 'no port of a container' "$program" run -p 80:80 true
    refused "Docker's order of words" 127 'name of an image: run -i NAME' "$program" run alpine ls
    # ESC [ 2 J clears the screen, U+202E turns round what comes after it.
    local evil=$'x\e[2J\xe2\x80\xae' said
    said=$(
        for words in '' 'rum' 'run --kep' 'run --help' 'run -i unknown true'; do
            # shellcheck disable=SC2086 # words
            (exec -a "$evil" "$program" $words) 2>&1 || :
        done
        "$program" run "--$evil" true 2>&1 || :
        "$program" run --container-dir "$scratch/odd/file/$evil" true 2>&1 || :
    )
    check "$name: a name that a terminal would obey is shown as text" grep -q '^x.u{1b}\[2J.u{202e}: ' <<<"$said"
    same "$name: and nowhere as it is" '' "$(grep -aE $'\e\\[2J|\xe2\x80\xae' <<<"$said" || :)"
    refused 'a directory as standard input' 125 'descriptor 0 is a directory.*/dev/null' bash -c "$program run cat /proc/self/fd/0/etc/hostname </"
    refused 'an image name that is no text' 125 'invalid UTF-8' "$program" run -i $'\xff' true
}

commands() {
    refused 'a command that is not there' 127 'no directory in PATH has such a program' "$program" run -- no-such-command
    refused 'a path that is not there' 127 'ENOENT.*look there' "$program" run -- /no/such/command
    refused 'an empty command' 127 'ENOENT' "$program" run -- ''
    refused 'a path through a file' 127 'ENOTDIR' "$program" run -- /etc/passwd/command
    refused 'a file that is no program' 126 'EACCES.*chmod' "$program" run -- /etc/passwd
    refused 'a directory as command' 126 'EACCES.*directory' "$program" run -- /etc
    refused 'an unknown command, with standard error closed' 127 '.' bash -c "$program run -- no-such-command 2>&-; status=\$?; echo $name: closed >&2; exit \$status"
}

images() {
    refused 'an unknown image' 125 'no image "unknown".*put its root file system there as unknown.tar' "$program" run -i unknown true
    local wrong
    for wrong in a/b ../base /etc/passwd .. . .hidden 'a b' '' "$(printf 'x%.0s' {1..300})"; do
        refused "the image name '${wrong:0:20}'" 125 'is no name of an image: .*a name is made of' "$program" run --image-name="$wrong" true
    done
    if [ "$name" = level01 ]; then return; fi # does not unpack anything yet
    refused 'an archive of noise' 125 'tar.*What to do' "$program" run -i noise true
    refused 'an archive that is cut short' 125 'cut short.*What to do' "$program" run -i short true
    refused 'a compressed archive that is cut short' 125 'What to do' "$program" run -i short-gz true
    refused 'an empty archive' 125 'What to do' "$program" run -i empty true
    refused 'a directory in place of an archive' 125 'not a regular file.*move it' "$program" run -i directory true
    refused 'an archive that may not be read' 125 'EACCES.*(root|chmod|read)' without_dac "$program" run -i secret true
    refused 'an image whose /proc is a link' 125 '/proc of this image is a link.*Make it a directory' "$program" run -i link true
    refused 'an image with nothing in it to run' 127 'ENOENT' "$program" run -i hollow true
}

directories() {
    served 'a container directory with a space in its name' "$program" run --container-dir "$scratch/odd/a b" echo served
    served 'a container directory that is relative' env -C "$scratch/odd" "$program" run --container-dir relative echo served
    served 'an image directory that is relative' env -C "$scratch" "$program" run --image-dir images echo served
    # The kernel's own separators in the options of an overlay.
    local sign
    for sign in ',' ':' \\; do
        served_or_refused "a container directory with '$sign' in its name" "$program" run --container-dir "$scratch/odd/a${sign}b" echo served
    done
    refused 'a container directory that is a file' 125 'is a file.*RUBBER_DOCKER_CONTAINERS' "$program" run --container-dir "$scratch/odd/file" true
    refused 'a container directory below a file' 125 '(EEXIST|ENOTDIR).*ls -ld' "$program" run --container-dir "$scratch/odd/file/below" true
    refused 'a container directory that others use' 125 'holds other things.*--container-dir' "$program" run --container-dir "$scratch/odd/used" true
    same "$name: it is left as open as it was" 755 "$(stat -c %a "$scratch/odd/used")"
    refused 'an image directory that is a file' 125 'ENOTDIR.*choose another path' "$program" run --image-dir "$scratch/odd/file" true
}
# Both are fine, as long as the refusal says which directory to change.
served_or_refused() {
    local assertion=$1 status=0
    shift
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
    if [ "$status" = 0 ]; then
        served "$assertion" "$@"
    else
        refused "$assertion" 125 '--container-dir|RUBBER_DOCKER_CONTAINERS' "$@"
    fi
}

# Whether this level has the option. A skeleton reads its own, if it does nothing with it yet.
has() { "$program" run --help | grep -q -- "$1[ =]"; }

numbers() {
    local wrong
    if has --cpu-shares; then
        for wrong in '' 1 0 262145 99999999999999999999999 1.5 12q -5; do
            refused "--cpu-shares=$wrong" 125 '--cpu-shares' "$program" run --cpu-shares="$wrong" true
        done
    fi
    if has --memory; then
        for wrong in 0 0m '' m -1 12q 1.5g 64mb 99999999999g 99999999999999999999999; do
            refused "--memory=$wrong" 125 '--memory.*: (a size is|nothing can run|that is more)|value is required' "$program" run --memory="$wrong" true
        done
        for wrong in 0 '' 12q -2; do
            refused "--memory-swap=$wrong" 125 '--memory-swap' "$program" run --memory 64m --memory-swap="$wrong" true
        done
        refused '--memory-swap without --memory' 125 'not provided|--memory ' "$program" run --memory-swap 64m true
        if [ "$name" != level09 ]; then
            refused '--memory-swap below --memory' 125 'memory-swap is memory and swap together.*less than --memory' \
                "$program" run --memory 64m --memory-swap 32m true
        fi
    fi
    if has --user; then
        for wrong in '' root -1 4294967295 4294967296 99999999999999999999999 1.5 : 1: :1 1:2:3 1:root 1:-1 1:4294967295 ' 1'; do
            refused "--user=$wrong" 125 '--user.*not a number from 0 to 4294967294|value is required' "$program" run --user="$wrong" true
        done
    fi
    if has --cap-add; then
        for wrong in '' EVERYTHING CAP_ CAP_CAP_CHOWN CHOWN,KILL 5; do
            refused "--cap-add=$wrong" 125 '--cap-add.*(is not a capability; man 7 capabilities|value is required)' "$program" run --cap-add="$wrong" true
            refused "--cap-drop=$wrong" 125 '--cap-drop.*(is not a capability; man 7 capabilities|value is required)' "$program" run --cap-drop="$wrong" true
        done
    fi
}

# ---- what a machine does not give ----

# Which controllers this level sets limits with, as a solution: it needs each of them.
controllers() {
    if [[ $name > level08 ]]; then echo cpu; fi
    if [[ $name > level09 ]]; then echo memory; fi
}
control_group_hierarchies() {
    local controller top
    for controller in $(controllers); do
        top=$(hierarchy "$controller")
        refused "the hierarchy of $controller is read-only" 125 'EROFS.*read-only' \
            in_a_world_where "mount -o remount,bind,ro $top" "$program" run true
        refused "the hierarchy of $controller is not mounted" 125 "no cgroup hierarchy of this machine has the $controller controller.*Look for it in" \
            in_a_world_where "umount $top" "$program" run true
        refused "the hierarchy of $controller is hidden by another mount" 125 "no cgroup hierarchy|hidden|not mounted" \
            in_a_world_where "mount -t tmpfs none $top" "$program" run true
    done
    if [ -z "$(controllers)" ]; then return; fi
    refused 'all hierarchies are hidden by another mount' 125 "no cgroup hierarchy|hidden|not mounted" \
        in_a_world_where 'mount -t tmpfs none /sys/fs/cgroup' "$program" run true
}

# The name of a container comes out of /dev/urandom. In here that always says the same.
taken_names() {
    local taken=616263646566 controller top
    printf abcdef >"$scratch/odd/urandom"
    local always_the_same="mount --bind $scratch/odd/urandom /dev/urandom"

    mkdir "$RUBBER_DOCKER_CONTAINERS/$taken"
    touch "$RUBBER_DOCKER_CONTAINERS/$taken/something"
    refused 'a container of that name exists' 125 "EEXIST.*left" in_a_world_where "$always_the_same" "$program" run true
    check "$name: a container of that name exists: it is left alone" test -e "$RUBBER_DOCKER_CONTAINERS/$taken/something"
    rm -r "${RUBBER_DOCKER_CONTAINERS:?}/$taken"

    for controller in $(controllers); do
        top=$(hierarchy "$controller")
        # On version 2 there is one for both.
        mkdir -p "$top/rubber-docker/$taken"
        refused "a $controller group of that name exists" 125 "EEXIST.*left" in_a_world_where "$always_the_same" "$program" run true
        if [ -d "$top/rubber-docker/$taken" ]; then rmdir "$top/rubber-docker/$taken"; fi
    done
}

no_root() {
    refused 'no root' 125 'root|sudo' as_nobody "$program" run true
    if [ "$name" = level01 ]; then return; fi # the solution of 00 needs none
    # Even where the directories would allow it.
    chown 65534 "$scratch/odd/theirs"
    refused 'no root, in directories of their own' 125 'EPERM.*(root|CAP_SYS)' \
        as_nobody "$program" run --container-dir "$scratch/odd/theirs/containers" --image-dir "$scratch/odd/theirs" -i base true
    same "$name: no root: nothing is left in their directory" '' "$(left_in "$scratch/odd/theirs/containers")"
}

# with_mount MOUNT-ARGUMENTS... -- COMMAND...: the mount is there while the command runs.
with_mount() {
    local arguments=()
    while [ "$1" != -- ]; do
        arguments+=("$1")
        shift
    done
    shift
    mount "${arguments[@]}"
    "$@"
    umount "${arguments[-1]}"
}

disks() {
    local place=$scratch/odd/place
    with_mount -t tmpfs -o ro,mode=755 none "$place" -- \
        refused 'an image directory that cannot be written' 125 'EROFS.*(--image-dir|RUBBER_DOCKER_IMAGES)' "$program" run --image-dir "$place" true
    with_mount -t tmpfs -o size=64k,mode=755 none "$place" -- \
        full_image_directory "$place"
    with_mount -t tmpfs -o ro,mode=700 none "$place" -- \
        refused 'a container directory that cannot be written' 125 'EROFS|[Rr]ead-only' "$program" run --container-dir "$place" true
    if [ "$name" = level01 ]; then return; fi
    with_mount -t tmpfs -o size=1m,mode=700 none "$place" -- \
        full_container_directory "$place"
}
full_image_directory() {
    refused 'an image directory without room' 125 'ENOSPC.*room' "$program" run --image-dir "$1" true
    same "$name: an image directory without room: nothing is left in it" '' "$(ls -A "$1")"
}
full_container_directory() {
    refused 'a container directory without room' 125 'ENOSPC.*room' "$program" run --container-dir "$1" true
    same "$name: a container directory without room: nothing is left in it" '' "$(left_in "$1"; find "$1" -path '*/.images/*')"
}

overlays() {
    local place=$scratch/odd/place
    mkdir -p "$scratch/odd/lower" "$scratch/odd/upper" "$scratch/odd/work"
    with_mount -t overlay -o "lowerdir=$scratch/odd/lower,upperdir=$scratch/odd/upper,workdir=$scratch/odd/work" none "$place" -- \
        container_directory_on_overlay "$place/containers"
    rm -rf --one-file-system "$scratch/odd/upper" "$scratch/odd/work"

    if ! uses_overlay; then return; fi
    if ! strace -o /dev/null true 2>/dev/null; then
        skip "$name: a kernel without overlay" 'there is no strace here to play such a kernel'
        return
    fi
    # The child's first mount makes the tree private, its second is the overlay.
    refused 'a kernel without overlay' 125 'ENODEV.*modprobe overlay' \
        strace -f -o /dev/null -e trace=mount -e inject=mount:error=ENODEV:when=2 "$program" run true
}
uses_overlay() { [[ $name > level04 ]]; }
container_directory_on_overlay() {
    if uses_overlay; then
        refused 'a container directory on an overlay' 125 'EINVAL.*(RUBBER_DOCKER_CONTAINERS|--container-dir|tmpfs|volume)' "$program" run --container-dir "$1" true
        same "$name: a container directory on an overlay: no container is left" '' "$(left_in "$1")"
    else
        served 'a container directory on an overlay' "$program" run --container-dir "$1" echo served
    fi
}

# ---- all of it ----

if [ $# = 0 ]; then
    mapfile -t names < <(solutions)
else
    names=("$@")
fi

mkdir "$scratch/bin" "$scratch/link" "$scratch/hollow"
cp "$(program rd)" "$scratch/bin/rd"
"$scratch/bin/rd" run true 2>/dev/null
base=$RUBBER_DOCKER_IMAGES/base.tar
head -c 100000 /dev/urandom >"$RUBBER_DOCKER_IMAGES/noise.tar"
head -c 1000000 "$base" >"$RUBBER_DOCKER_IMAGES/short.tar"
gzip -1 <"$base" | head -c 100000 >"$RUBBER_DOCKER_IMAGES/short-gz.tar.gz" || :
: >"$RUBBER_DOCKER_IMAGES/empty.tar"
mkdir "$RUBBER_DOCKER_IMAGES/directory.tar"
cp "$base" "$RUBBER_DOCKER_IMAGES/secret.tar"
chown 65534 "$RUBBER_DOCKER_IMAGES/secret.tar"
chmod 000 "$RUBBER_DOCKER_IMAGES/secret.tar"
ln -s /etc "$scratch/link/proc"
tar -C "$scratch/link" -cf "$RUBBER_DOCKER_IMAGES/link.tar" .
tar -C "$scratch/hollow" -cf "$RUBBER_DOCKER_IMAGES/hollow.tar" .

for name in "${names[@]}"; do
    cp "$(program "$name")" "$scratch/bin/"
    program=$scratch/bin/$name
    # The cache must have seen each image once: a tree in it is no trace.
    rm -rf --one-file-system "$scratch/odd"
    mkdir "$scratch/odd" "$scratch/odd/place" "$scratch/odd/used" "$scratch/odd/theirs"
    touch "$scratch/odd/file" "$scratch/odd/used/something"
    for image in link hollow base; do "$program" run -i "$image" true >/dev/null 2>&1 || :; done
    cp "$base" "$scratch/odd/theirs/"

    command_line
    commands
    images
    directories
    numbers
    no_root
    disks
    overlays
    control_group_hierarchies
    taken_names
done
sums
