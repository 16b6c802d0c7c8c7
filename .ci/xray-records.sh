#!/usr/bin/env bash
# Records of the solutions at work, as docs/xrays.txt lists them: DIR/03.record, and so on. The
# book, the slides and the page of the forty steps are made from these.
#
#   .ci/xray-records.sh DIR [LEVEL]...
#
# They are the same bytes each time. So two of them are made twice and compared, and everything
# that is another thing elsewhere is taken out of the way: images and containers are in a tmpfs
# at the usual place, in a mount namespace that ends with this script, and the programs have no
# path. Without root or sudo, or where root may not mount, this ends with status 77.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
directory=$(realpath "$1")
shift
wanted=("$@")

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
if ! as_root unshare --mount --propagation private -- true 2>/dev/null; then
    printf 'no x-rays: they need root or sudo, and the right to mount\n' >&2
    exit 77
fi

# Of each level, and of each part, the program that has its solution.
# shellcheck source=.ci/levels.sh disable=SC1091
. .ci/levels.sh
declare -A solution=()
for level in $(numbers); do solution[$level]=$(solution_of "$level"); done
for part in levels/[!0-9]*/; do
    solution[$(basename "$part")]=$(parts | sed -n "$(part_of "$part")p")
done

is_wanted() { [ "${#wanted[@]}" = 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]]; }
runs=()
programs=(level05)
while IFS='|' read -r level words _; do
    level=${level// /}
    case $level in '' | '#'*) continue ;; esac
    is_wanted "$level" || continue
    [ -n "${solution[$level]-}" ] || { printf 'docs/xrays.txt: there is no level %s\n' "$level" >&2; exit 1; }
    # What holds the record is the caller's; root only writes into it.
    : >"$directory/$level.record"
    runs+=("$level ${solution[$level]} $words")
    programs+=("${solution[$level]}")
done <docs/xrays.txt
[ "${#runs[@]}" -gt 0 ] || { printf 'docs/xrays.txt has no such level: %s\n' "${wanted[*]}" >&2; exit 1; }

packages=()
for program in xray "${programs[@]}"; do packages+=(-p "$program"); done
cargo build -q --bins "${packages[@]}"
built=$(realpath "${CARGO_TARGET_DIR:-target}")/debug

store=/var/lib/rubber-docker
[ -d "$store" ] || { as_root mkdir "$store" && made=$store; }
again=$(mktemp)
# shellcheck disable=SC2317 # called by the trap
tidy_up() {
    rm -f "$again"
    if [ -n "${made-}" ]; then as_root rmdir "$made"; fi
}
trap tidy_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck disable=SC2016 # for the shell inside
as_root unshare --mount --propagation private -- bash -euc '
    store=$1 built=$2 directory=$3 again=$4
    shift 4
    mount -t tmpfs -o mode=755 tmpfs "$store"
    mkdir "$store/bin"
    # Levels below 05 search here for the command as well.
    export PATH=$store/bin:/usr/sbin:/usr/bin:/sbin:/bin
    cd /
    record() { # FILE NAME PROGRAM WORD...
        local file=$1 name=$2 program=$3 said
        shift 3
        ln -sf "$built/$program" "$store/bin/$name"
        said=$("$built/xray" record --output "$file" "$name" run "$@" 2>&1 </dev/null) &&
            grep -q "\"end\":{\"status\":0}" "$file" ||
            { printf "the x-ray of %s has failed: %s\n" "$name" "$said" >&2; exit 1; }
    }
    # The image is made, and unpacked where that is remembered, before any of them looks.
    record "$again" level04 level05 true
    for run in "$@"; do
        read -r level program words <<<"$run"
        case $level in [0-9]*) name=level$level ;; *) name=$program ;; esac
        # shellcheck disable=SC2086 # words
        record "$directory/$level.record" "$name" "$program" $words
        # Where two processes of the level have something to do at the same time, and the last.
        case "$words" in *--init*) ;; *) [ "$run" = "${*: -1}" ] || continue ;; esac
        # shellcheck disable=SC2086 # words
        record "$again" "$name" "$program" $words
        cmp "$again" "$directory/$level.record"
    done
' - "$store" "$built" "$directory" "$again" "${runs[@]}" ||
    { printf 'no x-rays, or two runs of one level are not the same\n' >&2; exit 1; }
