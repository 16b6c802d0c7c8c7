#!/usr/bin/env bash
# Proves that images need not be packed for us: one Debian, saved as skopeo saves for
# `docker load` and as an OCI archive, and packed with xz and as .tgz, runs with one command.
#
#   .ci/saved-images.sh
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
if [ -z "${SECLUDED-}" ]; then cargo build -q -p registry -p rd --bins; fi
seclude "$@"

rd=$(program rd)
archive=$(debian_archive)
mounts_before=$(mount_table)

# An image of two layers: the Debian, and a layer that removes a file and adds another.
layout=$scratch/layout
umoci init --layout "$layout"
umoci new --image "$layout:debian"
umoci raw add-layer --image "$layout:debian" "$archive"
mkdir "$scratch/upper"
printf 'second layer\n' >"$scratch/upper/layer"
: >"$scratch/upper/.wh.media"
tar -C "$scratch/upper" -cf "$scratch/upper.tar" .
umoci raw add-layer --image "$layout:debian" "$scratch/upper.tar"

skopeo copy -q --insecure-policy "oci:$layout:debian" "docker-archive:$scratch/docker.tar:debian:12"
skopeo copy -q --insecure-policy "oci:$layout:debian" "oci-archive:$scratch/oci.tar:debian"
mv "$scratch/docker.tar" "$RUBBER_DOCKER_IMAGES/docker.tar"
mv "$scratch/oci.tar" "$RUBBER_DOCKER_IMAGES/oci.tar"
xz -0 -T2 -c "$archive" >"$RUBBER_DOCKER_IMAGES/debian.tar.xz"
gzip -1 -c "$archive" >"$RUBBER_DOCKER_IMAGES/alpine.tgz"

# runs IMAGE: one command, and it is that Debian.
runs() {
    local image=$1 printed status=0
    printed=$("$rd" run -i "$image" -- cat /etc/os-release 2>"$scratch/err") || status=$?
    if [ "$status" = 0 ] && grep -q "^VERSION_CODENAME=$debian_suite\$" <<<"$printed"; then
        ok "$image runs with one command"
    else
        not_ok "$image runs with one command" "status $status: $printed $(<"$scratch/err")"
    fi
}

for image in docker oci debian alpine debian.tar.xz; do runs "$image"; done
for image in docker oci; do
    same "the second layer of $image is on top" 'second layer' "$("$rd" run -i "$image" -- cat /layer 2>/dev/null)"
    check "and what it takes away from $image is gone" \
        "$rd" run -i "$image" -- sh -c '! test -e /media && test -e /mnt'
    same "nothing of the box of $image is left" '' \
        "$("$rd" run -i "$image" -- sh -c 'cd / && ls -d blobs manifest.json index.json oci-layout' 2>/dev/null)"
done

# ---- the FAQ's own transcript, of an image that says how it wants to be run ----

# A user that this machine does not have, so that only the image can know its numbers.
mkdir -p "$scratch/user/etc"
printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:2033:2034::/srv/www:/bin/sh\n' >"$scratch/user/etc/passwd"
printf 'root:x:0:\nweb:x:2034:\n' >"$scratch/user/etc/group"
tar -C "$scratch/user" -cf "$scratch/user.tar" etc
"$rd" run true 2>/dev/null
mkdir "$scratch/faq"
umoci init --layout "$scratch/faq/layout"
umoci new --image "$scratch/faq/layout:web"
umoci raw add-layer --image "$scratch/faq/layout:web" "$RUBBER_DOCKER_IMAGES/base.tar"
umoci raw add-layer --image "$scratch/faq/layout:web" "$scratch/user.tar"
# shellcheck disable=SC2016 # the image's own
umoci config --image "$scratch/faq/layout:web" --config.env PATH=/usr/bin:/bin --config.env GREETING=hello \
    --config.cmd sh --config.cmd -c --config.cmd 'id -un; pwd; echo $GREETING' \
    --config.user web --config.workingdir /srv/www
printf '{"default": [{"type": "insecureAcceptAnything"}]}\n' >"$scratch/policy.json"
mkdir -p "$scratch/home/.config/containers"
cp "$scratch/policy.json" "$scratch/home/.config/containers/"
transcript() (cd "$scratch/faq" && HOME=$scratch/home XDG_CACHE_HOME=$scratch/home/cache target=$target "$repository/.ci/transcript.py" \
    "$repository/docs/src/faq.md" .ci/saved-images.sh)
repository=$PWD
check "the FAQ's transcript of saved images is true" transcript
cp "$scratch/faq/web-oci.tar" "$RUBBER_DOCKER_IMAGES/as-it-is.tar"
# shellcheck disable=SC2016 # theirs to expand
same 'as it is, without an import, it runs as its user' 2033:2034 \
    "$("$rd" run -i as-it-is sh -c 'echo $(id -u):$(id -g)' 2>/dev/null)"
same "--user has the last word" 7 "$("$rd" run -i as-it-is --user 7 id -u 2>/dev/null)"
# Untrusted: the names of this machine are not the image's.
umoci config --image "$scratch/faq/layout:web" --tag thief --config.user nobody
skopeo copy -q --insecure-policy "oci:$scratch/faq/layout:thief" "oci-archive:$RUBBER_DOCKER_IMAGES/thief.tar:thief"
status=0
said=$("$rd" run -i thief true 2>&1) || status=$?
same 'a user that only this machine knows is none' 125 "$status"
check 'and the sentence says so' grep -q 'its /etc/passwd has no such user' <<<"$said"
# A directory that leads to the host: through a link, and through /proc.
for start in /proc/1/root/root /proc/self/fd/0 /etc/passwd; do
    umoci config --image "$scratch/faq/layout:web" --tag start --config.workingdir "$start"
    skopeo copy -q --insecure-policy "oci:$scratch/faq/layout:start" "oci-archive:$scratch/start.tar:start"
    mv "$scratch/start.tar" "$RUBBER_DOCKER_IMAGES/start.tar"
    status=0
    said=$("$rd" run -i start pwd 2>&1) || status=$?
    same "$start is not where a command starts" "125 (WorkingDir)" "$status $(grep -o '(WorkingDir)' <<<"$said")"
done

same 'the mount table is as before' "$mounts_before" "$(mount_table)"
same 'of the containers only the cache is left' .images "$(ls -A "$RUBBER_DOCKER_CONTAINERS")"
sums
