#!/usr/bin/env bash
# What the suites do where a mirror has something newer, has something else, or is away: by a
# mirror, kernels and a QEMU that are made up here, and take no time.
#
#   .ci/pins.sh
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck source=.ci/qemu/boot.sh disable=SC1091
. .ci/qemu/boot.sh
make_scratch

# By this machine's own apt: the one below has nothing of the kind.
install_tools dpkg-deb:dpkg

pinned=$scratch/pinned cache=$scratch/cache mirror=$scratch/mirror
mkdir "$pinned" "$mirror" "$scratch/bin"

# ---- a mirror: a directory of packages ----

# offer NAME VERSION FILE...: puts a package there, with files that have a line in them
offer() {
    local name=$1 version=$2 root=$scratch/package path
    shift 2
    mkdir -p "$root/DEBIAN"
    printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: none\nDescription: none\n' "$name" "$version" >"$root/DEBIAN/control"
    for path; do
        mkdir -p "$root/${path%/*}"
        printf '%s %s\n' "$name" "$version" >"$root/$path"
    done
    dpkg-deb --root-owner-group -b "$root" "$mirror/${name}_${version}_amd64.deb" >/dev/null
    rm -r "$root"
}

# An apt that has only this mirror. `install` prints what is there, of the wanted names or
# of those that begin so and have a number behind; `download` copies it.
cat >"$scratch/bin/apt-get" <<'END'
#!/usr/bin/env bash
set -eu
if [ -e "$MIRROR/away" ]; then exit 100; fi
while [[ ${1-} = -* ]]; do if [ "$1" = -o ]; then shift; fi; shift; done
case $1 in
    update | indextargets) ;;
    install)
        shift
        cd "$MIRROR"
        for name; do
            case $name in -*) continue ;; esac
            for file in "$name"_* "$name"-[0-9]*; do
                if [ -e "$file" ]; then printf "'URI' %s 1 SHA256:0\n" "$file"; fi
            done
        done
        ;;
    download)
        shift
        for it; do
            name=${it%%:*} version=${it#*=}
            cp "$MIRROR/${name}_${version}_amd64.deb" .
        done
        ;;
esac
END
cat >"$scratch/bin/apt-cache" <<'END'
#!/usr/bin/env bash
for it; do :; done
[ -e "$MIRROR/${it%%:*}_${it#*=}_amd64.deb" ]
END
chmod +x "$scratch/bin"/*

# With the cache, the pins and the mirror that are made up.
with_these() {
    env PATH="$scratch/bin:$PATH" MIRROR="$mirror" XDG_CACHE_HOME="$cache" RUBBER_DOCKER_PINNED="$pinned" \
        DEBIAN_MIRROR=http://127.0.0.1:1/debian RUBBER_DOCKER_MATRIX="$scratch/matrix" "$@"
}

# get SET: sets `status`, `out` and `err`
get() {
    status=0
    with_these .ci/packages.sh get "$1" >"$scratch/out" 2>"$scratch/err" || status=$?
    out=$(sed "s|$cache/rubber-docker/packages/||" "$scratch/out") err=$(<"$scratch/err")
}

# answers NAME STATUS OUT ERR-PATTERN
answers() {
    # shellcheck disable=SC2053 # it is a pattern
    if [ "$status" = "$2" ] && [ "$out" = "$3" ] && [[ $err = $4 ]]; then
        ok "$1"
    else
        not_ok "$1" "status $status, expected $2; printed: $out; said: $err"
    fi
}

header='# suite: sid
# wanted: tool
# kept: *'
offer tool 1 usr/bin/tool
printf '%s\n' "$header" >"$pinned/tools"

with_these .ci/packages.sh pin tools
same 'pinning writes version and sum' "$header
tool 1 amd64 $(sha256sum <"$mirror/tool_1_amd64.deb" | cut -d ' ' -f 1)" "$(<"$pinned/tools")"

here=$'pinned\ntools/tool_1_amd64.deb'
rm -r "$cache"
get tools
answers 'what is pinned comes from the mirror' 0 "$here" ''
touch "$mirror/away"
find "$cache" -name asked -delete
get tools
answers 'and later from the cache, with no mirror' 0 "$here" ''
rm "$mirror/away"
offer tool 2 usr/bin/tool
mv "$mirror/tool_1_amd64.deb" "$scratch/"
get tools
answers 'something newer is one line, and not taken' 0 "$here" 'packages.sh: tools: newer: *tool:amd64=2 *.ci/packages.sh pin tools*'
same 'that is one line' 1 "$(wc -l <"$scratch/err")"

rm -r "$cache"
get tools
answers 'what is gone from the mirror is replaced by something newer, which is said' 0 $'newer\ntools/tool_2_amd64.deb' '*newer: *'

rm -r "$cache" "$mirror/tool_2_amd64.deb"
mv "$scratch/tool_1_amd64.deb" "$mirror/"
touch "$mirror/away"
get tools
answers 'a mirror that is away is a skip' 4 '' '*skipped: no mirror*'

# Apt itself, at a port where no server listens.
before=$(find /etc/apt /var/lib/apt -printf '%p %s %T@\n' | sort)
status=0
XDG_CACHE_HOME=$cache RUBBER_DOCKER_PINNED=$pinned DEBIAN_MIRROR=http://127.0.0.1:1/debian \
    .ci/packages.sh get tools >"$scratch/out" 2>"$scratch/err" || status=$?
out=$(<"$scratch/out") err=$(<"$scratch/err")
answers 'so it is for the true apt' 4 '' '*skipped: *'
same "this machine's own apt is as it was" "$before" "$(find /etc/apt /var/lib/apt -printf '%p %s %T@\n' | sort)"

rm "$mirror/away"
get tools
printf x >>"$cache/rubber-docker/packages/tools/tool_1_amd64.deb"
get tools
answers 'a damaged file is fetched once more' 0 "$here" ''
printf x >>"$cache/rubber-docker/packages/tools/tool_1_amd64.deb"
touch "$mirror/away"
get tools
answers 'or is an error, with no mirror' 1 '' '*has not the SHA-256 that is pinned*'
rm "$mirror/away"

sed -i 's/ [0-9a-f]*$/ 0000/' "$pinned/tools"
get tools
answers 'a wrong sum is an error, with the file here' 1 '' '*has not the SHA-256 that is pinned*'
rm -r "$cache"
get tools
answers 'and without' 1 '' '*has not the SHA-256 that is pinned*'

# ---- machines that fail ----

modules=(fs/overlayfs/overlay drivers/net/veth net/llc/llc net/802/stp net/bridge/bridge drivers/block/brd)
offer linux-image-1 1 boot/vmlinuz-1 "${modules[@]/#/lib/modules/1/kernel/}"
(cd "$scratch" && mkdir x && dpkg-deb -R mirror/linux-image-1_1_amd64.deb x/p && cd x/p &&
    find lib -type f -exec mv {} {}.ko \; && dpkg-deb --root-owner-group -b . "$mirror/linux-image-1_1_amd64.deb" >/dev/null)
offer busybox-static 1 bin/busybox
for set in bookworm trixie sid; do
    printf '# suite: %s\n# wanted: linux-image busybox-static\n# kept: *\n' "$set" >"$pinned/linux-$set-amd64"
    with_these .ci/packages.sh pin "linux-$set-amd64"
done

# Says that one of two checks has failed, and that all else went well.
cat >"$scratch/bin/qemu-system-x86_64" <<'END'
#!/usr/bin/env bash
for word; do case $word in file,id=results,path=*) results=${word##*=} ;; esac; done
cat >"$results" <<'TOLD'
machine 1.2.3 x86_64
judged check
skip check something that is never judged
result rd 1 1 0 1 1
judged escape
result escapes 1 0 0 0 0
result doctor 1 0 0 0 0
result xray 1 0 0 0 0
finished
TOLD
END
chmod +x "$scratch/bin/qemu-system-x86_64"

# becomes MACHINE STATUS ROW NAME: what is behind the machine's name in the table, tabs as blanks
becomes() {
    local status=0
    rm -rf "$scratch/matrix"
    with_these .ci/qemu.sh "$1" >"$scratch/out" 2>&1 || status=$?
    if [ "$status" = "$2" ] && [ "$(sed -n "s/\t/ /g; s/^machine $1 //p" "$scratch/matrix/$1")" = "$3" ]; then
        ok "$4"
    else
        not_ok "$4" "status $status, expected $2; $(cat "$scratch/matrix/$1" "$scratch/out")"
    fi
}
# MACHINE: what is pinned is neither here nor on the mirror, which has another one
only_newer() {
    rm "$cache/rubber-docker/packages/linux-$1-amd64/"*
    sed -i 's/^linux-image-1 1 /linux-image-0 1 /' "$pinned/linux-$1-amd64"
}
becomes sid 1 '1.2.3 x86_64 4 1 1 ' 'a kernel that is pinned and fails is red'
only_newer sid
becomes sid 0 '1.2.3 x86_64 4 1 1 newer than what is pinned: a report' 'a newer one of sid that fails is a report'
only_newer trixie
becomes trixie 1 '1.2.3 x86_64 4 1 1 ' 'a newer one of a stable suite is red'
rm "$cache/rubber-docker/packages/linux-sid-amd64/"*
touch "$mirror/away"
becomes sid 0 'none x86_64 0 0 1 the mirror is away' 'with no mirror it is a skip that is counted'
rm -r "$cache"
becomes sid 0 'none x86_64 0 0 1 the mirror is away' 'also if nothing is here'

# ---- the table ----

rm -rf "$scratch/matrix"
mkdir "$scratch/matrix"
# tells MACHINE LINE...
tells() {
    local machine=$1
    shift
    printf 'machine\t%s\t1\tx\t1\t0\t1\t\n' "$machine" >"$scratch/matrix/$machine"
    printf '%s\n' "$@" >>"$scratch/matrix/$machine"
}
table() {
    status=0 err=''
    out=$(.ci/matrix.sh "$scratch/matrix" | sed 1d | sed 's/  *$//; s/  */ /g') || status=$?
}
tells one 'judged check' 'skip check this' 'skip check that'
tells two 'judged check' 'skip check that'
tells three 'judged escape'
table
answers 'a check that ran on no machine is red, and named' 1 $'one 1 x 1 0 1\nthree 1 x 1 0 1\ntwo 1 x 1 0 1\nskipped on every machine:\n check that' ''
tells three 'judged check' 'skip check this'
table
answers 'nothing is red that ran on one of them' 0 $'one 1 x 1 0 1\nthree 1 x 1 0 1\ntwo 1 x 1 0 1\nnothing is skipped everywhere' ''
rm "$scratch/matrix/"*
table
answers 'no machine at all is red' 1 '' ''
sums
