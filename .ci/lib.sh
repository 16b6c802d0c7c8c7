# shellcheck shell=bash
# What the scripts that test from outside share. Sourced by them, never run.
#
# They use the finished programs as a person would, and look at the machine for
# what they say is true. One line for each assertion, and a last line with the
# sums; the status is non-zero if one of them failed.

script=$(realpath "$0")
cd "${BASH_SOURCE[0]%/*}/.." || exit
# shellcheck source=.ci/levels.sh disable=SC1091
. .ci/levels.sh

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
passed=0
failed=0

# How many seconds an awaited state may take. Long, for a busy machine; on any other the
# script goes on a moment after the state has come.
# shellcheck disable=SC2034 # read by those who source this
patience=30

# All that a script makes is in here, and goes when it ends.
scratch=${SECLUDED-}

ok() {
    printf 'ok %s\n' "$1"
    passed=$((passed + 1))
}

# not_ok NAME [WHAT WAS SEEN]
not_ok() {
    printf 'not ok %s\n' "$1"
    if [ -n "${2-}" ]; then printf '%s\n' "$2" | sed 's/^/    /'; fi
    failed=$((failed + 1))
}

skip() { printf 'skip %s (%s)\n' "$1" "$2"; }

# check NAME COMMAND [ARG]...: the command succeeds.
check() {
    local name=$1 seen
    shift
    if seen=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "${seen:-false: $*}"; fi
}

# same NAME EXPECTED SEEN
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3"))"; fi
}

# wait_until SECONDS COMMAND [ARG]...: ask again and again, until the deadline.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$deadline" ]; then return 1; fi
        sleep 0.02
    done
}

sums() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}

# program NAME: the path of a built program.
program() {
    if [ ! -x "$target/debug/$1" ]; then
        printf '%s is not there; build it first: cargo build --bins -p %s\n' "$target/debug/$1" "$1" >&2
        exit 1
    fi
    printf '%s/debug/%s\n' "$target" "$1"
}

mount_table() { cat /proc/self/mountinfo; }

# What the containers have left behind; the cache of images is meant to stay.
left_in() { find "$1" -mindepth 1 -maxdepth 1 ! -name .images; }

# ---- a whole Debian ----

# shellcheck disable=SC2034 # read by those who source this
debian_suite=${DEBIAN_SUITE:-bookworm}

# Prints the path of a tar of one, as debootstrap makes it: kept under ~/.cache/rubber-docker,
# downloaded by the first script that asks.
debian_archive() {
    local archive log=$scratch/debootstrap.log
    archive=${XDG_CACHE_HOME:-$HOME/.cache}/rubber-docker/debian-$debian_suite.tar
    if [ ! -e "$archive" ]; then
        if ! debootstrap --variant=minbase "$debian_suite" "$scratch/debian" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$log" 2>&1; then
            printf 'debootstrap failed; the end of its log:\n' >&2
            tail -n 20 "$log" "$scratch/debian/debootstrap/debootstrap.log" >&2 || :
            return 1
        fi
        mkdir -p "${archive%/*}"
        # Renamed when complete: a killed script leaves no partial archive.
        tar -C "$scratch/debian" --numeric-owner --xattrs -cf "$archive.$$.partial" .
        mv "$archive.$$.partial" "$archive"
        rm -rf --one-file-system "$scratch/debian"
    fi
    printf '%s\n' "$archive"
}

# ---- packages of this machine ----

# apt_install PACKAGE...: for a script that has as_root.
apt_install() {
    local codename apt=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends)
    as_root apt-get update -qq
    if as_root "${apt[@]}" "$@" >/dev/null; then return; fi
    # QEMU's packages have to be of one version, and a machine may have one of them from
    # elsewhere, newer than its own Debian's: then all are taken as this Debian has them.
    # shellcheck disable=SC1091
    codename=$(. /etc/os-release && printf '%s\n' "$VERSION_CODENAME")
    as_root "${apt[@]}" --allow-downgrades "$@" "qemu-utils/$codename" >/dev/null
}

# ---- schemas ----

# Prints the path of a program that compares files with JSON schemas, and has those of GitHub,
# compose and others in it: kept under ~/.cache/rubber-docker, installed by the first script
# that asks.
schema_checker() {
    local place=${XDG_CACHE_HOME:-$HOME/.cache}/rubber-docker/check-jsonschema-0.38.0
    if [ ! -x "$place/bin/check-jsonschema" ]; then
        rm -rf "$place"
        python3 -m venv "$place" && "$place/bin/pip" install -q check-jsonschema==0.38.0 >&2 || return 1
    fi
    printf '%s\n' "$place/bin/check-jsonschema"
}

# ---- control groups ----

# Where the hierarchies are mounted: one on version 2, one for each controller on
# version 1, both on many machines.
cgroup_tops() { sed -nE 's/^([^ ]+ ){4}([^ ]+) .* - cgroup2? .*/\2/p' /proc/self/mountinfo; }

# The groups that ours could be mistaken for: those at the top of a hierarchy, all in
# a `rubber-docker`, and whatever else is called as a container is. The others belong to
# the machine's other programs, and come and go. A `rubber-docker` may stay. Those called
# rubber-docker-check-* are the checks' own.
control_groups() {
    local top
    cgroup_tops | while read -r top; do
        find "$top" -xdev -mindepth 1 -name 'rubber-docker-check-*' -prune -o -mindepth 1 -type d -printf "$top %d %P\n" ||
            : # one that was there a moment ago
    done 2>/dev/null | awk '{ count = split($3, names, "/") }
        names[count] == "rubber-docker" { next }
        $2 == 1 || $3 ~ /(^|\/)rubber-docker\// || names[count] ~ /^[0-9a-f]{12}$/ { print $1 "/" $3 }' | sort
}

# new_groups SECONDS BEFORE: the control groups that were not there before, and are
# there all the time until the deadline: another program's container ends meanwhile.
new_groups() {
    local deadline=$((SECONDS + $1)) new
    new=$(comm -13 <(printf '%s\n' "$2") <(control_groups))
    while [ -n "$new" ] && [ "$SECONDS" -lt "$deadline" ]; do
        sleep 0.1
        new=$(comm -12 <(printf '%s\n' "$new") <(control_groups))
    done
    printf '%s' "$new"
}

# The hierarchies in which there is no `rubber-docker` yet.
tops_without_ours() {
    local top
    cgroup_tops | while read -r top; do
        if [ ! -d "$top/rubber-docker" ]; then printf '%s\n' "$top"; fi
    done
}

# Take away what our containers have left there: the groups called as the directories
# in our scratch, and the `rubber-docker` that was not there before.
remove_groups() {
    local top id
    cgroup_tops | while read -r top; do
        if [ ! -d "$top/rubber-docker" ]; then continue; fi
        find "$scratch" -xdev -regextype egrep -type d -regex '.*/[0-9a-f]{12}' -printf '%f\n' | sort -u | while read -r id; do
            # Its processes have been killed, but not all need be gone.
            wait_until 5 without_group "$top/rubber-docker/$id" || :
        done
        if grep -qxF -- "$top" <<<"$tops_without_ours"; then rmdir "$top/rubber-docker" 2>/dev/null || :; fi
    done
}
without_group() { [ ! -d "$1" ] || rmdir "$1" 2>/dev/null; }

# ---- a place of its own ----

tidy_up() {
    remove_groups
    rm -rf --one-file-system "$scratch"
}

make_scratch() {
    scratch=$(mktemp -d)
    tops_without_ours=$(tops_without_ours)
    trap tidy_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # Every user as whom the programs run must be able to walk through it.
    chmod 755 "$scratch"
}

# Start this script again, as root, in mount and process namespaces of its own:
# when it ends, however it ends, its mounts and processes have ended too.
# Inside, mounts are shared as systemd's are, so that a leak would be seen.
seclude() {
    local child status=0
    if [ -n "${SECLUDED-}" ]; then
        scratch=$SECLUDED
        mount --make-rshared /
        use_fresh_directories
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        exec sudo -n -- env PATH="$PATH" CARGO_TARGET_DIR="$target" CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" \
            RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" bash "$script" "$@"
    fi
    make_scratch
    SECLUDED=$scratch unshare --mount --pid --fork --kill-child --mount-proc --propagation private -- \
        bash "$script" "$@" &
    child=$!
    trap 'kill -KILL $child 2>/dev/null || :; wait $child 2>/dev/null || :; tidy_up' EXIT
    wait "$child" || status=$?
    exit "$status"
}

# fresh directories for images and containers
use_fresh_directories() {
    export RUBBER_DOCKER_IMAGES=$scratch/images RUBBER_DOCKER_CONTAINERS=$scratch/containers
    rm -rf --one-file-system "$RUBBER_DOCKER_IMAGES" "$RUBBER_DOCKER_CONTAINERS"
    mkdir "$RUBBER_DOCKER_IMAGES" "$RUBBER_DOCKER_CONTAINERS"
}
