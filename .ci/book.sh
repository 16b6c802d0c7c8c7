#!/usr/bin/env bash
# Makes the book and looks at it: every page in headless Chromium, in a light and a dark
# theme, on a desktop, on a phone and on paper; every link followed that stays inside, and those
# that lead to the net listed. Where there are SCREENSHOTS, axe-core is asked of every page.
#
#   .ci/book.sh [SCREENSHOTS]
#
# Needs chromium and npm; root or sudo for the X-rays, without which it is built as well.
# mdBook and its helpers for translations are kept under ~/.cache/rubber-docker; these need gettext.
# What the book says in console fences is run by `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=docs/mdbook.sh disable=SC1091
. docs/mdbook.sh
screenshots=${1-}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mdbook=$(mdbook_program)
docs/xrays.sh || [ $? = 77 ]
docs/forty-steps.sh --check || [ $? = 77 ]
docs/readme-picture.sh --check || [ $? = 77 ]
"$mdbook" build docs 2>&1 | tee "$scratch/log"
if grep -E '\b(WARN|ERROR)\b' "$scratch/log" >&2; then
    printf 'mdBook has something to complain about\n' >&2
    exit 1
fi

npm --prefix docs ci --silent --no-audit --no-fund
node docs/tests/pages.mjs docs/book ${screenshots:+"$screenshots"}

# Where a language is begun, its book can be made, too.
docs/translate.sh check
