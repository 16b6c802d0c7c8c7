#!/usr/bin/env bash
# machine.sh SCENARIO: what the doctor says of a machine, and what is true of it.
#
# The machine is this one, in a mount namespace and in control groups of its own, after
# SCENARIO, a piece of bash, has changed it. It may set `as`, which the programs are
# started with, and anything in the environment. Then, one a line:
#
#   status N            how the doctor ended
#   level NN STATUS...  how a correct solution of each level ended, and what it said
#   json                the rest is what the doctor printed
#
# WORKSHOP and BUILT are the program and the directory with the levels' programs.
# PROGRAMS are those that solve the levels, in their order, and LEVELS the numbers of those
# to run. Nothing outlives this script.
set -euo pipefail
shopt -s inherit_errexit

# The hierarchies that count, as given::hierarchies finds them.
tops() {
    awk '{ for (i = 6; $i != "-"; i++); kind = $(i + 1); options = "," $(i + 3) "," }
        kind == "cgroup2" || (kind == "cgroup" && options ~ /,(cpu|memory),/) { print $5 }' /proc/self/mountinfo
}

if [ "$1" != inside ]; then
    scratch=$(mktemp -d /tmp/rubber-docker-doctor.XXXXXX)
    group=rubber-docker-doctor-$$
    # shellcheck disable=SC2317 # the trap calls it
    clean_up() {
        local top
        rmdir "$scratch"
        for top in $(tops); do
            rmdir "$top/$group/rubber-docker" "$top/$group" 2>/dev/null || :
        done
    }
    trap clean_up EXIT
    for top in $(tops); do mkdir "$top/$group"; done
    unshare --mount --propagation private -- bash "$0" inside "$scratch" "$group" "$1"
    exit
fi
scratch=$2 group=$3 scenario=$4

# Whatever is made on the way is gone with the namespace.
mount -t tmpfs -o size=600m,mode=0755 scratch "$scratch"
mkdir "$scratch/built" "$scratch/bin"
# By these paths anybody may get at them, wherever the checkout is.
mount --bind "$BUILT" "$scratch/built"
install "$WORKSHOP" "$scratch/workshop"
for top in $(tops); do mount --bind "$top/$group" "$top"; done
export RUBBER_DOCKER_IMAGES=$scratch/images RUBBER_DOCKER_CONTAINERS=$scratch/containers

as=()
eval "$scenario"

status=0
"${as[@]}" "$scratch/workshop" doctor --json >/dev/shm/"$group" 2>&1 || status=$?
exec 3</dev/shm/"$group"
rm /dev/shm/"$group"
echo "status $status"

# run PROGRAM OPTION...: leaves $status and $said.
run() {
    status=0
    said=$("${as[@]}" "$scratch/built/$1" run "${@:2}" -- /bin/true 2>&1 </dev/null) || status=$?
}
read -ra solutions <<<"$PROGRAMS"
for number in $LEVELS; do
    program=${solutions[number]} options=()
    if [ "$number" -ge 8 ]; then options+=(--cpu-shares 512); fi
    if [ "$number" -ge 9 ]; then options+=(--memory 64m); fi
    if [ "$number" -ge 10 ]; then options+=(--user 65534:65534); fi
    run "$program" "${options[@]}"
    # The solution of 07 is the skeleton of 08, which is given the groups already.
    if [ "$number" = 7 ] && [[ $said = *cgroup* ]]; then run level07; fi
    printf 'level %02d %d %s\n' "$number" "$status" "${said//$'\n'/ }"
done
echo json
cat <&3
