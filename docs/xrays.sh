#!/usr/bin/env bash
# Makes the X-rays that the book's lessons show, docs/src/xray/03.html and so on, and of each a
# picture for paper. mdBook takes them along: run this before `mdbook build docs`.
#
#   docs/xrays.sh
#
# Needs root or sudo for the runs, which leave nothing; without, it ends with status 77 and the
# book says in each place that the X-ray is missing. The pictures want chromium and npm.
set -euo pipefail
cd "$(dirname "$0")/.."

records=$(mktemp -d)
trap 'rm -rf "$records"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

pages=docs/src/xray
rm -rf "$pages"
.ci/xray-records.sh "$records"
xray=${CARGO_TARGET_DIR:-target}/debug/xray
mkdir "$pages"
for record in "$records"/*.record; do
    level=$(basename "$record" .record)
    "$xray" page --course . "$record" >"$pages/$level.html"
done

if [ -x "${CHROMIUM:-/usr/bin/chromium}" ] && command -v npm >/dev/null; then
    npm --prefix docs ci --silent --no-audit --no-fund
    node docs/xray-pictures.mjs docs/xrays.txt "$pages"
else
    printf 'no chromium, or no npm: the X-rays will have no pictures for paper\n' >&2
fi
