#!/usr/bin/env bash
# Draws the picture at the top of the README: a check that fails and names its step, as a run of the
# checks of level 03 prints it of the skeleton.
#
#   docs/readme-picture.sh            docs/failing-check.svg is drawn anew
#   docs/readme-picture.sh --check    it is compared with a new run; red if they differ
#
# Needs root or sudo, else it ends with status 77. In a tree in which a learner has begun level 03
# there is no skeleton to be run.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    printf 'no picture for the README: its run needs root or sudo\n' >&2
    exit 77
fi
cargo test -q -p level03 --no-run
drawn=$(mktemp)
trap 'rm -f "$drawn"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
python3 docs/readme-picture.py 'cargo test -p level03' >"$drawn"

picture=docs/failing-check.svg
if [ "${1-}" != --check ]; then
    cp "$drawn" "$picture"
elif ! diff -u "$picture" "$drawn"; then
    printf 'the picture in the README is not what a run prints today; docs/readme-picture.sh draws it anew\n' >&2
    exit 1
fi
