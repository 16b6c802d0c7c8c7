#!/usr/bin/env bash
# Makes the tables of the page "A container in forty steps": the steps of `complete`, Part I's
# solution, as the X-ray sees them, and beside that what crun and runc do for the same container.
#
#   docs/forty-steps.sh            the tables in docs/src/forty-steps.md are made anew
#   docs/forty-steps.sh --check    its steps are compared with a new run; red if they differ
#
# Needs root or sudo (else it ends with status 77), and Debian or Ubuntu if crun, runc or strace
# are not there. On a machine with another system, other control groups or other capabilities
# there is nothing to compare, and a line says so. What crun and runc do is not ours to keep: that
# table has its versions with it, and is as old as they are.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
scratch=$(mktemp -d)
trap 'as_root rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$scratch/records"
.ci/xray-records.sh "$scratch/records" complete
built=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
# The page's record has more than the plain one: which steps are told as one, and what each does.
"$built/xray" page --course . "$scratch/records/complete.record" >"$scratch/page.html"

{
    # shellcheck disable=SC1091 # it is on every Linux
    (. /etc/os-release && printf '%s\n' "$PRETTY_NAME")
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then version=2; else version=1; fi
    printf 'control groups of version %s\n' "$version"
    as_root sed -n 's/^CapBnd:\t/capabilities /p' /proc/self/status
} >"$scratch/machine"
python3 docs/forty-steps.py complete "$scratch/page.html" "$scratch/machine" >"$scratch/complete.txt"

page=docs/src/forty-steps.md
machine=docs/forty-steps.txt
if [ "${1-}" = --check ]; then
    if ! cmp -s "$machine" "$scratch/machine"; then
        printf 'the forty steps are not compared: they come from %s, and this is %s\n' \
            "$(paste -sd, "$machine")" "$(paste -sd, "$scratch/machine")"
    elif ! diff -u <(python3 docs/forty-steps.py get "$page" complete) "$scratch/complete.txt"; then
        printf 'the forty steps are not what a run does today; docs/forty-steps.sh makes the tables anew\n' >&2
        exit 1
    fi
    exit
fi

missing=()
for program in crun runc strace; do command -v "$program" >/dev/null || missing+=("$program"); done
[ "${#missing[@]}" = 0 ] ||
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

# Ten times each: what is not the same in all of them is not printed.
# shellcheck disable=SC2016 # for the shell inside
as_root unshare --mount --pid --fork --kill-child --mount-proc --propagation private -- bash -euc '
    scratch=$1 built=$2
    words="--user 1000:1000 --cap-drop all true"
    for directory in /var/lib/rubber-docker /run; do
        mkdir -p "$directory"
        mount -t tmpfs -o mode=755 tmpfs "$directory"
    done
    # crun and runc want one version of control groups there. With version 1 the controllers are
    # elsewhere, where ours finds them and these two do not: so nobody is asked for limits.
    if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
        mkdir "$scratch/cgroup"
        mount --rbind /sys/fs/cgroup "$scratch/cgroup"
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
    fi
    cp "$built/complete" /run/complete
    # shellcheck disable=SC2086 # words
    /run/complete run $words 2>"$scratch/said" || { cat "$scratch/said" >&2; exit 1; }
    tree=$(find /var/lib/rubber-docker/containers -maxdepth 3 -path "*/usr" -prune -printf "%h\n")
    [ -d "$tree/usr" ] || { printf "the unpacked image is not where it was\n" >&2; exit 1; }
    mkdir /run/bundle
    cp -a "$tree" /run/bundle/rootfs
    python3 docs/forty-steps.py bundle >/run/bundle/config.json
    # Their groups go with them; the directory that these are in is ours to remove.
    trap "rmdir /sys/fs/cgroup/rubber-docker-forty 2>/dev/null || :" EXIT
    for run in $(seq 10); do
        for name in complete crun runc; do
            case $name in
                # shellcheck disable=SC2086 # words
                complete) set -- /run/complete run $words ;;
                *) set -- "$name" --root /run/state run --bundle /run/bundle forty ;;
            esac
            strace -f -y -qq -s 200 -o "$scratch/$name.$run" "$@" </dev/null >"$scratch/said" 2>&1 ||
                { printf "%s has failed: %s\n" "$name" "$(cat "$scratch/said")" >&2; exit 1; }
        done
    done
' - "$scratch" "$built"

{
    crun --version | sed -n '1s/ version / /p'
    runc --version | sed -n '1s/ version / /p'
} >"$scratch/versions"
python3 docs/forty-steps.py beside "$scratch" >"$scratch/beside.txt"
for name in complete beside; do
    python3 docs/forty-steps.py put "$page" "$name" "$scratch/$name.txt"
done
cp "$scratch/machine" "$machine"
