#!/usr/bin/env bash
# Judges `rd` on this machine as .ci/qemu.sh does on others, for the table of what was judged
# where: all checks, and the escapes where their answer changes.
#
#   .ci/this-machine.sh
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck source=.ci/qemu/pack.sh disable=SC1091
. .ci/qemu/pack.sh
# shellcheck source=.ci/qemu/boot.sh disable=SC1091
. .ci/qemu/boot.sh
export LC_ALL=C.UTF-8

make_room
work() { work_on_the_runtime; }
# After the checks: what an escape that works leaves behind, a check would see.
alone() { say "escapes escapes ${levels[-1]}"; }

printf 'machine %s %s\n' "$(uname -r)" "$(uname -m)" >"$scratch/results"
while read -r kind name level; do
    as_root env JUDGED="$target/debug" RESULTS="$scratch/results" sh ".ci/qemu/$kind" "$name" "$level"
done < <(work && alone)
printf 'finished\n' >>"$scratch/results"
sum_up here "cgroups: $(awk '/ - cgroup /{ one = "version 1" } / - cgroup2 /{ two = "version 2" }
    END { print one (one && two ? " and " : "") two }' /proc/self/mountinfo)" || red=yes
finish
