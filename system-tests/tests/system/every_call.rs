//! There is no step at which a container may not go wrong: of the system calls that the
//! runtime makes, in the parent and in the child up to exec, each one fails once, and the
//! container runs all the same, or ends with 125 and a word about it, and nothing is left.
//! Then at some of them the process that makes it is killed, and `clean` removes whatever
//! is left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::call::{Call, Ended};
use crate::kernel;
use crate::machine::{Machine, control_groups, matches, new_groups};
use crate::program::{Program, has_panicked};
use crate::trial::Case;

const SUITE: &str = "every_call";

/// Two of them run at the same time on two processors; of a part's calls each fails once.
const PARTS: usize = 2;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(SUITE, "removal fails: EBUSY after the command", |machine| {
            with_rd(machine, |rd| {
                first_and_last(
                    rd,
                    "rmdir,unlinkat:error=EBUSY",
                    "the command ends with 3, and nothing can be removed",
                    3,
                    "exited with status 3$",
                );
            });
        }),
        Case::new(
            SUITE,
            "removal fails: EBUSY after EAGAIN in clone",
            |machine| {
                with_rd(machine, |rd| {
                    first_and_last(
                        rd,
                        "clone,clone3:error=EAGAIN",
                        "no process can be made, and nothing removed",
                        125,
                        "^rd: clone.*EAGAIN",
                    );
                });
            },
        ),
    ];
    for part in 0..PARTS {
        let name = format!(
            "each call fails: EAGAIN, EMFILE, ENOMEM, ENOSPC: part {} of {PARTS}",
            part + 1
        );
        cases.push(Case::new(SUITE, name, move |machine| {
            of_each(machine, "fails", PARTS, part, goes_wrong);
        }));
    }
    for (name, every) in [
        ("each fourth call is killed: SIGKILL", 4),
        ("each call is killed: SIGKILL, in full", 1),
    ] {
        cases.push(Case::new(SUITE, name, move |machine| {
            of_each(machine, "is killed", every, every - 1, is_killed);
        }));
    }
    cases
}

/// With strace and a warm cache; afterwards all is as before.
fn with_rd(machine: &Machine, look: impl FnOnce(&Program)) {
    let strace = ["-o", "/dev/null", "true"];
    if machine.call("strace").words(strace).run().status != 0 {
        machine.skip("there is no strace here to make calls fail");
        return;
    }
    let rd = &machine.program("rd");
    assert_eq!(rd.run(["true"]).run().status, 0);
    let before = machine.look();
    let tree = kernel::manifest(&rd.store.cache());
    look(rd);
    machine.is_as_before("after all that", &before);
    let tree_now = kernel::manifest(&rd.store.cache());
    machine.same(
        "in the image's tree nothing has been touched",
        tree,
        tree_now,
    );
    let ended = rd.run(["echo", "fine"]).run();
    machine.same("after all that a container runs", "fine\n", &ended.out);
}

// ---- which calls ----

/// With everything that the runtime makes a call for.
fn whole<'a>(rd: &Program<'a>) -> Call<'a> {
    let limits = ["--memory", "64m", "--cpu-shares", "512"];
    let call = rd.run(limits).words(["--user", "2014:222"]);
    call.words(["--", "/bin/true"])
}

/// Without these there is no memory to speak of an error with, or they cannot fail.
const NOT_OURS: [&str; 17] = [
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "exit_group",
    "sigaltstack",
    "close",
    "lseek",
    "umask",
    "getpid",
    "gettid",
    "geteuid",
    "getrandom",
    "sched_getaffinity",
    "prlimit64",
    "rt_sigreturn",
    "restart_syscall",
];

/// A call by its name, and which of them: the third mkdir is that of the parent and that of
/// the child, since strace counts for each process anew.
type Which = (String, usize);

/// Each call, and which of them are the runtime's. The loader and the start of Rust's own
/// runtime are not ours, and end where SIGPIPE is ignored.
fn calls(rd: &Program) -> Vec<Which> {
    let trace = rd.machine.fresh("trace");
    let strace = ["strace", "-f", "-qq", "-o", trace.to_str().unwrap()];
    whole(rd).behind(strace).run();
    let (mut before, mut of_parent, mut of_child) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut parent, mut has_begun, mut is_executed) = (None, false, false);
    // The program goes on as its sealed copy (level 17), which is loaded as it was.
    let (mut is_loading, mut of_loader) = (false, BTreeSet::new());
    for line in fs::read_to_string(&trace).unwrap().lines() {
        let Some((pid, rest)) = line.split_once(' ') else {
            continue;
        };
        let is_parent = *parent.get_or_insert(pid.to_owned()) == pid;
        let rest = rest.trim_start();
        let name = rest.split('(').next().unwrap_or_default().to_owned();
        // nix panics if an unlock fails, which the kernel never lets it (flock(2)).
        let is_call = rest.starts_with(|it: char| it.is_ascii_lowercase());
        if !is_call || line.contains("LOCK_UN") || is_executed && !is_parent {
            continue;
        }
        if is_parent {
            if !has_begun {
                *before.entry(name.clone()).or_insert(0) += 1;
            }
            let number = of_parent.entry(name.clone()).or_insert(0);
            *number += 1;
            if is_loading {
                of_loader.insert((name.clone(), *number));
            }
            let is_rust = line.contains("SIGPIPE, {sa_handler=SIG_IGN");
            has_begun |= is_rust;
            is_loading = (is_loading || name == "execveat") && !is_rust;
        } else {
            is_executed |= name == "execve";
            *of_child.entry(name).or_insert(0) += 1;
        }
    }
    // What the parent has of it comes first, and hides as many of the child.
    let names: BTreeSet<&String> = of_parent.keys().chain(of_child.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let count = |of: &BTreeMap<String, usize>| of.get(name).copied().unwrap_or(0);
        let first = count(&before) + 1;
        let last = count(&of_parent).max(count(&of_child));
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        // That a signal gets its default disposition is asked 64 times in one loop.
        let last = match name.as_str() {
            "rt_sigaction" => last.min(first + 8),
            _ => last,
        };
        let all = (first..=last).map(|number| (name.clone(), number));
        found.extend(all.filter(|which| !of_loader.contains(which)));
    }
    found
}

/// An error that the call may well have on a bad day.
fn error_of(call: &str) -> &'static str {
    match call {
        "mkdir" | "write" => "ENOSPC",
        "socket" | "pidfd_open" => "EMFILE",
        _ if call.starts_with("symlink") => "ENOSPC",
        _ if call.starts_with("open") => "EMFILE",
        _ if call.starts_with("clone") => "EAGAIN",
        _ => "ENOMEM",
    }
}

// ---- one goes wrong ----

/// A container in which that happens to this one call.
fn inject(call: Call, (name, number): &Which, how: &str) -> Ended {
    let trace = format!("trace={name}");
    let inject = format!("inject={name}:{how}:when={number}");
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null"];
    call.behind(strace.into_iter().chain(["-e", &trace, "-e", &inject]))
        .run()
}

/// What is left of containers, once the kernel has let go of it.
fn left(rd: &Program, groups: &BTreeSet<PathBuf>, patience: u64) -> Vec<PathBuf> {
    let mut left = rd.store.left();
    left.extend(new_groups(groups, Duration::from_secs(patience)));
    left
}

fn clean(rd: &Program) -> Ended {
    let workshop = rd.machine.program("workshop").with_store(rd.store.clone());
    workshop.call(["clean"]).run()
}

/// What is done to a call of this command line; the answer is what was wrong then.
type Step = fn(&Program, &BTreeSet<PathBuf>, Call, &Which) -> Vec<String>;

/// Does that to one call in so many, and each time to another one of as many.
fn of_each(machine: &Machine, what: &str, every: usize, rest: usize, step: Step) {
    with_rd(machine, |rd| {
        let calls = calls(rd);
        let is_a_container = calls.iter().any(|(name, _)| name == "pivot_root");
        machine.check("the calls are those of a container", is_a_container, || {
            format!("{calls:?}")
        });
        let groups = control_groups();
        let (mut wrong, mut count) = (Vec::new(), 0);
        for which in calls.iter().skip(rest).step_by(every) {
            wrong.extend(step(rd, &groups, whole(rd), which));
            count += 1;
        }
        // Without limits the parent writes nothing before the child joins its groups.
        for number in [1, 2] {
            let which = ("write".to_owned(), number);
            wrong.extend(step(rd, &groups, rd.run(["--", "/bin/true"]), &which));
        }
        println!("{count} of {} calls", calls.len());
        let assertion = format!("a call {what}: a word about it, and nothing is left");
        machine.none(&assertion, wrong);
        machine.check("many calls were tried", count >= 50, || count.to_string());
    });
}

/// One call fails.
fn goes_wrong(rd: &Program, groups: &BTreeSet<PathBuf>, call: Call, which: &Which) -> Vec<String> {
    let error = format!("error={}", error_of(&which.0));
    let ended = inject(call, which, &error);
    let (status, said) = (ended.status, &ended.err);
    let mut wrong = Vec::new();
    let mut complain = |what: &str| wrong.push(format!("{which:?}: {what}: {ended:?}"));
    if has_panicked(said) || status > 128 {
        complain("it panicked, or a signal has ended it");
    }
    // Its own status, or that of a command which has ended with one.
    let ended_so = format!("exited with status {status}$");
    if status != 0 && status != 125 && !matches(&ended_so, said) {
        complain("the status is neither ours nor the command's");
    }
    let mut words = said.lines().filter(|it| !it.contains("exited with status"));
    if status == 125 && !words.any(|line| line.starts_with("rd: ")) {
        complain("125 without a word");
    }
    let leftovers = left(rd, groups, 1);
    if !leftovers.is_empty() {
        // What cannot be removed is left; the error names it.
        let excuse = "warning: (cannot remove|stopped removing|rmdir).*cargo workshop clean";
        if !matches(excuse, said) {
            complain(&format!("it left {leftovers:?}"));
        }
        clean(rd);
        let leftovers = left(rd, groups, 2);
        if !leftovers.is_empty() {
            complain(&format!("after clean there is still {leftovers:?}"));
        }
    }
    wrong
}

/// SIGKILL ends the process, parent or child, that makes the call.
fn is_killed(rd: &Program, groups: &BTreeSet<PathBuf>, call: Call, which: &Which) -> Vec<String> {
    let ended = inject(call, which, "signal=KILL");
    let mut wrong = Vec::new();
    if ended.status != 137 && ended.status != 0 {
        wrong.push(format!("{which:?}: {ended:?}"));
    }
    let cleaned = clean(rd);
    if cleaned.status != 0 {
        wrong.push(format!("{which:?}: clean failed: {cleaned:?}"));
    }
    let leftovers = left(rd, groups, 2);
    if !leftovers.is_empty() {
        wrong.push(format!(
            "{which:?}: after clean there is still {leftovers:?}"
        ));
    }
    wrong
}

/// A first error and then a second one: no removal works when it comes to tidying up, so
/// that the cause must come first and keep its status, and what is left is a warning. The
/// child is not followed: it removes the place of the old root.
fn first_and_last(rd: &Program, first: &str, about: &str, status: i32, cause: &str) {
    let machine = rd.machine;
    let groups = control_groups();
    let first = format!("inject={first}");
    let strace = ["strace", "-qq", "-o", "/dev/null"].into_iter();
    let strace = strace.chain(["-e", "trace=rmdir,unlinkat,clone,clone3"]);
    let strace = strace.chain(["-e", &first, "-e", "inject=rmdir,unlinkat:error=EBUSY"]);
    let call = rd.run(["--", "/bin/sh", "-c", "exit 3"]).behind(strace);
    let ended = call.run();
    machine.same(&format!("{about}: the status"), status, ended.status);
    let lines: Vec<&str> = ended.err.lines().collect();
    let first = lines.first().copied().unwrap_or_default();
    machine.says(&format!("{about}: the cause is told first"), cause, first);
    machine.says(
        &format!("{about}: what follows is a warning"),
        "^rd: warning: rmdir.*EBUSY.*cargo workshop clean",
        &ended.err,
    );
    let twice = lines.windows(2).filter(|pair| pair[0] == pair[1]);
    machine.none(&format!("{about}: nothing is told twice"), twice);
    let cleaned = clean(rd);
    machine.same(&format!("{about}: clean succeeds"), 0, cleaned.status);
    machine.none(
        &format!("{about}: clean removes what is left"),
        left(rd, &groups, 2),
    );
}
