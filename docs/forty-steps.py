"""The tables of the page "A container in forty steps"; docs/forty-steps.sh calls this.

    forty-steps.py bundle             config.json of an OCI bundle that asks for what our program is told
    forty-steps.py complete PAGE MACHINE
                                      complete's steps, from the page of its X-ray
    forty-steps.py beside DIR         what the traces in DIR tell of complete, crun and runc
    forty-steps.py get PAGE NAME      what stands in the page between <!-- NAME: ... --> and <!-- end -->
    forty-steps.py put PAGE NAME FILE what the file has is put there
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

# ---- the bundle


def bundle():
    def mounted(where, kind, options):
        return {"destination": where, "type": kind, "source": kind, "options": options.split()}

    inert = "nosuid noexec nodev"
    kinds = "pid network ipc uts mount cgroup".split()
    return {
        "ociVersion": "1.0.0",
        "process": {
            "user": {"uid": 1000, "gid": 1000},
            "args": ["true"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {"bounding": [], "effective": [], "permitted": [], "inheritable": [], "ambient": []},
        },
        "root": {"path": "rootfs"},
        "hostname": "forty",
        "mounts": [
            mounted("/proc", "proc", inert),
            mounted("/sys", "sysfs", f"{inert} ro"),
            mounted("/dev", "tmpfs", "nosuid noexec mode=755 size=64k"),
            mounted("/dev/pts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5"),
            mounted("/dev/shm", "tmpfs", f"{inert} mode=1777 size=64m"),
        ],
        "linux": {
            "cgroupsPath": "/rubber-docker-forty/forty",
            "namespaces": [{"type": kind} for kind in kinds],
        },
    }


# ---- complete, step by step

# Which level teaches it: the first that fits. A step that none of them fits is an error.
TAUGHT = [
    (r"^(mkdir|write|unlinkat)\S*sys/fs/cgroup.*memory", "09"),
    (r"^(mkdir|write|unlinkat)\S*sys/fs/cgroup", "08"),
    (r"CLONE_NEWCGROUP", "08"),
    (r"^mkdir.*(upper|work|merged\")|^symlink.*/lower\"", "04"),
    (r"^mount\(\"overlay", "04"),
    (r"^(mkdir|pivot_root|umount2|rmdir|unlinkat).*\.old-root", "03"),
    (r"^chdir", "03"),
    (r"^mount.*MS_PRIVATE|^mknod|^symlink|/dev(/|\")", "02"),
    (r"^(mkdir|unlinkat).*containers|^mount\(\"(proc|sysfs)", "01"),
    (r"^clone|PR_SET_PDEATHSIG", "06"),
    (r"^sethostname", "05"),
    (r"^ioctl", "07"),
    (r"^set(groups|gid|uid)", "10"),
    (r"^prctl\(PR_CAP|^capset", "11"),
    (r"^(execve|exit|close_range)", "00"),
]
# What the X-ray says with control groups in mind, of other places.
SAID = {
    "mkdir": "a directory",
    "unlinkat": "a directory is removed, with all that is in it",
}


def level(call, others):
    # Limits are told as one step.
    if call.startswith("write") and "memory" in others and "memory" not in call:
        return f"{level(call, '')}, 09"
    for pattern, number in TAUGHT:
        if re.search(pattern, call):
            return number
    raise SystemExit(f"docs/forty-steps.py: which level teaches this step? {call}")


def shortened(step):
    words = []
    for argument in step["arguments"]:
        # The place is the same in each; a hierarchy of control groups more or less is the machine's.
        argument = re.sub(r"/var/lib/rubber-docker/containers/container-\d+", "…", argument)
        argument = re.sub(r"/sys/fs/cgroup(/\w+)?/rubber-docker/container-\d+", "/sys/fs/cgroup/…", argument)
        argument = re.sub(r"/var/lib/rubber-docker/containers/.images/[^\"]*", "…", argument)
        if argument.startswith('"lowerdir'):
            argument = '"lowerdir=…,upperdir=…,workdir=…"'
        words.append(argument)
    return f"{step['call']}({', '.join(words)})"


def sentence(stop, step):
    if stop.get("search"):
        return "looks for the command in PATH: not in this directory"
    if step["call"] in SAID and not step["arguments"][0].startswith(('"/sys/fs/cgroup', "/sys/fs/cgroup")):
        return SAID[step["call"]]
    return stop["does"]


def steps_of_complete(page):
    record = json.loads(re.search(r'id="record">(.*?)</script>', page, re.S)[1])
    rows = ["| | process | call | what it does | level |", "|--:|---|---|---|---|"]
    for number, stop in enumerate(record["stops"], 1):
        step = record["steps"][stop["first"]]
        call = shortened(step)
        plain = f"{step['call']}({', '.join(step['arguments'])})"
        # How often depends on the machine: its hierarchies, its kernel's capabilities.
        more = ", and more like it" if stop["times"] > 1 else ""
        cell = call.replace("|", "\\|")
        rows.append(f"| {number} | {step['who']} | `{cell}`{more} | {sentence(stop, step)} | {level(plain, stop.get('others', '') if 'tasks' not in plain and 'procs' not in plain else '')} |")
    return rows, record


# ---- the three beside each other

KINDS = [
    ("makes or joins namespaces", "unshare setns"),
    ("mounts", "mount umount2 mount_setattr open_tree move_mount fsopen fsconfig fsmount"),
    ("changes the root or the directory", "pivot_root chroot chdir fchdir"),
    ("makes a name in a directory", "mkdir mkdirat mknod mknodat symlink symlinkat link linkat"),
    ("removes one", "rmdir unlink unlinkat"),
    ("names the host", "sethostname setdomainname"),
    ("changes users and groups", "setuid setgid setgroups setresuid setresgid setreuid setregid setfsuid setfsgid"),
    ("changes capabilities", "capset"),
    ("prctl", "prctl"),
    ("becomes another program, the first time included", "execve execveat"),
]
ALL = {call for _, calls in KINDS for call in calls.split()} | {"clone", "clone3", "fork", "vfork", "seccomp", "keyctl", "close_range", "bpf", "memfd_create"}
LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$")


def calls(path):
    """(process, call, rest of the line) of each call that has succeeded."""
    begun = {}
    for line in path.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        process, call, rest = match.groups()
        if rest.endswith("<unfinished ...>"):
            begun[process] = rest.removesuffix("<unfinished ...>")
            continue
        rest = begun.pop(process, "") + rest
        if " = -1 " not in rest and (" = " in rest or call == "execve"):
            yield process, call, rest


def facts(path):
    seen = list(calls(path))
    counts = Counter(call for _, call, _ in seen)
    births = [rest for _, call, rest in seen if call in ("clone", "clone3", "fork", "vfork")]
    threads = [rest for rest in births if "CLONE_THREAD" in rest]
    found = {
        "processes, the command included": len(births) - len(threads) + 1,
        "threads besides": len(threads),
        "writes into control groups": sum(call == "write" and bool(re.match(r"\d+<[^>]*/cgroup/", rest)) for _, call, rest in seen),
    }
    for kind, names in KINDS:
        found[kind] = sum(counts[name] for name in names.split())
    found["all system calls"] = sum(counts.values())
    return found, {call for call in counts if call in ALL}, order(seen)


# What makes a container, in the order in which it is first done.
MOMENTS = [
    ("the child", r"clone3?|fork", r"^(?!.*CLONE_(THREAD|VFORK|VM))"),
    ("its namespaces", r"clone3?|unshare", r"CLONE_NEWNS"),
    ("a write into a control group", r"write", r"^\d+<[^>]*/cgroup/"),
    ("private mounts", r"mount", r"MS_(PRIVATE|SLAVE)"),
    ("/proc", r"mount|fsopen", r'"proc"'),
    ("the root", r"pivot_root", r""),
    ("the hostname", r"sethostname", r""),
    ("the user", r"set(res)?uid", r"1000"),
    ("the capabilities", r"capset", r""),
]


def order(seen):
    first = {}
    for at, (_, call, rest) in enumerate(seen):
        for name, calls_, pattern in MOMENTS:
            if name not in first and re.fullmatch(calls_, call) and re.search(pattern, rest):
                first[name] = at
    return [name for name in sorted(first, key=first.get)]


RUNS = 10


def beside(directory):
    names = ["complete", "crun", "runc"]
    runs = {name: [facts(directory / f"{name}.{run}") for run in range(1, RUNS + 1)] for name in names}
    rows = ["| | complete | crun | runc |", "|---|--:|--:|--:|"]
    for key in runs["complete"][0][0]:
        cells = []
        for name in names:
            values = {run[0][key] for run in runs[name]}
            cells.append(str(*values) if len(values) == 1 else "varies")
        rows.append(f"| {key} | {' | '.join(cells)} |")

    def always(name):
        return set.intersection(*(run[1] for run in runs[name]))

    def listed(calls_):
        return ", ".join(f"`{call}`" for call in sorted(calls_)) or "none"

    ever = set.union(*(run[1] for run in runs["complete"]))
    rows += ["", "Which calls of these kinds are made by one and not by the other:", ""]
    for name in names[1:]:
        theirs = set.union(*(run[1] for run in runs[name]))
        rows += [f"- **{name}**, and not complete: {listed(always(name) - ever)}.", f"- **complete**, and not {name}: {listed(always('complete') - theirs)}."]
    rows += ["", "In which order each comes first to these:", ""]
    for name in names:
        orders = {tuple(run[2]) for run in runs[name]}
        told = ", ".join(orders.pop()) if len(orders) == 1 else "not always the same"
        rows.append(f"- **{name}**: {told}.")
    return rows


# ---- their place in the page


def between(page, name):
    found = re.search(rf"(?<=<!-- {name}: written by docs/forty-steps.sh -->\n\n).*?(?=\n<!-- end -->)", page, re.DOTALL)
    if found is None:
        sys.exit(f"the page has no place for the table {name}")
    return found.span()


def main(action, *files):
    if action in ("get", "put"):
        path = Path(files[0])
        page = path.read_text()
        start, end = between(page, files[1])
        if action == "get":
            print(page[start:end], end="")
        else:
            path.write_text(page[:start] + Path(files[2]).read_text() + page[end:])
        return
    if action == "bundle":
        print(json.dumps(bundle(), indent=2))
    elif action == "complete":
        rows, record = steps_of_complete(Path(files[0]).read_text())
        system, groups, _ = Path(files[1]).read_text().splitlines()
        print("\n".join([f"`{' '.join(record['argv'])}`, on {system}, with {groups}:", "", *rows]))
    else:
        directory = Path(files[0])
        system, groups, _ = (directory / "machine").read_text().splitlines()
        versions = ", ".join((directory / "versions").read_text().splitlines())
        print("\n".join([f"{versions} and complete, on {system}, with {groups}; {RUNS} runs each:", "", *beside(directory)]))


main(*sys.argv[1:])
