#!/usr/bin/env bash
# Proves packer/kit.sh and packer/disk.sh, with which a class does without a network.
#
#   .ci/kit.sh              a kit is made and damaged in every way; its machine is a stand-in.
#                           And a machine with little built is made and started in QEMU, if
#                           it has not passed yet, made by the scripts as they are now
#   .ci/kit.sh kit          the kit alone
#   .ci/kit.sh full         besides, the machine with all built, as a class gets it
#   .ci/kit.sh arm64 DISK   a disk for arm64 that was made elsewhere is started;
#   .ci/kit.sh amd64 DISK   or one for amd64
#
# What has passed, made by which scripts and when, is kept in .ci/kit.passed, and committed.
# QEMU emulates the processor: that makes it slow, and says nothing of KVM. There is no network
# card in the machine.
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n --preserve-env=WORKSHOP_BASE,WORKSHOP_RUST,WORKSHOP_BUILD,WORKSHOP_IMAGES,TMPDIR "$@"; fi; }
make_scratch
trap 'end_machine; tidy_up' EXIT

# install_tools PROGRAM:PACKAGE...
install_tools() {
    local tool packages=() missing=''
    for tool; do
        packages+=("${tool#*:}")
        if [[ $tool = /* ]]; then [ -e "${tool%%:*}" ]; else command -v "${tool%%:*}" >/dev/null; fi || missing=yes
    done
    if [ -n "$missing" ]; then apt_install "${packages[@]}"; fi
}

# run COMMAND [ARG]...: leaves $status and $said
run() {
    status=0
    said=$("$@" 2>&1) || status=$?
}
# tells NAME STATUS PATTERN: the last run did.
tells() {
    if [ "$status" = "$2" ] && grep -Eq -- "$3" <<<"$said"; then ok "$1"; else not_ok "$1" "status $status, awaited $2 and: $3"$'\n'"$(tail -n 20 <<<"$said")"; fi
}

# ---- a machine that somebody sits at ----

machine=''
end_machine() {
    if [ -n "$machine" ]; then
        exec 7>&-
        kill -TERM "$machine" 2>/dev/null || :
        wait "$machine" 2>/dev/null || :
        machine=''
    fi
}
# start DISK EMULATOR [OPTION]...: what it writes to its serial line is then in $screen; fd 7 is the
# keyboard. Nothing is written to the disk. Should this script be killed, it is not to go on alone.
# One processor: of two that are emulated, one runs into a place that the other is patching (boot.sh).
start() {
    local disk=$1
    shift
    screen=$scratch/screen
    rm -f "$scratch/keys"
    mkfifo "$scratch/keys"
    : >"$screen"
    setpriv --pdeathsig KILL "$@" -nodefaults -no-user-config -display none -accel tcg,thread=multi,tb-size=256 \
        -smp 1 -m 2048 -nic none -chardev stdio,id=line,signal=off -serial chardev:line \
        -drive "file=$disk,if=virtio,snapshot=on" <"$scratch/keys" >"$screen" 2>&1 &
    machine=$!
    exec 7>"$scratch/keys"
}
shows() { tail -c "+$((read_until + 1))" "$screen" | tr -d '\r' | grep -Eq -- "$1|Kernel panic" || ! kill -0 "$machine" 2>/dev/null; }
# The first words on the screen are the learner's prompt: nobody has to log in.
read_until=0
prompt='learner@rubber-docker:'
# comes NAME SECONDS
comes() {
    if wait_until "$2" shows "$prompt" && grep -q "$prompt" "$screen"; then ok "$1"; else
        not_ok "$1" "$(tail -n 30 "$screen")"
        return 1
    fi
}
# typed COMMAND: what it printed is then in $said.
typed() {
    read_until=$(stat -c %s "$screen")
    printf '%s; echo "<$?"">"\r' "$1" >&7
    wait_until 600 shows '<[0-9]+>$' || :
    # Without what the shell tells a terminal, of pasting and the like.
    said=$(tail -c "+$((read_until + 1))" "$screen" | tr -d '\r' | sed -E 's/\x1b\[\?[0-9]+[hl]//g; s/\x1b\][^\x07\x1b]*(\x07|\x1b\\)//g')
    status=$(sed -n 's/.*<\([0-9]*\)>$/\1/p' <<<"$said" | tail -n 1)
    said=$(sed '1d' <<<"$said")
}

bios=(qemu-system-x86_64 -machine pc -cpu qemu64)
uefi=(qemu-system-x86_64 -machine q35 -cpu qemu64 -bios /usr/share/ovmf/OVMF.fd)
arm64=(qemu-system-aarch64 -machine virt -cpu cortex-a72 -bios /usr/share/qemu-efi-aarch64/QEMU_EFI.fd)

# sit_down NAME DISK EMULATOR...: what a learner does first.
sit_down() {
    local name=$1 disk=$2 command
    shift 2
    start "$disk" "$@"
    if ! comes "$name starts, and the learner is logged in" 600; then
        end_machine
        return
    fi
    typed 'ls /sys/class/net | paste -sd " "'
    tells "$name has no network" 0 '^lo$'
    typed 'systemctl is-system-running --wait'
    tells "$name: every service has started" 0 '^running$'
    typed 'tr " " "\n" </sys/fs/cgroup/cgroup.controllers | grep -cxE "cpu|memory|pids|io"'
    tells "$name: control groups of version 2" 0 '^4$'
    typed 'sudo swapon --noheadings --show=NAME; sudo cat /etc/ssh/ssh_host_ed25519_key.pub /etc/machine-id'
    tells "$name: swap" 0 '^/dev/'
    tells "$name: a host key of its own" 0 '^ssh-ed25519 '
    tells "$name: an identity of its own" 0 '^[0-9a-f]{32}$'
    typed 'cd /workshop/rubber-docker && git status --porcelain && git rev-parse HEAD'
    tells "$name: the checkout is this commit" 0 "^$commit\$"
    command=$(sed -n 's/^\$ \(cargo run .*\)/\1/p' README.md | head -n 1)
    typed "$command"
    tells "$name: the README's first command" 0 'hello from Rubber Docker base$'
    typed "cargo test -q -p level01 -- 'nothing is left running afterwards'"
    tells "$name: a check of level 00 sees its solution" 0 '1 passed'
    # A user's own systemd hands down what level 20 cannot take: a control group.
    typed 'target/debug/rd run --memory 16m true'
    tells "$name: without a group of one's own, a limit is an error" 125 'systemd-run --user --scope -p Delegate=yes'
    # shellcheck disable=SC2016 # the machine's to expand
    typed 'systemd-run --user --scope -q -p Delegate=yes target/debug/rd run --memory 16m sh -c "x=0123456789abcdef; while :; do x=\$x\$x; done"'
    tells "$name: in one that systemd delegates, it holds" 137 'the kernel has killed [0-9]+ of its processes'
    typed 'sudo poweroff'
    if wait_until 120 ended; then ok "$name goes off"; else not_ok "$name goes off" "$(tail -n 10 "$screen")"; fi
    end_machine
}
ended() { ! kill -0 "$machine" 2>/dev/null; }

# ---- what has passed already ----

# What it is made by. The crates and the levels in it are tried on every machine anyway.
made_by() { cat packer/bootstrap.sh packer/disk.sh .ci/kit.sh | sha256sum | cut -c1-16; }
stamps=.ci/kit.passed
# is_stamped EXTENT: it has passed, made by the very scripts that are here.
is_stamped() {
    passed_on=$(awk -v extent="$1" -v made_by="$(made_by)" '$1 == extent && $2 == made_by { print $3 }' "$stamps")
    [ -n "$passed_on" ]
}
# stamp EXTENT: with a change of these scripts, this file is committed as well.
stamp() {
    { grep -v "^$1 " "$stamps" && printf '%s %s %s\n' "$1" "$(made_by)" "$(date -u +%F)"; } >"$scratch/stamps"
    cat "$scratch/stamps" >"$stamps"
}

if [ "${1-}" = arm64 ] || [ "${1-}" = amd64 ]; then
    install_tools qemu-system-aarch64:qemu-system-arm /usr/share/qemu-efi-aarch64/QEMU_EFI.fd:qemu-efi-aarch64 \
        qemu-system-x86_64:qemu-system-x86
    commit=$(sed -n 's/^commit //p' "$(dirname "$2")/packages-$1.txt")
    if [ "$1" = arm64 ]; then
        sit_down 'arm64, by UEFI,' "$2" "${arm64[@]}"
        if [ "$failed" = 0 ]; then stamp arm64; fi
    else
        sit_down 'amd64, by BIOS,' "$2" "${bios[@]}"
    fi
    sums
    exit
fi

# ---- a kit ----

# All that is in a kit is of one commit: where there are changes, it is made of what is committed.
repository=$PWD
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
    repository=$scratch/repository
    git clone -q . "$repository"
    printf 'there are changes; what is committed is tried\n'
fi
commit=$(git rev-parse HEAD)
export WORKSHOP_XRAYS=keep
kit=$scratch/kit
make_kit() { (cd "$repository" && exec packer/kit.sh --take "$scratch/parts" "$@"); }
check_kit() { "$repository/packer/kit.sh" --check "$@"; }

# A stand-in for the machine, which takes minutes.
mkdir -p "$scratch/parts/machine"
for file in rubber-docker-amd64.qcow2 rubber-docker-wsl-amd64.tar.gz; do head -c 3000000 /dev/urandom >"$scratch/parts/machine/$file"; done
printf 'commit %s\n' "$commit" >"$scratch/parts/machine/packages-amd64.txt"

mkdir "$kit"
printf 'photographs\n' >"$kit/holiday.txt"
run make_kit "$kit"
tells 'a directory with something else in it is refused' 1 'not empty and no kit: it has holiday\.txt'
same 'and nothing was touched there' holiday.txt "$(ls -A "$kit")"
rm "$kit/holiday.txt"
# What Windows leaves on a stick is nothing.
mkdir "$kit/System Volume Information"

# Killed when it has the first part.
setsid "$repository/packer/kit.sh" --take "$scratch/parts" "$kit" >"$scratch/killed" 2>&1 &
killed=$!
wait_until 60 test -e "$kit/unfinished/repository" || :
kill -KILL -- "-$killed"
wait "$killed" 2>/dev/null || :
run check_kit "$kit"
tells 'a kit that was not finished is never taken for whole' 1 'is half made.*Start it again'
run make_kit "$kit"
tells 'started again it is finished' 0 '^whole: [0-9]+ files, [0-9]+ MB, commit '
tells 'what it had is not made again' 0 '^to make: crates'
tells 'and it said how much room that takes' 0 'it takes some [0-9]+ MB of the [0-9]+ MB that are free'
tells 'the machine is taken' 0 '^ *amd64: taken in'
grep -E '^ +[a-z0-9]+: (made|taken) in' <<<"$said"
same 'nothing else is in it' 'SHA256SUMS System Volume Information book crates.tar.gz deck index.html kit.sh kit.txt machine rubber-docker.bundle' \
    "$(cd "$kit" && printf '%s\n' * | LC_ALL=C sort | paste -sd ' ')"
run make_kit "$kit"
tells 'a third time there is nothing to do' 0 '^to make: nothing'
run bash "$kit/kit.sh" --check "$kit"
tells 'the stick checks itself' 0 '^whole: '
run bash "$kit/kit.sh" "$scratch/other"
tells 'and makes none' 1 'take the packer/kit\.sh of a checkout'
(cd "$kit" && check 'sha256sum agrees' sha256sum --quiet --check SHA256SUMS)

names=$(cd "$kit" && find . | grep -v 'System Volume')
same 'FAT and Windows can have all of its names' '' "$(grep '[:*?"<>|\\]' <<<"$names" || :)"
same 'and no two of them are the same there' '' "$(tr '[:upper:]' '[:lower:]' <<<"$names" | sort | uniq -d)"

# ---- it works ----

# shellcheck disable=SC2016 # xargs is the one to fill it in
links=$(grep -o 'href="[^"#][^"]*"' "$kit/index.html" | cut -d '"' -f 2 | while read -r link; do [ -e "$kit/$link" ] || printf '%s\n' "$link"; done)
same 'every link of the page is in the kit' '' "$links"
mkdir "$scratch/desk"
tar -C "$scratch/desk" -xzf "$kit/crates.tar.gz"
run git -c init.defaultBranch=main clone -q "$kit/rubber-docker.bundle" "$scratch/desk/rubber-docker"
tells 'the repository is cloned' 0 '^$'
same 'it is on a branch, at this commit' "main $commit" \
    "$(git -C "$scratch/desk/rubber-docker" symbolic-ref --short HEAD) $(git -C "$scratch/desk/rubber-docker" rev-parse HEAD)"
mkdir "$scratch/cargo"
run env -C "$scratch/desk/rubber-docker" CARGO_HOME="$scratch/cargo" CARGO_NET_OFFLINE=true cargo metadata --locked --format-version 1
tells 'cargo finds every crate beside it, without a network and with an empty home' 0 '"packages"'
run env CARGO_HOME="$scratch/cargo" CARGO_NET_OFFLINE=true cargo metadata --locked --format-version 1
tells 'which elsewhere it does not' 101 'offline'

# ---- it breaks ----

# after NAME PATTERN COMMAND...: done to a copy.
after() {
    local name=$1 pattern=$2
    shift 2
    rm -rf "$scratch/copy"
    cp -rl "$kit" "$scratch/copy"
    (cd "$scratch/copy" && "$@")
    run check_kit "$scratch/copy"
    tells "$name" 1 "$pattern"
}
# Copies are links: a file is replaced, never written to.
flip() { sed "s/$2/$3/" "$1" >"$1.new" && mv "$1.new" "$1"; }
flip_byte() {
    cp "$1" "$1.new"
    printf '\252\125\252' | dd of="$1.new" bs=1 seek=1500000 conv=notrunc status=none
    mv "$1.new" "$1"
}
cut_short() { head -c 1000000 "$1" >"$1.new" && mv "$1.new" "$1"; }
half() {
    # As cp -r had come: some files whole, one in part, and the rest not there.
    rm -r deck machine rubber-docker.bundle SHA256SUMS
    cut_short crates.tar.gz
}
disk=machine/rubber-docker-amd64.qcow2
after 'a damaged byte is told by name' "^damaged: $disk" flip_byte "$disk"
after 'a missing file is told by name' '^missing: deck/index\.html$' rm deck/index.html
after 'and what to do' '^What to do: copy again' rm deck/index.html
after 'a file in part is told by name, with both sizes' "^in part: $disk has 1000000 of 3000000 bytes" cut_short "$disk"
after 'a copy that has not come to the checksums' 'SHA256SUMS is missing.*the copy stopped before its end' half
after 'nor to anything' 'is no kit: .*copy the whole directory' find . -mindepth 1 -delete
after 'one that has not come to the machine' '^missing: machine/rubber-docker-amd64\.qcow2' rm -r machine
after 'a file too many is told by name' '^not of the kit: book/extra\.html$' touch book/extra.html
after 'a list of checksums in part' '^without a checksum: ' sed -i 5,9d SHA256SUMS
after 'a list of files in part' '^in part: kit\.txt' sed -i 'x;1d' kit.txt
older() {
    flip "$1" "$commit" 0123456789012345678901234567890123456789
    # Whoever exchanges a part and its checksum.
    grep -v "  $1\$" SHA256SUMS >sums
    sha256sum "$1" >>sums
    mv sums SHA256SUMS
}
for part in book/commit.txt deck/commit.txt machine/packages-amd64.txt rubber-docker.bundle; do
    after "a part of another version: $part" "^of another version: $part is of 0123456789" older "$part"
done
run check_kit "$scratch/nowhere"
tells 'no directory at all' 1 'there is no directory .*mounted'

# A kit of another commit is made anew, and until then it is none.
cp -rl "$kit" "$scratch/old"
rm "$scratch/old/kit.txt"
sed "s/^commit .*/commit 0123456789012345678901234567890123456789/" "$kit/kit.txt" >"$scratch/old/kit.txt"
run env -C "$repository" packer/kit.sh --take "$kit" "$scratch/old"
tells 'of an old kit nothing stays' 0 '^to make: repository crates book deck amd64 page'
tells 'and it is whole again' 0 "^whole: .* commit $commit"

# ---- a machine ----

# try_machine EXTENT BUILD
try_machine() {
    local extent=$1 disks=$scratch/disks-$1 before killed
    if is_stamped "$extent" && [ "$asked" != full ]; then
        skip "the $extent machine" "it passed on $passed_on, and the scripts that make it are the same; say full, and it is made all the same"
        return
    fi
    before=$failed
    install_tools debootstrap:debootstrap mke2fs:e2fsprogs mformat:mtools qemu-img:qemu-utils sfdisk:fdisk qemu-system-x86_64:qemu-system-x86 /usr/share/ovmf/OVMF.fd:ovmf
    # The Debian is kept, and Rust is this machine's own, which others get from rustup.
    debian_suite=trixie
    WORKSHOP_BASE=$(debian_archive)
    WORKSHOP_RUST=$(rustc --print sysroot)
    export WORKSHOP_BASE WORKSHOP_RUST WORKSHOP_IMAGES='' WORKSHOP_BUILD=$2 TMPDIR=$scratch

    mounts_before=$(mount_table)
    as_root setsid "$repository/packer/disk.sh" amd64 "$disks" >"$scratch/log" 2>&1 &
    killed=$!
    wait_until 300 grep -q 'a kernel, and what' "$scratch/log" || :
    # All that have its process group, as somebody who closes a terminal would.
    as_root kill -KILL -- "-$(ps -o pgid= -p "$(pgrep -o -f "packer/disk\.sh amd64 $disks")" | tr -d ' ')" || :
    wait "$killed" 2>/dev/null || :
    if wait_until 60 nothing_left; then ok "$extent: killed, it leaves no file"; else not_ok "$extent: killed, it leaves no file" "$(ls "$scratch"/rubber-docker-disk.* "$disks")"; fi
    same "$extent: and no mount" "$mounts_before" "$(mount_table)"

    run as_root "$repository/packer/disk.sh" amd64 "$disks"
    tells "$extent: a machine is made" 0 '^==== the archive for WSL'
    if [ "$status" = 0 ]; then
        if nothing_left; then ok "$extent: and nothing besides"; else not_ok "$extent: and nothing besides" "$(ls "$scratch")"; fi
        du -Lsm "$disks"/*
        sit_down "$extent, by BIOS," "$disks/rubber-docker-amd64.qcow2" "${bios[@]}"
        start "$disks/rubber-docker-amd64.qcow2" "${uefi[@]}"
        read_until=0
        comes "$extent: it starts by UEFI as well" 600 || :
        end_machine
        try_archive "$extent" "$disks/rubber-docker-wsl-amd64.tar.gz"
    fi
    as_root rm -rf --one-file-system "$disks"
    if [ "$failed" = "$before" ]; then stamp "$extent"; fi
}
nothing_left() { ! compgen -G "$scratch/rubber-docker-disk.*" >/dev/null && ! compgen -G "$scratch/disks-*/*.partial" >/dev/null; }

# What WSL imports: there is no Windows here, but a root file system is one.
try_archive() {
    local names
    names=$(tar -tzf "$2")
    same "$1: the archive has no kernel" '' "$(grep -E '^\./(boot|usr/lib/modules)/.' <<<"$names" || :)"
    said=$(tar -xzOf "$2" ./etc/wsl.conf) status=0
    tells "$1: WSL is told to start systemd" 0 '^systemd=true$'
    tells "$1: and who the user is" 0 '^default=learner$'
    same "$1: WSL's own names are not in the way" '' "$(grep -x '\./etc/resolv.conf' <<<"$names" || :)"
}

asked=${1-}
if [ "$asked" != kit ]; then try_machine small '-p rd -p level01'; fi
if [ "$asked" = full ]; then try_machine whole ''; fi
# A disk for arm64 is not made here.
if is_stamped arm64; then ok "the disk for arm64 passed on $passed_on, made by the same scripts"; else
    skip 'the disk for arm64' 'made by the scripts as they are now, it was not started yet'
fi
sums
