#!/usr/bin/env bash
# Unpacks random archives with our own reader, with GNU tar and with bsdtar: what the two
# agree on, ours must do as well. The test prints its seed; IMAGES_OTHERS_SEED repeats it.
#
#   .ci/other-tars.sh [CASES]     default: 5000
set -euo pipefail
cd "$(dirname "$0")/.."
IMAGES_OTHERS_CASES=${1:-5000} exec cargo test -q -p images --test others -- --nocapture
