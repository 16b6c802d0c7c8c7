# shellcheck shell=bash
# What the scripts that test from outside share. Sourced by them, never run.
#
# They use the finished programs as a person would, and look at the machine for
# what they say is true. One line for each assertion, and a last line with the
# sums; the status is non-zero if one of them failed.

script=$(realpath "$0")
cd "${BASH_SOURCE[0]%/*}/.." || exit

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
passed=0
failed=0

# How many seconds an awaited state may take. Long, for a machine that is busy:
# whoever waits is awake again a moment after it has come.
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

# The solutions, in the order of the levels. That of a level is the next level's
# program, so the first one, level00, is none.
solutions() {
    local directory name
    for directory in levels/[0-9]*_*; do
        name=${directory#levels/}
        if [ "${name%%_*}" != 00 ]; then printf 'level%s\n' "${name%%_*}"; fi
    done
    printf 'rd\n'
}

mount_table() { cat /proc/self/mountinfo; }

# What the containers have left behind; the cache of images is meant to stay.
left_in() { find "$1" -mindepth 1 -maxdepth 1 ! -name .images; }

make_scratch() {
    scratch=$(mktemp -d)
    trap 'rm -rf --one-file-system "$scratch"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # Whoever the programs run as must be able to walk through it.
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
    trap 'kill -KILL $child 2>/dev/null || :; wait $child 2>/dev/null || :; rm -rf --one-file-system "$scratch"' EXIT
    wait "$child" || status=$?
    exit "$status"
}

# fresh directories for images and containers
use_fresh_directories() {
    export RUBBER_DOCKER_IMAGES=$scratch/images RUBBER_DOCKER_CONTAINERS=$scratch/containers
    rm -rf --one-file-system "$RUBBER_DOCKER_IMAGES" "$RUBBER_DOCKER_CONTAINERS"
    mkdir "$RUBBER_DOCKER_IMAGES" "$RUBBER_DOCKER_CONTAINERS"
}
