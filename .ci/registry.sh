#!/usr/bin/env bash
# Proves that an image comes out of a registry as it went in, and not at all if the
# registry is damaged, lies, or falls silent.
#
#   .ci/registry.sh
#
# An image of several layers, with all that layers can do, is made by umoci, pushed by
# skopeo to Debian's docker-registry, pulled and unpacked by us, and compared with what
# skopeo and umoci make of it, name by name. A second registry, registry/fake.py, tells
# lies. Everything listens on loopback only, and nothing leaves this machine.
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

tools() {
    local missing=() tool
    for tool in docker-registry skopeo umoci openssl perl python3 sudo; do
        if ! command -v "$tool" >/dev/null; then missing+=("$tool"); fi
    done
    if [ "${#missing[@]}" = 0 ]; then return; fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
if [ -z "${SECLUDED-}" ]; then
    tools
    cargo test -q -p registry
    cargo build -q -p registry -p rd --bins
fi
seclude "$@"

registry=$(program registry)
rd=$(program rd)
here=$PWD/.ci/registry
export HOME=$scratch/home DOCKER_CONFIG=$scratch/docker XDG_CACHE_HOME=$scratch/cache
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
mkdir -p "$HOME" "$DOCKER_CONFIG" "$XDG_CACHE_HOME"
printf '{"default": [{"type": "insecureAcceptAnything"}]}\n' >"$scratch/policy.json"
skopeo() { command skopeo --policy "$scratch/policy.json" "$@"; }

# ---- registries; they end with the process namespace that they are in ----

# serve NAME [VARIABLE=VALUE]...: Debian's, on a free port; its address is then in $address.
serve() {
    local name=$1
    shift
    printf 'version: 0.1\nlog: {accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "127.0.0.1:0"}\n' \
        "$scratch/storage" >"$scratch/$name.yml"
    env "$@" docker-registry serve "$scratch/$name.yml" >"$scratch/$name.log" 2>&1 &
    wait_until "$patience" grep -qs 'listening on' "$scratch/$name.log"
    address=$(sed -nE 's/.*listening on ([0-9.:]+).*/\1/p' "$scratch/$name.log" | head -n 1)
}

serve open
open=$address
# fake NAME [ARGUMENT]...: one that lies; its port is then in $port, and its log in NAME.log.
fake() {
    local name=$1
    shift
    python3 "$here/fake.py" "$scratch/$name.log" "$@" >"$scratch/$name.port" &
    wait_until "$patience" test -s "$scratch/$name.port"
    port=$(<"$scratch/$name.port")
}
fake fake
fake=127.0.0.1:$port
# layers REPOSITORY KEY: of its configuration and its layers, the digest or the size
layers() {
    curl -s "http://$fake/v2/$1/manifests/x" | python3 -c '
import json, sys
image = json.load(sys.stdin)
print(*(blob[sys.argv[1]] for blob in [image["config"], *image["layers"]]))' "$2"
}
read -r config first second < <(layers plain digest)
read -r _ _ bytes < <(layers plain size)

# ---- an image of five layers ----

oci=$scratch/oci
bundle=$scratch/bundle
umoci init --layout "$oci"
umoci new --image "$oci:made"
umoci unpack --image "$oci:made" "$bundle" >/dev/null
tree=$bundle/rootfs

# The lowest layer: programs of this machine, so that it can run, and files for the layers above
# to change.
"$rd" run true 2>/dev/null
tar -C "$tree" -xpf "$RUBBER_DOCKER_IMAGES/base.tar"
mkdir -p "$tree"/three/{tree/deep/er,opaque/deep,was-directory/deep,shared,directory,stays}
touch "$tree"/three/{tree/file,tree/deep/er/file,opaque/{old,.hidden},opaque/deep/old,was-directory/deep/file}
printf 'a file' >"$tree/three/was-file"
printf 'lower\n' >"$tree/three/lower"
printf 'gone\n' >"$tree/three/gone"
printf 'kept\n' >"$tree/three/stays/kept"
printf 'pair\n' >"$tree/three/pair-a"
ln "$tree/three/pair-a" "$tree/three/pair-b"
ln "$tree/three/pair-a" "$tree/three/stays/pair-c"
ln -s directory "$tree/three/link-to-directory"
ln -s /three/directory "$tree/three/absolute-link"
ln -s lower "$tree/three/was-link"
chmod 4711 "$tree/three/lower"
chown 33:33 "$tree/three/stays"
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.lower", b"\0\1\2")' "$tree/three/stays/kept"
umoci repack --image "$oci:made" --refresh-bundle "$bundle" >/dev/null

# Above it: what was removed, changed and added, as umoci finds it.
rm -r "$tree/three/directory" && mkdir "$tree/three/directory"
rm "$tree/etc/hosts" && printf 'changed\n' >"$tree/etc/profile"
chmod 700 "$tree/three/stays" && printf 'more\n' >"$tree/three/stays/more"
ln "$tree/three/stays/more" "$tree/three/stays/more-again"
umoci repack --image "$oci:made" --refresh-bundle "$bundle" >/dev/null

# A directory that hides everything below it, and then all that the specification allows.
mkdir -p "$scratch/insert/inner"
printf 'inserted\n' >"$scratch/insert/inner/file"
umoci insert --image "$oci:made" --opaque "$scratch/insert" /three/tree/deep
python3 "$here/layer.py" "$scratch/layer.tar"
umoci raw add-layer --image "$oci:made" "$scratch/layer.tar"
# And one that takes away what the one before has brought.
mkdir -p "$scratch/last/three"
touch "$scratch/last/three/.wh.twice"
tar -C "$scratch/last" -cf "$scratch/last.tar" three
umoci raw add-layer --image "$oci:made" "$scratch/last.tar"

# push SOURCE NAME [OPTION]...: to the open registry
push() {
    local source=$1 name=$2
    shift 2
    skopeo copy -q --dest-tls-verify=false "$@" "$source" "docker://$open/$name"
}
push "oci:$oci:made" test/three:1
skopeo copy -q --dest-compress --dest-compress-format zstd "oci:$oci:made" "oci:$scratch/zstd:made"
push "oci:$scratch/zstd:made" test/zstd:1
push "oci:$oci:made" test/docker:1 --format v2s2

# What skopeo and umoci make of it.
skopeo copy -q --src-tls-verify=false "docker://$open/test/three:1" "oci:$scratch/theirs:made"
umoci unpack --image "$scratch/theirs:made" "$scratch/their-bundle" >/dev/null
python3 "$here/tree.py" "$scratch/their-bundle/rootfs" >"$scratch/their-tree"

# ---- what is asserted ----

listing() { find "$RUBBER_DOCKER_IMAGES" -mindepth 1 -printf '%P %s %T@ %i\n' | sort; }
# Everything that a pull could leave behind, but blobs that are whole.
traces() {
    listing
    find "$XDG_CACHE_HOME" "$HOME" -mindepth 1 -type f ! -path '*/blobs/sha256-*'
    find "$XDG_CACHE_HOME" -path '*/blobs/sha256-*' | while read -r blob; do
        if [ "sha256-$(sha256sum <"$blob" | cut -d' ' -f1)" != "${blob##*/}" ]; then printf '%s\n' "$blob"; fi
    done
}

# images ARGUMENT...: leaves $status, $printed and $said, and how much memory it took in $peak
images() {
    status=0
    # For one that would wait for ever: then the status is another one.
    printed=$(python3 "$here/peak.py" "$scratch/peak" timeout 60 "$registry" "$@" 2>"$scratch/err") || status=$?
    said=$(<"$scratch/err")
    peak=$(<"$scratch/peak")
}
# pulled NAME ARGUMENT...: it works
pulled() {
    local name=$1
    shift
    images pull "$@"
    if [ "$status" = 0 ]; then ok "$name"; else not_ok "$name" "status $status: $said"; fi
}
# sent REPOSITORY: how many bytes of its layers were sent, as far as the log tells
sent() { awk -v path="^/v2/$1/blobs/" '$1 ~ path && $2 == "sent" { sum += $3 } END { print sum + 0 }' "$scratch/fake.log"; }
# refused NAME PATTERN ARGUMENT...: it fails, says why, and leaves everything as it was
refused() {
    local name=$1 pattern=$2 before
    shift 2
    before=$(traces)
    images pull "$@"
    if [ "$status" != 1 ]; then
        not_ok "$name" "status $status: $printed$said"
    elif ! grep -Eqi -- "$pattern" <<<"$said"; then
        not_ok "$name" "awaited: $pattern"$'\n'"said: $said"
    elif [[ $said == *panicked* || $said == *$'\n'* || $said == *$'\e'* ]]; then
        not_ok "$name" "more than a sentence: $said"
    elif [ "$peak" -gt 100 ]; then
        not_ok "$name" "it took $peak MiB of memory"
    elif [ "$before" != "$(traces)" ]; then
        not_ok "$name" "left behind: $(diff <(printf '%s\n' "$before") <(traces))"
    else
        ok "$name"
    fi
}
# interrupted NAME PATTERN ARGUMENT...: refused by the network; what came is kept for the next attempt
interrupted() {
    local name=$1 pattern=$2
    shift 2
    images pull "$@"
    if [ "$status" != 1 ]; then
        not_ok "$name" "status $status: $printed$said"
    elif ! grep -Eqi -- "$pattern" <<<"$said"; then
        not_ok "$name" "awaited: $pattern"$'\n'"said: $said"
    else
        ok "$name"
    fi
    same 'what came of it is kept, and for us alone' "600 sha256-${second#sha256:}.partial" \
        "$(find "$XDG_CACHE_HOME/rubber-docker/blobs" -name '*.partial' -printf '%m %f\n')"
}
# equals NAME IMAGE: unpacked by us, the tree is the one that umoci unpacked
equals() {
    local ours
    "$rd" run -i "$2" true 2>/dev/null || :
    ours=$(echo "$RUBBER_DOCKER_CONTAINERS/.images/$2-"*)
    python3 "$here/tree.py" "$ours" >"$scratch/our-tree" || :
    if diff "$scratch/their-tree" "$scratch/our-tree" >"$scratch/diff"; then
        ok "$1 ($(wc -l <"$scratch/our-tree") names)"
    else
        not_ok "$1" "$(grep -c '^[<>]' "$scratch/diff") lines differ (<: umoci, >: ours); the first: $(head -n 12 "$scratch/diff")"
    fi
}

# ---- as it went in ----

pulled 'an image of five layers is pulled' "$open/test/three:1"
same 'its name is made of the reference' 'base.tar three-1.tar' "$(cd "$RUBBER_DOCKER_IMAGES" && echo *)"
equals 'it is what skopeo and umoci make of it' three-1
same 'the cache of downloads is empty again' '' "$(find "$XDG_CACHE_HOME" -type f)"
pulled 'layers compressed with zstd' "$open/test/zstd:1"
equals 'they make the same' zstd-1
pulled "a manifest in Docker's own format" "$open/test/docker:1" --name in-dockers-format
equals 'it makes the same' in-dockers-format
pulled 'layers that are not compressed' "$fake/plain"
same 'they are merged' 'noise one two' "$(tar -tf "$RUBBER_DOCKER_IMAGES/plain.tar" | sort | xargs)"
same 'a container runs from a pulled image' 'changed' "$("$rd" run -i three-1 cat /etc/profile 2>/dev/null)"

script -qefc "$registry pull --name on-a-terminal $open/test/three:1" /dev/null >"$scratch/terminal" </dev/null || :
check 'on a terminal, a bar shows how far it is' grep -qa 'layer 1 of 5 .*iB of .*iB' "$scratch/terminal"
check 'and goes away again' grep -qaF 'pulled 127.0.0.1' "$scratch/terminal"

digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$open/test/three:1")
pulled 'an image is pulled by its digest' "$open/test/three@$digest" --name by-digest
equals 'it is the same' by-digest
same 'the list names what was pulled, and from where' "$open/test/three:1 $digest" \
    "$("$registry" list | awk '$1 == "three-1" { print $(NF-1), $NF }')"
same 'and what is unpacked' 'yes no' \
    "$("$registry" list | awk '$1 == "three-1" || $1 == "plain" { printf "%s ", $4 }' | awk '{ print $2, $1 }')"

before=$(listing)
pulled 'pulling it again is fine' "$open/test/three:1"
same 'it says that nothing has changed' 1 "$(grep -c 'up to date' <<<"$printed")"
same 'and nothing has' "$before" "$(listing)"
push "oci:$oci:made" test/three:1 --format v2s2
pulled 'a newer image under the same reference' "$open/test/three:1"
check 'takes the place of the old one' test "$before" != "$(listing)"

# ---- what an image says of its command: the FAQ's own transcript ----

mkdir -p "$scratch/user/etc"
printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:2033:2034::/srv/www:/bin/sh\n' >"$scratch/user/etc/passwd"
tar -C "$scratch/user" -cf "$scratch/user.tar" etc
umoci init --layout "$scratch/web"
umoci new --image "$scratch/web:web"
umoci raw add-layer --image "$scratch/web:web" "$RUBBER_DOCKER_IMAGES/base.tar"
umoci raw add-layer --image "$scratch/web:web" "$scratch/user.tar"
# shellcheck disable=SC2016 # the image's own
umoci config --image "$scratch/web:web" --config.env PATH=/usr/bin:/bin --config.env GREETING=hello \
    --config.cmd sh --config.cmd -c --config.cmd 'id -un; pwd; echo $GREETING' \
    --config.user web --config.workingdir /srv/www
push "oci:$scratch/web:web" web:1
check "the FAQ's transcript of a pulled image is true" \
    env REGISTRY="$open" target="$target" .ci/transcript.py docs/src/faq.md .ci/registry.sh

# ---- one of several machines ----

# put REPOSITORY TAG TYPE <MANIFEST
put() { curl -sS --fail-with-body -X PUT -H "Content-Type: $3" --data-binary @- "http://$open/v2/$1/manifests/$2"; }
case $(uname -m) in x86_64) machine=amd64 other=arm64 ;; aarch64) machine=arm64 other=amd64 ;; *) machine=$(uname -m) other=amd64 ;; esac
kind=application/vnd.oci.image.manifest.v1+json
manifest=$(skopeo inspect --raw --tls-verify=false "docker://$open/test/zstd:1")
# The other architecture's manifest differs by an annotation only, and so in its digest.
annotated=${manifest%\}}',"annotations":{"for":"another machine"}}'
# entry MANIFEST ARCHITECTURE
entry() {
    printf '{"mediaType":"%s","digest":"sha256:%s","size":%d,"platform":{"os":"linux","architecture":"%s"}}' \
        "$kind" "$(printf %s "$1" | sha256sum | cut -d' ' -f1)" "${#1}" "$2"
}
printf %s "$annotated" | put test/zstd other "$kind"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s,%s]}' \
    "$(entry "$annotated" "$other")" "$(entry "$manifest" "$machine")" |
    put test/zstd index application/vnd.oci.image.index.v1+json
pulled 'of an index' "$open/test/zstd:index"
same "the manifest of $machine is taken" "sha256:$(printf %s "$manifest" | sha256sum | cut -d' ' -f1)" \
    "$("$registry" list | awk '$1 == "zstd-index" { print $NF }')"
equals 'and it makes the same' zstd-index
# taken NAME REPOSITORY: its layers are those of the usual image
taken() {
    pulled "$1" "$fake/$2"
    same 'the right one is taken' 'noise one two' "$(tar -tf "$RUBBER_DOCKER_IMAGES/$2.tar" | sort | xargs)"
}
taken 'an index with a variant that this machine is not, and a plain one' variant
taken 'an index with one entry that does not say what it is for' no-platform
taken 'or that says it in an empty list' half-a-platform
taken 'an index with several of those' no-platforms
refused 'an index with such variants alone' "there is none for linux/$machine.*linux/$machine/v99" "$fake/variants"
refused 'an index in an index' 'lists another index' "$fake/nested"

# ---- passwords ----

# A password's hash as the registry wants it: bcrypt, which crypt(3) knows.
# shellcheck disable=SC2016 # perl's own
printf 'learner:%s\n' "$(perl -e 'print crypt("secret", q($2y$05$abcdefghijklmnopqrstuu))')" >"$scratch/htpasswd"
serve closed REGISTRY_AUTH=htpasswd REGISTRY_AUTH_HTPASSWD_REALM=test REGISTRY_AUTH_HTPASSWD_PATH="$scratch/htpasswd"
closed=$address
# config USER:PASSWORD
config() { printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$closed" "$(printf %s "$1" | base64)" >"$DOCKER_CONFIG/config.json"; }
refused 'without credentials: 401' '401.*docker login' "$closed/test/three:1" --name closed
config learner:wrong
refused 'with a wrong password' "401.*user name and password in $DOCKER_CONFIG/config.json" "$closed/test/three:1" --name closed
rm "$DOCKER_CONFIG/config.json"
command skopeo login --tls-verify=false --authfile "$DOCKER_CONFIG/config.json" -u learner -p secret "$closed" >/dev/null
pulled 'with the right password, as skopeo writes it' "$closed/test/three:1" --name closed
equals 'it is the same image' closed
mkdir "$scratch/helpers"
# shellcheck disable=SC2016 # the helper's own
printf '#!/bin/sh\nread -r server\n[ "$server" = "%s" ] || { echo "credentials not found in native keychain"; exit 1; }\n%s\n' "$closed" \
    "echo '{\"ServerURL\":\"x\",\"Username\":\"learner\",\"Secret\":\"secret\"}'" >"$scratch/helpers/docker-credential-test"
chmod 755 "$scratch/helpers/docker-credential-test"
printf '{"credsStore":"test"}\n' >"$DOCKER_CONFIG/config.json"
PATH=$scratch/helpers:$PATH pulled 'with a credential helper' "$closed/test/three:1" --name by-helper
PATH=$scratch/helpers:$PATH pulled 'a helper that knows of no credentials is fine where none are needed' "$fake/plain" --name no-helper
refused 'a helper that is not there' 'docker-credential-NAME' "$closed/test/three:1" --name by-helper-2
printf 'this is no JSON' >"$DOCKER_CONFIG/config.json"
refused 'a configuration that is no JSON' 'must be JSON' "$closed/test/three:1" --name closed-2
rm "$DOCKER_CONFIG/config.json"

# ---- TLS ----

cp /etc/hosts "$scratch/hosts"
printf '127.0.0.1 registry.test other.test\n' >>"$scratch/hosts"
mount --bind "$scratch/hosts" /etc/hosts
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=a test authority' \
    -keyout "$scratch/ca.key" -out "$scratch/ca.pem" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj '/CN=registry.test' -keyout "$scratch/tls.key" -out "$scratch/tls.csr" 2>/dev/null
openssl x509 -req -days 2 -in "$scratch/tls.csr" -CA "$scratch/ca.pem" -CAkey "$scratch/ca.key" -CAcreateserial \
    -extfile <(printf 'subjectAltName=DNS:registry.test\nbasicConstraints=CA:FALSE\n') -out "$scratch/tls.pem" 2>/dev/null
serve tls REGISTRY_HTTP_TLS_CERTIFICATE="$scratch/tls.pem" REGISTRY_HTTP_TLS_KEY="$scratch/tls.key"
port=${address##*:}
refused 'a certificate of an unknown authority' 'certificate.*SSL_CERT_FILE' "registry.test:$port/test/three:1" --name tls
export SSL_CERT_FILE=$scratch/ca.pem
pulled 'with TLS, and the authority named' "registry.test:$port/test/three:1" --name tls
equals 'it is the same image again' tls
refused 'a certificate for another name' 'certificate' "other.test:$port/test/three:1" --name other
refused 'a host that does not speak TLS' 'does not speak TLS.*--plain-http' "registry.test:${open##*:}/test/three:1" --name plain-2
pulled 'which has to be asked for' --plain-http "registry.test:${open##*:}/test/three:1" --name plain-2

# ---- where passwords go ----

# login PORT: we have a password for the registry there.
login() {
    printf '{"auths":{"registry.test:%s":{"auth":"%s"}, "127.0.0.1:%s":{"auth":"%s"}}}\n' \
        "$1" "$(printf learner:secret | base64)" "$1" "$(printf learner:secret | base64)" >"$DOCKER_CONFIG/config.json"
}
password="Basic $(printf learner:secret | base64)"
# asked_as LOG PATTERN: as whom that was asked for
asked_as() { grep -E "$2" "$scratch/$1.log" | sed 's/^[^ ]* //' | sort -u | xargs; }

fake other SELF/token "$scratch/tls.pem" "$scratch/tls.key"
other=registry.test:$port
ELSEWHERE=https://$other fake safe SELF/token "$scratch/tls.pem" "$scratch/tls.key"
login "$port"
safe=registry.test:$port
pulled 'a token is asked for with the password' "$safe/plain" --name by-token
same 'which goes where the registry says' "$password" "$(asked_as safe '^/token')"
same 'and the token is for the rest' 'Bearer good' "$(asked_as safe '/(manifests|blobs)/')"
refused 'a password that is not the right one' '401.*user name and password' "$safe/token-refused"
refused 'a token with a line feed' 'asked for a token, and what came is none' "$safe/token-odd"
refused 'a token that is a number' 'asked for a token, and what came is none' "$safe/token-number"
refused 'a page instead of a token' 'asked for a token, and what came is none' "$safe/token-page"
refused 'a token without an end' 'more than 4194304 bytes' "$safe/large-token"
refused 'a token byte by byte' 'not answered within 1 seconds' --timeout 1 "$safe/slow-token"
pulled 'a realm that sends us on to another host' "$safe/token-elsewhere" --name sent-on
same 'gets the password, and the other host does not' '-' "$(asked_as other '^/token')"
: >"$scratch/other.log"
refused 'a blob that is elsewhere' '401' "$safe/moved"
same 'is asked for there without the token' '-' "$(asked_as other '/moved/blobs/')"

fake clear SELF/token
clear=127.0.0.1:$port
ELSEWHERE=http://$clear fake falling SELF/token "$scratch/tls.pem" "$scratch/tls.key"
login "$port"
refused 'a realm that sends us on from https to http' 'not followed.*from https to http' "registry.test:$port/token-in-the-clear"
refused 'a blob that is sent on from https to http' 'not followed.*from https to http' "registry.test:$port/moved"
same 'not one request came by http' '' "$(cat "$scratch/clear.log")"
fake downgrade "http://$clear/token" "$scratch/tls.pem" "$scratch/tls.key"
login "$port"
refused 'https, and a realm without' 'without TLS.*nothing was sent there' "registry.test:$port/plain" --name downgrade
same 'not one request came by http' '' "$(cat "$scratch/clear.log")"
fake away "http://registry.test:${clear##*:}/token"
login "$port"
refused 'http here, and a realm elsewhere' 'another host.*nothing was sent there' "127.0.0.1:$port/plain" --name away
same 'not one request came there' '' "$(cat "$scratch/clear.log")"
fake nonsense 'file:///etc/passwd'
refused 'a realm that is a file' 'nothing was sent there' "127.0.0.1:$port/plain" --name nonsense
login "${clear##*:}"
pulled 'http here, and a realm here' "$clear/plain" --name by-clear-token
same 'gets the password' "$password" "$(asked_as clear '^/token')"
rm "$DOCKER_CONFIG/config.json"
unset SSL_CERT_FILE

# ---- lies, silence and damage ----

refused 'a layer that is damaged' 'layer 2 of 2 is damaged.*nothing of it was kept' "$fake/damaged"
check 'what is whole is kept for the next time' test -n "$(find "$XDG_CACHE_HOME" -path '*/blobs/sha256-*')"
refused 'a layer that is longer than the manifest says' 'promised.*more came' "$fake/shorter"
refused 'a layer that is shorter than the manifest says' 'not as long as was promised' "$fake/longer"
refused 'a size below nothing' 'size of -1' "$fake/negative"
refused 'a layer without an end' 'more came' "$fake/endless"
refused 'a layer of 9e18 bytes' '9000000000000000000 bytes, which no registry keeps' "$fake/absurd"
refused 'a layer of 1e30 bytes' 'malformed' "$fake/larger-than-any-number"
refused 'a thousand layers' '1000 layers' "$fake/many-layers"
same 'no layer of these was asked for' '' "$(grep -E '/(absurd|larger-than-any-number|many-layers)/blobs/' "$scratch/fake.log" | grep -v "$config" || :)"
refused 'a manifest that is shorter than the index says' 'not as long as was promised' "$fake/large-manifest"
refused 'another manifest than the index says' 'its manifest is damaged, or another one' "$fake/other-manifest"
interrupted 'a layer that stops coming' 'not answered for 1 seconds' --timeout 1 "$fake/stalling"
half=$(stat -c %s "$XDG_CACHE_HOME/rubber-docker/blobs/sha256-${second#sha256:}.partial")
pulled 'the next attempt' "$fake/stalling" --name goes-on
same 'goes on where it stopped' "$bytes" "$((half + $(sent stalling)))"
same 'and it is whole' 'noise one two' "$(tar -tf "$RUBBER_DOCKER_IMAGES/goes-on.tar" | sort | xargs)"
refused 'a registry that does not answer' 'not answered within 1 seconds' --timeout 1 "$fake/silent"

# Bytes without an end: what is small is not read on when it is large.
for what in manifests blobs; do
    refused "$what: 700 MB that are announced" 'sends 700000000 bytes' "$fake/large-$what-announced"
    refused "$what: 700 MB that are not" 'more than 4194304 bytes' "$fake/large-$what-unannounced"
    refused "$what: in chunks without an end" 'more than 4194304 bytes' "$fake/large-$what-chunks"
    refused "$what: a few that would become 70 MB" 'compressed \(gzip\)' "$fake/large-$what-compressed"
    refused "$what: a head without an end" 'connection .* broke' "$fake/large-$what-head"
    refused "$what: a refusal of 700 MB" 'no image' "$fake/large-$what-refusal"
done

# Time without an end: a byte now and then is no answer. Within a second there should be
# one, and the machine may be busy.
for what in manifests blobs; do
    for how in head hints body chunks; do
        SECONDS=0
        refused "$what: a byte now and then ($how)" 'not answered within 1 seconds' --timeout 1 "$fake/slow-$what-$how"
        check 'and it is not waited for' test "$SECONDS" -lt 6
    done
    SECONDS=0
    refused "$what: a refusal byte by byte" 'no image' --timeout 1 "$fake/slow-$what-refusal"
    check 'and it is not waited for' test "$SECONDS" -lt 6
done
SECONDS=0
interrupted 'a layer that comes byte by byte' 'sent [0-9]+ bytes in 2 seconds' --timeout 2 "$fake/trickling"
check 'and it is not waited for' test "$SECONDS" -lt 9
interrupted 'a connection that breaks again and again' 'layer 2 of 2 did not come' "$fake/breaking"
for way in '' -not-that -from-another -all-again; do
    # Of what an earlier attempt has left of the same layer, nothing is to be seen here.
    rm -f "$XDG_CACHE_HOME"/rubber-docker/blobs/*.partial
    taken "a layer that is cut in the middle ($way)" "cut$way"
    case $way in '') awaited=$bytes ;; *) awaited=$((bytes + bytes / 2)) ;; esac
    same 'no byte is sent twice, unless the registry wants it so' "$awaited" "$(sent "cut$way")"
done
refused 'a layer whose second half is another one' 'layer 2 of 2 is damaged' "$fake/cut-another"
refused 'a layer whose second half is too long' 'not as long as was promised' "$fake/cut-too-much"
pulled 'a layer whose connection breaks ten times' "$fake/cut-often"
same 'no byte is sent twice' "$(layers cut-often size | awk '{ print $3 }')" "$(sent cut-often)"
pulled 'a layer whose connection falls silent twice' --timeout 1 "$fake/cut-silently"
same 'no byte is sent twice there either' "$(layers cut-silently size | awk '{ print $3 }')" "$(sent cut-silently)"
refused 'an index without this machine' 'there is none for linux/.*s390x' "$fake/elsewhere"
refused 'an image for another machine' 'it is for linux/s390x' "$fake/foreign"
refused 'a layer that leads out' '"\.\.", which could lead out' "$fake/evil"
refused 'a layer that is cut short' 'layer 2 of 2 cannot be used.*cut short' "$fake/cut-layer"
refused 'a layer that is no archive' 'layer 2 of 2 cannot be used' "$fake/broken-layer"
refused 'a digest that is a path' 'passwd" as a digest' "$fake/odd-digest"
refused 'an image without layers' 'no layer' "$fake/no-layers"
refused 'what is no image' 'no container image' "$fake/chart"
refused 'a manifest with two meanings' 'both an index and an image' "$fake/both"
refused 'a manifest of the first version' 'first version' "$fake/first-version"
refused 'a manifest as dense as can be' 'malformed' "$fake/dense"
refused 'a page instead of a manifest' 'malformed' "$fake/page"
refused '429' 'too many requests' "$fake/too-many"
refused '429, and an hour to wait' 'in trouble.*504.*3600 seconds' "$fake/busy-504-manifests-1"
for what in manifests blobs; do
    for code in 429 502 503; do taken "$what: $code, and better the next time" "busy-$code-$what-1"; done
    taken "$what: a connection that is reset, and the next two as well" "broken-$what-2"
done
refused '502 again and again' 'in trouble.*502' "$fake/busy-502-manifests-99"
refused 'a connection that is reset again and again' 'broke' "$fake/broken-manifests-99"
same 'each was asked for four times' 4 "$(grep -c '/busy-502-manifests-99/' "$scratch/fake.log")"
refused '403' 'docker login' "$fake/denied"
refused '404' 'no image "missing" with the tag latest' "$fake/missing"
refused '404 by a real registry' 'no image "test/three" with the tag nope' "$open/test/three:nope"
refused '503' 'in trouble.*503' "$fake/trouble"
refused 'an unknown host' 'no host is called' "registry.invalid/x"
refused 'a port without a server' 'listens at' "127.0.0.1:1/x"
refused 'no reference' 'lower case' "Alpine"
refused 'an address' 'leave https://' "https://$open/test/three:1"
refused 'a name that is none' 'no name of an image' "$fake/plain" --name ../x
refused 'the name of base' 'made of this machine.s own programs' "$fake/plain" --name base
refused 'a name that is taken' 'there is an image.*already' "$fake/plain" --name three-1
cp "$RUBBER_DOCKER_IMAGES/base.tar" "$RUBBER_DOCKER_IMAGES/mine.tar"
refused 'an archive that was not pulled is never replaced' 'was not pulled' "$fake/plain" --name mine

# A layer of an image that is on its way.
refused 'a layer that is damaged the first time' 'layer 2 of 2 is damaged' "$fake/damaged-once"
pulled 'the second time works' "$fake/damaged-once"
check 'and the first layer was not asked for again' test "$(grep -c "damaged-once/blobs/$first" "$scratch/fake.log")" -le 1

refused 'once more' 'layer 2 of 2 is damaged' "$fake/damaged-once-more"
kept=$(find "$XDG_CACHE_HOME" -path '*/blobs/sha256-*' | head -n 1)
check 'the first layer is kept' test -s "$kept"
dd if=/dev/zero of="$kept" bs=512 count=2 conv=notrunc status=none
pulled 'when it is damaged on the disk, it is not used' "$fake/damaged-once-more"
same 'but asked for again' 'first layer' "$(tar -xOf "$RUBBER_DOCKER_IMAGES/damaged-once-more.tar" one || :)"

# Half-way, and killed.
before=$(traces)
: >"$scratch/fake.log"
"$registry" pull --timeout 600 "$fake/stalling" 2>"$scratch/err" &
pull=$!
wait_until "$patience" grep -q "stalling/blobs/$second" "$scratch/fake.log"
kill -KILL "$pull"
wait "$pull" 2>/dev/null || :
same 'of a pull that is killed, what came is left' "sha256-${second#sha256:}.partial" \
    "$(diff <(printf '%s\n' "$before") <(traces) | sed -n 's/^>.*blobs.//p')"
# What is left may have been damaged meanwhile, as when the power fails.
dd if=/dev/zero of="$XDG_CACHE_HOME/rubber-docker/blobs/sha256-${second#sha256:}.partial" bs=1000 count=1 conv=notrunc status=none
: >"$scratch/fake.log"
pulled 'when that is damaged' "$fake/cut-all-again" --name after-damage
check 'all of it is asked for again' grep -q "cut-all-again/blobs/$second" "$scratch/fake.log"
same 'and it is whole' 'noise one two' "$(tar -tf "$RUBBER_DOCKER_IMAGES/after-damage.tar" | sort | xargs)"
same 'nothing of it is left' "$before" "$(traces | grep -v after-damage)"

mount -t tmpfs -o size=600k,mode=755 none "$XDG_CACHE_HOME"
refused 'a cache directory without room' 'no room for its layers' "$fake/plain" --name no-room
same 'no layer was asked for' '' "$(grep "plain/blobs/$second" "$scratch/fake.log" || :)"
umount "$XDG_CACHE_HOME"
mount -t tmpfs -o size=60m,mode=755 none "$XDG_CACHE_HOME"
refused 'two layers that there is no room for' 'no room for its layers.*64424509440 bytes' "$fake/large"
# Others write to the disk while a layer comes.
images pull "$fake/steady" &
pull=$!
half_way() { find "$XDG_CACHE_HOME" -name '*.partial' -size +9M | grep -q .; }
wait_until "$patience" half_way || :
dd if=/dev/zero of="$XDG_CACHE_HOME/others" bs=1M count=30 status=none || :
touch "$scratch/fake.log.go"
wait "$pull" || :
check 'a disk that fills up meanwhile' grep -q 'no room for the rest of layer 1 of 1' "$scratch/err"
check 'a layer is not written until nothing is left' test "$(df -k --output=avail "$XDG_CACHE_HOME" | tail -n 1)" -gt 1000
umount "$XDG_CACHE_HOME"

# ---- whose the cache is ----

# as every user may make it in /tmp
shared=$scratch/shared
install -d -m 1777 "$shared"
install -d -m 777 -o 65534 -g 65534 "$shared"/rubber-docker{,/blobs}
homeless() { env -u HOME -u XDG_CACHE_HOME TMPDIR="$shared" "$@"; }
status=0
homeless "$registry" pull "$fake/damaged" >"$scratch/out" 2>"$scratch/err" || status=$?
same 'without a home, a damaged layer' 1 "$status"
same "leaves nothing where others could change it" '' "$(find "$shared" -type f)"
check 'and a good one is pulled' homeless "$registry" pull "$fake/plain" --name homeless
same 'which leaves nothing either' '' "$(find "$shared" -type f)"
XDG_CACHE_HOME=$shared refused "a cache directory of another user" 'rubber-docker belongs to user 65534.*XDG_CACHE_HOME' "$fake/damaged"
same 'nothing was put there' '' "$(find "$shared" -type f)"
rm -r "$shared/rubber-docker" && mkdir "$shared/rubber-docker" "$scratch/aside" && ln -s "$scratch/aside" "$shared/rubber-docker/blobs"
XDG_CACHE_HOME=$shared refused 'one that is a link' 'no directory' "$fake/damaged"
rm "$shared/rubber-docker/blobs" && install -d -m 777 "$shared/rubber-docker/blobs"
XDG_CACHE_HOME=$shared images pull "$fake/damaged-once-again"
same 'one that is open to others is closed' 700 "$(stat -c %a "$shared/rubber-docker/blobs")"
# A layer that is right, and that another user can still write to: it is not used.
chown 65534 "$shared"/rubber-docker/blobs/sha256-*
: >"$scratch/fake.log"
XDG_CACHE_HOME=$shared pulled 'a layer of another user' "$fake/damaged-once-again"
check 'is asked for again' grep -q "damaged-once-again/blobs/$first" "$scratch/fake.log"
rm "$shared"/rubber-docker/blobs/* 2>/dev/null || :
mkfifo "$shared/rubber-docker/blobs/sha256-${first#sha256:}"
XDG_CACHE_HOME=$shared pulled 'a FIFO in the place of a layer is not waited for' "$fake/plain" --name fifo
mkdir "$scratch/full"
mount -t tmpfs -o size=64k,mode=755 none "$scratch/full"
refused 'an image directory without room' 'ENOSPC.*make room' --image-dir "$scratch/full" "$fake/plain"
same 'nothing is left in it' '' "$(ls -A "$scratch/full")"
umount "$scratch/full"

# ---- gone again ----

"$rd" run -i by-digest sh -c 'echo up; read -r line' < <(sleep infinity) >"$scratch/up" 2>/dev/null &
container=$!
wait_until "$patience" test -s "$scratch/up"
images rm by-digest
same 'rm of an image that a container stands on' 0 "$status"
same 'says that its tree stays' 1 "$(grep -c '^kept .*a running container' <<<"$printed")"
check 'and it does' test -n "$(find "$RUBBER_DOCKER_CONTAINERS/.images" -maxdepth 1 -name 'by-digest-*')"
check 'its archive is gone' test ! -e "$RUBBER_DOCKER_IMAGES/by-digest.tar"
kill -TERM "$container"
wait "$container" || :
images rm by-digest
same 'the second time' 0 "$status"
same 'the tree goes, too' '' "$(find "$RUBBER_DOCKER_CONTAINERS/.images" -maxdepth 1 -name 'by-digest-*')"
images rm by-digest
same 'the third time there is no such image' 1 "$status"
check 'and it says which there are' grep -q 'there is no image "by-digest".*three-1' <<<"$said"
images rm ../base
same 'what is no name is refused' 1 "$status"

# ---- an ordinary user ----

theirs=$scratch/nobodys
install -d -o 65534 -g 65534 -m 700 "$theirs"
install -d -o 65534 -g 65534 "$theirs"/{bin,home,images,containers}
cp "$registry" "$theirs/bin/"
# as_nobody IMAGE-DIR COMMAND...
as_nobody() {
    local images=$1
    shift
    setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$theirs/home" XDG_CACHE_HOME= \
        RUBBER_DOCKER_IMAGES="$images" RUBBER_DOCKER_CONTAINERS="$theirs/containers" "$@"
}
check 'an ordinary user pulls into a directory of their own' as_nobody "$theirs/images" "$theirs/bin/registry" pull "$open/test/three:1"
same 'the archive is theirs' '65534 644' "$(stat -c '%u %a' "$theirs/images/three-1.tar")"
cp "$theirs/images/three-1.tar" "$RUBBER_DOCKER_IMAGES/pulled-by-nobody.tar"
equals 'owners and setuid bits are right in it' pulled-by-nobody
check 'they list it' as_nobody "$theirs/images" "$theirs/bin/registry" list
check 'they remove it' as_nobody "$theirs/images" "$theirs/bin/registry" rm three-1
same 'and it is gone' '' "$(ls -A "$theirs/images")"
same 'nothing of theirs is root'\''s' '' "$(find "$theirs" ! -user 65534 ! -path '*/bin/*')"

# Where the directory is root's, `registry` has sudo put the archive there, and no more.
cp -a /etc "$scratch/etc"
mount --bind "$scratch/etc" /etc
printf 'nobody ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/rubber-docker-ci
chmod 440 /etc/sudoers.d/rubber-docker-ci
# The program finds as-root in the checkout, and the user must be able to walk there.
chmod 755 "$scratch"
if as_nobody / test -x "$PWD/.cargo/as-root"; then
    install -d -m 700 "$scratch/roots"
    check "an ordinary user pulls into root's directory" as_nobody "$scratch/roots" "$theirs/bin/registry" pull "$open/test/three:1"
    same "the archive is root's" '0 644' "$(stat -c '%u %a' "$scratch/roots/three-1.tar")"
    cp "$scratch/roots/three-1.tar" "$RUBBER_DOCKER_IMAGES/put-by-root.tar"
    equals 'it is the same image' put-by-root
    check 'they list it, by sudo' grep -q '^three-1 ' <(as_nobody "$scratch/roots" "$theirs/bin/registry" list)
    check 'they remove it, by sudo' as_nobody "$scratch/roots" "$theirs/bin/registry" rm three-1
    same 'and it is gone from there' '' "$(ls -A "$scratch/roots")"
    same 'nothing of theirs has become root'\''s' '' "$(find "$theirs" ! -user 65534 ! -path '*/bin/*')"
    rm /etc/sudoers.d/rubber-docker-ci
    status=0
    said=$(as_nobody "$scratch/roots" "$theirs/bin/registry" pull "$open/test/three:1" 2>&1) || status=$?
    same 'who may not use sudo' 1 "$status"
    check 'is told so before anything is downloaded' grep -q 'needs root' <<<"$said"
    same 'and nothing is there' '' "$(ls -A "$scratch/roots")"
else
    skip "root's directory" "user 65534 cannot reach $PWD"
fi
sums
