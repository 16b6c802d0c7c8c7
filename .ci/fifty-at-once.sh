#!/usr/bin/env bash
# Proves that containers do not get in each other's way: fifty that start at the same
# moment, when there is neither an image nor a cache yet, all run, and afterwards the
# machine is as if there had been none. Then fifty more, which find the cache.
#
#   .ci/fifty-at-once.sh
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
seclude "$@"

rd=$(program rd)

# In the script's own PID namespace no other program's processes come and go. The script
# itself, with its subshells, does not count.
process_list() {
    pgrep -a . >"$scratch/processes"
    sed "\\|$script|d" "$scratch/processes"
}

fifty() {
    local about=$1 pids=() number wrong='' status
    for number in {1..50}; do
        "$rd" run -- echo "hello $number" >"$scratch/$number.out" 2>"$scratch/$number.err" &
        pids+=($!)
    done
    for number in {1..50}; do
        status=0
        wait "${pids[number - 1]}" || status=$?
        if [ "$status" != 0 ] || [ "$(<"$scratch/$number.out")" != "hello $number" ] ||
            ! grep -qE '^rd: [0-9]+ exited with status 0$' "$scratch/$number.err"; then
            wrong+="$number: status $status, printed \"$(<"$scratch/$number.out")\", said: $(<"$scratch/$number.err")"$'\n'
        fi
    done
    same "$about: each prints its line, reports its end and exits with 0" '' "$wrong"
    same "$about: the mount table is as before" "$mounts_before" "$(mount_table)"
    same "$about: the process list is as before" "$processes_before" "$(process_list)"
    same "$about: no control group is left" '' "$(new_groups 5 "$groups_before")"
    same "$about: of the containers only the cache is left" .images "$(ls -A "$RUBBER_DOCKER_CONTAINERS")"
    same "$about: the cache holds one tree, and it is whole" 1 "$(find "$RUBBER_DOCKER_CONTAINERS/.images" -mindepth 1 -maxdepth 1 ! -name '*.partial' | wc -l)"
    same "$about: of the attempts to make it nothing is left" '' "$(find "$RUBBER_DOCKER_CONTAINERS/.images" -mindepth 1 -maxdepth 1 -name '*.partial')"
    same "$about: there is one image" base.tar "$(ls -A "$RUBBER_DOCKER_IMAGES")"
}

mounts_before=$(mount_table)
processes_before=$(process_list)
groups_before=$(control_groups)
fifty 'cold cache'
tree=$(find "$RUBBER_DOCKER_CONTAINERS/.images" -mindepth 1 -maxdepth 1 -printf '%f %i\n')
fifty 'warm cache'
same 'warm cache: the tree is the one that was there' "$tree" \
    "$(find "$RUBBER_DOCKER_CONTAINERS/.images" -mindepth 1 -maxdepth 1 -printf '%f %i\n')"
sums
