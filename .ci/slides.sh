#!/usr/bin/env bash
# Proves that the slides can be shown: builds them as slides/README.md says, and goes
# over each of their steps in a real browser. Installs Debian's chromium where there is none.
#
# Where root may make X-rays, the steps of runs in it are compared with runs of today.
#
#   .ci/slides.sh
set -euo pipefail
cd "$(dirname "$0")/../slides"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

[ -x /usr/bin/chromium ] || as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends chromium >/dev/null
command -v npm >/dev/null || as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null

npm ci --no-audit --no-fund --loglevel=error
npm run --silent build
npm test --silent
./xrays.sh --check || [ $? = 77 ]
