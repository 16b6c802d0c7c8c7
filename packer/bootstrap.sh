#!/usr/bin/env bash
# Turns a stock Debian 12 or 13, or Ubuntu 22.04, 24.04 or 26.04, into a machine for the workshop:
# one that works without network afterwards. Packer, Vagrant, cloud-init and the dev container
# all call this script, and so can you:
#
#   sudo packer/bootstrap.sh
#
# It may be run again at any time: what is there already is left as it is, above all the
# learner's checkout. The settings, all from the environment:
#
#   WORKSHOP_SOURCE   where the repository is cloned from: a git URL, or a directory.
#                     The checkout that this script stands in, if not said.
#   WORKSHOP_USER     who will work on the machine; made if need be. If not said: the user
#                     who called sudo, else the first ordinary user, else `learner`.
#   WORKSHOP_TARGET   where cargo builds, if not in the checkout: for a checkout on a shared folder.
#   WORKSHOP_ONLY     `tools`: everything but the checkout, its build and its images, which a
#                     dev container mounts and makes when it starts.
#   WORKSHOP_BUILD    what is built beforehand, in cargo's words, such as `-p rd -p level00`;
#                     all if not said (--workspace).
#   WORKSHOP_CONTAINERS
#                     `no` where none can be made: in a tree for another processor, which is
#                     emulated program by program. `base` is then made with the first container.
#   WORKSHOP_SWAP_MB  size of the swap file, for the level about memory; 0 for none (1024).
#   WORKSHOP_IMAGES   images to pull beside `base`, where a registry answers
#                     (docker.io/library/ubuntu docker.io/library/alpine); empty for none.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

workshop=/workshop
checkout=$workshop/rubber-docker
images=$workshop/images
containers=$workshop/containers

# ---- what it says ----

number=0
title=''
step() {
    number=$((number + 1))
    title=$*
    printf '\n[%02d] %s\n' "$number" "$title"
}
say() { printf '     %s\n' "$*"; }
die() {
    printf '\nbootstrap.sh: %s\n' "$*" >&2
    exit 1
}
trap 'if [ $? != 0 ]; then printf "\nbootstrap.sh: failed in step %02d, %s\n" "$number" "$title" >&2; fi' EXIT

# write FILE MODE < TEXT: puts it there if it is not there already, and whole or not at all.
write() {
    local file=$1 mode=$2 new
    new=$(mktemp "$file.XXXXXX")
    cat >"$new"
    chmod "$mode" "$new"
    if [ -f "$file" ] && cmp -s "$file" "$new"; then
        rm "$new"
    else
        mv "$new" "$file"
        say "wrote $file"
    fi
}

# in_file FILE < TEXT: the text between two marks in a file that others write to as well.
in_file() {
    local file=$1 new
    [ -e "$file" ] || touch "$file"
    new=$(sed '/^# rubber-docker: begin$/,/^# rubber-docker: end$/d' "$file")
    { [ -z "$new" ] || printf '%s\n' "$new"; printf '# rubber-docker: begin\n'; cat; printf '# rubber-docker: end\n'; } |
        write "$file" "$(stat -c %a "$file")"
}

# as_user COMMAND [ARG]...: what belongs to the learner is made by the learner.
as_user() {
    runuser -u "$user" -- env HOME="$home" USER="$user" LOGNAME="$user" PATH="$path" \
        ${WORKSHOP_TARGET:+"CARGO_TARGET_DIR=$WORKSHOP_TARGET"} \
        RUBBER_DOCKER_IMAGES="$images" RUBBER_DOCKER_CONTAINERS="$containers" "$@"
}

# ---- which machine ----

step 'Looking at the machine'
[ "$(id -u)" = 0 ] || die "this installs packages and needs root: sudo $0"
# shellcheck source=/dev/null
. /etc/os-release
case "$ID-${VERSION_ID-}" in
    debian-12 | debian-13 | ubuntu-22.04 | ubuntu-24.04 | ubuntu-26.04) say "$PRETTY_NAME" ;;
    *) die "this is ${PRETTY_NAME:-unknown}; it is written for Debian 12 and 13 and Ubuntu 22.04, 24.04 and 26.04.
On another system, follow the book's page about machines: it needs gcc, git, iproute2, strace and Rust." ;;
esac
say "kernel $(uname -r)"

# ---- packages ----

step 'Installing packages'
packages=(
    bash-completion ca-certificates curl gcc git iproute2 kmod less libc6-dev man-db manpages
    manpages-dev mount nano procps strace stress-ng sudo tmux uidmap util-linux vim
)
missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} = 0 ]; then
    say 'all there'
else
    say "${missing[*]}"
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# ---- the learner ----

step 'The user who will work here'
user=${WORKSHOP_USER:-${SUDO_USER-}}
if [ -z "$user" ] || { [ "$user" = root ] && [ -z "${WORKSHOP_USER-}" ]; }; then
    user=$(getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 { print $1; exit }')
    user=${user:-learner}
fi
if ! id "$user" >/dev/null 2>&1; then
    useradd --create-home --shell /bin/bash "$user"
    say "made $user, who has no password: give that user one, or a key, to log in with"
fi
home=$(getent passwd "$user" | cut -d: -f6)
group=$(id -gn "$user")
if [ "$user" != root ]; then
    # A machine to throw away: the exercises need root, and a prompt for a password stops scripts.
    printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$user" | write /etc/sudoers.d/rubber-docker 440
fi
say "$user, at home in $home"

# ---- the repository ----

step "The repository, at $checkout"
install -d -m 755 "$workshop"
own=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ "${WORKSHOP_ONLY-}" = tools ]; then
    say 'not asked for'
elif [ -e "$checkout/Cargo.toml" ]; then
    say 'there already; left as it is'
else
    source=${WORKSHOP_SOURCE:-$own}
    say "from $source"
    # A checkout that another user owns, such as a synced folder, is trusted for this once.
    git -c safe.directory='*' clone -q "$source" "$checkout" ||
        die "WORKSHOP_SOURCE ($source) cannot be cloned; it has to be a git URL or a checkout"
    chown -R "$user:$group" "$checkout"
fi

# ---- Rust ----

step 'Rust'
manifest=$checkout/Cargo.toml
[ -e "$manifest" ] || manifest=$own/Cargo.toml
needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$manifest")
path=$home/.cargo/bin:/usr/local/cargo/bin:/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
found=$(as_user rustc --version 2>/dev/null | cut -d' ' -f2) || found=''
# The smaller of the two versions comes first.
if [ -n "$found" ] && [ "$(printf '%s\n%s\n' "$needed" "$found" | sort -V | head -n 1)" = "$needed" ]; then
    say "rustc $found is there; $needed is enough"
else
    say "${found:+rustc $found is too old; }installing the stable one by rustup"
    installer=$(mktemp)
    curl --proto '=https' --tlsv1.2 -sSf --retry 3 -o "$installer" https://sh.rustup.rs ||
        die 'rustup cannot be downloaded; is there a network? Any rustc and cargo in PATH will do as well'
    chmod 644 "$installer"
    as_user sh "$installer" -y -q --no-modify-path --profile minimal \
        -c rustfmt -c clippy -c rust-analyzer -c rust-src >/dev/null
    rm "$installer"
    say "$(as_user rustc --version)"
fi

# ---- the kernel's part ----

step 'Control groups and file systems'
if [ "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; then
    say "cgroup version 2, with $(cat /sys/fs/cgroup/cgroup.controllers)"
    for controller in cpu memory; do
        grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers ||
            say "WARNING: no controller \`$controller\` here; levels 08 and 09 need it. In a container, run it privileged and with a cgroup namespace of its own"
    done
else
    say 'WARNING: /sys/fs/cgroup is not cgroup version 2. The levels work with version 1 as well; the lessons speak of 2.'
    say '         On a machine of its own: systemd.unified_cgroup_hierarchy=1 on the kernel command line.'
fi
if ! grep -qw overlay /proc/filesystems && ! modprobe overlay 2>/dev/null; then
    die "the kernel $(uname -r) has no overlay file system, which levels 04 and later are made of"
fi
say 'overlay is there'
if [ -d /etc/modules-load.d ]; then printf 'overlay\n' | write /etc/modules-load.d/rubber-docker.conf 644; fi

step 'Swap, for the level about memory'
size=${WORKSHOP_SWAP_MB:-1024}
if [ "$(wc -l </proc/swaps)" -gt 1 ]; then
    say "there already: $(awk 'NR == 2 { print $1 }' /proc/swaps)"
elif [ "$size" = 0 ]; then
    say 'not asked for'
elif [ -e /run/systemd/container ] || [ -e /.dockerenv ] || [ ! -d /run/systemd/system ]; then
    say 'this is a container or a chroot: swap belongs to the machine around it, none made'
else
    [ -e /swapfile ] || (umask 077 && dd if=/dev/zero of=/swapfile bs=1M count="$size" status=none && mkswap -q /swapfile)
    swapon /swapfile
    grep -q '^/swapfile ' /etc/fstab || printf '/swapfile none swap sw 0 0\n' >>/etc/fstab
    say "/swapfile, $size MB"
fi

# ---- how it feels ----

step 'The environment of every login'
in_file /etc/environment <<END
RUBBER_DOCKER_IMAGES=$images
RUBBER_DOCKER_CONTAINERS=$containers${WORKSHOP_TARGET:+
CARGO_TARGET_DIR=$WORKSHOP_TARGET}
END
# /etc/environment is for logins through PAM; a shell in a dev container has had none.
write /etc/profile.d/rubber-docker.sh 644 <<END
export RUBBER_DOCKER_IMAGES=$images RUBBER_DOCKER_CONTAINERS=$containers${WORKSHOP_TARGET:+ CARGO_TARGET_DIR=$WORKSHOP_TARGET}
for directory in "\$HOME/.cargo/bin" /usr/local/cargo/bin /opt/rust/bin; do
    case ":\$PATH:" in
        *":\$directory:"*) ;;
        *) if [ -d "\$directory" ]; then PATH="\$directory:\$PATH"; fi ;;
    esac
done
unset directory
END
if [ -f /etc/bash.bashrc ]; then
    printf '. /etc/profile.d/rubber-docker.sh\n' | in_file /etc/bash.bashrc
fi
write /etc/motd 644 <<END

  Rubber Docker in Rust: build a container runtime from system calls

    cd $checkout
    cargo workshop          where you are, and what comes next

  Everything works without network. Two terminals are better than one: tmux.

END
# Only where there is nothing: an editor's settings are personal.
if [ ! -e "$home/.tmux.conf" ]; then
    as_user tee "$home/.tmux.conf" >/dev/null <<'END'
set -g mouse on
set -g history-limit 20000
END
fi
if [ ! -e "$home/.vimrc" ]; then
    as_user tee "$home/.vimrc" >/dev/null <<'END'
source $VIMRUNTIME/defaults.vim
set number expandtab shiftwidth=4 mouse=
END
fi

if [ "${WORKSHOP_ONLY-}" = tools ]; then
    printf '\nReady: the tools are there; mount the checkout at %s\n' "$checkout"
    exit
fi

# ---- what makes it work without network ----

step 'Fetching the dependencies, building the levels'
cd "$checkout"
if [ -n "${WORKSHOP_TARGET-}" ]; then install -d -o "$user" -g "$group" "$WORKSHOP_TARGET"; fi
say 'this is the long one: some minutes on two cores'
as_user cargo fetch -q --locked
read -ra build <<<"${WORKSHOP_BUILD:---workspace}"
as_user cargo build -q --locked "${build[@]}" --bins
as_user cargo test -q --locked "${build[@]}" --no-run

step "The images, in $images"
# Made by root, as every container is; `base` comes from this machine's own tools.
if [ "${WORKSHOP_CONTAINERS-}" != no ]; then
    as_user cargo run -q --locked -p rd -- run --as-root true
    say 'base'
fi
for reference in ${WORKSHOP_IMAGES-docker.io/library/ubuntu docker.io/library/alpine}; do
    name=${reference##*/}
    name=${name%%:*}
    if [ -e "$images/$name.tar" ]; then
        say "$name is there"
    elif as_user timeout 300 cargo workshop images pull "$reference" --name "$name" >/dev/null 2>&1; then
        say "$name"
    else
        say "$name: no registry gave it to us. Nothing needs it; \`base\` is the image of the lessons"
    fi
done

printf '\nReady: log in as %s, then  cd %s && cargo workshop\n' "$user" "$checkout"
