#!/usr/bin/env bash
# Makes the machine of the workshop as files: a disk that starts by BIOS or UEFI, and the same
# system as an archive for WSL. Packer does so with a stock cloud image where there is KVM; this
# needs no virtual machine, no loop device and no mount that outlives it. Both go through
# bootstrap.sh, which makes of a stock Debian 13 what the workshop needs.
#
#   sudo packer/disk.sh ARCHITECTURE DIRECTORY       ARCHITECTURE: amd64, arm64
#
# It puts into DIRECTORY, whole or not at all:
#
#   rubber-docker-ARCHITECTURE.qcow2          the disk
#   rubber-docker-wsl-ARCHITECTURE.tar.gz     the root file system, for `wsl --import`
#   packages-ARCHITECTURE.txt                 what is in it: commit, date, packages with versions
#
# The settings, all from the environment, beside those of bootstrap.sh:
#
#   DEBIAN_MIRROR     where Debian comes from; one of snapshot.debian.org gives a day's packages again
#   WORKSHOP_BASE     a tar of a Debian 13 by debootstrap to begin with, instead of making one
#   WORKSHOP_RUST     a directory with a toolchain for ARCHITECTURE, which is copied to /opt/rust;
#                     if not said, bootstrap.sh installs one by rustup
#   WORKSHOP_DISK_MB  size of the disk, of which the file takes what is used (12288)
#
# It works in TMPDIR, which takes some 10 GB for a while.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C.UTF-8

suite=trixie
# The swap's is this with `-swap`, and may have 15 bytes.
label=workshop
swap_mb=1024
disk_mb=${WORKSHOP_DISK_MB:-12288}

say() { printf '==== %s\n' "$*"; }
die() {
    printf 'disk.sh: %s\n' "$*" >&2
    exit 1
}

[ $# = 2 ] || die 'say for which processor and where to: sudo packer/disk.sh amd64 DIRECTORY'
architecture=$1 out=$(realpath -m "$2")
case $architecture in
    amd64) console=ttyS0 grub=(grub-pc-bin grub-efi-amd64-bin) efi=x86_64-efi efi_name=BOOTX64.EFI ;;
    arm64) console=ttyAMA0 grub=(grub-efi-arm64-bin) efi=arm64-efi efi_name=BOOTAA64.EFI ;;
    *) die "$architecture is no processor that this makes a machine for: amd64, arm64" ;;
esac
[ "$(id -u)" = 0 ] || die "this unpacks a Debian, whose files have owners, and needs root: sudo $0 $*"
script=$(realpath "$0")
cd "${script%/*}/.."
missing=''
for tool in debootstrap:debootstrap git:git mke2fs:e2fsprogs mformat:mtools qemu-img:qemu-utils sfdisk:fdisk; do
    command -v "${tool%%:*}" >/dev/null || missing+=" ${tool#*:}"
done
[ -z "$missing" ] || die "these are not here: apt install$missing"

# What is made is in here, and all that makes it is in mount and process namespaces of its own: if
# this script ends, however it ends, their mounts and processes have ended too. The directory goes
# when nobody holds the pipe any more, so that not even SIGKILL leaves one of root's behind. Who
# removes it is in a session of its own: a signal for all of this process group is not for that one.
if [ -z "${RUBBER_DOCKER_DISK-}" ]; then
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/rubber-docker-disk.XXXXXX")
    # shellcheck disable=SC2016 # the other shell's to expand
    exec 8> >(exec setsid sh -c 'cat >/dev/null; rm -rf --one-file-system "$1" "$2"/*-"$3".*.partial' reaper "$scratch" "$out" "$architecture")
    reaper=$!
    RUBBER_DOCKER_DISK=$scratch setpriv --pdeathsig KILL \
        unshare --mount --pid --fork --kill-child --mount-proc --propagation private -- bash "$script" "$architecture" "$out" &
    child=$!
    trap 'kill -KILL $child 2>/dev/null || :; wait $child 2>/dev/null || :; exec 8>&-; wait $reaper || :' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    status=0
    wait "$child" || status=$?
    exit "$status"
fi
scratch=$RUBBER_DOCKER_DISK
tree=$scratch/tree

# in_machine COMMAND [ARG]...: in the tree, as on a machine of its own, but for the kernel. Its
# mounts end with it, so that the tree is what is in the tree. The network's names and the certificates of
# this machine are lent on /run, which is empty again afterwards.
in_machine() {
    # shellcheck disable=SC2016 # theirs to expand
    unshare --mount --propagation private -- sh -euc '
        tree=$1 certificates=$2
        shift 2
        mount --bind "$tree" "$tree"
        mount -t proc proc "$tree/proc"
        mount --rbind /sys "$tree/sys"
        mount --rbind /dev "$tree/dev"
        mount -t tmpfs -o mode=755 run "$tree/run"
        mkdir -p "$tree/run/systemd/resolve"
        cp -L /etc/resolv.conf "$tree/run/systemd/resolve/stub-resolv.conf"
        if [ -n "$certificates" ]; then cp -L "$certificates" "$tree/run/certificates.crt"; fi
        cd "$tree"
        pivot_root . mnt
        umount -l /mnt
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
            LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
    ' sh "$tree" "$certificates" "${lent[@]}" "$@" </dev/null
}
certificates='' lent=()
if [ -e "${SSL_CERT_FILE-}" ]; then
    certificates=$SSL_CERT_FILE
    lent=(SSL_CERT_FILE=/run/certificates.crt CARGO_HTTP_CAINFO=/run/certificates.crt)
fi
[ "$architecture" = "$(dpkg --print-architecture)" ] || lent+=(WORKSHOP_CONTAINERS=no)
for name in http_proxy https_proxy no_proxy CARGO_BUILD_JOBS WORKSHOP_BUILD WORKSHOP_IMAGES; do
    if [ -n "${!name+said}" ]; then lent+=("$name=${!name}"); fi
done

# put FILE [MODE] < TEXT
put() { install -D -m "${2:-644}" /dev/stdin "$tree$1"; }

# ---- a Debian ----

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
say "Debian 13 for $architecture"
mkdir "$tree"
if [ -n "${WORKSHOP_BASE-}" ]; then
    tar -C "$tree" --numeric-owner --xattrs -xf "$WORKSHOP_BASE"
else
    debootstrap --variant=minbase --arch="$architecture" "$suite" "$tree" "$mirror" >"$scratch/log" 2>&1 || {
        tail -n 20 "$scratch/log" >&2
        die 'debootstrap failed; is there a network? For another processor than this one, it needs qemu-user-static'
    }
fi
[ "$(in_machine dpkg --print-architecture)" = "$architecture" ] ||
    die "what is in $tree is not for $architecture, or this machine cannot run it: apt install qemu-user-static"
{
    printf 'deb %s %s main\n' "$mirror" "$suite" "$mirror" "$suite-updates"
    # A day's packages again are without what was mended since.
    [ -n "${DEBIAN_MIRROR-}" ] || printf 'deb %s-security %s main\n' "$mirror" "$suite-security"
} | put /etc/apt/sources.list
rm -rf "$tree/var/lib/apt/lists" "$tree/var/cache/apt/archives"/*.deb
# No service starts in here.
printf '#!/bin/sh\nexit 101\n' | put /usr/sbin/policy-rc.d 755
printf 'rubber-docker\n' | put /etc/hostname
printf '127.0.0.1 localhost rubber-docker\n::1 localhost\n' | put /etc/hosts
printf 'LANG=C.UTF-8\n' | put /etc/default/locale
ln -sf ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"

say 'a kernel, and what a machine of its own needs'
in_machine apt-get update -qq
in_machine apt-get install -y -qq --no-install-recommends \
    dbus e2fsprogs initramfs-tools libpam-systemd linux-image-"$architecture" openssh-server systemd-resolved \
    systemd-sysv udev zstd "${grub[@]}" >"$scratch/log" 2>&1 || {
    tail -n 20 "$scratch/log" >&2
    die 'apt failed'
}

# ---- what every machine of the workshop has ----

if [ -n "${WORKSHOP_RUST-}" ]; then
    mkdir -p "$tree/opt/rust"
    tar -C "$WORKSHOP_RUST" --exclude=./share/doc --exclude=./share/man -c . | tar -C "$tree/opt/rust" --no-same-owner -x
fi
# The history comes along, so that `cargo workshop reset` has what it needs.
commit=$(git -c safe.directory='*' rev-parse HEAD)
git -c safe.directory='*' bundle create -q "$tree/root/workshop.bundle" HEAD
install -m 755 packer/bootstrap.sh "$tree/root/"
say 'bootstrap.sh'
in_machine WORKSHOP_SOURCE=/root/workshop.bundle WORKSHOP_USER=learner /root/bootstrap.sh
rm "$tree/root/workshop.bundle" "$tree/root/bootstrap.sh"

# ---- what this one has besides ----

say 'a machine that starts'
# Only cards: the ends of a container's network are the learner's.
put /etc/systemd/network/card.network <<'NETWORK'
[Match]
Name=en*
[Network]
DHCP=yes
[Link]
RequiredForOnline=no
NETWORK
# Whoever sits at the machine is the learner. Nobody else is: over the network there is no password
# until the learner sets one.
for unit in getty serial-getty; do
    put "/etc/systemd/system/$unit@.service.d/learner.conf" <<'GETTY'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin learner --noclear --keep-baud 115200,38400,9600 - $TERM
GETTY
done
# Forty copies are not to be the same machine forty times.
rm -f "$tree"/etc/ssh/ssh_host_*
: >"$tree/etc/machine-id"
put /etc/systemd/system/ssh-host-keys.service <<'KEYS'
[Unit]
Description=Host keys of this machine's own
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key
Before=ssh.service
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
[Install]
WantedBy=multi-user.target
KEYS
in_machine systemctl -q enable ssh-host-keys systemd-networkd systemd-resolved
put /etc/fstab <<FSTAB
LABEL=$label / ext4 defaults 0 1
LABEL=$label-swap none swap nofail 0 0
FSTAB
# Debian keeps the links /vmlinuz and /initrd.img at its newest kernel.
put /boot/grub/grub.cfg <<GRUB
set timeout=1
menuentry 'Rubber Docker in Rust' {
    linux /vmlinuz root=LABEL=$label ro quiet console=$console console=tty0
    initrd /initrd.img
}
GRUB
# shellcheck disable=SC2016 # GRUB is the one to expand it
printf 'search.fs_label %s root\nset prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n' "$label" |
    put /boot/grub/early.cfg
# mkimage FORMAT MODULE...
mkimage() {
    local format=$1
    shift
    in_machine grub-mkimage -O "$format" -o "/boot/grub/$format" -p /boot/grub -c /boot/grub/early.cfg \
        part_gpt ext2 search_label normal configfile linux all_video "$@"
}
mkimage "$efi"
if [ "$architecture" = amd64 ]; then mkimage i386-pc biosdisk; fi

rm "$tree/usr/sbin/policy-rc.d"
in_machine apt-get clean
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/log/*.log "$tree"/var/log/apt/* "$tree"/workshop/rubber-docker/target/debug/incremental
kernel=$(readlink "$tree/vmlinuz")
# shellcheck disable=SC2016 # dpkg-query is the one to expand it
{
    printf 'commit %s\ndate %s\nmirror %s\nkernel %s\n' "$commit" "$(date -u +%F)" "$mirror" "${kernel##*vmlinuz-}"
    in_machine dpkg-query -W -f '${Package} ${Version}\n'
} >"$scratch/packages"

# ---- the disk ----

# In MiB: where GRUB is that a BIOS starts, the partition of UEFI, swap, and the root, last, so
# that it can grow.
say "the disk, $disk_mb MB"
disk=$scratch/disk
truncate -s "${disk_mb}M" "$disk"
uefi_at=2 swap_at=34 root_at=$((34 + swap_mb)) root_mb=$((disk_mb - 34 - swap_mb - 1))
sfdisk -q "$disk" <<TABLE
label: gpt
start=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649
start=${uefi_at}MiB, size=32MiB, type=U
start=${swap_at}MiB, size=${swap_mb}MiB, type=S
start=${root_at}MiB, size=${root_mb}MiB, type=L
TABLE
into_disk() { dd of="$disk" conv=notrunc status=none "$@"; }
if [ "$architecture" = amd64 ]; then
    # GRUB's first sector says at which sector the next part is, and that one, where the rest is.
    core=$tree/boot/grub/i386-pc
    into_disk if="$tree/usr/lib/grub/i386-pc/boot.img" bs=440 count=1
    printf '\0\10\0\0\0\0\0\0' | into_disk bs=1 seek=$((0x5c))
    into_disk if="$core" bs=1M seek=1
    printf '\1\10\0\0\0\0\0\0' | into_disk bs=1 seek=$((0x100000 + 0x1f4))
fi
uefi=$disk@@${uefi_at}M
mformat -i "$uefi" -T $((32 * 2048)) -h 64 -s 32 -v UEFI ::
mmd -i "$uefi" ::/EFI ::/EFI/BOOT
mcopy -i "$uefi" "$tree/boot/grub/$efi" "::/EFI/BOOT/$efi_name"
truncate -s "${swap_mb}M" "$scratch/swap"
mkswap -q -L "$label-swap" "$scratch/swap"
into_disk if="$scratch/swap" bs=1M seek="$swap_at" count=1
mke2fs -q -F -t ext4 -L "$label" -E "offset=$((root_at * 1024 * 1024))" -d "$tree" "$disk" "${root_mb}M"
[ -d "$out" ] || install -d -o "${SUDO_UID:-0}" -g "${SUDO_GID:-0}" "$out"
# give FILE NAME: by rename(2), and to the user who called sudo
give() {
    chown "${SUDO_UID:-0}:${SUDO_GID:-0}" "$1"
    mv "$1" "$out/$2"
}
qemu-img convert -c -O qcow2 "$disk" "$out/disk-$architecture.qcow2.partial"
rm "$disk"
give "$out/disk-$architecture.qcow2.partial" "rubber-docker-$architecture.qcow2"

# ---- the archive ----

say 'the archive for WSL'
# WSL brings the kernel, the network and names, and starts systemd when told to.
put /etc/wsl.conf <<'WSL'
[boot]
systemd=true
[user]
default=learner
[automount]
mountFsTab=false
[network]
hostname=rubber-docker
WSL
rm "$tree/etc/resolv.conf"
in_machine systemctl -q disable systemd-networkd systemd-networkd.socket systemd-resolved
tar -C "$tree" --numeric-owner --xattrs --exclude='./boot/*' --exclude='./usr/lib/modules/*' --exclude=./vmlinuz\* \
    --exclude=./initrd.img\* -c . | gzip >"$out/wsl-$architecture.tar.gz.partial"
give "$out/wsl-$architecture.tar.gz.partial" "rubber-docker-wsl-$architecture.tar.gz"
cp "$scratch/packages" "$out/packages-$architecture.txt.partial"
give "$out/packages-$architecture.txt.partial" "packages-$architecture.txt"
