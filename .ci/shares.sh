#!/usr/bin/env bash
# Two containers with different --cpu-shares spin on one processor. It must be divided
# as the settings say, within 15 %, by the kernel's own count: 1 to 4 with the shares of
# cgroup version 1, 35 to 100 with the weights of version 2.
#
#   .ci/shares.sh
#
# Takes four seconds. Everything happens in the sandbox of the checks, so that the
# machine's own control groups stay as they are.
set -u

window=2.5

# ---- in the sandbox ----

# behind FILE WORD: what stands behind WORD
behind() { sed -n "s/^$2 //p" "$1"; }

# accounted PID: its group where version 1 counts processor time
accounted() { sed -n 's/^[0-9]*:\([^:]*,\)*cpuacct\(,[^:]*\)*://p' "/proc/$1/cgroup"; }

# usage PID: the processor time that its group has had, whatever the unit
usage() {
    if [ -n "$accounts" ]; then
        cat "$accounts$(accounted "$1")/cpuacct.usage"
    else
        behind "$unified$(sed -n 's/^0:://p' "/proc/$1/cgroup")/cpu.stat" usage_usec
    fi
}

# mounted TYPE [OPTION]: where
mounted() {
    awk -v type="$1" -v option="${2-}" '{
        for (i = 7; $i != "-"; i++);
        if ($(i + 1) == type && ("," $(i + 3) ",") ~ ("," option)) { print $5; exit }
    }' /proc/self/mountinfo
}

# spin SHARES: starts a container, and prints the number of its process
spin() {
    local parent child=''
    taskset -c "$processor" rd run --cpu-shares "$1" -- sh -c 'while :; do :; done' >/dev/null 2>&1 &
    parent=$!
    # It spins as soon as it is the shell: until then it is not in its group, or still busy.
    until [ "$(readlink "/proc/$child/exe" 2>/dev/null | grep -c 'sh$')" = 1 ]; do
        if [ ! -d "/proc/$parent" ]; then return 1; fi
        child=$(pgrep -P "$parent" | head -n 1)
        sleep 0.02
    done
    echo "$child"
}

inside() {
    local small large process expected before_small before_large after_small after_large
    unified=$(mounted cgroup2)
    accounts=$(mounted cgroup 'cpuacct,')
    processor=$(taskset -cp $$ | sed 's/.*[ ,-]//')
    # The first container unpacks the image.
    rd run true 2>/dev/null || { echo 'failed: rd does not run'; return; }
    if ! small=$(spin 256) || ! large=$(spin 1024); then
        echo 'failed: a container does not start'
        return
    fi

    expected='35 100'
    if [ -n "$accounts" ]; then
        expected='256 1024'
        # Where cpu and cpuacct are two hierarchies, the runtime made no group to count in.
        for process in "$small" "$large"; do
            if [ "$(accounted "$process")" = / ]; then
                mkdir "$accounts/$process" && echo "$process" >"$accounts/$process/cgroup.procs"
            fi
        done
    fi

    before_small=$(usage "$small") before_large=$(usage "$large")
    sleep "$window"
    after_small=$(usage "$small") after_large=$(usage "$large")
    echo "$expected $((after_small - before_small)) $((after_large - before_large))"
}

if [ "${1-}" = inside ]; then
    inside
    exit
fi

# ---- outside ----

# shellcheck source=.ci/outside.sh
. "$(dirname "$0")/outside.sh"

# The shell of the transcripts answers in JSON; what we say in there needs no escapes.
ask() {
    local request="{\"terminal\":\"$\",\"run\":\"bash $script inside\"}"
    {
        printf '%s\n' "$request"
        # Its end would be the sandbox's.
        read -r -t "$patience" -u 4 _ || :
    } 4<&"$1" | as_root "$(program checks)" shell
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

program rd >/dev/null
make_scratch
mkfifo "$scratch/done"
exec 5<>"$scratch/done"
answer=''
while read -r line; do
    case $line in
        *'"ended":'*) echo >&5 ;;
        *'"output":'*)
            line=${line#*'"output":"'}
            answer+=${line%%'"'*}
            ;;
    esac
done < <(ask 5)

read -r small_expected large_expected small large <<<"${answer%%\\n*}"
name='two containers share a processor as their --cpu-shares say'
case ${large-} in
    '' | *[!0-9]* | 0) not_ok "$name" "$answer" ;;
    *)
        ratio=$((small * 1000 / large)) expected=$((small_expected * 1000 / large_expected))
        seen="$small to $large, which is $ratio to 1000; expected are $expected, from $((expected * 85 / 100)) to $((expected * 115 / 100))"
        printf '%s\n' "$seen"
        if [ "$ratio" -ge $((expected * 85 / 100)) ] && [ "$ratio" -le $((expected * 115 / 100)) ]; then
            ok "$name"
        else
            not_ok "$name" "$seen"
        fi
        ;;
esac
sums
