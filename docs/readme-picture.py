"""Runs a command of the workshop at a terminal, and draws what it says of the first check that fails.

    docs/readme-picture.py COMMAND >SVG

The colours are the dark ones of docs/theme/house.css, on a panel of their own: the picture is read on
white pages and on black ones.
"""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from html import escape

COLUMNS, ROWS = 84, 50
# A letter, a line, and what is left free around them.
WIDTH, HEIGHT, MARGIN = 9.0, 22, 26
# What a terminal is asked for (SGR), as a colour of the house.
STYLES = {"1": "ink bold", "2": "soft", "31": "accent bold", "32": "soft", "33": "string", "0": ""}


def run(command):
    """What the command prints at a terminal, in colour."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color")
        os.environ.pop("NO_COLOR", None)
        # Until the terminal is as wide as it shall be, nothing is printed.
        sys.stdin.readline()
        os.execvp("bash", ["bash", "-c", command])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    os.write(terminal, b"\n")
    printed = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO: the last one has closed it
            break
        if not piece:
            break
        printed += piece
    os.waitpid(pid, 0)
    return printed.decode().replace("\r\n", "\n")


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def excerpt(printed):
    """The judged level's verdicts, and why the first one failed."""
    lines = printed.split("\n")
    bare = [plain(line) for line in lines]
    first = max(at for at, line in enumerate(bare) if re.match(r"level\d\d  ", line))
    why = next(at for at, line in enumerate(bare) if at > first and re.match(r"level\d\d[ :]\S?", line))
    end = next(at for at, line in enumerate(bare) if at > why and not line.strip())
    return lines[first:end]


def styled(line, style):
    """The pieces of a line, each with its classes, if the line before ended in this style."""
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", piece)
        if code:
            style = STYLES.get(code[1] or "0", style)
        else:
            yield piece, style


def house():
    """The dark colours of the house."""
    with open("docs/theme/house.css", encoding="utf-8") as file:
        return dict(re.findall(r"--(\w[\w-]*): light-dark\(#\w+, (#\w+)\)", file.read()))


def draw(command, lines):
    lines = [f"\x1b[31m$\x1b[0m \x1b[1m{command}\x1b[0m", "", *lines]
    width = round(COLUMNS * WIDTH + 2 * MARGIN)
    height = len(lines) * HEIGHT + 2 * MARGIN
    colour = house()
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(plain(chr(10).join(lines)))}">'
    yield "<style>"
    yield f"text {{ font: 15px 'IBM Plex Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre; fill: {colour['ink']} }}"
    yield ".bold { font-weight: 600 }"
    for name in ("soft", "accent", "string"):
        yield f".{name} {{ fill: {colour[name]} }}"
    yield "</style>"
    yield f'<rect x="1" y="1" width="{width - 2}" height="{height - 2}" rx="14" fill="{colour["paper"]}" stroke="{colour["line"]}" stroke-width="2"/>'
    style = ""
    for number, line in enumerate(lines):
        column = 0
        for piece, style in styled(line, style):
            word = piece.strip()
            if word:
                x = MARGIN + (column + len(piece) - len(piece.lstrip())) * WIDTH
                y = MARGIN + number * HEIGHT + 16
                classes = f' class="{style}"' if style else ""
                # As wide as it is in the house's letters, whatever letters the reader has.
                yield f'<text x="{x:g}" y="{y}" textLength="{len(word) * WIDTH:g}"{classes}>{escape(word, quote=False)}</text>'
            column += len(piece)
    yield "</svg>"


def main():
    (command,) = sys.argv[1:]
    print("\n".join(draw(command, excerpt(run(command)))))


main()
