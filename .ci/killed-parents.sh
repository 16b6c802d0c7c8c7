#!/usr/bin/env bash
# Proves that a container does not outlive its parent, and that a killed parent does
# not leave more behind than one command removes.
#
# Two containers are started together, one of them for an ordinary user, and both
# parents are sent SIGKILL, each at a random moment: while the container is made,
# while it runs, while it ends. 250 times. In every fourth container the child is killed
# in the parent's place: then the parent reports it, and nothing at all is left.
#
#   .ci/killed-parents.sh [SEED [PROGRAM]]     default: a new seed, and rd
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
seclude "$@"

rounds=250
seed=${1:-$((SRANDOM % 1000000))}
name=${2:-rd}
program=$(program "$name")
workshop=$(program workshop)

printf 'seed %s\n' "$seed"
RANDOM=$seed

# ---- time ----

# In microseconds, and without a process for it: it is then in $now.
look_at_the_clock() { now=${EPOCHREALTIME/[.,]/}; }
# pause MICROSECONDS: reads from a FIFO to which no process writes, until the timeout.
mkfifo "$scratch/never"
exec {never}<>"$scratch/never"
pause() {
    local seconds
    if [ "$1" -le 0 ]; then return; fi
    printf -v seconds '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000))
    read -rt "$seconds" <&"$never" || :
}

# ---- one container ----

# No other program's process has such a word in its command line.
mark() { printf '987654.%04d' "$1"; }
alive() { pgrep -f -- "$(mark "$1")" >/dev/null; }

# start NUMBER [OPTION]...: its parent is then in $started. Every process of it has
# the mark in its command line, from the fork in the parent on.
start() {
    local number=$1 mark command
    shift
    mark=$(mark "$number")
    victim[number]=parent
    if [ $((RANDOM % 4)) = 0 ]; then
        victim[number]=child
        set -- --container-dir "$scratch/of-parents-that-live" "$@"
    fi
    if [ $((RANDOM % 4)) = 0 ]; then
        # It ends by itself, so that some are killed while they remove what they have made.
        short[number]=yes command=": $mark"
    else
        short[number]=no command="echo begun; sleep $mark & exec sleep $mark"
    fi
    # It may be killed even before it has opened them.
    : >"$scratch/$number.out" 2>"$scratch/$number.err"
    "$program" run "$@" -- sh -c "$command" >"$scratch/$number.out" 2>"$scratch/$number.err" {never}<&- &
    started=$!
}
short=() victim=()

# kill_one NUMBER PARENT: and then look at the clock.
kill_one() {
    local prey=$2 children=/proc/$2/task/$2/children
    if [ "${victim[$1]}" = child ]; then
        prey=''
        # It may not be there yet; and of a parent that has ended there is no such file.
        while [ -z "$prey" ] && [ -e "$children" ]; do read -r prey 2>/dev/null <"$children" || :; done
    fi
    kill -KILL "$prey" 2>/dev/null || :
    look_at_the_clock
}

# A moment between 0 and 15 ms after the start, in which a container is made, for
# most; later for every fourth.
random_moment() {
    moment=$((RANDOM % 15000))
    if [ $((RANDOM % 4)) = 0 ]; then moment=$((15000 + RANDOM % 30000)); fi
}

wrong='' survivors='' longest=0 interrupted=0 running=0 ended=0 children=0

# its_end NUMBER PID: take note of how the parent ended.
its_end() {
    local status=0 said
    wait "$2" || status=$?
    said=$(<"$scratch/$1.err")
    if [ "$status" != 137 ] && [ "${short[$1]} $status" != 'yes 0' ]; then
        wrong+="$(mark "$1"): status $status, said: $said"$'\n'
    elif [ "$status ${victim[$1]}" = '137 child' ]; then
        children=$((children + 1))
        if ! grep -Eqx "$name: [0-9]+ exited with status 137" <<<"$said"; then wrong+="$(mark "$1"): its child was killed, said: $said"$'\n'; fi
    elif [ "$status" = 0 ]; then
        ended=$((ended + 1))
    elif [ -s "$scratch/$1.out" ]; then
        running=$((running + 1))
    else
        interrupted=$((interrupted + 1))
    fi
}

# none_outlives NUMBER SINCE: within a second of the parent's end, all processes are gone.
none_outlives() {
    local took
    while :; do
        if ! alive "$1"; then
            look_at_the_clock
            took=$((now - $2))
            if [ "$took" -gt "$longest" ]; then longest=$took; fi
            return
        fi
        look_at_the_clock
        if [ $((now - $2)) -gt 1000000 ]; then break; fi
        pause 1000
    done
    survivors+="$(mark "$1"), a second later: $(pgrep -fa -- "$(mark "$1")" | tr '\n' ';')"$'\n'
    # Not in the way of what comes.
    pkill -KILL -f -- "$(mark "$1")" || :
}

round() {
    local a=$(($1 * 2)) b=$(($1 * 2 + 1)) first second at_first at_second pids=()
    random_moment; first=$moment
    random_moment; second=$moment
    start "$a"; pids[a]=$started
    start "$b" "${user[@]}"; pids[b]=$started
    if [ "$first" -gt "$second" ]; then
        # The first to go is the one with --user.
        local swap=$first
        first=$second second=$swap
        swap=$a
        a=$b b=$swap
    fi
    pause "$first"
    kill_one "$a" "${pids[a]}"
    at_first=$now
    pause $((second - first))
    kill_one "$b" "${pids[b]}"
    at_second=$now
    its_end "$a" "${pids[a]}"
    its_end "$b" "${pids[b]}"
    none_outlives "$a" "$at_first"
    none_outlives "$b" "$at_second"
}

# ---- all of them ----

# works NAME: a container runs, ends as it should, and leaves nothing.
works() {
    local said before
    before=$(left_in "$RUBBER_DOCKER_CONTAINERS" | sort)
    said=$("$program" run -- echo fine 2>"$scratch/err") || said+=" status $?"
    same "$1" fine "$said$(sed '/exited with status 0$/d' "$scratch/err")"
    same "$1, and leaves nothing" "$before" "$(left_in "$RUBBER_DOCKER_CONTAINERS" | sort)"
}
# The script itself, with its subshells, does not count. An exiting subshell that has given
# up its memory has no command line either, and is gone in a moment.
process_list() {
    pgrep -a . >"$scratch/processes"
    sed "\\|$script|d" "$scratch/processes"
}
processes_are_as_before() { [ "$(process_list)" = "$processes_before" ]; }
no_other_processes() {
    wait_until 2 processes_are_as_before || :
    same 'the process list is as before' "$processes_before" "$(process_list)"
}

user=()
if "$program" run --help | grep -q -- --user; then user=(--user 2014:222); fi
mounts_before=$(mount_table)
groups_before=$(control_groups)
processes_before=$(process_list)
works 'before: a container runs'
"$program" run --container-dir "$scratch/of-parents-that-live" true 2>/dev/null
tree_before=$(manifest "$RUBBER_DOCKER_CONTAINERS/.images")

# The shell reports killed processes on its standard error; this script killed them itself.
quietly() {
    local status=0
    "$@" 2>"$scratch/notices" || status=$?
    grep -v '^/.*: line [0-9]*: *[0-9]* Killed ' "$scratch/notices" >&2 || :
    return "$status"
}
rounds() {
    local number
    for ((number = 0; number < rounds; number++)); do round "$number"; done
}
quietly rounds
printf '%d killed before the command had begun, %d while it ran, %d in their child, %d had already ended; the last process was gone after %d ms at the latest\n' \
    "$interrupted" "$running" "$children" "$ended" $((longest / 1000))
same 'no process outlives its parent by a second' '' "$survivors"
same 'nothing but SIGKILL ends a parent' '' "$wrong"
# Otherwise the moments do not suit this machine, and prove little.
check 'many are killed while the container is made' test "$interrupted" -ge $((rounds / 10))
check 'many are killed while it runs' test "$running" -ge $((rounds / 10))
check 'of many the child is killed' test "$children" -ge $((rounds / 10))
same 'whose child was killed, leaves no directory' '' "$(left_in "$scratch/of-parents-that-live")"
same "in the image's tree nothing has been touched" "$tree_before" "$(manifest "$RUBBER_DOCKER_CONTAINERS/.images")"
same 'the mount table is as before' "$mounts_before" "$(mount_table)"
no_other_processes

left=$(left_in "$RUBBER_DOCKER_CONTAINERS" | wc -l)
check 'some could not remove everything' test "$left" -gt 0
works 'after: a container runs'

# ---- in the middle of making the image's tree ----

# Neither image nor tree is there yet: the next parent must not take a half-made one for whole.
# unpack_and_be_killed [DIRECTORY]: at some moment, or as soon as something half-made is there
unpack_and_be_killed() {
    rm -f "$RUBBER_DOCKER_IMAGES/base.tar"
    find "$RUBBER_DOCKER_CONTAINERS/.images" -mindepth 1 -maxdepth 1 ! -name '*.partial' -exec rm -rf --one-file-system {} +
    "$program" run true 2>/dev/null {never}<&- &
    started=$!
    if [ $# = 0 ]; then
        pause $((RANDOM % 20 * 10000))
    else
        # The link of a process that has ended leads nowhere.
        while ! half_made 2>/dev/null | grep -q "^$1/" && [ -e "/proc/$started/exe" ]; do :; done
    fi
    kill -KILL "$started" 2>/dev/null || :
    wait "$started" || :
}
half_made() { find "$RUBBER_DOCKER_CONTAINERS/.images" "$RUBBER_DOCKER_IMAGES" -mindepth 1 -maxdepth 1 -name '*partial*'; }
first_day() {
    local -x RUBBER_DOCKER_IMAGES=$scratch/first/images RUBBER_DOCKER_CONTAINERS=$scratch/first/containers
    local kind number tries
    mkdir -p "$RUBBER_DOCKER_IMAGES" "$RUBBER_DOCKER_CONTAINERS/.images"
    for ((number = 0; number < 20; number++)); do quietly unpack_and_be_killed; done
    works 'killed while unpacking: a container runs'
    for kind in "$RUBBER_DOCKER_IMAGES" "$RUBBER_DOCKER_CONTAINERS"; do
        # What was half-made a moment ago may be whole when the signal comes.
        tries=0
        while ! half_made | grep -q "^$kind/" && [ "$tries" -lt 20 ]; do
            quietly unpack_and_be_killed "$kind"
            tries=$((tries + 1))
        done
        check "something half-made is left in ${kind##*/}" grep -q "^$kind/" <(half_made)
        "$workshop" clean >/dev/null 2>&1 || :
        same "clean removes what is half made in ${kind##*/}" '' "$(half_made; left_in "$RUBBER_DOCKER_CONTAINERS")"
    done
    works 'after clean: a container unpacks and runs'
}
first_day

# ---- the one command ----

# One that has a parent is none of its business.
"$program" run -- sleep "$(mark 9999)" 2>"$scratch/err" &
living=$!
command=''
lives() { command=$(pgrep -fx -- "sleep $(mark 9999)"); }
wait_until "$patience" lives || not_ok 'a container lives meanwhile' "$(<"$scratch/err")"

status=0
"$workshop" clean >"$scratch/cleaned" 2>&1 || status=$?
same 'clean succeeds' 'status 0' "$(grep -v '^removed ' "$scratch/cleaned" || :)status $status"
same 'clean removes every directory but that of the living one' 1 "$(left_in "$RUBBER_DOCKER_CONTAINERS" | wc -l)"
check 'clean leaves the living one alone' lives
if [ -n "$command" ]; then kill -KILL "$command" || :; fi
status=0
wait "$living" || status=$?
same 'which ends as it would have' "137 $name: $command exited with status 137" "$status $(<"$scratch/err")"

same 'no directory is left' '' "$(left_in "$RUBBER_DOCKER_CONTAINERS")"
same 'of attempts to make a tree nothing is left' '' "$(find "$RUBBER_DOCKER_CONTAINERS/.images" "$RUBBER_DOCKER_IMAGES" -mindepth 1 -maxdepth 1 -name '*partial*')"
same 'no control group is left' '' "$(new_groups 5 "$groups_before")"
same 'the mount table is as before' "$mounts_before" "$(mount_table)"
no_other_processes
check 'a second clean has nothing to do' grep -q '^nothing to do' <("$workshop" clean)
works 'after clean: a container runs'
same 'after clean: no control group is left' '' "$(new_groups 5 "$groups_before")"
sums
