#!/usr/bin/env bash
# Judges the levels on stock Debian kernels, started in QEMU: machines that have cgroup
# version 2 and nothing else.
#
#   .ci/qemu.sh [full] [MACHINE...]
#
# `bookworm` has Debian 12's kernel and does everything. A level that is about control groups, or
# about a call that kernels differ in, is judged twice there, and with `full` each level is: its
# solution must pass, its skeleton must fail and name the steps that are missing. The checks
# of all levels before it see a solution again with `full`; without, they see `rd`, in which all
# solutions are, and a solution is seen by its own level's. Some wrong solutions of the levels that
# are about control groups are judged as well: each must be noticed. Every escape is tried in the
# levels where its answer changes, and those that change a whole machine in these ones only; two
# containers share a processor; each limit of level 14 is measured; and what the doctor says is
# compared with what the levels do. `trixie` has Debian 13's and `sid` the newest kernel: `rd` with
# all checks, the escapes and the doctor. On each a run of `rd` is X-rayed.
#
# Only installing QEMU needs root. The kernels are packages below ~/.cache/rubber-docker and
# never installed; beside the built programs that is all that stays.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck source=.ci/qemu/pack.sh disable=SC1091
. .ci/qemu/pack.sh
# shellcheck source=.ci/qemu/boot.sh disable=SC1091
. .ci/qemu/boot.sh
export LC_ALL=C.UTF-8

extent=short
if [ "${1-}" = full ]; then
    extent=full
    shift
fi
machines=("$@")
if [ $# = 0 ]; then machines=(bookworm trixie sid); fi

# The sourced scripts read these. QEMU emulates the machine, which makes it slow; but not slower
# than the limit.
# shellcheck disable=SC2034
limit=1500 console=ttyS0 results=ttyS1 emulator=(qemu-system-x86_64 -machine pc -cpu qemu64 -device 'isa-serial,chardev=results,index=1')

# Whose wrong solutions version 2 may show in another light: those of the levels that need a
# controller before any other does, and of level 14, which needs no more than these.
mapfile -t about_cgroups < <(grep -l '"cgroup-' levels/[0-9]*/level.toml | cut -c 8-9)
about_cgroups+=(14)
# One of level 18 takes a capability that the machine of many a CI does not have.
about_cgroups+=(18)
# Of these levels more than their words in `rd` is judged: what they need is the kernel's.
mapfile -t about_kernel < <(grep -lE '"(mount_setattr|overlay|cgroup-[a-z]*|seccomp|device-programs)"' levels/[0-9]*/level.toml | cut -c 8-9)
about_kernel+=(14)
is_about_kernel() { [[ " ${about_kernel[*]} " = *" $1 "* ]]; }

make_room

# ---- what is needed ----

# As the tests of the curriculum build them, so that nothing is built twice. A program
# that is better optimised would start a little sooner, and take minutes to build.
build() {
    local packages=() name
    for name in checks curriculum workshop xray "${programs[@]}"; do packages+=(-p "$name"); done
    cargo build -q --bins "${packages[@]}"
    # The symbols are left out: the checks copy their own program around.
    built=$scratch/built
    mkdir "$built"
    for name in checks curriculum workshop xray "${programs[@]}"; do strip -o "$built/$name" "$target/debug/$name"; done
    if is_wanted bookworm; then "$target/debug/curriculum" wrong "$scratch/wrong" "${about_cgroups[@]}"; fi
}

is_wanted() { [[ " ${machines[*]} " = *" $1 "* ]]; }

# ---- what they do ----

work() {
    local index patch name solution kind=own
    work_on_the_runtime
    if [ "$1" != bookworm ]; then return; fi
    if [ "$extent" = full ]; then kind=solution; fi
    for ((index = ${#levels[@]} - 1; index >= 0; index--)); do
        if [ "$extent" != full ] && ! is_about_kernel "${levels[index]}"; then continue; fi
        solution=$(solution_of "${levels[index]}")
        # It is the runtime.
        if [ "$solution" != rd ]; then say "$kind $solution ${levels[index]}"; fi
        say "skeleton ${programs[index]} ${levels[index]}"
    done
    for patch in "$scratch"/wrong/*/*.patch; do
        name=${patch#"$scratch/wrong/"}
        if is_for_version_2 "$patch"; then say "wrong ${name%.patch} ${name%%/*}"; fi
    done
}

# The wrong solutions that fail otherwise on version 2, and a fourth of the others, always the
# same ones: each takes ten seconds here.
is_for_version_2() {
    grep -qE '^(check|says|only)-v2: ' "$1" || { [[ $1 != */18/* ]] && [[ $(sha1sum <"$1") = [0-3]* ]]; }
}

# The escapes change what the whole machine has, such as core_pattern, and checks would see it;
# of the others two measure time, and one moves processes between control groups.
alone() {
    say "escapes escapes ${levels[-1]}"
    if [ "$1" = bookworm ]; then
        say "shares shares ${levels[-1]}"
        say "limits limits ${levels[-1]}"
    fi
    say "doctor doctor ${levels[-1]}"
    say "xray xray ${levels[-1]}"
}

# ---- what goes into them ----

libraries() {
    local library
    ldd "$1" | grep -o '/[^ ]*' | while read -r library; do say "$library $library"; done
}

# Makes $scratch/wrong.cpio, of those that are judged: all of them would fill its memory.
pack_wrong() {
    local patch file name
    root=$scratch/patches/machine
    put "$built/curriculum" /judged/curriculum
    for patch in "$scratch"/wrong/*/*.patch; do
        is_for_version_2 "$patch" || continue
        for file in "$patch" "${patch%.patch}"/*; do
            name=/judged${file#"$scratch"}
            if [ -x "$file" ]; then
                strip "$file"
                put "$file" "$name"
            else
                install -D "$file" "$root$name"
            fi
        done
    done
    archive "$scratch/patches" >"$scratch/wrong.cpio"
}

# judge MACHINE: of a kernel that Debian is still working on nothing is red but what is pinned.
judge() {
    local archives=("$scratch/programs.cpio") remark='' directory=$scratch/kernel-$1
    if ! take "linux-$1-amd64"; then
        not_run "$1" x86_64 'the mirror is away'
        return
    fi
    if [ "$1 $how" = 'sid newer' ]; then remark='newer than what is pinned: a report'; fi
    unpacked "$directory" "${files[@]}"
    if [ "$1" = bookworm ]; then archives+=("$scratch/wrong.cpio"); fi
    pack_kernel "$directory" "$1"
    say "=== $1"
    boot "$(kernel_in "$directory")" "${archives[@]}" "$scratch/$1.cpio"
    sum_up "$1" "$remark" || if [ -z "$remark" ]; then red=yes; fi
    phase "$1"
}

# Debian 12's, whatever this machine is.
if ! take linux-bookworm-amd64; then
    for name in "${machines[@]}"; do not_run "$name" x86_64 'the mirror is away'; done
    finish
    exit
fi
install_tools qemu-system-x86_64:qemu-system-x86
unpacked "$scratch/tools" "${files[@]}"
busybox=$scratch/tools/bin/busybox
shell=$(command -v dash) unshare=$(command -v unshare) setpriv=$(command -v setpriv)
phase 'packages'
build
phase 'building'
pack_programs
if is_wanted bookworm; then pack_wrong; fi
phase 'packing'
for name in "${machines[@]}"; do judge "$name"; done
finish
