#!/usr/bin/env bash
# Makes slides/xray/*.json, the steps of real runs that the deck shows.
#
#   slides/xrays.sh            they are made anew
#   slides/xrays.sh --check    they are compared with new runs; red if they differ
#
# Needs root or sudo; without, it ends with status 77. The deck itself is built without.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

.ci/xray-records.sh "$scratch" 02 03 06 08 11
for record in "$scratch"/*.record; do
    "${CARGO_TARGET_DIR:-target}/debug/xray" page --course . "$record" >"${record%.record}.html"
done
node slides/xrays.mjs docs/xrays.txt "$scratch" "$@"
