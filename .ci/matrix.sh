#!/usr/bin/env bash
# What was judged on which machine, as a table, and whether every check ran on one of them.
#
#   .ci/matrix.sh DIRECTORY         in which the suites have left a file for every machine
#   .ci/matrix.sh DIRECTORY show    the table alone: where some machines are left out
#
# Such a file has a line `machine` with what is printed here, between tabs: its name, kernel,
# architecture, three sums, and a remark. `judged KIND` says that all of a kind was looked at,
# and `skip KIND NAME` what of it was skipped.
set -euo pipefail
cd "${1:?the directory of the matrix}"

shopt -s nullglob
files=(*)
if [ "${#files[@]}" = 0 ]; then
    printf 'no machine has told anything\n'
    exit 1
fi

{
    printf 'machine\tkernel\tarchitecture\tpassed\tfailed\tskipped\n'
    sed -n 's/^machine\t//p' "${files[@]}"
} | awk -F '\t' '{ printf "%-10s %-26s %-13s %7s %7s %8s  %s\n", $1, $2, $3, $4, $5, $6, $7 }'

if [ "${2-}" = show ]; then exit; fi

# Skipped by all that have looked at its kind is skipped everywhere.
everywhere=$(awk '
    FNR == 1 { split("", seen) }
    $1 == "judged" && !seen[$2]++ { machines[$2]++ }
    $1 == "skip" && !seen[$0]++ { count[$0]++ }
    END { for (line in count) { split(line, words, " "); if (count[line] == machines[words[2]]) print line } }
' "${files[@]}" | sed 's/^skip /    /' | sort)
if [ -n "$everywhere" ]; then
    printf 'skipped on every machine:\n%s\n' "$everywhere"
    exit 1
fi
printf 'nothing is skipped everywhere\n'
