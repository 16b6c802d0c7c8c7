#!/usr/bin/env bash
# Proves packer/bootstrap.sh: runs it twice in a fresh Debian, made by debootstrap, then takes the network away and works there as the learner would.
#
#   .ci/bootstrap.sh [full]
#
# The whole takes some minutes, so without `full` it is done only if something has changed that
# it depends on since it last passed here; the stamp is kept under ~/.cache/rubber-docker.
# What is not tried: rustup (the machine's own Rust is lent instead), the swap file, Ubuntu.
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

stamp_of() { cat packer/bootstrap.sh .ci/bootstrap.sh .ci/lib.sh Cargo.lock README.md | sha256sum | cut -c1-16; }
stamp=${XDG_CACHE_HOME:-$HOME/.cache}/rubber-docker/bootstrap-$(stamp_of).passed
if [ "${1-}" != full ] && [ -e "$stamp" ]; then
    skip 'the bootstrap in a fresh Debian' 'nothing that it depends on has changed since it passed; say full, and it is done all the same'
    check 'that stamp is of a run that passed' grep -q ' passed, 0 failed$' "$stamp"
    sums
    exit
fi
seclude "$@"

# ---- a machine ----

machine=$scratch/machine
archive=$(debian_archive)
mkdir "$machine"
tar -C "$machine" --numeric-owner --xattrs -xf "$archive"
mount --bind "$machine" "$machine"
mount -t proc proc "$machine/proc"
mount --rbind /sys "$machine/sys"
mount --rbind /dev "$machine/dev"
mount -t tmpfs -o mode=755 run "$machine/run"
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
cp -r /etc/apt/apt.conf.d/. "$machine/etc/apt/apt.conf.d/"

# Rust, which a machine of its own gets from rustup: this one's, wherever it belongs.
mkdir -p "$machine/opt/rust"
mount --bind "$(rustc --print sysroot)" "$machine/opt/rust"
# What has been downloaded already need not be again.
install -d "$machine/etc/skel/.cargo/registry"
for part in config.toml registry/index registry/cache; do
    if [ -e "${CARGO_HOME:-$HOME/.cargo}/$part" ]; then
        cp -a --no-preserve=ownership "${CARGO_HOME:-$HOME/.cargo}/$part" "$machine/etc/skel/.cargo/$part"
    fi
done
# Where the network has a certificate authority of its own, the machine must know it as well.
authority=()
if [ -e "${SSL_CERT_FILE-}" ]; then
    cp -L "$SSL_CERT_FILE" "$machine/opt/authority.crt"
    authority=(SSL_CERT_FILE=/opt/authority.crt CARGO_HTTP_CAINFO=/opt/authority.crt)
fi
# The repository as a learner gets it: what is committed, and nothing else.
mkdir "$machine/opt/source"
git -c safe.directory='*' clone -q --no-hardlinks "$PWD" "$machine/opt/source"

# in_machine COMMAND [ARG]...: its root is our root, in a mount namespace of its own. Not by
# chroot: a container's pivot_root refuses to leave a root that is not a mount's.
in_machine() {
    # shellcheck disable=SC2016 # theirs to expand
    unshare --mount --propagation private sh -c '
        cd "$1" && shift && pivot_root . mnt && umount -l /mnt && exec "$@"' sh "$machine" "$@" </dev/null
}
inside() { in_machine env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb "$@"; }
bootstrap() {
    status=0
    inside WORKSHOP_USER=learner WORKSHOP_IMAGES= "${authority[@]}" "$@" /opt/source/packer/bootstrap.sh \
        >"$scratch/log" 2>&1 || status=$?
    log=$(<"$scratch/log")
}
said() { if grep -Eq -- "$2" <<<"$log"; then ok "$1"; else not_ok "$1" "awaited: $2"$'\n'"$(tail -n 20 <<<"$log")"; fi; }

# ---- twice ----

bootstrap
same 'the first run succeeds' 0 "$status"
said 'and says where to start' '^Ready: log in as learner'
if [ "$status" != 0 ]; then
    printf '%s\n' "$log" | tail -n 40
    sums
    exit 1
fi

# What a learner has written is not ours to touch.
checkout=$machine/workshop/rubber-docker
printf '// mine\n' >>"$checkout/levels/00_fork_exec/src/main.rs"
state() {
    find "$machine/etc" "$machine/workshop" "$machine/home" \
        \( -path '*/target' -o -path '*/.cargo' -o -path '*/containers' \) -prune -o \
        -type f -printf '%P %s %m %U %T@\n' | sort
}
before=$(state)
bootstrap
same 'the second run succeeds' 0 "$status"
said 'it installs nothing' '^     all there$'
said 'it leaves the checkout' '^     there already; left as it is$'
same 'it changes no file' "$before" "$(state)"
check "the learner's edit is there" grep -qx '// mine' "$checkout/levels/00_fork_exec/src/main.rs"
same 'the checkout is all theirs' '' "$(find "$checkout" ! -uid "$(inside id -u learner)" | head)"

# ---- it fails loudly ----

bootstrap WORKSHOP_USER='no such user'
same 'a name that cannot be a user ends it' 1 "$((status != 0))"
said 'and it says in which step' '^bootstrap.sh: failed in step 03'
cp "$machine/usr/lib/os-release" "$scratch/os-release"
sed -i 's/^VERSION_ID=.*/VERSION_ID="7"/' "$machine/usr/lib/os-release"
bootstrap
same 'a system that it is not written for ends it' 1 "$status"
said 'and it says for which it is' 'written for Debian 12 and 13'
cp "$scratch/os-release" "$machine/usr/lib/os-release"
status=0
log=$(inside setpriv --reuid 65534 --clear-groups /opt/source/packer/bootstrap.sh 2>&1) || status=$?
same 'without root it ends' 1 "$status"
said 'and says how to start it' 'needs root: sudo'

# ---- without network, as the learner ----

# typed COMMAND: at a login of theirs, as they would type it.
typed() {
    status=0
    log=$(in_machine unshare --net su - learner -c "cd /workshop/rubber-docker && { $1; }" </dev/null 2>&1) || status=$?
}
typed 'ip -brief address; curl -sS --max-time 5 https://example.org'
same 'the network is gone' 1 "$((status != 0))"
# shellcheck disable=SC2016 # theirs to expand
typed 'echo $RUBBER_DOCKER_IMAGES $RUBBER_DOCKER_CONTAINERS'
same 'a login knows the two directories' '/workshop/images /workshop/containers' "$log"
same 'the image is there' 'base.tar' "$(ls "$machine/workshop/images")"
# Of a level its sources: all that asks the table of levels depends on the level.toml beside them.
typed 'git checkout -q levels/00_fork_exec/src && cargo workshop'
same 'cargo workshop works' 0 "$status"
said 'and shows the way' 'level00|fork'
command=$(sed -n 's/^\$ \(cargo run .*\)/\1/p' README.md | head -n 1)
typed "$command"
same "the README's first command works" 0 "$status"
said 'and says what it has to' '^hello from Rubber Docker base$'
# without_root SENTENCE MAP: a container of theirs, with no sudo. Its root is nobody's but their own.
number=$(inside id -u learner)
without_root() {
    # shellcheck disable=SC2016 # theirs to expand
    typed 'cargo run -q -p rd -- run sh -c "id -u; cat /proc/self/uid_map" 2>/dev/null'
    same "$1" "0 $2" "$(tr -s '[:space:]' ' ' <<<"$log" | sed 's/ $//')"
}
without_root 'without root a container has the users that Debian grants' "0 $number 1 1 100000 65535"
sed -i '/^learner:/d' "$machine/etc/subuid" "$machine/etc/subgid"
without_root 'and where none are granted, one' "0 $number 1"
typed 'cargo test -q -p level11 -- namespace'
same 'the checks of a level run: the skeleton passes those of earlier levels' 0 "$status"
typed 'cargo build --workspace --bins'
same 'and nothing is built again, but what git has just touched' '' \
    "$(grep '^ *Compiling' <<<"$log" | grep -v level00 || :)"
same 'nothing of theirs is root'"'"'s afterwards' '' "$(find "$checkout" ! -uid "$(inside id -u learner)" | head)"

mkdir -p "${stamp%/*}"
rm -f "${stamp%/*}"/bootstrap-*.passed
sums | tee "$scratch/sums"
mv "$scratch/sums" "$stamp"
