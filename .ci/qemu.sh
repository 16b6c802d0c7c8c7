#!/usr/bin/env bash
# Runs the checks of all levels on a machine that has cgroup version 2 and nothing
# else: a stock Debian kernel, started in QEMU. Every level is judged twice there: its
# solution must pass, its skeleton must fail and name the steps that are missing. So are
# the wrong solutions of the levels that are about control groups: each must be noticed.
# Every escape is tried in the levels where its answer changes, and those that change a
# whole machine in this one only; and two containers share a processor.
#
#   .ci/qemu.sh
#
# Only installing QEMU needs root. The kernel is unpacked below ~/.cache/rubber-docker
# and never installed; beside the built programs that is all that stays.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8

# Seconds. The machine is emulated, so that all takes its time; but not that much.
limit=900

cache=${XDG_CACHE_HOME:-$HOME/.cache}/rubber-docker
built=${CARGO_TARGET_DIR:-target}/debug

# Whose wrong solutions version 2 may show in another light.
about_cgroups=(08 09)

say() { printf '%s\n' "$*"; }
die() {
    say "qemu.sh: $*" >&2
    exit 1
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# ---- nothing stays behind ----

machine=''
scratch=$(mktemp -d)
clean_up() {
    if [ -n "$machine" ]; then
        kill -TERM "$machine" 2>/dev/null || :
        wait "$machine" 2>/dev/null || :
    fi
    rm -rf --one-file-system "$scratch" "$cache"/*".$$.partial"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- what is needed ----

install_tools() {
    local tool
    for tool in qemu-system-x86_64 setpriv strip; do
        if ! command -v "$tool" >/dev/null; then
            as_root apt-get update -qq
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                binutils qemu-system-x86 util-linux >/dev/null
            return
        fi
    done
}

# candidate PACKAGE: the version that apt would install, if it knows one
candidate() { apt-cache policy "$1" | sed -n 's/^  Candidate: //p'; }

# The package with the newest kernel: the one without a number depends on it.
kernel_package() {
    local meta=linux-image-cloud-amd64
    if [ -z "$(candidate "$meta")" ]; then as_root apt-get update -qq; fi
    apt-cache depends "$meta" | sed -n 's/^  Depends: \(linux-image-[0-9].*\)/\1/p' | grep . ||
        die "apt knows no $meta here; it is a package of Debian's"
}

# unpacked PACKAGE: prints the directory with what is in it, which is made if need be.
unpacked() {
    local package=$1 directory partial
    directory=$cache/$package-$(candidate "$package")
    if [ ! -d "$directory" ]; then
        # A list of packages that is out of date names files that are gone.
        download "$package" 2>/dev/null || { as_root apt-get update -qq && download "$package"; } ||
            die "apt cannot download $package"
        directory=$cache/$package-$(candidate "$package")
        partial=$directory.$$.partial
        mkdir -p "$cache"
        dpkg -x "$scratch"/"$package"_*.deb "$partial"
        # Whole or not at all, should somebody stop us here or do the same beside us.
        mv -T "$partial" "$directory" 2>/dev/null || rm -r "$partial"
    fi
    say "$directory"
}

# As root, apt would have another user do it, who may not write here.
download() { (cd "$scratch" && apt-get download -qq -o APT::Sandbox::User=root "$1" >&2); }

# ---- what goes into the machine ----

# In their order. The solution of a level is the next one's program, and the last one's
# is `rd`.
levels=() programs=()
for directory in levels/[0-9]*_*; do
    number=${directory#levels/}
    levels+=("${number%%_*}")
    programs+=("level${number%%_*}")
done
programs+=(rd)

# As the tests of the curriculum build them, so that nothing is built twice. A program
# that is better optimised would start a little sooner, and take minutes to build.
build() {
    local packages=() name
    for name in checks workshop "${programs[@]}"; do packages+=(-p "$name"); done
    cargo build -q --bins "${packages[@]}"
    "$built/curriculum" wrong "$scratch/wrong" "${about_cgroups[@]}"
}

# A line for each that is to be judged. The longest first: then those who share the
# work end together.
work() {
    local index patch name
    say "escapes escapes ${levels[-1]}"
    for ((index = ${#levels[@]} - 1; index >= 0; index--)); do
        say "solution ${programs[index + 1]} ${levels[index]}"
        say "skeleton ${programs[index]} ${levels[index]}"
    done
    for patch in "$scratch"/wrong/*/*.patch; do
        name=${patch#"$scratch/wrong/"}
        say "wrong ${name%.patch} ${name%%/*}"
    done
}

# put PROGRAM PATH: with the libraries that it needs
put() {
    local library libraries
    # The symbols are left out: the checks copy their own program around.
    strip -o "$scratch/stripped" "$1"
    install -D "$scratch/stripped" "$root$2"
    libraries=$(ldd "$1" | grep -o '/[^ ]*')
    for library in $libraries; do
        if [ ! -e "$root$library" ]; then install -D "$library" "$root$library"; fi
    done
}

# An image that has nothing but a shell.
spinning_image() {
    mkdir -p "$scratch"/spin/{bin,dev,proc,sys,tmp} "$root/images"
    cp "$busybox" "$scratch/spin/bin/"
    tar -C "$scratch/spin" -cf "$root/images/spin.tar" .
}

pack() {
    local name module file
    root=$scratch/initramfs/machine
    mkdir -p "$root"/{dev,etc,mnt,proc,root,run,sys,tmp,modules,usr/bin,usr/sbin,usr/lib,usr/lib64,var/lib}
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
    say 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
    say 'root:x:0:' >"$root/etc/group"

    put "$(realpath /bin/sh)" /bin/sh
    for name in checks curriculum workshop "${programs[@]}"; do put "$built/$name" "/judged/$name"; done
    # Busybox's knows no cgroup namespace.
    put "$(command -v unshare)" /judged/unshare
    for file in "$scratch"/wrong/*/*.patch "$scratch"/wrong/*/*/*; do
        name=/judged${file#"$scratch"}
        if [ -x "$file" ]; then put "$file" "$name"; else install -D "$file" "$root$name"; fi
    done
    for module in fs/overlayfs/overlay drivers/net/veth net/llc/llc net/802/stp net/bridge/bridge; do
        cp "$kernel"/lib/modules/*/kernel/"$module".ko* "$root/modules/"
    done
    if compgen -G "$root/modules/*.xz" >/dev/null; then xz -d "$root"/modules/*.xz; fi
    spinning_image
    work >"$root/work"
    install "$busybox" .ci/qemu/machine .ci/qemu/{solution,skeleton,wrong,escapes,shares,doctor} workshop/tests/doctor/pure-v2.sh "$root/"

    mkdir "$scratch/initramfs/new"
    install "$busybox" .ci/qemu/init "$scratch/initramfs/"
    # Not compressed: the emulated machine would be the one to expand it.
    (cd "$scratch/initramfs" && find . | "$busybox" cpio -o -H newc) >"$scratch/initramfs.cpio" 2>/dev/null
}

# ---- the machine ----

# More than half of the time is saved by: a processor of few talents, since what libc
# does with them is slow when emulated; programs that lie at the same addresses each
# time, so that they stay translated; and a kernel that does not wait for a quiet
# moment before it takes down a namespace. The last two words tell checks that they may
# change what a machine has only one of, and that they must be patient.
boot() {
    local kernels=("$kernel"/boot/vmlinuz-*) reader status=0
    local words="console=ttyS0 quiet panic=-1 reboot=t norandmaps rcupdate.rcu_expedited=1 rubber_docker.disposable rubber_docker.emulated"
    mkfifo "$scratch/console"
    # The lines of a console end as a terminal wants it.
    sed -u 's/\r$//' <"$scratch/console" &
    reader=$!
    # Should this script be killed, the machine is not to go on alone. If its kernel
    # panics it reboots, and if it reboots it ends.
    setpriv --pdeathsig TERM timeout --kill-after 5 "$limit" \
        setpriv --pdeathsig KILL qemu-system-x86_64 -nodefaults -no-user-config -display none \
        -machine pc -accel tcg,thread=multi,tb-size=256 -cpu qemu64 -smp 2 -m 1536 -no-reboot \
        -serial stdio -serial "file:$scratch/results" \
        -kernel "${kernels[0]}" -initrd "$scratch/initramfs.cpio" -append "$words" \
        </dev/null >"$scratch/console" &
    machine=$!
    wait "$machine" || status=$?
    machine=''
    wait "$reader"
    case $status in
        0) ;;
        124 | 137) say "qemu.sh: the machine did not end within $limit s, and was stopped." ;;
        *) say "qemu.sh: QEMU ended with status $status." ;;
    esac
}

# The machine tells its results over a line of its own, where nobody else writes. The
# last word there is `finished`: without it, the machine has not got to its end.
sum_up() {
    local kind name passed failed not_run skipped status
    local all_passed=0 all_failed=0 all_not_run=0 all_skipped=0 results=0 finished=no expected
    local -A caught=() judged=()
    local level
    while read -r kind name passed failed not_run skipped status; do
        case $kind in
            finished) finished=yes ;;
            result)
                results=$((results + 1))
                all_passed=$((all_passed + passed))
                all_failed=$((all_failed + failed))
                all_not_run=$((all_not_run + not_run))
                all_skipped=$((all_skipped + skipped))
                # Nothing else has a name with a level in front.
                if [[ $name = */* ]]; then
                    level=${name%%/*}
                    caught[$level]=$((${caught[$level]-0} + passed))
                    judged[$level]=$((${judged[$level]-0} + 1))
                fi
                if [ "$failed" = 0 ] && { [ "$status" != 0 ] || [ "$passed" = 0 ]; }; then
                    say "qemu.sh: judging $name ended with status $status after $passed checks; see above."
                    all_failed=$((all_failed + 1))
                fi
                ;;
        esac
    done < <(tr -d '\r' <"$scratch/results")
    say 'wrong solutions that were caught on cgroup version 2, by level'
    for level in "${about_cgroups[@]}"; do
        say "  $level  ${caught[$level]-0} of ${judged[$level]-0}"
    done
    # Besides, the shares of a processor, and the doctor.
    expected=$(($(work | wc -l) + 2))
    if [ "$finished" = no ] || [ "$results" != "$expected" ]; then
        say "qemu.sh: the machine ended after $results of $expected results; its last words are above."
        all_failed=$((all_failed + 1))
    fi
    if [ "$all_not_run" != 0 ]; then say "$all_not_run not run, because they need one that failed"; fi
    say "$all_passed passed, $all_failed failed, $all_skipped skipped"
    [ "$all_failed" = 0 ] && [ "$all_not_run" = 0 ]
}

began=$SECONDS
phase() {
    say "--- $*: $((SECONDS - began)) s"
    began=$SECONDS
}

install_tools
package=$(kernel_package)
kernel=$(unpacked "$package")
busybox=$(unpacked busybox-static)/bin/busybox
phase 'QEMU and a kernel'
build
phase 'building'
pack
phase 'packing'
boot
phase 'the machine'
sum_up
