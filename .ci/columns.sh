#!/usr/bin/env bash
# Proves that what our programs print fits on terminals of 60, 80 and 160 columns: a
# terminal breaks a long line in the middle of a word. And that a learner whose cargo waits
# for another cargo is not left before an empty screen.
#
#   .ci/columns.sh
#
# Cargo's own lines are cargo's affair, and so are lines that are there to be copied.
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
cargo build -q -p workshop -p checks -p level03 -p rd --bins
seclude "$@"

terminals=0
terminal() { tmux -S "$scratch/tmux-$terminals" -f /dev/null "$@"; }
# The lines as they were written; `screen` without -J has them as the terminal broke them.
screen() { terminal capture-pane -p -S - "$@"; }
shows() { grep -Eq -- "$1" <<<"$(screen -J)"; }
enter() {
    terminal send-keys -l -- "$1"
    terminal send-keys Enter
}
open_terminal() {
    terminals=$((terminals + 1))
    terminal new-session -d -x "$1" -y 500 "env HISTFILE= PS1='> ' bash --noprofile --norc"
}
close_terminal() { terminal kill-server; }

# broken COLUMNS: the lines that are too wide, but for those that may be: cargo's, commands
# and code, which are set in by four or stand in backticks, and a word that is longer than a line.
broken() {
    # shellcheck disable=SC2016 # a backtick
    screen -J | sed 's/ *$//' | awk -v columns="$1" 'length > columns' |
        grep -Ev '^ +(Finished|Running|Compiling|Blocking) |^    |^ *ran |`[^`]*`$|^> |^ *[^ ]+$' || :
}

# What they say about everything, and in wider terminals what has the widest lines.
few=('cargo workshop check 03' 'cargo workshop doctor' 'cargo run -q -p level03' 'cargo run -q -p rd -- run -i no-such-image true')
all=("${few[@]}" 'cargo workshop' 'cargo workshop hint 03' 'cargo workshop images' 'cargo workshop clean --dry-run'
    'cargo workshop help' 'cargo run -q -p rd -- run --memory 5 true' 'cargo run -q -p rd -- run no-such-command'
    'cargo run -q -p rd -- --help')

# try COLUMNS COMMAND...
ends=0
try() {
    local columns=$1 line
    shift
    open_terminal "$columns"
    for line; do
        ends=$((ends + 1))
        terminal clear-history
        enter "clear; $line; echo en\"\"d-$ends"
        if wait_until 300 shows "^end-$ends\$" && ! shows 'rustup|error: no such command'; then
            same "$columns columns: $line" '' "$(broken "$columns")"
        else
            not_ok "$columns columns: $line" "$(screen)"
        fi
    done
    close_terminal
}
try 60 "${all[@]}"
try 80 "${few[@]}"
try 160 "${few[@]}"

# Held as another cargo holds it, until the screen says that it is.
exec {lock}<"$target/debug/.cargo-lock"
flock "$lock"
open_terminal 80
enter 'cargo workshop images; echo went-""on'
check 'who waits for another cargo is told so' wait_until "$patience" shows 'Blocking waiting for file lock'
flock -u "$lock"
check 'and goes on when that is done' wait_until "$patience" shows '^went-on'
close_terminal
sums
