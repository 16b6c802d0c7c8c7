#!/usr/bin/env bash
# Debian packages of any suite, without a change to this machine's own: kernels to boot, a
# compiler for another processor. Each set is a file in .ci/pinned, which says what is
# wanted of which suite, and has a line for every package: name, version, architecture and
# SHA-256. What has that sum is kept below ~/.cache/rubber-docker/packages, and taken from
# there without asking the network.
#
#   .ci/packages.sh get SET    prints `pinned`, or `newer` where the mirror has no longer
#                              what is pinned; then the files, one a line
#   .ci/packages.sh pin SET    takes what the mirror has now into .ci/pinned/SET
#
# The status of `get` is 0 with either answer, 1 for a wrong sum, 4 if the mirror is away.
# What else there is to tell, such as that the mirror has something newer, is a line on
# standard error.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8

verb=${1-} set=${2-}
pins=${RUBBER_DOCKER_PINNED:-.ci/pinned}/$set
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rubber-docker
kept=$cache/packages/$set

# Seconds. How long a mirror may be silent, and how long everything may take.
patience=10 all_of_it=600
# Minutes. What the mirror has is not asked more often than once a day.
fresh=1440

tell() { printf 'packages.sh: %s: %s\n' "$set" "$*" >&2; }
fail() {
    tell "$@"
    exit 1
}
away() {
    tell "skipped: $*"
    exit 4
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# header KEY: what the file says behind `# KEY:`
header() { sed -n "s/^# $1: //p" "$pins"; }

# ---- an apt that knows one suite ----

# As the machine's own sources have it, unless DEBIAN_MIRROR names another one.
mirror() {
    local known=${DEBIAN_MIRROR-}
    if [ -z "$known" ]; then known=$(known_mirrors); fi
    if [ -z "$known" ]; then
        as_root apt-get update -qq >&2 || :
        known=$(known_mirrors)
    fi
    printf '%s\n' "${known%%$'\n'*}"
}
# shellcheck disable=SC2016 # apt is the one to expand it
known_mirrors() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null || :; }

# Debian's keys. Those of a stable suite come with the one before it.
keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        if [ -e "$file" ]; then
            printf '%s\n' "$file"
            return
        fi
    done
    return 1
}

# This apt keeps its own lists, and does not touch the machine's. As root, apt would work as
# the user _apt, who may not write here. Nothing counts as installed, so that a set is complete
# whatever this machine has. And the signature of sid's lists is valid for a week only.
apt() {
    local program=$1
    shift
    timeout "$all_of_it" "$program" -qq \
        -o "Dir::State::Lists=$home/lists" -o "Dir::Cache=$home" -o Dir::State::status=/dev/null \
        -o "Dir::Etc::SourceList=$home/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o APT::Architectures=amd64,arm64 -o APT::Sandbox::User=root -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::Check-Valid-Until=false -o Acquire::Retries=0 \
        -o "Acquire::http::Timeout=$patience" -o "Acquire::https::Timeout=$patience" \
        -o APT::Update::Error-Mode=any "$@"
}

# What the mirror has is known: as of today, or as of now if that is said.
ask_mirror() {
    local source keys suite
    suite=$(header suite)
    home=$cache/apt/$suite
    mkdir -p "$home/lists/partial" "$home/archives/partial"
    if [ -n "${1-}" ] || [ -z "$(find "$home/asked" -mmin "-$fresh" 2>/dev/null)" ]; then
        source=$(mirror)
        if [ -z "$source" ]; then return 1; fi
        keys=$(keyring) || { as_root apt-get install -y -qq debian-archive-keyring >/dev/null && keys=$(keyring); } || return 1
        printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$source" "$suite" >"$home/sources.list"
        apt apt-get update >/dev/null 2>"$scratch/apt.log" || return 1
        touch "$home/asked"
    fi
}

# What the mirror has of this set, as apt wants it said: NAME:ARCHITECTURE=VERSION. apt
# looks for everything that is needed, of which some patterns are kept.
offered() {
    local wanted patterns
    read -ra wanted <<<"$(header wanted)"
    read -ra patterns <<<"$(header kept)"
    apt apt-get install --print-uris --yes --no-install-recommends "${wanted[@]}" |
        sed -nE "s/^'[^']*' ([^ ]+)\.deb .*/\1/p" | sed 's/%3a/:/' |
        while IFS=_ read -r name version architecture; do
            if is_kept "$name:$architecture"; then printf '%s:%s=%s\n' "$name" "$architecture" "$version"; fi
        done | sort
}
is_kept() {
    local pattern
    for pattern in "${patterns[@]}"; do
        # shellcheck disable=SC2053 # it is a pattern
        if [[ $1 = $pattern ]]; then return; fi
    done
    return 1
}

# download DIRECTORY PACKAGE...: apt compares what it gets with the signed lists.
download() (
    cd "$1"
    shift
    apt apt-get download "${@/:all=/=}" >/dev/null 2>"$scratch/apt.log"
)

# ---- what is pinned, and what is here ----

pinned() { grep -v '^#' "$pins" | grep . || :; }
# As `offered` prints it.
pinned_as_apt_says() { pinned | while read -r name version architecture _; do printf '%s:%s=%s\n' "$name" "$architecture" "$version"; done | sort; }
# file NAME VERSION ARCHITECTURE: as apt calls it, which writes an epoch's colon so.
file() { printf '%s_%s_%s.deb\n' "$1" "${2/:/%3a}" "$3"; }
sum() { sha256sum "$1" | cut -d ' ' -f 1; }

# What is pinned and not here, as apt wants it said. A file with another sum is none.
missing() {
    local name version architecture expected path
    while read -r name version architecture expected; do
        path=$kept/$(file "$name" "$version" "$architecture")
        if [ ! -e "$path" ] || [ "$(sum "$path")" != "$expected" ]; then
            printf '%s:%s=%s\n' "$name" "$architecture" "$version"
        fi
    done < <(pinned)
}

# take DIRECTORY: moves its files to the kept ones, by rename(2): whole or not at all.
take() { find "$1" -name '*.deb' -exec mv -t "$kept" {} +; }

# Removes the files of all other versions.
forget_the_rest() {
    local path
    for path in "$kept"/*.deb; do
        if [ -e "$path" ] && ! grep -qxF -- "$path" <<<"$1"; then rm "$path"; fi
    done
}

# paths: of packages as apt wants them said
paths() {
    local name version architecture
    while IFS='=' read -r name version; do
        architecture=${name##*:}
        printf '%s/%s\n' "$kept" "$(file "${name%:*}" "$version" "$architecture")"
    done
}

# answer HOW PACKAGES
answer() {
    local files
    files=$(paths <<<"$2")
    forget_the_rest "$files"
    printf '%s\n%s\n' "$1" "$files"
}

# In a word, how what the mirror has differs.
report_newer() {
    local offered new
    offered=$(offered 2>/dev/null) || return 0
    new=$(comm -13 <(pinned_as_apt_says) <(printf '%s\n' "$offered"))
    if [ -n "$offered" ] && [ -n "$new" ]; then
        tell "newer: the mirror has $(wc -l <<<"$new") of $(wc -l <<<"$offered") packages in another version," \
            "${new%%$'\n'*} for one; \`.ci/packages.sh pin $set\` updates .ci/pinned/$set"
    fi
}

get() {
    local missing offered gone
    if [ -z "$(pinned)" ]; then fail "nothing is pinned in $pins"; fi
    missing=$(missing)
    if [ -z "$missing" ]; then
        if ask_mirror; then report_newer; fi
        answer pinned "$(pinned_as_apt_says)"
        return
    fi
    ask_mirror now || no_mirror
    offered=$(offered) || fail "apt cannot say what $(header wanted) of $(header suite) needs"
    gone=$(while read -r it; do apt apt-cache show "${it/:all=/=}" >/dev/null 2>&1 || printf '%s\n' "$it"; done <<<"$missing")
    mkdir "$scratch/new"
    if [ -z "$gone" ]; then
        mapfile -t wanted <<<"$missing"
        download "$scratch/new" "${wanted[@]}" || no_mirror
        take "$scratch/new"
        missing=$(missing)
        if [ -n "$missing" ]; then fail "what the mirror sends has not the SHA-256 that is pinned: $missing"; fi
        report_newer
        answer pinned "$(pinned_as_apt_says)"
    else
        report_newer
        mapfile -t wanted < <(grep -vxFf <(here) <<<"$offered" || :)
        if [ "${#wanted[@]}" != 0 ]; then download "$scratch/new" "${wanted[@]}" || no_mirror; fi
        take "$scratch/new"
        answer newer "$offered"
    fi
}

# What is here of the mirror's version: of another day's run with something newer.
here() {
    local it
    while read -r it; do
        if [ -e "$(paths <<<"$it")" ]; then printf '%s\n' "$it"; fi
    done <<<"$offered"
}

# A file of ours with a wrong sum is no matter of the mirror.
no_mirror() {
    local it
    for it in $(paths <<<"${missing-}"); do
        if [ -e "$it" ]; then fail "$it has not the SHA-256 that is pinned, and no mirror answers"; fi
    done
    sed 's/^/    /' "$scratch/apt.log" >&2 2>/dev/null || :
    away 'no mirror of Debian answers, and not all that is pinned is here'
}

pin() {
    local offered it name version architecture path
    ask_mirror now || no_mirror
    offered=$(offered)
    mkdir "$scratch/new"
    mapfile -t wanted <<<"$offered"
    download "$scratch/new" "${wanted[@]}" || no_mirror
    take "$scratch/new"
    grep '^#' "$pins" >"$scratch/pins"
    while read -r it; do
        name=${it%%:*} version=${it#*=}
        architecture=${it#*:} architecture=${architecture%%=*}
        path=$kept/$(file "$name" "$version" "$architecture")
        printf '%s %s %s %s\n' "$name" "$version" "$architecture" "$(sum "$path")"
    done <<<"$offered" >>"$scratch/pins"
    cat "$scratch/pins" >"$pins"
}

case $verb in
    get | pin) ;;
    *)
        sed -n '/^#   /s/^# //p' "$0" >&2
        exit 125
        ;;
esac
if [ ! -e "$pins" ]; then fail "there is no .ci/pinned/$set"; fi
mkdir -p "$kept"
# In there, so that what has come is only renamed.
scratch=$(mktemp -d "$kept/XXXXXX.partial")
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
: >"$scratch/apt.log"
# Two of these scripts at a time would remove each other's lists.
exec 9>"$cache/packages/lock"
flock 9
"$verb"
