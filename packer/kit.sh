#!/usr/bin/env bash
# Makes the kit: a directory, for a USB stick, with which a class works without a network. And
# says whether a stick is whole.
#
#   packer/kit.sh [--arm64] [--take OTHER] DIRECTORY
#   packer/kit.sh --check DIRECTORY
#
# In the kit are the machine for amd64, and with --arm64 for that as well, each as a disk and as an
# archive for WSL (disk.sh makes them, by sudo); the book; the deck; the crates; the repository
# with its history; a page that says how to start all that; and SHA256SUMS. All are of one
# commit. What OTHER has of it already, another kit or a part of one, is copied from there: so an
# arm64 machine can be made on an arm64 machine.
#
# Started again, it goes on where it was stopped. Only a finished kit has a file SHA256SUMS and no
# directory `unfinished`. The settings of disk.sh and bootstrap.sh hold here, and
#
#   WORKSHOP_XRAYS=keep    the book gets the X-rays in docs/src/xray as they are; if not said, they
#                          are made anew
set -euo pipefail
export LC_ALL=C

die() {
    printf 'kit.sh: %s\n' "$*" >&2
    exit 1
}
say() { printf '%s\n' "$*"; }

# Without what systems leave on every stick: it is neither ours nor in the way.
# shellcheck disable=SC2016 # Windows has such a name
not_theirs() { grep -vE '^(lost\+found|System Volume Information|\$RECYCLE\.BIN|\.Trash[^/]*|\.fseventsd|\.Spotlight-V100|(.*/)?\.DS_Store|(.*/)?\._[^/]*)(/|$)' || :; }
files_in() { (cd "$1" && find . -type f | sed 's,^\./,,' | not_theirs | sort); }
# For each name that it reads, SIZE NAME.
sizes() { tr '\n' '\0' | xargs -0 wc -c | sed -E 's/^ +//; /^[0-9]+ total$/d'; }
# macOS has no sha256sum.
sums() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
size_of() { wc -c <"$1" | tr -d ' '; }
# The commit that the parts say they are of, as PART COMMIT.
commits() {
    local file
    if [ -e rubber-docker.bundle ]; then sed -n 's/^\([0-9a-f]\{40,\}\) HEAD$/rubber-docker.bundle \1/p;/^$/q' rubber-docker.bundle; fi
    for file in book/commit.txt deck/commit.txt machine/packages-*.txt; do
        if [ -e "$file" ]; then sed -n "s,^commit ,$file ,p" "$file"; fi
    done
}

# ---- is it whole? ----

found=0
# finding WORDS...: of what is wrong.
finding() {
    printf '%s\n' "$*"
    found=$((found + 1))
}

check() {
    local part of size seen name commit count
    cd "$1" 2>/dev/null || die "there is no directory $1; is the stick mounted?"
    if [ -d unfinished ]; then die "$1 is half made: packer/kit.sh was stopped. Start it again with the same directory, and it goes on there"; fi
    if [ ! -e kit.txt ] && [ ! -e SHA256SUMS ]; then die "$1 is no kit: it has neither kit.txt nor SHA256SUMS. If it is a copy, it stopped early: copy the whole directory again"; fi
    for name in kit.txt SHA256SUMS; do
        if [ ! -e "$name" ]; then die "$name is missing in $1: the copy stopped before its end, or the file was deleted. Copy the whole directory again"; fi
    done
    commit=$(sed -n 's/^commit //p' kit.txt)
    listed=$(sed -n 's/^file [0-9]* //p' kit.txt | sort)
    count=$(grep -c . <<<"$listed")
    if [ -z "$commit" ] || [ "$(tail -n 1 kit.txt)" != end ]; then finding 'in part: kit.txt has no last line'; fi

    # What is quick comes first: a copy that was stopped shows in sizes.
    while read -r size name; do
        if [ ! -e "$name" ]; then
            finding "missing: $name"
        else
            seen=$(size_of "$name")
            finding "in part: $name has $seen of $size bytes"
        fi
    done < <(comm -23 <(sed -n 's/^file //p' kit.txt | sort) <(files_in . | sizes | sort))
    while read -r name; do finding "not of the kit: $name"; done \
        < <(comm -13 <(printf '%s\nSHA256SUMS\nkit.txt\n' "$listed" | sort) <(files_in .))
    while read -r name; do finding "without a checksum: $name"; done \
        < <(comm -23 <(printf '%s\nkit.txt\n' "$listed" | sort) <(cut -c 67- SHA256SUMS | sort))
    if [ "$found" != 0 ]; then
        say "$found findings; the copy stopped before its end, or files were changed since. The checksums were not looked at yet."
        advice
    fi

    # Then what takes as long as reading everything.
    while read -r name; do finding "damaged: $name has the right size and the wrong content"; done \
        < <(sums --check SHA256SUMS 2>/dev/null | sed -n 's/: FAILED.*$//p')
    while read -r part of; do
        if [ "$of" != "$commit" ]; then finding "of another version: $part is of $of, the kit of $commit"; fi
    done < <(commits)
    if [ "$found" != 0 ]; then advice; fi
    say "whole: $count files, $(awk '/^file / { sum += $2 } END { printf "%d", sum / 1000000 }' kit.txt) MB, commit $commit, machines for$(sed -n 's/^machine / /p' kit.txt | tr -d '\n')"
}
advice() {
    say "What to do: copy again, from where the kit came from, what is missing, in part, without a checksum or damaged, and
check once more; if the same file is damaged again, the stick is broken. Delete what is not of the kit. For what is of
another version, make the kit anew: packer/kit.sh."
    exit 1
}

# ---- which kit ----

architectures='amd64' take='' verb=make
while [ $# -gt 1 ]; do
    case $1 in
        --check) verb=check ;;
        --arm64) architectures='amd64 arm64' ;;
        --take) take=$2 && shift ;;
        *) die "there is no option $1; these are the ways to start it:"$'\n'"$(sed -n '/^#   packer/s/^# //p' "$0")" ;;
    esac
    shift
done
case ${1-} in '' | -*) die "which directory?"$'\n'"$(sed -n '/^#   packer/s/^# //p' "$0")" ;; esac
if [ "$verb" = check ]; then
    check "$1"
    exit
fi
kit=$1
# It stands in the repository, or on a stick, where it can only check.
repository=$(cd "$(dirname "$0")/.." && pwd)
[ -x "$repository/packer/disk.sh" ] || die 'to make a kit, take the packer/kit.sh of a checkout; this one can only --check'
if [ -n "$take" ]; then take=$(cd "$take" && pwd) || die "there is no $take to take from"; fi
mkdir -p "$kit"
kit=$(cd "$kit" && pwd)
cd "$repository"
[ -z "$(git status --porcelain --untracked-files=no)" ] ||
    die 'there are changes here that are not committed. All that is in a kit is of one commit: commit them, or put them aside with git stash'
commit=$(git rev-parse HEAD)

# What is in the kit: each part, and which files it is.
parts='repository crates book deck'
# A machine that the kit has already stays in it.
if [ "$architectures" = amd64 ] && { [ -e "$kit/unfinished/arm64" ] || grep -qsx 'machine arm64' "$kit/kit.txt"; }; then architectures+=' arm64'; fi
for architecture in $architectures; do parts+=" $architecture"; done
parts+=' page'
pattern() {
    case $1 in
        repository) say '^rubber-docker\.bundle$' ;;
        crates) say '^crates\.tar\.gz$' ;;
        book | deck) say "^$1/" ;;
        page) say '^(index\.html|kit\.sh)$' ;;
        *) say "^machine/.*-$1\\." ;;
    esac
}

# files_of PART DIRECTORY
files_of() { files_in "$2" | grep -E "$(pattern "$1")" || :; }

# ---- whose directory is it? ----

unfinished=$kit/unfinished
if [ ! -d "$unfinished" ]; then
    if [ -e "$kit/SHA256SUMS" ] && grep -qx 'Rubber Docker in Rust: a kit' "$kit/kit.txt" 2>/dev/null; then
        say "$kit is a finished kit: what it has of this commit stays"
        mkdir "$unfinished"
        for part in $parts; do
            { say "commit $(sed -n 's/^commit //p' "$kit/kit.txt")" && awk -v p="$(pattern "$part")" 'substr($0, 67) ~ p' "$kit/SHA256SUMS"; } >"$unfinished/$part"
        done
    else
        other=$(find "$kit" -mindepth 1 -maxdepth 1 -printf '%f\n' | not_theirs | head -n 3 | paste -sd ' ')
        [ -z "$other" ] || die "$kit is not empty and no kit: it has $other. Nothing was touched. Name an empty directory, or one that is not there yet"
        mkdir "$unfinished"
    fi
fi
exec 9<"$unfinished"
flock -n 9 || die "another packer/kit.sh is at work in $kit"
# From here on it is no kit until it has all.
rm -f "$kit/SHA256SUMS" "$kit/kit.txt"
rm -rf "$unfinished/new"

# done_already PART: of this commit, as it was made.
done_already() {
    [ -e "$unfinished/$1" ] && grep -qx "commit $commit" "$unfinished/$1" && [ "$(wc -l <"$unfinished/$1")" -gt 1 ] &&
        (cd "$kit" && sed 1d "$unfinished/$1" | sha256sum --check --status)
}
# What OTHER has of it, if it is of this commit.
takes() {
    local files
    [ -n "$take" ] || return 1
    case $1 in page | crates) return 1 ;; esac
    files=$(files_of "$1" "$take")
    [ -n "$files" ] || return 1
    if [ "$(cd "$take" && commits | grep -E "$(pattern "$1")" | cut -d ' ' -f 2 | sort -u)" != "$commit" ]; then
        say "    what is in $take is of another commit"
        return 1
    fi
    (cd "$take" && tar -c --no-recursion --verbatim-files-from -T <(printf '%s\n' "$files")) | tar -C "$new" --no-same-owner -x
}

# ---- its parts ----

make_repository() {
    # A branch comes along, so that a clone has one.
    git clone -q --bare --no-tags . "$unfinished/clone"
    git -C "$unfinished/clone" update-ref --no-deref HEAD "$commit"
    git -C "$unfinished/clone" for-each-ref --format='delete %(refname)' | git -C "$unfinished/clone" update-ref --stdin
    git -C "$unfinished/clone" update-ref refs/heads/main "$commit"
    git -C "$unfinished/clone" symbolic-ref HEAD refs/heads/main
    git -C "$unfinished/clone" bundle create -q "$new/rubber-docker.bundle" HEAD main
    rm -rf "$unfinished/clone"
}
# One archive: a stick takes minutes for thousands of files. It belongs beside the clone, and
# cargo finds the configuration there.
make_crates() {
    mkdir -p "$unfinished/vendor/.cargo"
    cargo vendor -q --locked --versioned-dirs "$unfinished/vendor/crates" >/dev/null
    cat >"$unfinished/vendor/.cargo/config.toml" <<'CONFIG'
# The crates are beside this directory; nothing is downloaded.
[source.crates-io]
replace-with = "crates"
[source.crates]
directory = "crates"
CONFIG
    tar -C "$unfinished/vendor" --sort=name --owner=0 --group=0 --numeric-owner -czf "$new/crates.tar.gz" .cargo crates
    rm -rf "$unfinished/vendor"
}
make_book() {
    # shellcheck source=docs/mdbook.sh disable=SC1091
    (
        scratch=$unfinished/mdbook
        mkdir -p "$scratch"
        . docs/mdbook.sh
        if [ "${WORKSHOP_XRAYS-}" != keep ]; then docs/xrays.sh || [ $? = 77 ]; fi
        RUST_LOG=error MDBOOK_LOG=error "$(mdbook_program)" build docs -d "$new/book"
        rm -rf "$scratch"
    )
    say "commit $commit" >"$new/book/commit.txt"
}
make_deck() {
    npm --prefix slides ci --no-audit --no-fund --loglevel=error >/dev/null
    npm --prefix slides run --silent build >/dev/null
    install -D -m 644 slides/dist/index.html "$new/deck/index.html"
    say "commit $commit" >"$new/deck/commit.txt"
}
make_page() {
    sed -e "s/@COMMIT@/${commit:0:12}/; s/@DATE@/$(date -u +%F)/" packer/kit.html >"$new/index.html"
    cp packer/kit.sh "$new/"
}
make_machine() {
    local as_root=''
    if [ "$(id -u)" != 0 ]; then as_root='sudo --preserve-env=DEBIAN_MIRROR,CARGO_BUILD_JOBS,WORKSHOP_BASE,WORKSHOP_RUST,WORKSHOP_BUILD,WORKSHOP_IMAGES,WORKSHOP_DISK_MB,TMPDIR'; fi
    $as_root packer/disk.sh "$1" "$new/machine"
}

# ---- room ----

# MB, measured: what a machine takes in the kit, and while it is made; and all the rest.
of_a_machine=4000 while_made=14000 of_the_rest=300
needed=0
wanted=''
for part in $parts; do
    if done_already "$part"; then continue; fi
    wanted+=" $part"
    case $part in amd64 | arm64) needed=$((needed + of_a_machine)) ;; esac
done
if [ -n "$wanted" ]; then needed=$((needed + of_the_rest)); fi
free_in() { df -Pm "$1" | awk 'NR == 2 { print $4 }'; }
say "to make:${wanted:- nothing}; it takes some $needed MB of the $(free_in "$kit") MB that are free in $kit"
if [ "$needed" -gt "$(free_in "$kit")" ] && [ -z "$take" ]; then die "that is too little room: name a directory with $needed MB, or make room"; fi
case "$wanted " in
    *' a'[mr]*64' '*)
        if [ -z "$take" ] && [ "$while_made" -gt "$(free_in "${TMPDIR:-/tmp}")" ]; then
            die "making a machine takes $while_made MB for a while in ${TMPDIR:-/tmp}, which has $(free_in "${TMPDIR:-/tmp}"): say TMPDIR=/elsewhere"
        fi
        ;;
esac

# ---- to work ----

new=$unfinished/new
for part in $wanted; do
    started=$SECONDS
    rm -rf "$new"
    mkdir "$new"
    rm -f "$unfinished/$part"
    if takes "$part"; then how=taken; else
        how=made
        case $part in amd64 | arm64) make_machine "$part" ;; *) "make_$part" ;; esac
    fi
    # Its files replace those that are there.
    (cd "$kit" && files_of "$part" . | tr '\n' '\0' | xargs -0 -r rm -f --)
    (cd "$new" && find . -mindepth 1 -type d -exec mkdir -p "$kit/{}" \; && find . -type f -exec mv {} "$kit/{}" \;)
    (cd "$kit" && files_of "$part" . | tr '\n' '\0' | xargs -0 sha256sum) >"$unfinished/sums"
    { say "commit $commit" && cat "$unfinished/sums"; } >"$unfinished/partial"
    rm "$unfinished/sums"
    mv "$unfinished/partial" "$unfinished/$part"
    say "    $part: $how in $((SECONDS - started)) s, $(($(cd "$kit" && sed 1d "$unfinished/$part" | cut -c 67- | tr '\n' '\0' | xargs -0 cat | wc -c) / 1000000)) MB"
done

# ---- all there ----

rm -rf "$new"
{
    say 'Rubber Docker in Rust: a kit'
    say "commit $commit"
    for architecture in $architectures; do say "machine $architecture"; done
    for part in $parts; do sed 1d "$unfinished/$part"; done | cut -c 67- | (cd "$kit" && sizes) | sed 's/^/file /'
    say end
} >"$unfinished/kit.txt"
mv "$unfinished/kit.txt" "$kit/kit.txt"
{
    for part in $parts; do sed 1d "$unfinished/$part"; done
    (cd "$kit" && sha256sum kit.txt)
} >"$unfinished/SHA256SUMS"
mv "$unfinished/SHA256SUMS" "$kit/SHA256SUMS"
sync
rm -r "$unfinished"
check "$kit"
