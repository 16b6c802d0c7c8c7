# shellcheck shell=bash
# What a program answers, and that nothing is left by it. Sourced, after outside.sh, by
# the scripts that make it fail; they set $name, as it is called, and $program, its path.
# shellcheck disable=SC2154 # both, and what outside.sh has set

# What there is before and after: mounts, containers, trees in the cache, images.
traces() {
    mount_table
    find "$RUBBER_DOCKER_CONTAINERS" -mindepth 1 -maxdepth 1 ! -name .images 2>/dev/null | sort || :
    find "$RUBBER_DOCKER_CONTAINERS/.images" -mindepth 1 -maxdepth 1 2>/dev/null | sort || :
    find "$RUBBER_DOCKER_IMAGES" -mindepth 1 -maxdepth 1 2>/dev/null | sort || :
}

# refused NAME STATUS ADVICE COMMAND...: it ends with the status, and what it says
# matches the pattern ADVICE.
refused() {
    local assertion="$name: $1" expected=$2 advice=$3 before after groups new status=0 said complaint=''
    shift 3
    before=$(traces)
    groups=$(control_groups)
    RUST_BACKTRACE=1 "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
    after=$(traces)
    said=$(<"$scratch/err")
    if [ "$status" != "$expected" ]; then complaint+="status $status, expected $expected"$'\n'; fi
    if ! grep -Eq -- "$advice" <<<"$said"; then complaint+="what it says does not match: $advice"$'\n'; fi
    if grep -Eqi 'panicked|backtrace|stack overflow' <<<"$said"; then complaint+='it panicked'$'\n'; fi
    # An explanation is one line with our name in front, and after it the line that
    # reports how the child ended. A usage error is the command line parser's.
    if ! grep -q '^error: ' <<<"$said" &&
        [ "$(grep -Evc "^$name: [0-9]+ exited with status $expected\$" <<<"$said")" != 1 ]; then
        complaint+='it is not one paragraph'$'\n'
    fi
    if ! grep -Eq "^($name|error): " <<<"$said"; then complaint+='it does not say who speaks'$'\n'; fi
    if [ -s "$scratch/out" ]; then complaint+='it prints to standard output'$'\n'; fi
    if [ "$before" != "$after" ]; then
        complaint+="left behind:"$'\n'"$(diff <(printf "%s\n" "$before") <(printf "%s\n" "$after") || :)"$'\n'
    fi
    new=$(new_groups 2 "$groups")
    if [ -n "$new" ]; then complaint+="control groups left behind: $new"$'\n'; fi
    if [ -z "$complaint" ]; then ok "$assertion"; else not_ok "$assertion" "${complaint}it said: $said"; fi
}

# served NAME COMMAND...: it works all the same, prints `served`, and leaves nothing.
served() {
    local assertion="$name: $1" status=0 before
    shift
    before=$(mount_table)
    "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
    if [ "$status" = 0 ] && [ "$(<"$scratch/out")" = served ] && [ "$before" = "$(mount_table)" ]; then
        ok "$assertion"
    else
        not_ok "$assertion" "status $status, printed \"$(<"$scratch/out")\", said: $(<"$scratch/err")"
    fi
}

# ---- a machine that lacks something ----

# In a mount namespace of the command's own, in which COMMANDS have been run before.
# in_a_world_where COMMANDS COMMAND...
in_a_world_where() {
    local commands=$1
    shift
    # shellcheck disable=SC2016 # the variables are those of the inner shell
    unshare --mount -- bash -c 'eval "$0" && exec "$@"' "$commands" "$@"
}
