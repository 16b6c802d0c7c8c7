#!/usr/bin/env bash
# Proves that one command removes what killed parents have left behind, whatever level they
# had come to: the solution of every level is started five times, some of its parents are
# killed, and `cargo workshop clean` brings mounts, groups, processes and directories back
# to what they were. A second one has nothing to do.
#
#   .ci/leftovers.sh
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
seclude "$@"

workshop=$(program workshop)
rounds=5

# Nobody else has a process with such a word in its command line.
mark=987655.4321
ours() { pgrep -f -- "$mark" | grep -vx $$ || :; }
nobody() { [ -z "$(ours)" ]; }
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
        "$binary" run sh -c "echo begun; sleep $mark & exec sleep $mark" >"$scratch/begun" 2>/dev/null &
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
if wait_until "$patience" nobody; then ok 'no process is left'; else not_ok 'no process is left' "$(ours)"; fi
same 'the mounts are as before' "$mounts_before" "$(mount_table)"
same 'no directory is left' '' "$(left_in "$RUBBER_DOCKER_CONTAINERS")"
same 'no group is left' '' "$(new_groups 5 "$groups_before")"

seen=$("$workshop" clean 2>&1) || :
check 'a second clean says that there is nothing to do' grep -qi 'nothing' <<<"$seen"
same 'in one line' 1 "$(wc -l <<<"$seen")"
sums
