#!/usr/bin/env bash
# Proves that rd goes far, in short: the 60th container starts about as fast as the
# first, a start does not depend on the size of its image, unpacking keeps up with tar,
# and a tree is on the disk before the cache has its name. The program that measures leaves
# nothing behind, even if it is stopped half-way.
#
#   .ci/scale.sh
#
# The long form, which writes the figures of the book: cargo run --release -p bench --bin scale
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
seclude "$@"

rd=$(program rd)
scale=$(program scale)
debian_archive >"$scratch/archive" # outside of what is measured
mounts_before=$(mount_table)
groups_before=$(control_groups)
mkdir "$scratch/results"

left() { find "${scale%/*}" -maxdepth 1 -name 'bench-*'; }
left_before=$(left)
nothing_left() {
    same "$1: no process is left" '' "$(pgrep -x scale || pgrep -x 'rd|rd-static' || :)"
    same "$1: no file is left" "$left_before" "$(left)"
    same "$1: no control group is left" '' "$(new_groups 5 "$groups_before")"
    same "$1: the mount table is as before" "$mounts_before" "$(mount_table)"
}

check 'the shape holds' "$scale" --quick --rd "$rd" --into "$scratch/results"
same 'numbers and pictures are written' 'scale-start.svg scale-unpack.svg scale.json ' \
    "$(find "$scratch/results" -type f -printf '%f\n' | sort | tr '\n' ' ')"
nothing_left 'afterwards'

# Stopped with its containers running: the first signal is passed on to a PID 1, which
# takes no notice, and the second one ends it.
"$scale" --quick --rd "$rd" --into "$scratch/results" >"$scratch/out" 2>&1 &
measuring=$!
many() { [ "$(pgrep -c -x 'rd|rd-static')" -ge 20 ]; }
check 'twenty containers are running' wait_until "$patience" many
kill -TERM "$measuring"
check 'the first signal is passed on' wait_until "$patience" grep -q 'SIGKILL follows' "$scratch/out"
kill -TERM "$measuring"
gone() { ! kill -0 "$measuring" 2>/dev/null; }
check 'it ends when it is told to' wait_until "$patience" gone
status=0
wait "$measuring" || status=$?
same 'and does not call that a success' 1 "$status"
nothing_left 'stopped half-way'

# A rename may reach the disk before the contents: after a power cut, an empty tree would be the image.
strace -f -qq -e signal=none -e trace=syncfs,fdatasync,rename,renameat,renameat2 -o "$scratch/calls" "$rd" run -- true 2>"$scratch/err"
sed -i '/resumed>/d' "$scratch/calls"
same 'archive and tree are on the disk before they have their names' 'fdatasync rename syncfs rename ' \
    "$(sed -E 's/^[0-9]+ +([a-z]+)[a-z0-9]*\(.*/\1/; s/renameat2?/rename/' "$scratch/calls" | tr '\n' ' ')"
sums
