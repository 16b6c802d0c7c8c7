#!/bin/sh
# pure-v2.sh WORKSHOP DIRECTORY: what the doctor says on a machine that has control groups
# of version 2 and nothing else, and what the levels in DIRECTORY do there. To be run as
# root in the QEMU machine: it moves processes between control groups. In DIRECTORY there is
# also util-linux's unshare, since busybox's knows no cgroup namespace.
set -u

workshop=$1 programs=$2
wrong=0

# A machine that runs the levels need not be able to build them.
tools=$(mktemp -d)
for tool in cargo rustc cc; do
    printf '#!/bin/sh\necho rustc 1.999.0\n' >"$tools/$tool"
    chmod 755 "$tools/$tool"
done
PATH=$tools:$PATH

works() { "$programs/$1" run /bin/true >/dev/null 2>&1; }

# compare NAME EXPECTED: the first level that is not ready, or "all"; both in what the
# doctor says and in what is true. Level 07's solution is the skeleton of 08, which is
# given the groups already: so it is 07 itself that is run.
compare() {
    "$workshop" doctor --json >"$tools/json"
    status=$?
    said=$(awk -F '"' '/"level":/ { level = $4 } /"verdict":/ && $4 != "ready" && !first { first = level }
        END { print first ? first : "all" }' "$tools/json")
    if works level07 && works rd; then true=all; elif works level07; then true=08; else true=below; fi
    if [ "$said $true" = "$2 $2" ] && [ "$status" = "$([ "$2" = all ]; echo $?)" ]; then
        echo "ok    doctor: $1"
    else
        echo "FAIL  doctor: $1: awaited $2, said $said with status $status, is $true"
        wrong=1
    fi
}

if [ "${3-}" = inside ]; then
    # The group that we are in is the root now. It has processes, us among them.
    umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
    compare 'the root of a cgroup namespace has processes and hands nothing down' 08
    # As the doctor says. Its commands stand before its name; a JSON string is read here
    # that has no escapes.
    awk -F '"' '/"commands": \[/ { n = 0; on = 1; next } on && /\]/ { on = 0 } on { line[n++] = $2 }
        /"id": "cgroup-cpu"/ { for (i = 0; i < n; i++) print line[i] }' "$tools/json" >"$tools/remedy"
    # Some of the processes have ended by then, and cannot be moved.
    # shellcheck disable=SC1091
    . "$tools/remedy" 2>/dev/null
    compare 'it does when they have been moved' all
    mount -o remount,bind,ro /sys/fs/cgroup
    compare 'read-only groups are none' 08
else
    compare 'version 2 and nothing else' all
    grep -q 'control groups are version 2, as' "$tools/json" || { echo 'FAIL  doctor: which version it is'; wrong=1; }
    mkdir /sys/fs/cgroup/doctor
    # In a group of its own, which it leaves to the machine's end.
    sh -c 'echo 0 >/sys/fs/cgroup/doctor/cgroup.procs; exec "$2/unshare" --cgroup --mount --propagation private sh "$0" "$@"' \
        "$0" "$workshop" "$programs" inside || wrong=1
fi
rm -r "$tools"
exit "$wrong"
