#!/usr/bin/env bash
# Translates the book and the lessons, by gettext: what a language says stands in docs/po/XX.po,
# sentence by sentence, and what it does not say stays English.
#
#   docs/translate.sh update XX [PAGE...] takes the sentences of these pages, and of those that the
#                                         language has, into docs/po/XX.po as they are now
#   docs/translate.sh build XX DIRECTORY  makes the book in that language
#   docs/translate.sh check               makes all languages, and says how much each has of its pages
#
# A translation says in its header, `X-Pages:`, which pages it is meant to have; the check prints
# what is missing there, and is red only if a book cannot be made, or has nothing of its language.
#
# Needs gettext. mdbook and mdbook-i18n-helpers are kept under ~/.cache/rubber-docker.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=docs/mdbook.sh disable=SC1091
. ./mdbook.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mdbook=$(mdbook_program)
gettext=$(gettext_program)

say() { printf '%s\n' "$*"; }

# template: all sentences of book and lessons, with the page that each is in. Of the text as it is
# written: without what our own preprocessor puts there.
template() {
    PATH=$(dirname "$gettext"):$PATH MDBOOK_OUTPUT='{"xgettext": {"granularity": 0}}' MDBOOK_PREPROCESSOR='{}' \
        "$mdbook" build --dest-dir "$scratch/template" . >"$scratch/log" 2>&1 || {
        cat "$scratch/log" >&2
        return 1
    }
}

# build LANGUAGE DIRECTORY: after lessons are included, and before ours looks at them
build() {
    [ -f "po/$1.po" ] || {
        say "there is no docs/po/$1.po; begin with: docs/translate.sh update $1" >&2
        return 2
    }
    MDBOOK_BOOK__LANGUAGE=$1 MDBOOK_PREPROCESSOR__GETTEXT__COMMAND=$gettext \
        MDBOOK_PREPROCESSOR__GETTEXT__AFTER='["links"]' MDBOOK_PREPROCESSOR__GETTEXT__BEFORE='["curriculum"]' \
        "$mdbook" build --dest-dir "$2" . 2>&1
}

# pages_of LANGUAGE: which pages it is meant to have
pages_of() { sed -n 's/^"X-Pages: \(.*\)\\n"$/\1/p' "po/$1.po"; }

# sentences PAGE...: those of the template that are in these pages, and no others, so that a file
# is as long as the work that is in it
sentences() {
    local page where=()
    for page; do
        [ -f "$page" ] || {
            say "there is no docs/$page" >&2
            return 2
        }
        where+=(--location "$page")
    done
    msggrep "${where[@]}" --output-file "$scratch/pages.pot" "$scratch/template/messages.pot"
}

# update LANGUAGE PAGE...: without pages, those that it has
update() {
    local language=$1 pages
    shift
    pages=("$@")
    # shellcheck disable=SC2046 # a name of a page is one word
    if [ -f "po/$language.po" ]; then read -ra pages <<<"$(printf '%s\n' $(pages_of "$language") "$@" | awk '!seen[$0]++' | paste -sd ' ')"; fi
    if [ "${#pages[@]}" = 0 ]; then
        say "which pages? for example: docs/translate.sh update $language src/welcome.md" >&2
        return 2
    fi
    template
    sentences "${pages[@]}"
    mkdir -p po
    if [ -f "po/$language.po" ]; then
        msgmerge --quiet --no-wrap --output-file "$scratch/merged.po" "po/$language.po" "$scratch/pages.pot"
    else
        msginit --no-translator --no-wrap --locale "$language" --input "$scratch/pages.pot" --output-file "$scratch/merged.po" 2>/dev/null
    fi
    msgattrib --no-obsolete --no-wrap "$scratch/merged.po" |
        awk -v pages="${pages[*]}" '/^"X-Pages:/ { next } { print } /^"Language: / { print "\"X-Pages: " pages "\\n\"" }' \
            >"$scratch/done.po"
    cp "$scratch/done.po" "po/$language.po"
}

check() {
    local file language pages page
    template
    for file in po/*.po; do
        language=$(basename "$file" .po)
        msgmerge --quiet --no-fuzzy-matching --output-file "$scratch/$language.po" "$file" "$scratch/template/messages.pot"
        build "$language" "$scratch/$language" >"$scratch/log" || {
            cat "$scratch/log" >&2
            return 1
        }
        if grep -E '\b(WARN|ERROR)\b' "$scratch/log" >&2; then return 1; fi
        read -ra pages <<<"$(pages_of "$language")"
        for page in "${pages[@]}"; do
            # shellcheck disable=SC2016 # awk's
            awk -v page="$page" -v language="$language" '
                BEGIN { RS = ""; FS = "\n" }
                index($0, "#: " page) || index($0, " " page) {
                    all++
                    # One that is fuzzy is shown in English.
                    if ($0 !~ /msgstr ""$/ && $0 !~ /\n#, fuzzy/) done++
                }
                END { printf "%s: %s: %d of %d sentences\n", language, page, done, all; exit all == 0 || done == 0 }
            ' "$scratch/$language.po"
        done
    done
}

case ${1-} in
    update)
        : "${2:?which language, such as de}"
        update "${@:2}"
        ;;
    build) build "${2:?which language, such as de}" "$(cd "$OLDPWD" && realpath -m -- "${3:?where to}")" ;;
    check) check ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "${0##*/}" >&2
        exit 2
        ;;
esac
