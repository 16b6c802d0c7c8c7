#!/usr/bin/env bash
# Proves that there is no step at which a container may not go wrong: of the system calls
# that the runtime makes, in the parent and in the child up to exec, each one fails once,
# and the container runs all the same, or ends with 125 and a word about it, and nothing
# is left. Then at some of them the process that makes it is killed, and `clean` removes
# whatever is left.
#
#   .ci/every-call.sh [full]     full: killed at each of them
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
seclude "$@"

name=rd every=4
if [ "${1-}" = full ]; then every=1; fi
program=$(program "$name")
workshop=$(program workshop)
run=("$program" run --memory 64m --cpu-shares 512 --user 2014:222 -- /bin/true)

# Without these there is no memory to speak of an error with, or they cannot fail.
ours() { ! [[ $1 =~ ^(brk|mmap|munmap|mprotect|exit_group|sigaltstack|close|lseek|umask|getpid|gettid|geteuid|getrandom|sched_getaffinity|prlimit64|rt_sigreturn|restart_syscall)$ ]]; }

# Prints each call and how often it is made: NAME FIRST LAST. The loader and the start of
# Rust's runtime are not ours, and end where SIGPIPE is ignored. strace counts for each
# process anew: the third mkdir is that of the parent and that of the child.
calls() {
    strace -f -qq -o "$scratch/trace" "${run[@]}" 2>/dev/null
    awk '
        NR == 1 { parent = $1 }
        { call = $2; sub(/\(.*/, "", call) }
        # nix panics if an unlock fails, which the kernel never lets it (flock(2)).
        call !~ /^[a-z]/ || /LOCK_UN/ || executed && $1 != parent { next }
        $1 == parent { of_parent[call]++; if (!begun) before[call]++ }
        $1 == parent && /SIGPIPE, {sa_handler=SIG_IGN/ { begun = 1 }
        $1 != parent { of_child[call]++; if (call == "execve") executed = 1 }
        END {
            for (call in of_parent) if (of_parent[call] > before[call]) print call, before[call] + 1, of_parent[call]
            # What the parent has of it comes first, and hides as many of the child.
            for (call in of_child) if (of_child[call] > before[call] && of_child[call] > of_parent[call])
                print call, (before[call] > of_parent[call] ? before[call] : of_parent[call]) + 1, of_child[call]
        }' "$scratch/trace" | sort
}
# An error that the call may well have on a bad day.
error_of() {
    case $1 in
        mkdir | symlink* | write) echo ENOSPC ;;
        open* | socket | pidfd_open) echo EMFILE ;;
        clone*) echo EAGAIN ;;
        *) echo ENOMEM ;;
    esac
}

# A group with processes that this script cannot see, or of another name, is another program's.
left() {
    local group
    left_in "$RUBBER_DOCKER_CONTAINERS"
    new_groups "$1" "$groups_before" | grep -E '/[0-9a-f]{12}$' | while read -r group; do
        if [ -d "$group" ] && ! grep -qsx 0 "$group/cgroup.procs"; then printf '%s\n' "$group"; fi
    done || :
}
# inject NAME WHEN HOW: then there are $status and $said.
inject() {
    status=0
    strace -f -qq -o /dev/null -e trace="$1" -e inject="$1:$3:when=$2" "${run[@]}" >"$scratch/out" 2>"$scratch/err" || status=$?
    said=$(<"$scratch/err")
}

# What cannot be removed is left; the error names it.
excuse='warning: (cannot remove|stopped removing|rmdir).*cargo workshop clean'
# goes_wrong NAME WHEN: makes one call fail, and adds to $wrong.
goes_wrong() {
    local leftovers
    inject "$1" "$2" "error=$(error_of "$1")"
    if grep -Eqi 'panicked|backtrace' <<<"$said" || [ "$status" -gt 128 ]; then wrong+="$1 $2: status $status, said: $said"$'\n'; fi
    # Its own status, or that of a command which has ended with one.
    if [ "$status" != 0 ] && [ "$status" != 125 ] && ! grep -q "exited with status $status\$" <<<"$said"; then
        wrong+="$1 $2: status $status, said: $said"$'\n'
    fi
    if [ "$status" = 125 ] && ! grep -v 'exited with status' <<<"$said" | grep -q "^$name: "; then wrong+="$1 $2: 125 without a word"$'\n'; fi
    leftovers=$(left 1)
    if [ -n "$leftovers" ]; then
        excused=$((excused + 1))
        if ! grep -Eq "$excuse" <<<"$said"; then wrong+="$1 $2: left $leftovers, said: $said"$'\n'; fi
        "$workshop" clean >/dev/null 2>&1 || :
        leftovers=$(left 2)
        if [ -n "$leftovers" ]; then wrong+="$1 $2: after clean there is still $leftovers"$'\n'; fi
    fi
}
# A first error and then a second one: no removal works when it comes to tidying up, so
# that the cause must come first and keep its status, and what is left is a warning. The
# child is not followed: it removes the place of the old root.
first_and_last() {
    local status=0 said
    strace -qq -o /dev/null -e trace=rmdir,unlinkat,clone,clone3 -e "inject=$1" -e inject=rmdir,unlinkat:error=EBUSY \
        "$program" run -- /bin/sh -c 'exit 3' >/dev/null 2>"$scratch/err" || status=$?
    said=$(<"$scratch/err")
    same "$2: the status" "$3" "$status"
    check "$2: the cause is told first" grep -Eq "$4" <<<"${said%%$'\n'*}"
    check "$2: what follows is a warning" grep -q "^$name: warning: rmdir.*EBUSY.*cargo workshop clean" <<<"$said"
    same "$2: nothing is told twice" '' "$(uniq -d <<<"$said")"
    "$workshop" clean >/dev/null
    same "$2: clean removes what is left" '' "$(left 2)"
}
# is_killed NAME WHEN: SIGKILL ends the process, parent or child, that makes the call.
is_killed() {
    local leftovers
    inject "$1" "$2" signal=KILL
    if [ "$status" != 137 ] && [ "$status" != 0 ]; then wrong+="$1 $2: status $status, said: $said"$'\n'; fi
    if ! said=$("$workshop" clean 2>&1); then wrong+="$1 $2: clean failed: $said"$'\n'; fi
    leftovers=$(left 2)
    if [ -n "$leftovers" ]; then wrong+="$1 $2: after clean there is still $leftovers"$'\n'; fi
}

# for_each STEP WHAT: does that to each call, or to one in so many.
for_each() {
    local call first last number seen=0
    while read -r call first last; do
        ours "$call" || continue
        # That a signal gets its default disposition is asked 64 times in one loop.
        if [ "$call" = rt_sigaction ] && [ "$last" -gt $((first + 8)) ]; then last=$((first + 8)); fi
        for ((number = first; number <= last; number++)); do
            seen=$((seen + 1))
            if [ $((seen % $1)) != 0 ]; then continue; fi
            "$2" "$call" "$number" </dev/null
            cases=$((cases + 1))
        done
    done <"$scratch/calls"
    # Without limits the parent writes nothing before the child joins its groups.
    local run=("$program" run -- /bin/true)
    for number in 1 2; do "$2" write "$number" </dev/null; done
    cases=$((cases + 2))
}

if ! strace -o /dev/null true 2>/dev/null; then
    skip 'all of it' 'there is no strace here to make calls fail'
    exit
fi
"$program" run true 2>/dev/null
mounts_before=$(mount_table)
groups_before=$(control_groups)
tree_before=$(manifest "$RUBBER_DOCKER_CONTAINERS"/.images/base-*)
calls >"$scratch/calls"
check 'the calls are those of a container' grep -q '^pivot_root ' "$scratch/calls"

first_and_last rmdir,unlinkat:error=EBUSY 'the command ends with 3, and nothing can be removed' 3 'exited with status 3$'
first_and_last clone,clone3:error=EAGAIN 'no process can be made, and nothing removed' 125 '^rd: clone.*EAGAIN'

# The shell reports killed processes on its standard error; this script killed them itself.
exec {stderr}>&2 2>"$scratch/notices"
wrong='' cases=0 excused=0 begin=$SECONDS
for_each 1 goes_wrong
printf '%d calls failed, %d of them in removing; %d s\n' "$cases" "$excused" $((SECONDS - begin))
same 'each call fails once: a word about it, and nothing is left' '' "$wrong"

wrong='' cases=0 begin=$SECONDS
for_each "$every" is_killed
printf '%d times killed in a call; %d s\n' "$cases" $((SECONDS - begin))
same 'killed in a call: clean removes what is left' '' "$wrong"

exec 2>&"$stderr" {stderr}>&-
same 'the mount table is as before' "$mounts_before" "$(mount_table)"
same 'no control group is left' '' "$(new_groups 5 "$groups_before")"
same "in the image's tree nothing has been touched" "$tree_before" "$(manifest "$RUBBER_DOCKER_CONTAINERS"/.images/base-*)"
same 'after all that a container runs' fine "$("$program" run echo fine 2>/dev/null)"
sums
