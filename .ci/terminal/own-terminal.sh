# shellcheck shell=bash disable=SC2154,SC2016
# The second column of level 18's table: a container that has a terminal of its own, by `-t`.
# Sourced by terminal.sh, whose words these are; $with has the options.

has_init() { [[ " $with " = *' --init '* ]]; }
# Keys are for the container: whatever is typed is a byte for the parent.
is_raw() { stty -a -F "$tty" | grep -q -- '-isig -icanon'; }
in_session_of() { [ "$(ps -o sid= -p "$1")" = "$(ps -o sid= -p "$2")" ]; }
terminal_of() { ps -o tty= -p "$1" | tr -d ' '; }
as_typed() { eventually 'the keys are the container'\''s' is_raw; }

a_terminal_of_its_own() {
    open_terminal "$name${with:+ $with}, a terminal of its own"
    start bash
    container_runs bash
    eventually 'it prompts' shows '^bash-[0-9.]+[#$]'
    enter tty
    eventually 'its name leads to its own /dev/pts' shows '^/dev/pts/0$'
    same "$about: the parent is at the outer one" "${tty#/dev/}" "$(terminal_of "$parent")"
    # Not by the terminal's number: /dev/pts/0 of the one and of the other have the same.
    now 'the command is in a session of its own' not in_session_of "$outer" "$command"
    as_typed
    enter 'sleep 3000'
    eventually 'a command in it is in the foreground there' child_in_foreground "$command" sleep
    key "C-\\"
    eventually 'Ctrl-\ ends it' gone "$found"
    enter "echo quit-\$?"
    eventually 'by SIGQUIT' shows '^quit-131'
    now 'and neither the shell nor the parent' all_running "$command" "$parent"
    # What the container does to its terminal is its own affair.
    enter 'stty -echo; echo qui""et'
    eventually 'it can be told not to show what is typed' shows '^quiet'
    enter 'echo silent; stty echo; exit'
    eventually 'leaving it brings the outer prompt back' gone "$parent"
    now 'what is typed without echo is not shown' not shows 'echo silent'
    terminal_is_back
    close_terminal
}

# Number 1 drops what it has no handler for; with --init the command is another.
keys_that_are_bytes() {
    open_terminal "$name${with:+ $with}, keys"
    start 'sleep 1000'
    container_runs sleep
    as_typed
    key C-z
    eventually 'Ctrl-Z is shown by its own terminal' shows '^\^Z'
    now 'nothing stops' all_running "$command" "$parent"
    now 'and the outer shell is not back' not in_foreground "$outer"
    key C-c
    if has_init; then
        eventually 'Ctrl-C ends it' gone "$command"
        expected=130
    else
        eventually 'Ctrl-C is shown by its own terminal' shows '\^C'
        now 'a PID 1 does not hear it, nor does the parent' all_running "$command" "$parent"
        ends_by 143 SIGTERM terminate
    fi
    eventually 'its end is reported' shows "$name: [0-9]+ exited with status $expected"
    enter "echo status-\$?"
    eventually "its status is $expected" shows "^status-$expected"
    terminal_is_back
    close_terminal
}

# From another terminal: no key can stop it.
a_command_stopped_from_outside() {
    open_terminal "$name${with:+ $with}, stopped from outside"
    start 'sh -c "echo begun; read -r line; echo got \$line"'
    container_runs sh
    eventually 'it has begun' shows '^begun'
    as_typed
    kill -TSTP "$parent"
    eventually 'SIGTSTP stops it and its parent' all_stopped "$command" "$parent"
    eventually 'the outer shell has the terminal' in_foreground "$outer"
    save_settings
    same "$about: as it was before" "$settings_before" "$(given_settings)"
    enter "echo meanwhile-\$((40 + 2))"
    eventually 'and what is typed' shows '^meanwhile-42'
    enter fg
    eventually 'fg continues both' all_running "$command" "$parent"
    as_typed
    enter 'typed in front'
    eventually 'and it reads what is typed' shows '^got typed in front'
    eventually 'it ends' gone "$parent"
    terminal_is_back
    close_terminal
}

a_command_with_its_terminal_in_the_background() {
    local before
    open_terminal "$name${with:+ $with}, cat in the background"
    start 'cat &'
    container_runs cat
    eventually 'the outer shell prompts meanwhile' in_foreground "$outer"
    before=$(ticks "$parent")
    enter "echo \$((40 + 2))-later"
    eventually 'and reads what is typed' shows '^42-later'
    now 'it waits, and nothing stops' all_running "$command" "$parent"
    now 'nor does the parent use a processor' test $(($(ticks "$parent"))) -le $((before + 20))
    enter fg
    as_typed
    enter 'read by cat'
    eventually 'in front it reads what is typed' twice 'read by cat'
    key C-d
    eventually 'Ctrl-D is its end' gone "$parent"
    terminal_is_back
    close_terminal

    open_terminal "$name${with:+ $with}, it prints in the background"
    enter 'stty tostop'
    start 'sh -c "echo 4\$((1 + 1))-shown" &'
    eventually 'what it prints is shown, by the parent' shows '(^| )42-shown'
    eventually 'it ends' gone_child_of_outer
    close_terminal
}

a_pager() {
    open_terminal "$name${with:+ $with}, less"
    start "sh -c 'seq 500 | less'"
    eventually 'it shows a screen' shows '^23$'
    now 'and no more' not shows '^24$'
    terminal resize-window -x 90 -y 40
    eventually 'it draws again for a larger window' shows '^39$'
    key q
    eventually 'leaving it brings the outer prompt back' gone_child_of_outer
    terminal_is_back
    close_terminal
}

sleep_in_foreground() { found=$(pgrep -n -x sleep) && in_foreground "$found"; }

# A program that makes a terminal itself.
script_inside() {
    local with_before=$with
    open_terminal "$name${with:+ $with}, script"
    with="$with -v $(command -v script):/usr/bin/script:ro"
    start 'script -q -c bash /tmp/seen'
    container_runs script
    eventually 'a shell in it prompts' shows '^bash-[0-9.]+[#$]'
    enter tty
    eventually 'at one more terminal of the container' shows '^/dev/pts/[01]$'
    enter 'sleep 1000'
    # A Ctrl-C before that would be the shell's, which drops it.
    eventually 'a command in it is in the foreground' sleep_in_foreground
    key C-c
    enter "echo interrupted-\$?"
    eventually 'Ctrl-C ends a command in it' shows '^interrupted-130'
    terminal resize-window -x 100 -y 30
    enter "echo \"size \$(stty size)\""
    eventually 'it sees the new size of the window' shows "^size $(size_of_window)\$"
    terminal resize-window -x 80 -y 24
    enter exit
    eventually 'leaving it brings the outer prompt back' gone "$parent"
    terminal_is_back
    close_terminal
    with=$with_before
}

# sudo can give a command a terminal of its own (`use_pty` in sudoers(5)): then ours is that one.
through_sudo() {
    if ! command -v sudo >/dev/null; then
        skip "$name${with:+ $with}, sudo" 'this machine has no sudo'
        return
    fi
    printf 'Defaults use_pty\nroot ALL=(ALL:ALL) NOPASSWD: ALL\n' >"$scratch/sudoers"
    chmod 440 "$scratch/sudoers"
    mount --bind "$scratch/sudoers" /etc/sudoers
    open_terminal "$name${with:+ $with}, sudo with use_pty"
    save_settings
    settings_before=$(given_settings)
    enter "sudo --preserve-env=RUBBER_DOCKER_IMAGES,RUBBER_DOCKER_CONTAINERS $scratch/bin/$name run $with -- bash"
    eventually 'it prompts' shows '^bash-[0-9.]+[#$]'
    now 'it prompts without a warning' not shows 'cannot set terminal|no job control|[Ww]arning|[Ee]rror|not found'
    parent=$(pgrep -n -x "$name")
    if [ "$(terminal_of "$parent")" != "${tty#/dev/}" ]; then ok "$about: the parent is at sudo's terminal"; else not_ok "$about: the parent is at sudo's terminal"; fi
    enter 'sleep 1000'
    eventually 'a command in it is in the foreground' sleep_in_foreground
    key C-c
    enter "echo interrupted-\$?"
    eventually 'Ctrl-C ends it' shows '^interrupted-130'
    enter 'sleep 2000'
    eventually 'a second one is in the foreground' sleep_in_foreground
    key C-z
    eventually 'Ctrl-Z stops it' shows 'Stopped +sleep 2000'
    enter fg
    eventually 'fg continues it' pgrep -r S -x sleep
    key C-c
    eventually 'and Ctrl-C ends it' not pgrep -x sleep
    enter 'exit 7'
    eventually 'leaving it brings the outer prompt back' gone_child_of_outer
    enter "echo status-\$?"
    eventually 'its status is ours' shows '^status-7'
    terminal_is_back
    close_terminal
    umount --lazy /etc/sudoers
}

# with_its_own_terminal OPTIONS
with_its_own_terminal() {
    with=$1
    a_shell
    a_terminal_of_its_own
    a_shell_that_is_killed
    an_editor
    a_pager
    keys_that_are_bytes
    a_command_stopped_from_outside
    a_command_with_its_terminal_in_the_background
    script_inside
    through_sudo
    a_command_that_counts TERM terminate 1
    a_command_that_counts INT interrupt 0
    a_command_that_counts WINCH resize 0
    a_terminal_that_hangs_up
    with=''
}
