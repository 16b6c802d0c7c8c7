#!/usr/bin/env bash
# Proves what is promised of the finished runtime's limits: who uses more memory than
# allowed is killed and hears why, the command is the user that was asked for and has
# no capability beyond the list, and a request to end reaches it once, and ends it
# in the end; no signal at any time leaves anything behind. Afterwards the machine's control groups are as before.
#
#   .ci/limits.sh [PROGRAM]     default: rd
set -euo pipefail
# shellcheck source=.ci/outside.sh disable=SC1091
. "$(dirname "$0")/outside.sh"
seclude "$@"

name=${1:-rd}
program=$(program "$name")

# run [OPTION]... -- COMMAND...: then there are $status and $out.
run() {
    status=0
    "$program" run "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
    out=$(<"$scratch/out")
}
says() { grep -Eq -- "$1" "$scratch/err"; }
silent_about() { ! says "$1"; }

# ---- memory ----

memory() {
    local greedy='head -c 200m /dev/zero | tail >/dev/null'
    run --memory 64m --memory-swap 64m -- sh -c "$greedy"
    same 'more memory than allowed: ends with 137' 137 "$status"
    check 'more memory than allowed: says out of memory' says "^$name: out of memory: the kernel has killed [1-9]"
    check 'more memory than allowed: reports its end' says "^$name: [0-9]+ exited with status 137\$"

    # What would be no proof if it happened anyway.
    run -- sh -c "$greedy"
    same 'without a limit: ends with 0' 0 "$status"
    check 'without a limit: says nothing about memory' silent_about memory
    run --memory 600m --memory-swap 600m -- sh -c "$greedy"
    same 'below the limit: ends with 0' 0 "$status"
    check 'below the limit: says nothing about memory' silent_about memory
    run --memory 64m --memory-swap 64m -- sh -c "sh -c 'kill -KILL \$\$'; exit \$?"
    same 'killed for another reason: ends with 137' 137 "$status"
    check 'killed for another reason: says nothing about memory' silent_about memory
}

# ---- user and capabilities ----

users() {
    run --user 2014:222 -- id
    same '--user 2014:222: that is all it is' 'uid=2014 gid=222 groups=222' "$out"
    # Groups that the caller has must not come along: disk, for one, is as good as root.
    status=0
    out=$(setpriv --groups 4,6,27 "$program" run --user 2014:222 -- id 2>/dev/null) || status=$?
    same "--user 2014:222: nothing comes along of the caller's groups" 'uid=2014 gid=222 groups=222' "$out"
    out=$(setpriv --groups 4,6,27 "$program" run -- id -G 2>/dev/null) || status=$?
    same "root: nothing comes along of the caller's groups" 0 "$out"
}

# Docker's list without MKNOD (see levels/complete/src/capabilities.rs):
# chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw
# sys_chroot audit_write setfcap. The runtime cannot give one that its caller lacks.
usual() {
    local bit mask=0
    for bit in 0 1 3 4 5 6 7 8 10 13 18 29 31; do mask=$((mask | 1 << bit)); done
    printf '%016x' $((mask & 16#$(sed -n 's/^CapBnd:\t//p' /proc/self/status)))
}
five_sets() { printf 'CapInh:\t%s\nCapPrm:\t%s\nCapEff:\t%s\nCapBnd:\t%s\nCapAmb:\t%s' "$@"; }

capabilities() {
    local none=0000000000000000 usual look=(grep '^Cap' /proc/self/status) generous
    usual=$(usual)
    # A caller who would like the container to have one more.
    generous=(setpriv --inh-caps=+net_admin --ambient-caps=+net_admin)
    run -- "${look[@]}"
    same 'root: the five sets' "$(five_sets $none "$usual" "$usual" "$usual" $none)" "$out"
    out=$("${generous[@]}" "$program" run -- "${look[@]}" 2>/dev/null) || :
    same "root: the caller's ambient set does not come along" "$(five_sets $none "$usual" "$usual" "$usual" $none)" "$out"
    run --user 2014:222 -- "${look[@]}"
    same '--user: the five sets' "$(five_sets $none $none $none "$usual" $none)" "$out"
    out=$("${generous[@]}" "$program" run --user 2014:222 -- "${look[@]}" 2>/dev/null) || :
    same "--user: the caller's ambient set does not come along" "$(five_sets $none $none $none "$usual" $none)" "$out"
}

# ---- requests to end ----

# start FILE [OPTION]... -- COMMAND...: in the background; $parent is its process.
start() {
    local file=$1
    shift
    env --default-signal "$program" run "$@" >"$scratch/$file.out" 2>"$scratch/$file.err" </dev/null &
    parent=$!
}
# The command has taken the place of the child; it is then in $command.
has_become() { command=$(pgrep -P "$parent" -x "$1"); }
told() { grep -q 'PID 1 of its namespace and does not handle this signal' "$scratch/$1.err"; }
milliseconds() { printf '%s' $((${EPOCHREALTIME/[.,]/} / 1000)); }

# once FILE: of one SIGTERM. Takes ten seconds, so it runs beside the others.
once() {
    local before status=0
    start "$1" -- sleep 100
    wait_until "$patience" has_become sleep || :
    before=$(milliseconds)
    kill -TERM "$parent" || :
    wait "$parent" || status=$?
    printf '%s %s\n' "$status" $(($(milliseconds) - before)) >"$scratch/$1.end"
}
ended_once() {
    local status took
    read -r status took <"$scratch/$1.end"
    same 'one SIGTERM: ends with 137' 137 "$status"
    check 'one SIGTERM: the user is told' told "$1"
    check 'one SIGTERM: not before ten seconds' test "$took" -ge 9900
    check 'one SIGTERM: after ten seconds' test "$took" -le 11000
}

twice() {
    local signal=$1 before status=0
    start twice -- sleep 100
    wait_until "$patience" has_become sleep || :
    kill "-$signal" "$parent" || :
    if wait_until "$patience" told twice; then ok "two SIG$signal: after the first the user is told"; else not_ok "two SIG$signal: after the first the user is told"; fi
    check "two SIG$signal: after the first it runs on" test -e "/proc/$command"
    before=$(milliseconds)
    kill "-$signal" "$parent" || :
    wait "$parent" || status=$?
    same "two SIG$signal: ends with 137" 137 "$status"
    check "two SIG$signal: at once" test $(($(milliseconds) - before)) -le 1000
    check "two SIG$signal: the command is gone" gone "$command"
}
gone() { [ ! -e "/proc/$1" ]; }

# A command that counts until SIGUSR1 asks for the sum. The kernel may deliver two equal
# signals that arrive at almost the same time as one (signal(7)), so what the parent sends
# is counted as well.
counts() {
    local about=$1 tracer='' status=0
    shift
    # shellcheck disable=SC2016 # the variables are those of the shell in the container
    start counts "$@" -- sh -c 'trap "n=\$((n + 1)); echo got-\$n" TERM; trap "echo sum-\$n; exit 3" USR1
        echo ready; while :; do sleep 0.02; done'
    if ! wait_until "$patience" grep -qx ready "$scratch/counts.out"; then
        not_ok "$about: it starts" "$(<"$scratch/counts.err")"
        kill -KILL "$parent" || :
        return
    fi
    : >"$scratch/sent"
    if command -v strace >/dev/null; then
        strace -qq -e trace=kill,tkill,tgkill,pidfd_send_signal -o "$scratch/sent" -p "$parent" &
        tracer=$!
        wait_until "$patience" traced "$parent" || :
    fi
    kill -TERM "$parent"
    wait_until "$patience" grep -q got "$scratch/counts.out" || :
    kill -USR1 "$parent" || :
    wait "$parent" || status=$?
    same "$about: it gets SIGTERM once" "$(printf 'ready\ngot-1\nsum-1')" "$(<"$scratch/counts.out")"
    same "$about: it ends as it likes" 3 "$status"
    check "$about: the user is not bothered" not told counts
    if [ -z "$tracer" ]; then
        skip "$about: the parent sends it once" 'there is no strace here'
        return
    fi
    wait "$tracer" || :
    same "$about: the parent sends it once" 1 "$(grep -c 'SIGTERM)' "$scratch/sent")"
}
not() { ! "$@"; }
traced() { grep -q '^TracerPid:.*[1-9]' "/proc/$1/status"; }

# ---- every signal, at every time ----

# Nothing but SIGKILL and faults ends the parent of a container before its time: it would
# leave a directory behind, and control groups.
every_signal() {
    local number name status=0 ended='' left
    # Without faults, what stops, and 32 and 33, which are the C library's.
    for number in {1..64}; do
        case $number in 4 | 5 | 6 | 7 | 8 | 9 | 11 | 19 | 20 | 21 | 22 | 31 | 32 | 33) continue ;; esac
        name=$(kill -l "$number" 2>/dev/null || printf '%s' "$number")
        start every -- sleep 100
        wait_until "$patience" has_become sleep || :
        kill "-$number" "$parent" || :
        # By now it has been taken out of the queue. Then the command is killed.
        wait_until "$patience" nothing_pending "$parent" || :
        kill -KILL "$command" || :
        status=0
        wait "$parent" || status=$?
        if [ "$status" != 137 ]; then ended+="$name: status $status"$'\n'; fi
        left=$(left_in "$RUBBER_DOCKER_CONTAINERS")
        if [ -n "$left" ]; then ended+="$name: left $left"$'\n'; fi
    done
    same 'every signal but faults: the parent lives on, and tidies up' '' "$ended"
}
nothing_pending() { ! grep -Eq '^(Shd|Sig)Pnd:.*[1-9a-f]' "/proc/$1/status"; }

# interrupted WHAT SIGNAL STATE...: starts a container, and sends its parent SIGNAL when STATE
# is true. The parent ends by that signal, and leaves nothing half made.
interrupted() {
    local what=$1 signal=$2 status=0
    shift 2
    start interrupted -i "${image-base}" -- true
    if wait_until "$patience" "$@"; then ok "$what: it has begun"; else not_ok "$what: it has begun" "$(<"$scratch/interrupted.err")"; fi
    kill "-$signal" "$parent" || :
    wait "$parent" || status=$?
    same "$what, SIG$signal: it ends by that" $((128 + $(kill -l "$signal"))) "$status"
    check "$what, SIG$signal: it says so" grep -q "SIG$signal has come" "$scratch/interrupted.err"
    same "$what, SIG$signal: nothing is left" '' "$(left_in "$RUBBER_DOCKER_CONTAINERS"; half_made)"
}
half_made() { find "$RUBBER_DOCKER_CONTAINERS/.images" "$RUBBER_DOCKER_IMAGES" -mindepth 1 -maxdepth 1 -name '*.partial'; }
is_unpacking() { [ -n "$(find "$RUBBER_DOCKER_CONTAINERS/.images" -maxdepth 2 -name zeros)" ]; }
has_directories() { [ "$(left_in "$RUBBER_DOCKER_CONTAINERS" | wc -l)" = "$1" ]; }

while_it_is_made() {
    local image=large signal first status=0
    # In two megabytes 500 of zeros: they take a while to write.
    mkdir -p "$scratch/large/bin"
    truncate -s 500M "$scratch/large/zeros"
    # `bin` comes first, as in a root: of an archive that begins with something large, the
    # runtime unpacks that to see what the archive is.
    tar -C "$scratch/large" -cf - bin zeros | gzip -1 >"$RUBBER_DOCKER_IMAGES/large.tar.gz"
    rm -r "$scratch/large"
    for signal in INT TERM HUP QUIT ALRM; do
        interrupted 'while an image is unpacked' "$signal" is_unpacking
    done

    # The first parent is stopped while it unpacks; SIGINT ends the second, which waits for it.
    start first -i large -- true
    first=$parent
    wait_until "$patience" is_unpacking || :
    kill -STOP "$first"
    start second -i large -- true
    wait_until "$patience" has_directories 2 || :
    kill -INT "$parent" || :
    wait "$parent" || status=$?
    same 'while another unpacks the image, SIGINT: it ends by that' 130 "$status"
    same 'while another unpacks the image, SIGINT: nothing of it is left' 1 "$(left_in "$RUBBER_DOCKER_CONTAINERS" | wc -l)"
    kill -TERM "$first"
    kill -CONT "$first"
    status=0
    wait "$first" || status=$?
    same 'the other, stopped, asked to end and continued: it ends by that' 143 "$status"
    same 'and leaves nothing' '' "$(left_in "$RUBBER_DOCKER_CONTAINERS"; half_made)"
    rm "$RUBBER_DOCKER_IMAGES/large.tar.gz"

    image=base
    rm "$RUBBER_DOCKER_IMAGES/base.tar"
    interrupted 'while base is made' INT test -e "$RUBBER_DOCKER_IMAGES/.base.tar.partial"
    check 'while base is made: there is none' not test -e "$RUBBER_DOCKER_IMAGES/base.tar"
    run -- true
    same 'afterwards a container starts' 0 "$status"
}

# What is given to the container comes back as it was: a pipe's flags are its maker's, too.
streams() {
    local pipe before
    "$(program checks)" probe-image >/dev/null
    mkfifo "$scratch/pipe"
    exec {pipe}<>"$scratch/pipe"
    before=$(grep ^flags "/proc/self/fdinfo/$pipe")
    "$program" run -i probe -- probe spoil <&"$pipe" >&"$pipe" 2>"$scratch/err" || :
    check 'a program that sets O_NONBLOCK has run' grep -q 'exited with status 0' "$scratch/err"
    same 'afterwards the pipe that it was given has the flags that it had' "$before" "$(grep ^flags "/proc/self/fdinfo/$pipe")"
    exec {pipe}<&-
}

# What has a name on the host is the host's: a device is everybody's, and a file stays.
# The null device is one of our own, should it go wrong.
named_streams() {
    local null=$scratch/null
    mknod -m 666 "$null" c 1 3
    # shellcheck disable=SC2016,SC2094 # the inner shell expands; it is a device
    "$program" run sh -c 'for n in 0 1 2; do chmod 600 /proc/self/fd/$n; chown 33 /proc/self/fd/$n; done' \
        <"$null" >"$null" 2>"$null" || :
    same "the host's null device is as it was" '666 root' "$(stat -c '%a %U' "$null")"
    "$program" run sh -c 'stat -Lc %d /proc/self/fd/0 /dev/null | uniq | wc -l' <"$null" >"$scratch/out" 2>/dev/null || :
    same 'in the container it is one of its own /dev' 1 "$(<"$scratch/out")"
    "$program" run sh -c 'cat /bin/true; chmod 6755 /proc/self/fd/1' >"$scratch/file" 2>/dev/null || :
    same 'a file that it writes has not become a setuid program' 755 "$(stat -c %a "$scratch/file")"
}

# ---- all of it ----

# The image and its tree are made now, and not while something is timed.
run -- true
groups_before=$(control_groups)
mounts_before=$(mount_table)

once once &
once=$!
memory
users
capabilities
twice TERM
twice INT
counts 'a command with a handler'
counts 'a command with a handler, with --user' --user 2014:222
streams
named_streams
wait "$once"
ended_once once
# No other container runs any more, so what is left must be from these.
every_signal
while_it_is_made

same 'the control groups are as before' '' "$(new_groups 5 "$groups_before")"
same 'the mount table is as before' "$mounts_before" "$(mount_table)"
same 'no container is left' '' "$(left_in "$RUBBER_DOCKER_CONTAINERS")"
sums
