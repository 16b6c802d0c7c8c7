#!/usr/bin/env bash
# Proves that an ordinary user who may use sudo can do what the README says: clone, type
# its two commands, and own every file afterwards. And that a user who may not use sudo
# has containers all the same from level 20 on, and before that is told what to do.
#
#   .ci/ordinary-user.sh [full]      with `full`: the whole of the README's `cargo test`
#
# The user lives in a copy of /etc which only this script and its children see, and in
# a home of their own, so the machine's accounts are never touched. Needs sudo.
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
seclude "$@"

# ---- a user ----

user=learner
home=$scratch/home
checkout=$home/rubber-docker

# Passwords stay closed in the copy: it keeps the original's owners and modes.
cp -a /etc "$scratch/etc"
mount --bind "$scratch/etc" /etc
install -d -m 755 "$home"
useradd --no-create-home --home-dir "$home" --shell /bin/bash --user-group --no-log-init "$user"

may_use_sudo() {
    printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$user" >/etc/sudoers.d/rubber-docker-ci
    chmod 440 /etc/sudoers.d/rubber-docker-ci
}
may_not_use_sudo() { rm /etc/sudoers.d/rubber-docker-ci; }

# ---- their Rust: this machine's, whichever user owns it ----

# rustup keeps it in a home that others may not enter. A bind mount leads to it all the same.
sysroot=$(rustc --print sysroot)
path=/usr/local/bin:/usr/bin:/bin
if [ -x "$sysroot/bin/cargo" ] && [ "$sysroot" != /usr ]; then
    mkdir "$scratch/rust"
    mount --bind "$sysroot" "$scratch/rust"
    path=$scratch/rust/bin:$path
fi
# What has been downloaded already is copied, since cargo wants to write there.
mkdir -p "$home/.cargo/registry"
for part in config.toml registry/index registry/cache; do
    if [ -e "${CARGO_HOME:-$HOME/.cargo}/$part" ]; then
        cp -a "${CARGO_HOME:-$HOME/.cargo}/$part" "$home/.cargo/$part"
    fi
done

# ---- their checkout ----

# As git is set up on many machines that share files with Windows; .gitattributes must win.
printf '[safe]\n\tdirectory = *\n[core]\n\tautocrlf = true\n' >"$scratch/gitconfig"
GIT_CONFIG_GLOBAL=$scratch/gitconfig git clone -q --no-hardlinks "$PWD" "$checkout"
chown -R "$user:" "$home"

same 'no file has carriage returns' '' \
    "$(grep -rlI --exclude-dir=.git $'\r$' "$checkout" | head -n 5)"

# as_user COMMAND [ARG]...: as they would type it in their checkout.
offline=false
as_user() {
    # Not $PWD's nor $HOME's: everything of theirs is named here.
    setpriv --reuid "$user" --regid "$user" --init-groups -- \
        env -i -C "$checkout" HOME="$home" USER="$user" LOGNAME="$user" PATH="$path" LANG=C.UTF-8 \
        CARGO_NET_OFFLINE="$offline" CARGO_TERM_COLOR=never \
        "${directories[@]}" "$@" </dev/null
}
# Where they have their own containers, without root, nobody has to say.
directories=()
if as_user env CARGO_NET_OFFLINE=true cargo fetch -q --locked 2>/dev/null; then offline=true; fi

# run COMMAND [ARG]...: as the user; leaves $status, $printed and $said.
run() {
    status=0
    printed=$(as_user "$@" 2>"$scratch/err") || status=$?
    said=$(<"$scratch/err")
}
# ends NAME STATUS: the last run did.
ends() {
    if [ "$status" = "$2" ]; then ok "$1"; else not_ok "$1" "status $status, not $2; $(tail -n 12 <<<"$said")"$'\n'"$(tail -n 12 <<<"$printed")"; fi
}
# tells NAME PATTERN TEXT
tells() {
    if grep -Eq -- "$2" <<<"$3"; then ok "$1"; else not_ok "$1" "awaited: $2"$'\n'"seen: $3"; fi
}
belongs_to_them() {
    same "$1: no file in the checkout is root's" '' "$(find "$checkout" -user root)"
    same "$1: nor anything else in their home" '' "$(find "$home" ! -user "$user")"
}

# ---- with sudo ----

may_use_sudo
# The README's own commands, literally.
mapfile -t commands < <(sed -n 's/^\$ \(cargo .*\)/\1/p' "$checkout/README.md")
same 'the README begins with a container, then the tests' 'cargo run / cargo test' \
    "$(cut -d' ' -f1-2 <<<"${commands[0]-}") / $(cut -d' ' -f1-2 <<<"${commands[1]-}")"

run bash -c "${commands[0]}"
ends "the README's first command works" 0
if [ "$status" = 101 ]; then # cargo's own: it does not even build
    sums
    exit 1
fi
tells 'it prints what a container prints' '^hello from Rubber Docker base$' "$printed"
tells 'it says how that ended' '^rd: [0-9]+ exited with status 0$' "$said"
belongs_to_them 'after the first command'

run cargo run -q -p rd -- run echo hi
ends 'a second container works' 0
same 'it prints hi' hi "$printed"
run cargo run -q -p rd -- run sh -c 'exit 42'
ends "the command's exit status comes through cargo" 42

# From level 20 on nobody is raised who does not ask for it.
number=$(id -u "$user")
# rootless WHEN STORE MAP: a container of theirs, whose root is they themselves.
rootless() {
    local theirs=$home/.local/share/rubber-docker/containers-$2
    run cargo run -q -p rd -- run sh -c 'id -u; cat /proc/self/uid_map'
    ends "$1: a container without root works" 0
    same "$1: in it one is root, who is this user outside" "0 $3" \
        "$(tr -s '[:space:]' ' ' <<<"$printed" | sed 's/ $//')"
    same "$1: no container is left" '' "$(left_in "$theirs")"
    same "$1: the store is closed to others" "700 $user" "$(stat -c '%a %U' "$theirs")"
    run cargo run -q -p rd -- run --memory 64m true
    ends "$1: a limit that cannot be is an error" 125
    tells "$1: which says what to do" 'systemd-run --user' "$said"
}
# What an administrator may have granted to them, and here has not.
sed -i "/^$user:/d" /etc/subuid /etc/subgid
one_number="0 $number 1"
rootless 'with sudo' one-id "$one_number"

directories=("RUBBER_DOCKER_IMAGES=$RUBBER_DOCKER_IMAGES" "RUBBER_DOCKER_CONTAINERS=$RUBBER_DOCKER_CONTAINERS")
run cargo run -q -p rd -- run --as-root sh -c 'cat /proc/self/uid_map'
ends 'with --as-root it is root' 0
tells 'the numbers are the machine'\''s' '^ +0 +0 +4294967295$' "$printed"
same 'no container is left' '' "$(left_in "$RUBBER_DOCKER_CONTAINERS")"
same 'the store is closed to them' 700 "$(stat -c %a "$RUBBER_DOCKER_CONTAINERS")"
directories=()

if [ "${1-}" = full ]; then
    run bash -c "${commands[1]}"
    ends "the README's second command passes" 0
else
    run cargo test -q -p level01 --no-run
    ends 'the tests of a level build' 0
    run cargo test -q -p level01 -- 'the command gets its arguments unchanged'
    ends 'a check passes' 0
    tells 'and it was run, not passed over' '(^| )1 passed' "$printed"
fi
run cargo workshop check 00
ends 'cargo workshop checks an untouched level, and says no' 1
tells 'it names the step' 'TODO\(00\)' "$printed$said"
run cargo workshop
ends 'cargo workshop says what is next' 0
belongs_to_them 'after the tests'

# ---- without ----

may_not_use_sudo
rootless 'without sudo' one-id "$one_number"
for list in /etc/subuid /etc/subgid; do printf '%s:300000:65536\n' "$user" >>"$list"; done
rootless 'with ranges of numbers' 300000 "$one_number 1 300000 65535"
run cargo run -q -p rd -- run --user 1000:1000 sh -c 'id -u; id -g'
same 'with ranges of numbers: another user is one of them' '1000 1000' "$(tr '\n' ' ' <<<"$printed" | sed 's/ *$//')"
run cargo workshop clean --own
ends 'what is left of them goes without root' 0
run cargo run -q -p level19 -- run echo hi
ends 'without the right to use sudo, level 19 ends with 125' 125
tells 'it says why root is needed' 'needs root' "$said"
tells 'it says what to do' 'sudo -v' "$said"
same 'it runs nothing' '' "$printed"

# A file that is not executable is none for the shell.
touch "$scratch/no-sudo"
mount --bind "$scratch/no-sudo" "$(command -v sudo)"
run cargo run -q -p level19 -- run echo hi
ends 'without any sudo, it ends with 125' 125
tells 'then it says so, and what to do' 'no sudo here.*su -c' "$said"
same 'then it runs nothing either' '' "$printed"

run cargo run -q -p level00 -- run echo hi
ends 'level00 needs no root' 0
same 'and prints hi' hi "$printed"
run cargo run -q -p level03
ends "a level's own screen needs no root" 0
tells 'and says where the lesson is' 'levels/03_pivot_root/README.md' "$printed"
belongs_to_them 'after all of it'
sums
