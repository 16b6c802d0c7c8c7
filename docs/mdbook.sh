# shellcheck shell=bash
# The programs that make the book: each version is built once, with its hundreds of crates, in the
# caller's `scratch`, so that ours need not be built again; and kept under ~/.cache/rubber-docker.
# Sourced. The two functions print where the program is.
# shellcheck disable=SC2154 # scratch, a directory that the caller removes

kept=${XDG_CACHE_HOME:-$HOME/.cache}/rubber-docker

# kept_program CRATE VERSION PROGRAM [OPTION...]: prints where it is
kept_program() {
    local root=$kept/$1-$2 program=$3 crate=$1 version=$2
    shift 3
    if [ ! -x "$root/bin/$program" ]; then
        cargo install -q "$crate" --version "$version" --locked --root "$root" --target-dir "$scratch/$crate" "$@" || return
    fi
    printf '%s\n' "$root/bin/$program"
}

mdbook_program() { kept_program mdbook 0.5.4 mdbook --no-default-features --features search; }
gettext_program() { kept_program mdbook-i18n-helpers 0.4.0 mdbook-gettext; }
