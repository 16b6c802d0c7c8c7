#!/usr/bin/env bash
# The class board: its own tests, sixty learners at once before two real pages, real companions at
# a real board, and checks that wait for no board.
#
#   .ci/board.sh [SCREENSHOTS]
#
# All of it happens in namespaces of its own, in a network that leads nowhere: what asked for
# anything outside would fail. Needs chromium and npm.
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
if [ -z "${SECLUDED-}" ]; then
    [ -x /usr/bin/chromium ] || as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends chromium >/dev/null
    command -v npm >/dev/null || as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null
    cargo test -q -p board
    cargo build -q -p board -p workshop --bins
    cargo test -q -p workshop --test board --no-run
    npm --prefix docs ci --silent --no-audit --no-fund
fi
seclude "$@"

# A network of our own: this machine has two addresses in it, and what is sent to others is
# dropped without a word. (It comes back in by lo, is for nobody here, and is not handed on.)
if [ -z "${IN_OWN_NETWORK-}" ]; then
    IN_OWN_NETWORK=yes exec unshare --net -- bash "$script" "$@"
fi
ip link set lo up
ip address add 10.77.0.1/32 dev lo
ip route add 10.99.0.0/24 dev lo

board=$(program board)
workshop=$(program workshop)
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy

# ---- pages ----

# counted COMMAND [ARG]...: shows its lines, and adds those of `ok` and `not ok` to our sums
counted() {
    local status=0
    "$@" >"$scratch/lines" || status=$?
    cat "$scratch/lines"
    passed=$((passed + $(grep -c '^ok ' "$scratch/lines" || :)))
    failed=$((failed + $(grep -c '^not ok ' "$scratch/lines" || :)))
    if [ "$status" != 0 ] && ! grep -q '^not ok ' "$scratch/lines"; then not_ok "$1 ends well" "status $status"; fi
}
# What a browser leaves in a home goes with ours.
mkdir "$scratch/home"
counted env HOME="$scratch/home" TMPDIR="$scratch/home" node board/tests/pages.mjs "$board" "$@"

# ---- a learner's companion and a board, as they are ----

# What a learner's checkout needs for this, as a user who is not root: root sends nothing.
learner=$scratch/learner
mkdir "$learner"
cp -r Cargo.toml levels "$learner"
cp "$workshop" "$learner/workshop"
chown -R 65534:65534 "$learner"
# workshop ARG...: leaves $status and $said
workshop() {
    status=0
    said=$(cd "$learner" && setpriv --reuid=65534 --regid=65534 --clear-groups ./workshop "$@" 2>&1 </dev/null) || status=$?
    said=${said//$'\n'/ }
}
# started ARG...: a board; its address is then in $address, and its token in $token
started() {
    "$board" "$@" >"$scratch/board.log" 2>&1 &
    board_process=$!
    wait_until "$patience" grep -q 'Ctrl-C ends the class' "$scratch/board.log"
    address=$(sed -n 's/^    cargo workshop join //p' "$scratch/board.log")
    token=$(sed -n 's/.*instructor#//p' "$scratch/board.log" | head -n 1)
}
# sees PATTERN: the instructor's snapshot is so
sees() {
    local line=''
    # The stream has no end, and its first snapshot is all that is wanted.
    exec 3<>/dev/tcp/127.0.0.1/7070
    printf 'GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n' "$token" >&3
    until [[ $line == data:* ]] || ! IFS= read -r -t "$patience" line; do :; done <&3
    exec 3>&-
    grep -Eq "$1" <<<"$line"
}
started --minutes "$scratch/minutes.txt"
same 'the board is announced by the address that leads outwards' 'http://10.77.0.1:7070' "${address%/*}"
check 'it has tried each address' grep -Eq '^ +10\.77\.0\.1 +answers$' "$scratch/board.log"
check 'and has drawn a picture of the address' grep -q '█▀▀▀▀▀█' "$scratch/board.log"
workshop join "$address" --name Ann
same 'without a terminal nothing is sent' 1 "$status"
workshop join "$address" --name Ann --yes
same 'a companion joins' 0 "$status"
check 'and is seen' sees '"name":"Ann"'
workshop hand
check 'its hand is up' sees '"hand":[0-9]+,"heard"'
{ kill -KILL "$board_process" && wait "$board_process"; } 2>/dev/null || :
workshop hand
check 'a board that is away is a sentence' test "$status" = 1 -a "${said#*no class board answers there}" != "$said"
started --minutes "$scratch/minutes.txt" --code "${address##*/}"
check 'a board that was started again has nobody yet' sees '"seats":0'
workshop hand
check 'until the next message, which has everything' sees '"name":"Ann".*"seats":1|"seats":1.*"name":"Ann"'
workshop join "${address%/*}/00000000" --yes
check 'a second class is not joined beside the first' test "$status" = 1
workshop leave
same 'the companion leaves' 0 "$status"
check 'and is gone' sees '"seats":0'
check 'also here' test ! -e "$learner/.workshop/board"
workshop join "${address%/*}/00000000" --yes
check 'a wrong code is told' test "${said#*knows no class with this code}" != "$said"
kill -TERM "$board_process"
wait "$board_process" || not_ok 'the board ends well' "status $?"
check 'the minutes have no name in them' test "$(grep -cv '^#' "$scratch/minutes.txt")" = 0
check 'the schedule reads them' node slides/schedule.mjs full --minutes "$scratch/minutes.txt"

# ---- checks wait for no board ----

export TMPDIR=$scratch
# The test was built before by the caller, and cargo is not asked again: as root it would leave
# root's files in their target directory. Two crates have a test of this name.
waits=a_check_is_no_slower_where_the_board_does_not_answer
test_program() {
    local program
    while read -r program; do
        if [ -x "$program" ] && "$program" --list 2>/dev/null | grep -q "^$waits:"; then
            printf '%s\n' "$program"
            return
        fi
    done < <(ls -t "$target"/debug/deps/board-*)
}
if (cd workshop && "$(test_program)" --ignored --nocapture "$waits") >"$scratch/waits" 2>&1; then
    ok "a check is no slower where the board does not answer ($(sed -n 's/^median of a check: //p' "$scratch/waits"))"
else
    not_ok 'a check is no slower where the board does not answer' "$(cat "$scratch/waits")"
fi
sums
