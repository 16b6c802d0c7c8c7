#!/usr/bin/env bash
# Checks what GitHub reads of this repository, without GitHub: the workflow and the forms for
# issues follow their schemas, and what they tell people to type is there.
#
#   .ci/github.sh
#
# Needs the companion: cargo build -p workshop. The schemas come with check-jsonschema.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
companion=$(program workshop)
make_scratch

if ! python3 -c 'import ensurepip' 2>/dev/null; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
fi
schema_checker=$(schema_checker)
follows() { "$schema_checker" --builtin-schema "$1" "${@:2}"; }

workflow=.github/workflows/ci.yml
forms=.github/ISSUE_TEMPLATE
mapfile -t all_forms < <(find "$forms" -name '*.yml' ! -name config.yml | sort)

# refuses NAME SCHEMA FILE SED: so changed, the file no longer follows the schema. A validator that
# accepts everything would be green as well.
refuses() {
    local copy=$scratch/${3##*/}
    sed "$4" "$3" >"$copy"
    if cmp -s "$3" "$copy"; then
        not_ok "$1" "this changes nothing in $3: $4"
    elif follows "$2" "$copy" >/dev/null 2>&1; then
        not_ok "$1"
    else
        ok "$1"
    fi
}

check 'the workflow follows its schema' follows vendor.github-workflows "$workflow"
check 'each of its jobs has a timeout' follows custom.github-workflows-require-timeout "$workflow"
for form in "${all_forms[@]}"; do
    check "${form#"$forms/"} follows the schema of forms" follows vendor.github-issue-forms "$form"
    refuses "and not with a misspelled kind of field" vendor.github-issue-forms "$form" 's/type: textarea/type: textfield/'
done
check 'config.yml follows its schema' follows vendor.github-issue-config "$forms/config.yml"
refuses 'and not with a word for a yes' vendor.github-issue-config "$forms/config.yml" 's/true/perhaps/'
refuses 'a misspelled workflow is refused' vendor.github-workflows "$workflow" 's/runs-on:/runs_on:/'
refuses 'so is a job that may run for ever' custom.github-workflows-require-timeout "$workflow" '/timeout-minutes:/d'

same 'the workflow may read, and no more' 'contents: read' "$(sed -n '/^permissions:/,/^$/{//d;s/^ *//p}' "$workflow")"
same 'only actions of GitHub run there, each of a major version' '' \
    "$(sed -n 's/.*uses: //p' "$workflow" | grep -vE '^actions/[a-z-]+@v[0-9]+$' || :)"
check 'it runs all suites' grep -qE ' \.ci/run$' "$workflow"
# shellcheck disable=SC2016 # a dollar of the README's
check "it runs the README's own command for tests" grep -qxF -- "      - run: env -u CI $(sed -n 's/^\$ \(cargo test.*\)/\1/p' README.md)" "$workflow"

# A contributor is asked to run what .ci/run runs.
# shellcheck disable=SC2016 # backticks of a fence
while read -r command; do
    check "\`$command\`, which CONTRIBUTING.md asks for, is what .ci/run does" \
        grep -qE -- "(^ *|' )$command( |$)" <(sed 's/ -q / /' .ci/run)
done < <(sed -n '/^```sh$/,/^```$/{/^cargo/p}' CONTRIBUTING.md)

# shellcheck disable=SC2016 # backticks of the forms
mapfile -t verbs < <(sed -n 's/.*`cargo workshop \([a-z]*\)`.*/\1/p' "${all_forms[@]}" | sort -u)
same 'the forms ask for what the doctor and the report say' 'doctor report' "${verbs[*]}"
for verb in "${verbs[@]}"; do
    check "the companion knows \`$verb\`" "$companion" "$verb" --help
done
# shellcheck disable=SC2016 # the same
for file in $(grep -ohE '`[A-Za-z/]+\.md`' "${all_forms[@]}" | tr -d '`' | sort -u); do
    check "$file, which the forms name, is there" test -s "$file"
done
sums
