#!/usr/bin/env bash
# Lists what the texts claim of a version: of a kernel, of Docker, runc and their like, and of a
# distribution. Such a sentence can be true today and wrong tomorrow. It judges nothing; what to
# do with the list is told in docs/src/maintainers/facts.md.
#
#   .ci/dated.sh            every claim: file, line, text
#   .ci/dated.sh Docker     those with this word
set -euo pipefail
cd "$(dirname "$0")/.."

names='Linux|[Kk]ernel|Docker|Moby|runc|crun|containerd|Kubernetes|systemd|util-linux|glibc|Ubuntu|Debian|Fedora'
# "Docker 29", "runc since 1.3.2", "Linux 6.x"; "since 5.12", or with the number in the next line;
# and what is about to go.
claims="\\b($names)( [a-z]+)? v?[0-9]+(\\.[0-9x]+)*|\\b([Ss]ince|[Uu]ntil|[Bb]efore) [0-9]+\\.[0-9]+"
claims+="|\\b([Ss]ince|[Bb]efore)( ($names))?\$|deprecat"
texts=(README.md docs/src levels slides/deck linux-sys/src workshop/src/doctor)

git grep --untracked -nIE "$claims" -- "${texts[@]}" ':!docs/src/maintainers/map.md' |
    { grep -E -- "${1:-}" || true; }
