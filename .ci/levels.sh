# shellcheck shell=bash
# Which levels there are, and which program is the solution of each. Sourced, at the root of the
# checkout.

# numbers: 00, 01, ... in their order.
numbers() {
    local level
    for level in levels/[0-9]*_*; do
        level=${level#levels/}
        printf '%s\n' "${level%%_*}"
    done
}

# parts: the programs that are the solutions of the parts, in the order of these: the last is `rd`.
parts() {
    local level
    for level in levels/[!0-9]*/; do
        printf '%s %s\n' "$(part_of "$level")" "$(sed -n 's/^name = "\([^"]*\)"$/\1/p;/^$/q' "$level/Cargo.toml")"
    done | sort -n | cut -d ' ' -f 2
}

# solution_of NUMBER: the program of the next level; after the last one of a part that of the
# part's solution.
solution_of() {
    local own next
    own=$(part_of "$(echo levels/"$1"_*)")
    next=$(printf '%02d' $((10#$1 + 1)))
    if compgen -G "levels/${next}_*" >/dev/null && [ "$(part_of "$(echo levels/"$next"_*)")" = "$own" ]; then
        printf 'level%s\n' "$next"
    else
        parts | sed -n "${own}p"
    fi
}

part_of() { sed -n 's/^part = //p' "$1/level.toml"; }
