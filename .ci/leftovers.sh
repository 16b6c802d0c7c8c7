#!/usr/bin/env bash
# Proves that one command removes what killed parents have left behind, whatever level they
# had come to: the solution of every level is started five times, some of its parents are
# killed, and `cargo workshop clean` brings mounts, groups, processes and directories back
# to what they were. A second one has nothing to do.
#
# And that it removes nothing else: not what --keep keeps, not what merely has such a name,
# nothing that a link or a forgotten mount leads to, no process that is not a container's.
#
#   .ci/leftovers.sh
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
seclude "$@"

workshop=$(program workshop)
rounds=5

# No other program's process has such a word in its command line.
mark=987655.4321
ours() { pgrep -f -- "$mark" | grep -vx $$ || :; }
none_of_ours() { [ -z "$(ours)" ]; }
# end PARENT: abruptly, and without the shell's word about it.
end() {
    disown "$1"
    kill -KILL "$1"
    wait_until "$patience" gone "$1"
}
gone() { ! kill -0 "$1" 2>/dev/null; }

# The image is unpacked first: its cache is meant to stay.
mapfile -t programs < <(solutions)
for name in "${programs[@]}"; do "$(program "$name")" run true 2>/dev/null; done
mounts_before=$(mount_table)
groups_before=$(control_groups)

count=0 killed=0 of_level_00=()
for name in "${programs[@]}"; do
    binary=$(program "$name")
    for ((round = 0; round < rounds; round++)); do
        mkfifo "$scratch/begun"
        "$binary" run sh -c "sleep $mark & echo begun; exec sleep $mark" >"$scratch/begun" 2>/dev/null &
        parent=$!
        read -r _ <"$scratch/begun"
        rm "$scratch/begun"
        count=$((count + 1))
        # Every other one; the others go on, are in use, and not to be touched.
        if ((count % 2 == 0)); then
            end "$parent"
            killed=$((killed + 1))
        fi
    done
    # With level 00 alone nothing is contained yet: the command of a killed parent is a
    # process like any other, and nothing tells whose it was.
    if [ "$name" = "${programs[0]}" ]; then mapfile -t of_level_00 < <(ours); fi
done
total=$((${#programs[@]} * rounds))
same 'half of the parents were killed' $((total / 2)) "$killed"

# What is in use stays: the containers whose parents live.
seen=$("$workshop" clean 2>&1) || not_ok 'clean succeeds while others run' "$seen"
living=$(left_in "$RUBBER_DOCKER_CONTAINERS" | wc -l)
same 'the containers that run are left alone' $((total - killed)) "$living"

# Now they end, too, as abruptly.
for parent in $(jobs -p); do end "$parent"; done
kill -KILL "${of_level_00[@]}" 2>/dev/null || :
seen=$("$workshop" clean --dry-run 2>&1) || :
check 'a dry run says what would be removed' grep -q . <<<"$seen"
same 'and removes nothing' "$living" "$(left_in "$RUBBER_DOCKER_CONTAINERS" | wc -l)"

if seen=$("$workshop" clean 2>&1); then ok 'clean succeeds'; else not_ok 'clean succeeds' "$seen"; fi
if wait_until "$patience" none_of_ours; then ok 'no process is left'; else not_ok 'no process is left' "$(ours)"; fi
same 'the mounts are as before' "$mounts_before" "$(mount_table)"
same 'no directory is left' '' "$(left_in "$RUBBER_DOCKER_CONTAINERS")"
same 'no group is left' '' "$(new_groups 5 "$groups_before")"

seen=$("$workshop" clean 2>&1) || :
check 'a second clean says that there is nothing to do' grep -qi 'nothing' <<<"$seen"
same 'in one line' 1 "$(wc -l <<<"$seen")"

# ---- what is not left over ----

store=$RUBBER_DOCKER_CONTAINERS
elsewhere=$scratch/elsewhere
# A process of the machine, and a directory of it, that clean has no business with.
sleep "$mark" &
bystander=$!
lives() { kill -0 "$bystander" 2>/dev/null; }
treasure() {
    rm -rf --one-file-system "$elsewhere"
    mkdir -m 755 "$elsewhere"
    echo 'a year of work' >"$elsewhere/thesis"
}
untouched() { [ "$(stat -c %a "$elsewhere") $(<"$elsewhere/thesis")" = '755 a year of work' ]; }

# cleaned [OPTION]...: sets $status and $said. timeout(1) ends a clean that hangs: 124.
cleaned() {
    status=0
    said=$(timeout 60 "$workshop" clean "$@" 2>&1 </dev/null) || status=$?
}
# stays ASSERTION PATH [PATTERN]: clean leaves it alone, and says why.
stays() {
    cleaned --dry-run
    check "$1: a dry run says so" grep -Eq -- "would keep .*${2##*/}.*${3-}" <<<"$said"
    cleaned
    same "$1: clean ends well" 0 "$status"
    check "$1: it stays" test -e "$2" -o -L "$2"
    check "$1: clean says so, and how it is removed" grep -Eq -- "^kept .*${2##*/}.*${3-}.*by hand: .sudo " <<<"$said"
}
# A directory as claim makes one, of a container whose parent is dead.
container() { mkdir -m 1700 "$1" && mkdir "$1/rootfs"; }
harmless() {
    check "$1: no other process is ended" lives
    check "$1: nothing elsewhere is touched" untouched
    same "$1: the mounts are as before" "$mounts_before" "$(mount_table)"
}
# What a recursive bind of / does to the table, in whatever order that is listed.
mount_table() { cut -d' ' -f 3-5 /proc/self/mountinfo | sort; }
mounts_before=$(mount_table)
treasure

# What --keep keeps, whatever became of its parent.
"$(program rd)" run --keep sh -c 'echo mine >/mine' 2>/dev/null
kept=$(left_in "$store")
stays 'kept by --keep' "$kept" '--keep'
same 'kept by --keep: with what is in it' mine "$(cat "$kept/upper/mine")"
rm -r --one-file-system "$kept"

# The solution of level 01, whose mounts are the machine's own, and are left with it.
mkfifo "$scratch/begun"
"$(program level02)" run --keep sh -c "echo mine >/mine; echo begun; exec sleep $mark" >"$scratch/begun" 2>/dev/null &
parent=$!
read -r _ <"$scratch/begun"
rm "$scratch/begun"
kept=$(left_in "$store")
cleaned
same 'kept, and its parent lives: not a word about it' '' "$(grep "${kept##*/}" <<<"$said" || :)"
end "$parent"
stays 'kept, and its parent killed' "$kept" '--keep'
same 'kept, and its parent killed: with what is in it' mine "$(cat "$kept/rootfs/mine")"
same 'kept, and its parent killed: no process of it is left' "$bystander" "$(ours)"
harmless 'kept, and its parent killed'
rm -r --one-file-system "$kept"

# Twelve hexadecimal digits, and no more.
odd=$store/0123456789ab
mkdir "$odd"
stays 'an empty directory without our mark' "$odd" 'no mark'
echo 'a year of work' >"$odd/thesis"
stays 'a directory without our mark' "$odd" 'no mark'
same 'a directory without our mark: with what is in it' 'a year of work' "$(cat "$odd/thesis")"
chmod 1700 "$odd"
stays 'a directory with our mark, and more in it than a container has' "$odd" thesis
rm -r "$odd"
mkdir -m 1777 "$odd"
stays 'a directory that is sticky for all' "$odd" 'no mark'
rmdir "$odd"
container "$odd"
chown 65534 "$odd"
stays 'a directory of another user' "$odd" 'belongs to user 65534'
rm -r "$odd"
mkdir -p "$odd"/{upper,work,merged}
stays 'a container from before there was a mark' "$odd" 'no mark.*asks at a terminal'
if command -v script >/dev/null; then
    script -qec "$workshop clean" /dev/null <<<'n' >"$scratch/asked" 2>&1 || :
    check 'at a terminal it asks' grep -q 'Remove .*\[y/N\]' "$scratch/asked"
    check 'and no is no' test -d "$odd"
    script -qec "$workshop clean" /dev/null <<<'y' >"$scratch/asked" 2>&1 || :
    check 'and yes is yes' test ! -e "$odd"
else
    skip 'at a terminal it asks' 'there is no script(1) here to play one'
fi
# A user's own directory, in which a directory and a file have names like containers.
mkdir "$scratch/photographs" "$scratch/photographs/deadbeefcafe"
touch "$scratch/photographs/deadbeefcafe/1.jpg" "$scratch/photographs/0123456789ab"
cleaned --container-dir "$scratch/photographs"
same 'a directory that is no store: nothing is missing' "$(printf '%s\n' . ./0123456789ab ./deadbeefcafe ./deadbeefcafe/1.jpg)" \
    "$(cd "$scratch/photographs" && find . | sort)"

# Links.
ln -s / "$odd"
stays 'a link in the place of a container' "$odd" 'symbolic link'
rm "$odd"
container "$elsewhere/deadbeefcafe"
ln -s "$elsewhere/deadbeefcafe" "$odd"
stays 'a link to a container elsewhere' "$odd" 'symbolic link'
check 'a link to a container elsewhere: that one is there' test -d "$elsewhere/deadbeefcafe/rootfs"
rm -r "$odd" "$elsewhere/deadbeefcafe"
harmless 'links in the place of a container'
for part in rootfs upper merged; do
    for to in / "$elsewhere" /proc/self/root; do
        mkdir -m 1700 "$odd"
        ln -s "$to" "$odd/$part"
        cleaned --dry-run
        check "$part -> $to: a dry run counts no process" grep -q "${odd##*/}: 0 processes" <<<"$said"
        cleaned
        same "$part -> $to: clean removes the link" '0 ' "$status $(left_in "$store")"
        harmless "$part -> $to"
    done
    mkdir "$odd"
    ln -s / "$odd/$part"
    stays "without our mark, $part -> /" "$odd" 'no mark'
    harmless "without our mark, $part -> /"
    rm -r "$odd"
done
# A store that a link of root's leads to is a store; its containers are known all the same.
ln -s "$store" "$scratch/link"
container "$odd"
mount -t tmpfs none "$odd/rootfs"
cleaned --container-dir "$scratch/link"
same 'a store behind a link: clean finds what is mounted in it' "0 " "$status $(left_in "$store")"
harmless 'a store behind a link'

# Mounts that a user made in a container's directory, and forgot.
for what in '--bind /' '--rbind /' "--bind $elsewhere" "--rbind $elsewhere"; do
    for place in rootfs rootfs/home; do
        container "$odd"
        mkdir "$odd/rootfs/home"
        # shellcheck disable=SC2086 # two words
        mount $what "$odd/$place"
        cleaned --dry-run
        check "$what on $place: a dry run counts no process" grep -q "${odd##*/}: 0 processes" <<<"$said"
        cleaned
        same "$what on $place: clean takes it away" '0 ' "$status $(left_in "$store")"
        harmless "$what on $place"
    done
done
mkdir "$odd"
mount --bind "$elsewhere" "$odd"
stays 'a mount in the place of a container' "$odd" 'mounted on it'
check 'a mount in the place of a container: nothing elsewhere is touched' untouched
umount "$odd"
rmdir "$odd"
# But whose root it is, is ended: as level 03 binds its root onto itself, seen by the machine.
container "$odd"
mkdir "$odd/rootfs/bin"
mount --bind "$odd/rootfs" "$odd/rootfs"
mount --bind /usr/bin "$odd/rootfs/bin"
for directory in usr lib lib64; do
    if [ ! -d "/$directory" ]; then continue; fi
    mkdir "$odd/rootfs/$directory"
    mount --bind "/$directory" "$odd/rootfs/$directory"
done
chroot "$odd/rootfs" /bin/sleep "$mark" &
inside=$!
disown "$inside"
in_there() { [ "$(readlink "/proc/$inside/root")" = "$odd/rootfs" ]; }
wait_until "$patience" in_there || not_ok 'a process has its root there'
cleaned
same 'a root that is bound onto itself: clean takes it away' '0 ' "$status $(left_in "$store")"
check 'a root that is bound onto itself: its process is ended' gone "$inside"
harmless 'a root that is bound onto itself'

# What is no directory, and must not be opened.
mkdir -p "$store/.images"
half=$store/.images/base-1-1.1-1.partial
for place in "$odd" "$half" "$RUBBER_DOCKER_IMAGES/.base.tar.partial"; do
    for kind in 'mkfifo' 'mknod' 'python3'; do
        case $kind in
            mkfifo) mkfifo "$place" ;;
            # The null device's number: harmless if a program does open it.
            mknod) mknod "$place" c 1 3 ;;
            python3) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$place" ;;
        esac
        what="a $(stat -c %F "$place") in the place of ${place#"$scratch/"}"
        cleaned
        same "$what: clean ends well" 0 "$status"
        check "$what: it stays" test -e "$place"
        rm "$place"
    done
done
ln -s "$elsewhere" "$half"
ln -s "$elsewhere/thesis" "$RUBBER_DOCKER_IMAGES/.base.tar.partial"
mkdir "$RUBBER_DOCKER_IMAGES/.mine.tar.partial" "$store/.images/mine.partial"
touch "$RUBBER_DOCKER_IMAGES/.mine.tar.partial/1" "$store/.images/mine.partial/1"
cleaned
same 'links and directories that look half made: clean ends well' 0 "$status"
check 'what is no archive stays' test -e "$RUBBER_DOCKER_IMAGES/.mine.tar.partial/1"
check 'what is no tree of an image stays' test -e "$store/.images/mine.partial/1"
harmless 'links that look half made'
rm -r "$half" "$RUBBER_DOCKER_IMAGES"/.*.partial "$store/.images/mine.partial"
mv "$store/.images" "$scratch/images-aside"
mkdir "$elsewhere/base-1-1.1-1.partial"
ln -s "$elsewhere" "$store/.images"
cleaned
check 'a cache that is a link: clean refuses it' grep -q 'is no directory' <<<"$said"
check 'a cache that is a link: nothing elsewhere is removed' test -d "$elsewhere/base-1-1.1-1.partial"
rm "$store/.images"
mv "$scratch/images-aside" "$store/.images"

# A store that another user owns.
install -d -o 65534 -m 755 "$scratch/theirs"
container "$scratch/theirs/deadbeefcafe"
cleaned --container-dir "$scratch/theirs"
check "a stranger's store: clean refuses it" grep -q 'belongs to user 65534' <<<"$said"
check "a stranger's store: nothing in it is touched" test -d "$scratch/theirs/deadbeefcafe/rootfs"
harmless "a stranger's store"
kill "$bystander"
sums
