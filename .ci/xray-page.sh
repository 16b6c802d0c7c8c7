#!/usr/bin/env bash
# The page of an x-ray: makes it anew and compares it with the committed one, makes the pages of
# real runs of every level, and of the parts' solutions, and opens them in headless Chromium.
#
#   .ci/xray-page.sh [SCREENSHOTS]
#
# Needs chromium, npm and the finished programs: cargo build --workspace --bins
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug
screenshots=${1:+$(realpath -m "$1")}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Images and containers are root's; the records and pages are ours.
scratch=$(mktemp -d)
store=$(as_root mktemp -d)
trap 'rm -rf "$scratch"; as_root rm -rf --one-file-system "$store"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export RUBBER_DOCKER_IMAGES=$store/images RUBBER_DOCKER_CONTAINERS=$store/containers

# record NAME STATUS PROGRAM [ARG]...: a run, as JSON and as a page. The status is the level's.
record() {
    local name=$1 status=$2 program=$3
    shift 3
    if [ ! -x "$target/$program" ]; then
        printf '%s is not there; build it first: cargo build --workspace --bins\n' "$target/$program" >&2
        exit 1
    fi
    : >"$scratch/$name.record"
    .cargo/as-root "$target/xray" record --output "$scratch/$name.record" "$target/$program" run "$@" \
        </dev/null >"$scratch/$name.log" 2>&1 || { cat "$scratch/$name.log" >&2; exit 1; }
    "$target/xray" json --course . "$scratch/$name.record" >"$scratch/$name.json"
    "$target/xray" page --course . "$scratch/$name.record" >"$scratch/$name.html"
    grep -qF "\"end\":{\"status\":$status}" "$scratch/$name.json" || { printf '%s: another status than %s\n' "$name" "$status" >&2; exit 1; }
}

# The solution of a level is the next one's program, and of a part's last level the part's.
for directory in levels/[0-9]*_*; do
    number=${directory#levels/}
    record "level${number%%_*}" 0 "level${number%%_*}" true
done
record complete 0 complete true
record rd 0 rd true
record options 0 rd --memory 20m --cpu-shares 200 --user 1000 --env GREETING=hello sh -c 'ls / && exit'
record failed 127 rd no-such-command

cd xray/page
npm ci --silent --no-audit --no-fund
node build.mjs "$scratch/fresh.page"
cmp "$scratch/fresh.page" bundle/page.html || {
    printf 'the committed page is not made of these modules; make it: cd xray/page && npm ci && npm run build\n' >&2
    exit 1
}
XRAY=$target/xray XRAY_PAGES=$scratch SCREENSHOTS=$screenshots npm test --silent
