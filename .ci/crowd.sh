#!/usr/bin/env bash
# Proves that neither a crowd of containers nor a long row of them leaves anything or gets
# its numbers wrong: 200 that are alive at the same moment and end with a status each of
# its own; then 300 one after the other. Afterwards there are as many mounts, control
# groups, processes, directories and inodes as before, and in the image's tree no file has
# been touched.
#
#   .ci/crowd.sh [full]     full: 2000 one after the other
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
seclude "$@"

rd=$(program rd)
at_once=200 in_a_row=300
if [ "${1-}" = full ]; then in_a_row=2000; fi

# ---- what is counted ----

containers() { left_in "$RUBBER_DOCKER_CONTAINERS" | wc -l; }
inodes() { df --output=iused "$RUBBER_DOCKER_CONTAINERS" | tail -n 1; }
blocks() { df --output=used "$RUBBER_DOCKER_CONTAINERS" | tail -n 1; }
# This script itself, with its subshells, does not count.
process_list() {
    pgrep -a . >"$scratch/processes"
    sed "\\|$script|d" "$scratch/processes"
}
# all_as_before ABOUT
all_as_before() {
    same "$1: the mount table is as before" "$mounts_before" "$(mount_table)"
    same "$1: the process list is as before" "$processes_before" "$(process_list)"
    same "$1: no control group is left" '' "$(new_groups 5 "$groups_before")"
    same "$1: of the containers only the cache is left" .images "$(ls -A "$RUBBER_DOCKER_CONTAINERS")"
    same "$1: the store has as many inodes and blocks as before" "$inodes_before $blocks_before" "$(inodes) $(blocks)"
    same "$1: in the image's tree nothing has been touched" "$tree_before" "$(manifest "$RUBBER_DOCKER_CONTAINERS/.images")"
}

# ---- at the same moment ----

crowd() {
    local number status pids=() wrong='' begun=0 top begin=$SECONDS
    mkfifo "$scratch/hold" "$scratch/begun"
    # Both ends: open(2) of one end of a FIFO waits for the other (fifo(7)).
    exec {begun_end}<>"$scratch/begun" {hold}<>"$scratch/hold"
    for ((number = 1; number <= at_once; number++)); do
        # The command's `read` ends when this script, the last writer, closes the FIFO.
        "$rd" run -- sh -c "echo begun; read -r _; exit $number" \
            <"$scratch/hold" >"$scratch/begun" 2>"$scratch/$number.err" {begun_end}<&- {hold}<&- &
        pids[number]=$!
    done
    while [ "$begun" -lt "$at_once" ] && read -rt "$patience" <&"$begun_end"; do begun=$((begun + 1)); done
    same "$at_once at once: all of them have begun" "$at_once" "$begun"
    same "$at_once at once: all of them are alive" "$at_once" "$(containers)"
    for top in $(for controller in cpu memory; do hierarchy "$controller"; done | sort -u); do
        same "$at_once at once: each has its group in $top" "$at_once" \
            "$(comm -13 <(printf '%s\n' "$groups_before") <(control_groups) | grep -c "^$top/rubber-docker/")"
    done
    printf '%d s until all were alive\n' $((SECONDS - begin))
    begin=$SECONDS
    exec {hold}>&-
    for ((number = 1; number <= at_once; number++)); do
        status=0
        wait "${pids[number]}" || status=$?
        if [ "$status" != "$number" ] || ! grep -Eqx "rd: [0-9]+ exited with status $number" "$scratch/$number.err"; then
            wrong+="$number: status $status, said: $(<"$scratch/$number.err")"$'\n'
        fi
    done
    printf '%d s until all had ended\n' $((SECONDS - begin))
    exec {begun_end}<&-
    same "$at_once at once: each ends with the status that is its own" '' "$wrong"
}

# ---- one after the other ----

# The kernel keeps a group of memory, without a name, until the last page that was
# accounted to it has gone. So its number lags behind, and is everybody's here. Version 2
# tells it in a file of its own; /proc/cgroups may know only what version 1 has.
kernel_groups() {
    local controller top
    for controller in cpu memory; do
        top=$(hierarchy "$controller")
        if [ -e "$top/cgroup.stat" ]; then
            awk '/^nr_(dying_)?descendants / { print $2 }' "$top/cgroup.stat"
        else
            awk -v name="$controller" '$1 == name { print $3 }' /proc/cgroups
        fi
    done | awk '{ sum += $1 } END { print sum }'
}
few_kernel_groups() { [ $(($(kernel_groups) - kernel_groups_before)) -lt $((in_a_row / 10)) ]; }

row() {
    local number status wrong='' kernel_groups_before begin=$SECONDS
    kernel_groups_before=$(kernel_groups)
    for ((number = 1; number <= in_a_row; number++)); do
        status=0
        "$rd" run -- sh -c "exit $((number % 120))" 2>"$scratch/err" || status=$?
        if [ "$status" != $((number % 120)) ]; then wrong+="$number: status $status, said: $(<"$scratch/err")"$'\n'; fi
    done
    printf '%d s for %d\n' $((SECONDS - begin)) "$in_a_row"
    same "$in_a_row in a row: each ends with its status" '' "$wrong"
    wait_until "$patience" few_kernel_groups || :
    check "$in_a_row in a row: the kernel has let go of their groups" few_kernel_groups
    printf '%d groups more in the kernel\n' $(($(kernel_groups) - kernel_groups_before))
}

# A file system of its own, so that no other program's files are counted.
mount -t tmpfs -o mode=700 none "$RUBBER_DOCKER_CONTAINERS"
"$rd" run true 2>/dev/null
mounts_before=$(mount_table)
processes_before=$(process_list)
groups_before=$(control_groups)
inodes_before=$(inodes) blocks_before=$(blocks)
tree_before=$(manifest "$RUBBER_DOCKER_CONTAINERS/.images")
crowd
all_as_before "$at_once at once"
row
all_as_before "$in_a_row in a row"
sums
