"""Prints a tree, one line for each name, with everything that a container could see of
it: type, mode, owner, time, size, target, contents, extended attributes, and which names
are the same file.

    tree.py DIRECTORY
"""

import hashlib
import os
import stat
import sys

root = os.fsencode(sys.argv[1])


def names(directory):
    yield directory
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            yield from names(entry.path)
        else:
            yield entry.path


first = {}
for path in names(root):
    inside = path[len(root):] or b"/"
    about = os.lstat(path)
    kind = stat.filemode(about.st_mode)[0]
    line = [repr(inside), kind, oct(stat.S_IMODE(about.st_mode)), f"{about.st_uid}:{about.st_gid}",
            f"{about.st_mtime_ns // 10**9}.{about.st_mtime_ns % 10**9:09}"]
    if kind == "-":
        with open(path, "rb") as file:
            line += [str(about.st_size), hashlib.sha256(file.read()).hexdigest()[:16]]
    if kind == "l":
        line.append("-> " + repr(os.readlink(path)))
    if kind != "d":
        line.append("same file as " + repr(first.setdefault(about.st_ino, inside)))
        line.append(f"{about.st_nlink} names")
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        line.append(f"{name}={os.getxattr(path, name, follow_symlinks=False)!r}")
    print(*line)
