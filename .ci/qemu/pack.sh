# shellcheck shell=bash
# What goes into a machine: an initramfs with our programs, a busybox, the modules that the
# kernel has not built in, and the list of what is to be judged. Sourced, after lib.sh,
# by the scripts that start machines; for each machine they set
#
#   built      the directory of our programs, without debugging symbols
#   libraries  a function that prints what libraries a program needs, and where they are here:
#              PATH-IN-THE-MACHINE PATH-HERE
#   shell, unshare, setpriv, busybox
#              these programs: the first three must be dash and util-linux's
# shellcheck disable=SC2154 # these, and what lib.sh has set

# The levels in their order, with the program of each; and behind these the parts' solutions.
mapfile -t levels < <(numbers)
mapfile -t programs < <(numbers | sed 's/^/level/' && parts)

# What a machine does to `rd`, as KIND NAME LEVEL. The longest first: then those who share
# the work end together.
work_on_the_runtime() {
    printf 'solution rd %s\n' "${levels[-1]}"
}

# unpacked DIRECTORY FILE...: what is in packages
unpacked() {
    local directory=$1 file
    shift
    mkdir -p "$directory"
    for file; do dpkg -x "$file" "$directory"; done
}

# put PROGRAM PATH: with the libraries that it needs
put() {
    local there here
    install -D "$1" "$root$2"
    libraries "$1" | while read -r there here; do
        if [ ! -e "$root$there" ]; then install -D "$here" "$root$there"; fi
    done
}

# An image that has nothing but a shell.
spinning_image() {
    mkdir -p "$scratch"/spin/{bin,dev,proc,sys,tmp} "$root/images"
    cp "$busybox" "$scratch/spin/bin/"
    tar -C "$scratch/spin" -cf "$root/images/spin.tar" .
}

# Makes $scratch/programs.cpio: what is the same on all kernels of a processor.
pack_programs() {
    local name
    root=$scratch/programs/machine
    mkdir -p "$root"/{dev,etc,mnt,proc,root,run,sys,tmp,modules,usr/bin,usr/sbin,usr/lib,usr/lib64,var/lib}
    for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
    put "$shell" /bin/sh
    for name in checks workshop xray "${programs[@]}"; do put "$built/$name" "/judged/$name"; done
    # Busybox's knows no cgroup namespace.
    put "$unshare" /judged/unshare
    # By this one the checks are an ordinary user.
    put "$setpriv" /usr/bin/setpriv
    spinning_image
    install "$busybox" .ci/qemu/{machine,solution,own,skeleton,wrong,escapes,shares,limits,doctor,xray} workshop/tests/doctor/pure-v2.sh "$root/"
    mkdir "$scratch/programs/new"
    install "$busybox" .ci/qemu/init "$scratch/programs/"
    archive "$scratch/programs" >"$scratch/programs.cpio"
    rm -r "$scratch/programs"
}

# pack_kernel DIRECTORY MACHINE: makes $scratch/MACHINE.cpio: what is that kernel's own. The
# modules lie below /lib or /usr/lib, as the years go, and are compressed in one way or another.
pack_kernel() {
    local module path
    root=$scratch/$2/machine
    mkdir -p "$root/modules"
    for module in fs/overlayfs/overlay drivers/net/veth net/llc/llc net/802/stp net/bridge/bridge drivers/block/brd; do
        path=$(find "$1" -path "*/kernel/$module.ko*")
        case $path in
            *.ko) cp "$path" "$root/modules/" ;;
            *.ko.xz) xz -dc "$path" >"$root/modules/${module##*/}.ko" ;;
            *.ko.zst) zstd -qdc "$path" >"$root/modules/${module##*/}.ko" ;;
            *) die "the kernel of $2 has no module $module" ;;
        esac
    done
    work "$2" >"$root/work"
    alone "$2" >"$root/alone"
    archive "$scratch/$2" >"$scratch/$2.cpio"
    rm -r "${scratch:?}/$2"
}

# kernel_in DIRECTORY: the kernel itself
kernel_in() { find "$1" -type f -name 'vmlinuz*' -print -quit; }

# Not compressed: the emulated machine would be the one to expand it. The kernel unpacks one
# archive after the other, into the same tree.
archive() { (cd "$1" && find . | cpio -o -H newc 2>/dev/null); }
