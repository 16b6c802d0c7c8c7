#!/usr/bin/env bash
# Proves that a container at a real terminal behaves as any command does, in every
# level of Part I and in `rd`: a shell starts without warnings, Ctrl-C and Ctrl-Z reach the command and no
# other process, a window that is resized is noticed, a command in the background
# leaves the terminal alone or stops, what was ignored stays ignored, and however a
# container ends, the shell that started it has its terminal back as it was.
#
# Where there is a `-t`, in `rd` and in the level after the one that brings it, all that is
# true of a terminal of its own comes second: terminal/own-terminal.sh.
#
#   .ci/terminal.sh [PROGRAM]...     default: the solutions of Part I's levels, and rd
#
# The terminal is tmux's, the person at the keyboard is this script. What happened
# is read off the screen and out of /proc, never asked of the program.
set -euo pipefail
# shellcheck source=.ci/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck source=.ci/terminal/own-terminal.sh disable=SC1091
. .ci/terminal/own-terminal.sh
seclude "$@"

# ---- the terminal ----

# No process has this id: the kernel's largest is 2^22 (pid_max in proc(5)).
no_process=99999999

# Each has a server of its own: one that is ending would still answer to its name.
terminals=0
terminal() { tmux -S "$scratch/tmux-$terminals" -f /dev/null "$@"; }
screen() { terminal capture-pane -p -J -S -; }
# A message of ours that is wider than the terminal goes on in the next line, set in.
shows() { grep -Eq -- "$1" <<<"$(screen | sed -z 's/ *\n    / /g')"; }
key() { terminal send-keys "$1"; }
type_in() { terminal send-keys -l -- "$1"; }
enter() {
    type_in "$1"
    key Enter
}

# A new terminal of 80x24 with a shell in it, whose process id is then in $outer.
# Its prompt is `outer>`; that of a bash in a container starts with `bash-`.
open_terminal() {
    about=$1
    patience=30
    terminals=$((terminals + 1))
    parent=$no_process command=$no_process found=$no_process
    terminal new-session -d -x 80 -y 24 "env HOME=$home bash --noprofile --rcfile $scratch/rc"
    outer=$(terminal display-message -p '#{pane_pid}')
    tty=$(terminal display-message -p '#{pane_tty}')
    wait_until 30 shows '^outer>' || eventually 'the outer shell is there' false
}

# What should have ended before, and has not, is ended here: one failure is enough to read.
close_terminal() {
    terminal kill-server
    wait_until 30 gone "$outer"
    if ! gone "$parent"; then
        kill -KILL "$command" 2>/dev/null || :
        wait_until 30 gone "$parent" || :
    fi
}

# eventually NAME COMMAND [ARG]...: becomes true before the deadline.
eventually() {
    local assertion="$about: $1"
    shift
    if wait_until "$patience" "$@"; then
        ok "$assertion"
    else
        not_ok "$assertion" "$(printf 'awaited: %s\non the screen:\n%s\n' "$*" "$(screen)"; processes)"
        # What comes after it in this terminal will hardly be better.
        patience=5
    fi
}

# now NAME COMMAND [ARG]...: is true at this moment.
now() {
    local assertion="$about: $1"
    shift
    if "$@"; then ok "$assertion"; else not_ok "$assertion" "$(printf 'false: %s\non the screen:\n%s\n' "$*" "$(screen)"; processes)"; fi
}

# ---- what is asked ----

gone() { [ ! -e "/proc/$1" ]; }
processes() { ps -t "$tty" -o pid,ppid,pgid,tpgid,stat,args; }
state() { ps -o state= -p "$1"; }
stopped() { [ "$(state "$1")" = T ]; }
running() { ! gone "$1" && ! stopped "$1"; }
all_stopped() { stopped "$1" && stopped "$2"; }
all_running() { running "$1" && running "$2"; }
in_foreground() { ps -o pgid=,tpgid= -p "$1" | { read -r group foreground && [ "$group" = "$foreground" ]; }; }
# child_of PARENT NAME: PARENT has a child that has become NAME; it is then in $found.
child_of() { found=$(pgrep -n -P "$1" -x "$2"); }
child_in_foreground() { child_of "$1" "$2" && in_foreground "$found"; }
not() { ! "$@"; }
# Everything but the size, which is the window's affair.
without_size() { sed 's/rows [0-9]*; columns [0-9]*; //'; }
settings() { stty -a -F "$tty" | without_size; }
has_settings() { [ "$(settings)" = "$1" ]; }
size_of_window() { terminal display-message -p '#{pane_height} #{pane_width}'; }
# A shell's line editor has settings of its own; what counts is what it gives to a command.
given_settings() { without_size <"$scratch/stty"; }
save_settings() {
    rm -f "$scratch/stty"
    # In two steps: when this script sees the file, all of it is there.
    enter "stty -a >$scratch/partial; mv $scratch/partial $scratch/stty"
    wait_until "$patience" test -e "$scratch/stty" || :
}

# The outer shell has its terminal: as many settings as before, a command of
# its gets the foreground, and what is typed is shown.
terminal_is_back() {
    eventually 'the outer shell is in the foreground again' in_foreground "$outer"
    save_settings
    same "$about: the terminal has its settings back" "$settings_before" "$(given_settings)"
    enter cat
    eventually 'a command of the outer shell gets the terminal' child_in_foreground "$outer" cat
    enter "typed and shown"
    # Once by the terminal, as echo, and once by cat.
    eventually 'what is typed is shown' twice 'typed and shown'
    key C-d
}
twice() { [ "$(screen | grep -c -- "^$1")" = 2 ]; }

# start WORD...: as typed by a person, with a short name for the program; $with has options.
with=''
start() {
    save_settings
    settings_before=$(given_settings)
    enter "$name run $with${with:+ }-- $1"
}
# Wait for the container: $parent is the program, $command what it runs.
container_runs() {
    eventually "$1 has started" container_is "$1"
}
container_is() {
    child_of "$outer" "$name" && parent=$found || return
    if has_init; then child_of "$parent" init || return; fi
    child_of "$found" "$1" && command=$found
}

# ---- a PID 1 ----

# The command is number 1 of a PID namespace: it does not get a signal that it has no
# handler for. In which level that begins is not assumed but looked up.
is_init() { grep -Eq '^NSpid:.*[0-9][^0-9]+1$' "/proc/$command/status"; }
what_is_said='is PID 1 of its namespace and does not handle this signal'

# ends_by STATUS NAME WAY...: a request to end, sent by WAY, ends the command, which has
# no handler; a PID 1 at the second one, with SIGKILL. The status is then in $expected.
ends_by() {
    local request=$2 patience_before=$patience
    expected=$1
    shift 2
    if is_init; then
        expected=137
        "$@"
        eventually "$request does not end a PID 1, and the user is told" shows "$what_is_said"
        now 'it runs on' all_running "$command" "$parent"
        # It would be killed after ten seconds anyway.
        patience=4
        "$@"
        eventually "a second $request ends it at once" gone "$command"
        patience=$patience_before
    else
        "$@"
        eventually "$request ends it" gone "$command"
    fi
}

# ---- what a person does ----

a_shell() {
    open_terminal "$name${with:+ $with}, bash"
    start bash
    container_runs bash
    eventually 'it prompts' shows '^bash-[0-9.]+[#$]'
    now 'it prompts without a warning' not shows 'cannot set terminal|no job control|[Ww]arning|[Ee]rror|not found'

    enter 'sleep 1000'
    eventually 'a command in it is in the foreground' child_in_foreground "$command" sleep
    key C-c
    eventually 'Ctrl-C ends the command in it' gone "$found"
    enter "echo interrupted-\$?"
    eventually 'Ctrl-C ends it by SIGINT' shows '^interrupted-130'
    now 'Ctrl-C leaves the shell and the parent alone' all_running "$command" "$parent"

    enter 'sleep 2000'
    eventually 'a second command in it is in the foreground' child_in_foreground "$command" sleep
    key C-z
    eventually 'Ctrl-Z stops the command in it' stopped "$found"
    eventually 'the shell in it says so' shows 'Stopped +sleep 2000'
    now 'Ctrl-Z leaves the shell and the parent alone' all_running "$command" "$parent"
    enter fg
    eventually 'fg continues it' running "$found"
    eventually 'fg gives it the terminal' in_foreground "$found"
    key C-c
    eventually 'and Ctrl-C ends it then' gone "$found"

    terminal resize-window -x 100 -y 30
    enter "echo \"size \$(stty size)\""
    eventually 'stty in it sees the new size of the window' shows "^size $(size_of_window)\$"
    terminal resize-window -x 80 -y 24

    enter "yes | head -1; echo piped-\${PIPESTATUS[0]}"
    # 141: SIGPIPE, as in any shell.
    eventually 'yes ends by SIGPIPE when its reader has gone' shows '^piped-141'
    now 'and prints nothing about it' not shows 'roken pipe'

    enter 'exit 7'
    eventually 'leaving it brings the outer prompt back' gone "$parent"
    eventually 'its end is reported' shows "^$name: [0-9]+ exited with status 7"
    enter "echo status-\$?"
    eventually 'its status is ours' shows '^status-7'
    terminal_is_back
    close_terminal
}

a_shell_that_is_killed() {
    open_terminal "$name${with:+ $with}, bash killed"
    start bash
    container_runs bash
    eventually 'it prompts' shows '^bash-[0-9.]+[#$]'
    now 'its line editor has changed the terminal' not has_settings "$settings_before"
    kill -KILL "$command" || :
    eventually 'the outer prompt is back' gone "$parent"
    enter "echo status-\$?"
    eventually 'the status says by which signal' shows '^status-137'
    terminal_is_back
    close_terminal
}

an_editor() {
    if [ "$name" = level01 ]; then return; fi # the host's own vi, with the host's configuration
    if ! command -v vi >/dev/null; then
        skip "$name, vi: a resized window is redrawn" 'this machine has no vi'
        return
    fi
    open_terminal "$name${with:+ $with}, vi"
    start vi
    eventually 'it draws its screen' lines_of_vi_at_least 15
    local before
    before=$(lines_of_vi)
    terminal resize-window -x 90 -y 40
    eventually 'it draws again for a larger window' lines_of_vi_at_least $((before + 10))
    enter ':q!'
    eventually 'leaving it brings the outer prompt back' gone_child_of_outer
    terminal_is_back
    close_terminal
}
lines_of_vi() { terminal capture-pane -p | grep -c '^~' || :; }
lines_of_vi_at_least() { [ "$(lines_of_vi)" -ge "$1" ]; }
gone_child_of_outer() { ! pgrep -P "$outer" >/dev/null; }

a_command() {
    open_terminal "$name${with:+ $with}, sleep"
    start 'sleep 1000'
    container_runs sleep
    ends_by 130 Ctrl-C interrupt
    eventually 'its end is reported' shows "$name: [0-9]+ exited with status $expected"
    enter "echo status-\$?"
    eventually "its status is $expected, and the outer shell goes on" shows "^status-$expected"
    terminal_is_back
    close_terminal
}

a_command_that_is_stopped() {
    open_terminal "$name${with:+ $with}, sleep stopped"
    start 'sleep 1000'
    container_runs sleep
    key C-z
    eventually 'Ctrl-Z stops it and its parent' all_stopped "$command" "$parent"
    eventually 'the outer shell says so' shows "Stopped +$name run $with${with:+ }-- sleep 1000"
    now 'the outer shell has the terminal' in_foreground "$outer"
    enter fg
    eventually 'fg continues both' all_running "$command" "$parent"
    now 'fg gives it the terminal' in_foreground "$command"
    key C-z
    eventually 'Ctrl-Z works a second time' all_stopped "$command" "$parent"
    enter bg
    eventually 'bg continues both' all_running "$command" "$parent"
    now 'the outer shell keeps the terminal' in_foreground "$outer"
    enter fg
    eventually 'fg brings it to the front' in_foreground "$command"
    ends_by 130 Ctrl-C interrupt
    eventually 'and the parent with it' gone "$parent"
    terminal_is_back
    close_terminal
}

a_command_in_the_background() {
    open_terminal "$name${with:+ $with}, background"
    start 'sleep 1000 &'
    container_runs sleep
    eventually 'the outer shell prompts meanwhile' in_foreground "$outer"
    # Half a line is typed when the command ends: the line editor is at work.
    type_in "echo whole-\$((40 + "
    eventually 'half a line is typed' shows 'whole-...40 . *$'
    local editing
    editing=$(settings)
    ends_by 143 SIGTERM terminate
    eventually 'and the parent with it' gone "$parent"
    now 'the outer shell has kept the terminal' in_foreground "$outer"
    now 'and its line editor its settings' has_settings "$editing"
    enter '2))'
    eventually 'the line that was begun can be ended' shows '^whole-42'
    terminal_is_back
    close_terminal

    open_terminal "$name${with:+ $with}, to the background"
    start 'sleep 1000'
    container_runs sleep
    key C-z
    eventually 'Ctrl-Z stops it' all_stopped "$command" "$parent"
    enter bg
    eventually 'bg continues it' all_running "$command" "$parent"
    type_in "echo whole-\$((40 + "
    eventually 'half a line is typed' shows 'whole-...40 . *$'
    editing=$(settings)
    ends_by 143 SIGTERM terminate
    eventually 'and the parent with it' gone "$parent"
    now 'the outer shell has kept the terminal' in_foreground "$outer"
    now 'and its line editor its settings' has_settings "$editing"
    enter '2))'
    eventually 'the line that was begun can be ended' shows '^whole-42'
    terminal_is_back
    close_terminal

    # bash asks whether it is in the foreground, and as PID 1 hears that it is; its parent knows
    # better.
    open_terminal "$name${with:+ $with}, bash in the background"
    start 'bash &'
    container_runs bash
    eventually 'it stops, as it wants the terminal' all_stopped "$command" "$parent"
    now 'the outer shell has kept the terminal' in_foreground "$outer"
    enter "echo outer-\$\$"
    eventually 'and reads what is typed' shows "^outer-$outer"
    enter fg
    eventually 'fg gives it the terminal' in_foreground "$command"
    enter "echo inner-\$((40 + 2))"
    eventually 'and what is typed' shows '^inner-42'
    enter exit
    eventually 'leaving it brings the outer prompt back' gone "$parent"
    terminal_is_back
    close_terminal
}

# Used by a process in all its life, in ticks.
ticks() { cut -d ' ' -f 14,15 "/proc/$1/stat" | tr ' ' +; }
jobs_say() {
    clear_screen
    enter 'set -o posix; jobs; set +o posix'
    eventually 'the outer shell lists it as stopped' shows "Stopped(\\(($1)\\))? +$name"
}
clear_screen() { terminal send-keys -R \; clear-history; }

# A background process may not read from the terminal, nor with `stty tostop` write to it.
# The kernel stops one that tries; but not a PID 1, which would try for ever.
a_command_that_wants_the_terminal() {
    local before
    open_terminal "$name${with:+ $with}, cat in the background"
    start 'cat &'
    container_runs cat
    eventually 'it stops, as it wants the terminal' all_stopped "$command" "$parent"
    jobs_say 'SIGTTIN|SIGTSTP'
    before=$(ticks "$command")
    enter bg
    eventually 'bg makes it try again' shows "^\\[1\\].*$name run -- cat &"
    eventually 'and stop again' all_stopped "$command" "$parent"
    enter "echo \$((40 + 2))-later"
    eventually 'the outer shell goes on' shows '^42-later'
    # A tick is a hundredth of a second; the parent stops it within a few.
    now "it has not used a processor meanwhile" test $(($(ticks "$command"))) -le $((before + 20))
    enter fg
    eventually 'fg continues both' all_running "$command" "$parent"
    enter 'read by cat'
    eventually 'and it reads what is typed' twice 'read by cat'
    key C-z
    eventually 'Ctrl-Z stops both' all_stopped "$command" "$parent"
    enter 'kill %1'
    eventually 'kill %1 ends it' gone "$command"
    eventually 'and the parent with it' gone "$parent"
    terminal_is_back
    close_terminal

    open_terminal "$name${with:+ $with}, cat in the background, killed"
    start 'cat &'
    container_runs cat
    eventually 'it stops, as it wants the terminal' all_stopped "$command" "$parent"
    kill -KILL "$command"
    enter fg
    eventually 'killed by SIGKILL it ends, and the parent with it' gone "$parent"
    enter "echo status-\$?"
    eventually 'the status says by which signal' shows '^status-137'
    terminal_is_back
    close_terminal

    open_terminal "$name${with:+ $with}, yes in the background"
    enter 'stty tostop'
    start 'yes &'
    container_runs yes
    eventually 'it stops, as it may not write' all_stopped "$command" "$parent"
    jobs_say 'SIGTTOU|SIGTSTP'
    enter 'kill %1'
    eventually 'kill %1 ends it' gone "$command"
    eventually 'and the parent with it' gone "$parent"
    terminal_is_back
    close_terminal
}

# A program leaves the terminal deaf, closed to others, silent, and without line editing.
exclusive() { perl -e 'open T, "<", $ARGV[0]; $b = pack "i", 0; ioctl T, 0x80045440, $b; print unpack "i", $b' "$tty"; }
a_terminal_that_is_spoiled() {
    local words mode
    for words in "$name run -i probe -- probe spoil" "$name run -i probe -- probe spoil </dev/null" \
        "$name run -i probe -- probe spoil </dev/null >/dev/null" "$name run -i probe -- probe spoil </dev/null >/dev/null 2>&1"; do
        open_terminal "$name${with:+ $with}, terminal spoiled by ${words#*-- }"
        mode=$(stat -c '%a %u %g' "$tty")
        save_settings
        settings_before=$(given_settings)
        # On a line of its own: the terminal may have echoed no end of line.
        enter "$words; echo; echo status-\$?"
        eventually 'it has been spoiled, and the outer shell goes on' shows '^status-0'
        same "$about: others may open the terminal again" 0 "$(exclusive)"
        same "$about: its mode and owner are what they were" "$mode" "$(stat -c '%a %u %g' "$tty")"
        terminal_is_back
        close_terminal
    done
}

# Ignored when we are started: nohup, and `&` in a script.
a_command_that_is_not_to_hear_of_it() {
    open_terminal "$name${with:+ $with}, nohup"
    save_settings
    enter "nohup $name run -- sleep 1000 >/dev/null 2>&1"
    container_runs sleep
    now 'SIGHUP is ignored by both' both_ignore 1
    terminal kill-server
    wait_until 30 gone "$outer" || :
    if all_running "$command" "$parent"; then ok "$about: both outlive the terminal"; else not_ok "$about: both outlive the terminal"; fi
    end_it

    open_terminal "$name${with:+ $with}, a script's background"
    enter "sh -c '$name run -- sleep 1000 2>/dev/null & echo \$!-is-it; wait'"
    eventually 'it is in the background' shows '^[0-9]+-is-it'
    parent=$(screen | sed -n 's/^\([0-9]*\)-is-it.*/\1/p')
    eventually 'sleep has started' command_is sleep
    now 'SIGINT is ignored by both' both_ignore 2
    key C-c
    eventually 'Ctrl-C ends the script' gone_child_of_outer
    now 'and neither the command nor its parent' all_running "$command" "$parent"
    end_it
    close_terminal
}
both_ignore() { ignores "$1" "$parent" && ignores "$1" "$command"; }
ignores() { [ $((16#$(sed -n 's/^SigIgn:\t//p' "/proc/$2/status") >> ($1 - 1) & 1)) = 1 ]; }
command_is() { child_of "$parent" "$1" && command=$found; }
end_it() {
    terminate
    wait_until 2 gone "$parent" || terminate
    if wait_until 30 gone "$parent"; then ok "$about: SIGTERM ends it"; else not_ok "$about: SIGTERM ends it"; fi
}

# The window is closed while something runs in it: the kernel says SIGHUP.
a_terminal_that_hangs_up() {
    local word
    for word in bash 'sleep 1000'; do
        open_terminal "$name${with:+ $with}, hang-up of $word"
        start "$word"
        container_runs "${word%% *}"
        if [ "$word" = bash ]; then eventually 'it prompts' shows '^bash-[0-9.]+[#$]'; fi
        terminal kill-server
        if wait_until 30 gone "$parent"; then ok "$about: the parent ends"; else not_ok "$about: the parent ends"; fi
        if gone "$command"; then ok "$about: the command has ended"; else not_ok "$about: the command has ended"; fi
        same "$about: its directory is removed" '' "$(left_in "$RUBBER_DOCKER_CONTAINERS")"
    done
}

# The kernel tells only the session's leader of a hang-up. Where there is no shell, the
# leader is the parent.
a_leader_that_is_hung_up() {
    about="$name, hang-up without a shell"
    terminals=$((terminals + 1))
    terminal new-session -d -x 80 -y 24 \
        "exec $scratch/bin/$name run -- bash -c 'trap \"exit 3\" HUP; echo read\"\"y; while :; do sleep 0.02; done' 2>$scratch/hung"
    parent=$(terminal display-message -p '#{pane_pid}')
    tty=$(terminal display-message -p '#{pane_tty}')
    eventually 'it is ready' shows '^ready'
    terminal kill-server
    if wait_until 30 gone "$parent"; then ok "$about: the parent ends"; else not_ok "$about: the parent ends"; fi
    check "$about: the command was told" grep -q 'exited with status 3$' "$scratch/hung"
}

# A command counts the signals that it gets, until SIGUSR1 asks for the sum. The
# parent passes signals on one after the other, so the sum comes after all of them.
# It would count two that arrive at almost the same time as one, therefore strace counts
# what the parent sends as well: none of a signal that the terminal has already sent to
# the command.
a_command_that_counts() {
    local signal=$1 send=$2 times=$3
    open_terminal "$name${with:+ $with}, $signal"
    start "bash -c 'trap \"n=\\\$((n + 1)); echo got-\\\$n\" $signal; trap \"echo sum-\\\$n; exit 3\" USR1; echo read\"\"y; while :; do sleep 0.02; done'"
    container_runs bash
    eventually 'it is ready' shows '^ready'
    : >"$scratch/sent"
    if command -v strace >/dev/null; then
        strace -qq -e trace=kill,tkill,tgkill,pidfd_send_signal -o "$scratch/sent" -p "$parent" &
        wait_until 30 traced "$parent" || :
    fi
    $send
    eventually 'it reaches the command' shows 'got-1'
    # Not in the middle of bash's own handling of the first signal.
    found=$no_process
    child_of "$command" sleep || :
    eventually 'the command goes on' other_child_of "$command" "$found"
    kill -USR1 "$parent" || :
    eventually 'it reaches the command once' shows 'sum-1$'
    eventually 'and the command ends as it likes' shows "^$name: [0-9]+ exited with status 3"
    eventually 'and the parent with it' gone "$parent"
    if command -v strace >/dev/null; then
        same "$about: the parent sends it if the terminal does not" "$times" "$(grep -c "SIG$signal)" "$scratch/sent")"
        same "$about: the parent sends SIGUSR1 once" 1 "$(grep -c 'SIGUSR1)' "$scratch/sent")"
    else
        skip "$about: how often the parent sends it" 'there is no strace here'
    fi
    close_terminal
}
other_child_of() { child_of "$1" sleep && [ "$found" != "$2" ]; }
traced() { grep -q '^TracerPid:.*[1-9]' "/proc/$1/status"; }
terminate() { kill -TERM "$parent" || :; }
interrupt() { key C-c; }
resize() { terminal resize-window -x 90 -y 30; }

# ---- all of it ----

mkdir "$scratch/home" "$scratch/bin"
printf 'PS1="outer> "\nPATH=%s\nunset HISTFILE\n' "$scratch/bin:$PATH" >"$scratch/rc"
export TERM=screen
"$(program checks)" probe-image >/dev/null
# Hides what this machine sets for every shell, such as another prompt, from this script alone.
if [ -e /etc/bash.bashrc ]; then mount --bind /dev/null /etc/bash.bashrc; fi

if [ $# = 0 ]; then
    # Part I's are all about it; of the parts above that library the last program is enough.
    for number in $(numbers); do
        if [ "$(part_of "$(echo levels/"$number"_*)")" = 1 ]; then names+=("$(solution_of "$number")"); fi
    done
    # `complete` is a command of the shell's own, and the next level begins as the same program.
    names=("${names[@]/#complete/level12}")
    names+=(level19 rd)
else
    names=("$@")
fi
for name in "${names[@]}"; do
    # The command of level 00 runs on the host, where a shell would read its user's files.
    if [ "$name" = level01 ]; then home=$scratch/home; else home=/root; fi
    ln -s "$(program "$name")" "$scratch/bin/$name"
    # There the shell also looks for `probe`, which the other levels have in an image.
    ln -sf "$(program checks)" "$scratch/bin/probe"
    mounts_before=$(mount_table)

    a_shell
    a_shell_that_is_killed
    an_editor
    a_command
    a_command_that_is_stopped
    a_command_in_the_background
    # Given code, the same everywhere; what differs is whether the command is a PID 1.
    case $name in level01 | level07 | rd)
        a_command_that_wants_the_terminal
        a_terminal_that_is_spoiled
        a_command_that_is_not_to_hear_of_it
        a_leader_that_is_hung_up
        ;;
    esac
    a_command_that_counts TERM terminate 1
    a_command_that_counts INT interrupt 0
    a_command_that_counts WINCH resize 0
    a_terminal_that_hangs_up

    case $name in
        level19) with_its_own_terminal -t ;;
        rd)
            a_pager
            script_inside
            through_sudo
            with=--init
            a_command
            a_command_that_is_stopped
            a_command_in_the_background
            with=''
            with_its_own_terminal -t
            with_its_own_terminal '--init -t'
            ;;
    esac

    same "$name: the mount table is as before" "$mounts_before" "$(mount_table)"
    same "$name: no container is left" '' "$(left_in "$RUBBER_DOCKER_CONTAINERS")"
done
sums
