"""Writes a layer such as no tool writes on its own: what the specification allows, and
what an image out there may well hold.

    layer.py FILE
"""

import io
import sys
import tarfile

layer = tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT)


def add(name, kind=tarfile.REGTYPE, contents=b"", mode=0o644, owner=(0, 0), link="", mtime=1_600_000_000, records=None):
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.linkname, member.mtime = kind, mode, link, mtime
    member.uid, member.gid = owner
    member.size = len(contents)
    member.pax_headers = records or {}
    layer.addfile(member, io.BytesIO(contents))


def directory(name, **rest):
    add(name, tarfile.DIRTYPE, **{"mode": 0o755, **rest})


# Names of lower layers go.
directory("three")
add("three/.wh.gone")
add("three/.wh.tree")
add("three/.wh.never-was")
# Everything that was in a directory goes, and this is what is in it instead. That the
# marker comes last must make no difference.
directory("three/opaque", mode=0o700, owner=(7, 8))
add("three/opaque/new", contents=b"new")
add("three/opaque/.wh..wh..opq")
# Another kind of file in the same place.
add("three/was-directory", contents=b"a file now")
directory("three/was-file", mode=0o1777)
add("three/was-file/inside", contents=b"a directory now")
add("three/was-link", contents=b"no link any more")
# A second name of a file that a lower layer has, and one of a file of this layer.
add("three/lower-again", tarfile.LNKTYPE, link="three/lower")
add("three/twice", contents=b"twice" * 1000)
add("three/twice-again", tarfile.LNKTYPE, link="three/twice")
# One of two names is replaced: the other one keeps what it had.
add("three/pair-b", contents=b"alone")
# Through a link that a lower layer has.
add("three/link-to-directory/through", contents=b"through the link")
add("three/absolute-link/through-too", contents=b"through the other link")
# Who and when.
add("three/setuid", contents=b"#!/bin/sh\n", mode=0o4755)
add("three/setgid", contents=b"#!/bin/sh\n", mode=0o2711, owner=(0, 42))
directory("three/shared", mode=0o3775, owner=(1000, 1000))
add("three/large-owner", owner=(3_000_000_000, 2_000_000_000))
add("three/precise", contents=b"x", mtime=1_600_000_000.25, records={"mtime": "1600000000.250000001"})
add("three/before-1970", contents=b"x", records={"mtime": "-1.750000000"})
add("three/fifo", tarfile.FIFOTYPE, mode=0o622)
add("three/dangling", tarfile.SYMTYPE, link="/nowhere/at/all", mode=0o777)
add("three/out", tarfile.SYMTYPE, link="../../../../../etc/passwd", mode=0o777)
# Names.
add("three/" + "long-name-" * 20, contents=b"long")
for depth in range(1, 21):
    # With an entry: a directory without one gets its time from the program that unpacks it.
    directory("three/" + "/".join(["deep-directory"] * depth))
add("three/" + "/".join(["deep-directory"] * 20) + "/file", contents=b"deep")
add("three/name with \u00fcmlaut\nand line feed", contents=b"odd")
add("three/" + "t" * 150, tarfile.SYMTYPE, link="u" * 300, mode=0o777)
# Extended attributes: a word, and what makes ping work without setuid.
add("three/attributes", contents=b"x", records={"SCHILY.xattr.user.word": "value=with sign"})
add("three/capable", contents=b"x", mode=0o755, records={
    "SCHILY.xattr.security.capability": b"\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0".decode()})
directory("three/attributed", records={"SCHILY.xattr.user.of": "a directory"})
layer.close()
