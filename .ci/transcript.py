#!/usr/bin/env python3
"""Runs the transcripts of a page that the book's own tests cannot run, and compares.

    .ci/transcript.py PAGE SCRIPT

Those whose fence says `skip=REASON; run by SCRIPT`. In the output, `[..]` stands for anything
within a line, and `[PID]` for a number. The commands run in one bash, in the directory and with
the environment of the caller; `cargo` starts the programs that were built in $target.
"""

import re
import subprocess
import sys

CARGO = """
cargo() {
    case "$1 $2 $3 $4" in
        'workshop images '*) shift 2; "$target/debug/registry" "$@" ;;
        'run -q -p rd') shift 5; "$target/debug/rd" "$@" ;;
        *) printf 'a transcript has no such cargo: %s\n' "$*"; return 125 ;;
    esac
}
exec 2>&1
"""
MARK = "---- the next command ----"


def fences(page, script):
    text = open(page, encoding="utf-8").read()
    for fence in re.finditer(r"^```console skip=([^\n]*)\n(.*?)^```$", text, re.M | re.S):
        if fence[1].endswith(f"run by {script}"):
            yield fence[2]


def steps(fence):
    """Pairs of a command and the lines that it prints."""
    step = None
    for line in fence.splitlines():
        if line.startswith("$ "):
            if step:
                yield step
            step = (line[2:], [])
        else:
            step[1].append(line)
    yield step


def pattern(line):
    line = re.escape(line).replace(re.escape("[..]"), ".*").replace(re.escape("[PID]"), "[0-9]+")
    return re.compile(line)


def main():
    page, script = sys.argv[1:]
    found = list(fences(page, script))
    if not found:
        sys.exit(f"{page} has no transcript that says `run by {script}`")
    for fence in found:
        told = list(steps(fence))
        words = CARGO + "".join(f"{command}\necho '{MARK}'\n" for command, _ in told)
        run = subprocess.run(["bash"], input=words, stdout=subprocess.PIPE, text=True, check=False)
        seen = run.stdout.split(MARK + "\n")
        for (command, lines), output in zip(told, seen, strict=False):
            output = output.splitlines()
            fits = len(output) == len(lines) and all(
                pattern(line).fullmatch(there) for line, there in zip(lines, output)
            )
            if not fits:
                print(f"{page} says of `{command}`:", *lines, "and this came:", *output, sep="\n    ")
                sys.exit(1)


main()
