# shellcheck shell=bash
# Starts a machine, and adds up what it says. Sourced, after pack.sh, by the scripts that
# start machines; they set
#
#   emulator   QEMU with the hardware: its program and options
#   console, results
#              how the kernel there calls its first two serial lines
#   limit      seconds that the machine may take
#   work, alone
#              functions that print what the machine does, as KIND NAME LEVEL: as many at
#              once as there are processors, and one after the other
# shellcheck disable=SC2154 # these, and what lib.sh and pack.sh have set

say() { printf '%s\n' "$*"; }
die() {
    say "${script##*/}: $*" >&2
    exit 1
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

began=$SECONDS
phase() {
    say "--- $*: $((SECONDS - began)) s"
    began=$SECONDS
}

# install_tools PROGRAM:PACKAGE...: the emulator's, beside those that all need.
install_tools() {
    local tool packages=() missing=''
    for tool in strip:binutils cpio:cpio setpriv:util-linux xz:xz-utils zstd:zstd "$@"; do
        packages+=("${tool#*:}")
        command -v "${tool%%:*}" >/dev/null || missing=yes
    done
    if [ -n "$missing" ]; then apt_install "${packages[@]}"; fi
}

# take SET: sets `files`; false if the mirror is away. `how` says whether it is what is pinned.
take() {
    local answer status=0
    answer=$(.ci/packages.sh get "$1") || status=$?
    case $status in
        0) ;;
        4) return 1 ;;
        *) die "no packages of $1" ;;
    esac
    mapfile -t files <<<"$answer"
    # shellcheck disable=SC2034 # read by those who source this
    how=${files[0]}
    files=("${files[@]:1}")
}

# ---- nothing stays behind ----

# Makes `scratch`, and `matrix`, where a file tells of every machine, for .ci/matrix.sh.
make_room() {
    scratch=$(mktemp -d)
    trap 'stop_machine; rm -rf --one-file-system "$scratch"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    matrix=${RUBBER_DOCKER_MATRIX:-$scratch/matrix}
    mkdir -p "$matrix"
}

# Fails if anything was red. Alone, a script shows the table of its own machines.
red=''
finish() {
    if [ -z "${RUBBER_DOCKER_MATRIX-}" ]; then .ci/matrix.sh "$matrix" show; fi
    [ -z "$red" ]
}

machine=''
stop_machine() {
    if [ -n "$machine" ]; then
        kill -TERM "$machine" 2>/dev/null || :
        wait "$machine" 2>/dev/null || :
    fi
}

# boot KERNEL ARCHIVE...
#
# More than half of the time is saved by: a processor of few talents, since what libc
# does with them is slow when emulated; programs that lie at the same addresses each
# time, so that they stay translated; and a kernel that does not wait for a quiet
# moment before it takes down a namespace. The last two words tell checks that they may
# change what a machine has only one of, and that they must be patient.
#
# An emulated processor may run into a place that another one is just patching, which no
# processor of silicon does: `Oops: int3`, mostly long before init, but once a minute later, in
# the scheduler. Such a machine is started again, and one whose kernel has not come as far as
# init. Whatever else a kernel dies of is a result, and stays one.
boot() {
    local attempt
    for attempt in 1 2 3; do
        if ! start_machine "$@" && [ ! -s "$scratch/results" ]; then
            say "the kernel has not come as far as init, at attempt $attempt"
        elif grep -q '\] Oops: int3: ' "$scratch/said"; then
            say "an emulated processor ran into what another was patching, at attempt $attempt"
        else
            break
        fi
    done
}

# start_machine KERNEL ARCHIVE...: false if the kernel has ended without a result
start_machine() {
    local kernel=$1 reader status=0
    local words="console=$console results=$results quiet panic=-1 reboot=t norandmaps rcupdate.rcu_expedited=1 rubber_docker.disposable rubber_docker.emulated"
    shift
    cat "$@" >"$scratch/initramfs.cpio"
    rm -f "$scratch/console" "$scratch/results" "$scratch/said"
    mkfifo "$scratch/console"
    # The lines of a console end as a terminal wants it.
    sed -u 's/\r$//' <"$scratch/console" | tee "$scratch/said" &
    reader=$!
    # Should this script be killed, the machine is not to go on alone. If its kernel
    # panics it reboots, and if it reboots it ends.
    setpriv --pdeathsig TERM timeout --kill-after 5 "$limit" \
        setpriv --pdeathsig KILL "${emulator[@]}" -nodefaults -no-user-config -display none \
        -accel tcg,thread=multi,tb-size=256 -smp 2 -m 1536 -no-reboot \
        -serial stdio -chardev "file,id=results,path=$scratch/results" \
        -kernel "$kernel" -initrd "$scratch/initramfs.cpio" -append "$words" \
        </dev/null >"$scratch/console" &
    machine=$!
    wait "$machine" || status=$?
    machine=''
    wait "$reader"
    rm "$scratch/initramfs.cpio"
    if [ "$status" = 0 ] && [ ! -s "$scratch/results" ]; then return 1; fi
    case $status in
        0) ;;
        124 | 137) say "the machine did not end within $limit s, and was stopped." ;;
        *) say "QEMU ended with status $status." ;;
    esac
}

# sum_up MACHINE REMARK: the machine writes its results to a serial line of their own, to which
# neither kernel nor console does. The last word there is `finished`: without it, the machine has
# not got to its end. The results are added to the matrix, with the remark.
sum_up() {
    local kind name passed failed not_run skipped status
    local all_passed=0 all_failed=0 all_not_run=0 all_skipped=0 count=0 finished=no expected
    local kernel='no kernel' architecture=none
    local -A caught=() judged=()
    local level
    while read -r kind name passed failed not_run skipped status; do
        case $kind in
            finished) finished=yes ;;
            machine) kernel=$name architecture=$passed ;;
            result)
                count=$((count + 1))
                all_passed=$((all_passed + passed))
                all_failed=$((all_failed + failed))
                all_not_run=$((all_not_run + not_run))
                all_skipped=$((all_skipped + skipped))
                # Nothing else has a name with a level in front.
                if [[ $name = */* ]]; then
                    level=${name%%/*}
                    caught[$level]=$((${caught[$level]-0} + passed))
                    judged[$level]=$((${judged[$level]-0} + 1 - skipped))
                fi
                if [ "$failed" = 0 ] && { [ "$status" != 0 ] || [ $((passed + skipped)) = 0 ]; }; then
                    say "judging $name ended with status $status after $passed checks; see above."
                    all_failed=$((all_failed + 1))
                fi
                ;;
        esac
    done < <(tr -d '\r' <"$scratch/results")
    for level in $(printf '%s\n' "${!judged[@]}" | sort); do
        say "  wrong solutions of $level that were caught: ${caught[$level]} of ${judged[$level]}"
    done
    expected=$({ work "$1" && alone "$1"; } | wc -l)
    if [ "$finished" = no ] || [ "$count" != "$expected" ]; then
        say "the machine ended after $count of $expected results; its last words are above."
        all_failed=$((all_failed + 1))
    fi
    if [ "$all_not_run" != 0 ]; then say "$all_not_run not run, because they need one that failed"; fi
    say "$1: $all_passed passed, $all_failed failed, $all_skipped skipped"
    {
        printf 'machine\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n' \
            "$1" "$kernel" "$architecture" "$all_passed" "$((all_failed + all_not_run))" "$all_skipped" "$2"
        tr -d '\r' <"$scratch/results" | grep -E '^(judged|skip) ' || :
    } >"$matrix/$1"
    [ "$all_failed" = 0 ] && [ "$all_not_run" = 0 ]
}

# not_run MACHINE ARCHITECTURE REMARK: of one that could not be had
not_run() {
    say "$1: skipped: $3"
    printf 'machine\t%s\tnone\t%s\t0\t0\t1\t%s\n' "$1" "$2" "$3" >"$matrix/$1"
}
