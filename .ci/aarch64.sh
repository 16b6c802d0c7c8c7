#!/usr/bin/env bash
# Judges `rd` on another processor: builds it for aarch64 with Debian's cross compiler, and
# starts Debian 13's kernel for that in QEMU, which emulates a Cortex-A72.
#
#   .ci/aarch64.sh         `rd` with all its checks, and an X-ray of a run
#   .ci/aarch64.sh full    besides, the escapes where their answer changes, and the doctor
#
# Building and emulating take minutes, so without `full` it is done only if something has changed
# that `rd` and its checks are built of since they last passed here; what was said then is kept
# under ~/.cache/rubber-docker, and is in the table of machines again.
#
# The compiler is unpacked below ~/.cache/rubber-docker and run in a root of its own, in a
# mount namespace that goes with it. Only installing QEMU needs root. The programs are built
# in target/aarch64.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck source=.ci/qemu/pack.sh disable=SC1091
. .ci/qemu/pack.sh
# shellcheck source=.ci/qemu/boot.sh disable=SC1091
. .ci/qemu/boot.sh
export LC_ALL=C.UTF-8

extent=${1-short}

# Read by those who are sourced.
# shellcheck disable=SC2034
limit=900 console=ttyAMA0 results=ttyS0 emulator=(qemu-system-aarch64 -machine virt -cpu cortex-a72 -device 'pci-serial,chardev=results')

triple=aarch64-unknown-linux-gnu
built=$target/aarch64/$triple/debug

make_room

name=aarch64 remark=emulated

stamp_of() {
    git ls-files -z Cargo.toml Cargo.lock levels given linux-sys images registry sandbox syllabus checks/src \
        checks/Cargo.toml workshop/src workshop/Cargo.toml xray/src xray/page/bundle xray/Cargo.toml curriculum/src .ci/aarch64.sh .ci/qemu .ci/pinned .ci/lib.sh |
        xargs -0 sha256sum | sha256sum | cut -c 1-16
}
stamp=${XDG_CACHE_HOME:-$HOME/.cache}/rubber-docker/aarch64-$(stamp_of).passed
if [ "$extent" = short ] && [ -e "$stamp" ]; then
    sed '/^machine\t/s/$/; nothing that it depends on has changed since/' "$stamp" >"$matrix/$name"
    say 'nothing that it depends on has changed since it passed; say full, and it is done all the same'
    finish
    exit
fi

# One after the other: checks and escapes use all processors each, and time is short there.
work() { :; }
alone() {
    if [ "$extent" = full ]; then
        say "escapes escapes ${levels[-1]}"
        work_on_the_runtime
        say "doctor doctor ${levels[-1]}"
    else
        say "solution rd ${levels[-1]}"
    fi
    say "xray xray ${levels[-1]}"
}

# ---- a compiler ----

# unpack_compiler FILE...: sets `compiler`, the directory with what is in the packages. No
# script of theirs is run, so three links are made here that Debian makes otherwise.
unpack_compiler() {
    local home=${XDG_CACHE_HOME:-$HOME/.cache}/rubber-docker/aarch64 name
    compiler=$home/$(printf '%s\n' "${@##*/}" | sha256sum | cut -c 1-16)
    if [ -d "$compiler" ]; then return; fi
    rm -rf --one-file-system "$home"
    mkdir -p "$home/partial/usr" "$home"/partial/{dev,proc,tmp,source,cargo,target}
    for name in bin lib lib64; do
        mkdir "$home/partial/usr/$name"
        ln -s "usr/$name" "$home/partial/$name"
    done
    unpacked "$home/partial" "$@"
    ln -sf dash "$home/partial/usr/bin/sh"
    # Renamed when complete: a killed script leaves no partial compiler.
    mv -T "$home/partial" "$compiler"
}

# cargo_there ARG...: a user other than root needs a user namespace for it. When unshare(1)
# dies, the kernel kills its child, and with that, as PID 1 of a namespace, all processes
# there; their mounts go with the last one. The programs get no debugging symbols, since the
# checks copy their own executable around.
cargo_there() {
    local flags=(--mount --pid --fork --kill-child --propagation private)
    if [ "$(id -u)" != 0 ]; then flags+=(--map-root-user); fi
    mkdir -p "$target/aarch64"
    # shellcheck disable=SC2016 # the variables are those of the inner shell
    unshare "${flags[@]}" -- sh -euc '
        root=$1 cargo=$2 target=$3
        shift 3
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        mount --bind . "$root/source"
        mount --bind "$cargo" "$root/cargo"
        mount --bind "$target" "$root/target"
        exec env -i PATH=/usr/bin HOME=/tmp CARGO_HOME=/cargo CARGO_TARGET_DIR=/target \
            CARGO_NET_OFFLINE=true CARGO_PROFILE_DEV_DEBUG=false CARGO_PROFILE_DEV_STRIP=symbols \
            CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
            CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=gcc \
            "$(command -v chroot)" "$root" cargo "$@"
    ' sh "$compiler" "${CARGO_HOME:-$HOME/.cargo}" "$target/aarch64" "$@"
}

build() {
    local packages=() name
    cargo fetch -q --locked
    for name in checks workshop xray "${programs[@]}"; do packages+=(-p "$name"); done
    cargo_there build -q --locked --bins --manifest-path /source/Cargo.toml --target "$triple" "${packages[@]}"
}

# The loader is named apart from the libraries, and all but that need it. The compiler brings
# those of our programs, the kernel's packages that of setpriv.
libraries() {
    local name place
    for name in ld-linux-aarch64.so.1 libc.so.6 $(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        place=$compiler/usr/aarch64-linux-gnu/lib/$name
        if [ ! -e "$place" ]; then place=$scratch/kernel/usr/lib/aarch64-linux-gnu/$name; fi
        say "/lib/$name $place"
    done
}

# ---- a machine ----

if ! take linux-trixie-arm64; then
    not_run "$name" aarch64 'the mirror is away'
    finish
    exit
fi
unpacked "$scratch/kernel" "${files[@]}"
if ! take rust-sid-arm64; then
    not_run "$name" aarch64 'the mirror is away'
    finish
    exit
fi
install_tools qemu-system-aarch64:qemu-system-arm
if [ "$how" = newer ]; then remark='a newer compiler than what is pinned: a report'; fi
unpack_compiler "${files[@]}"
phase 'a kernel and a compiler'
# What a compiler that is not pinned says is a report as well.
if ! build; then
    not_run "$name" aarch64 "it does not build${how:+ ($how)}"
    if [ "$how" = pinned ]; then exit 1; fi
    exit
fi
phase 'building'
shell=$scratch/kernel/usr/bin/dash unshare=$scratch/kernel/usr/bin/unshare setpriv=$scratch/kernel/usr/bin/setpriv busybox=$scratch/kernel/usr/bin/busybox
pack_programs
pack_kernel "$scratch/kernel" "$name"
phase 'packing'
boot "$(kernel_in "$scratch/kernel")" "$scratch/programs.cpio" "$scratch/$name.cpio"
if ! sum_up "$name" "$remark" && [ "$how" = pinned ]; then red=yes; fi
phase 'the machine'
if [ -z "$red" ] && [ "$extent $how" = 'short pinned' ]; then
    rm -f "${stamp%/*}"/aarch64-*.passed
    cp "$matrix/$name" "$stamp"
fi
finish
