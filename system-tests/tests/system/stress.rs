//! Containers do not get in each other's way, and neither a crowd of them nor a long row
//! leaves anything or gets its numbers wrong: fifty that start at the same moment, when there
//! is neither an image nor a cache yet, and fifty more, which find the cache; 200 that are
//! alive at the same moment and end with a status each of its own; 300 one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use sandbox::cgroups;
use sandbox::wait::await_within;

use crate::call::Running;
use crate::kernel::{self, entries};
use crate::machine::{Machine, PATIENCE, Sides, control_groups, hierarchy, matches, mount_tmpfs};
use crate::program::Program;
use crate::trial::Case;

const SUITE: &str = "stress";
const AT_ONCE: usize = 200;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            SUITE,
            "50 start at once, on a cold cache and a warm one",
            fifty,
        ),
        Case::new(SUITE, "200 are alive at once", |machine| {
            with_counts(machine, "200 at once", crowd);
        }),
    ];
    for (name, count) in [
        ("300 one after the other", 300),
        ("2000 one after the other, in full", 2000),
    ] {
        cases.push(Case::new(SUITE, name, move |machine| {
            with_counts(machine, "in a row", |rd, _| row(rd, count));
        }));
    }
    cases
}

fn processes() -> Vec<String> {
    kernel::processes().into_values().collect()
}

// ---- fifty ----

fn fifty(machine: &Machine) {
    let rd = &machine.program("rd");
    let before = machine.look();
    let processes_before = processes();
    let mut trees = Vec::new();
    for about in ["cold cache", "warm cache"] {
        let call = |number: usize| rd.run(["--", "echo", &format!("hello {number}")]);
        let started: Vec<(usize, Running)> = (1..=50)
            .map(|number| (number, call(number).start()))
            .collect();
        let mut wrong = Vec::new();
        for (number, running) in started {
            let ended = running.end();
            let is_right = ended.status == 0
                && ended.out == format!("hello {number}\n")
                && matches("^rd: [0-9]+ exited with status 0$", &ended.err);
            if !is_right {
                wrong.push(format!("{number}: {ended:?}"));
            }
        }
        machine.none(
            &format!("{about}: each prints its line, reports its end and exits with 0"),
            wrong,
        );
        machine.same(
            &format!("{about}: the process list is as before"),
            &processes_before,
            &processes(),
        );
        machine.is_as_before(about, &before);
        machine.same(
            &format!("{about}: of the containers only the cache is left"),
            vec![rd.store.cache()],
            entries(&rd.store.containers),
        );
        machine.none(
            &format!("{about}: of the attempts to make it nothing is left"),
            rd.store.half_made(),
        );
        let tree: Vec<(PathBuf, u64)> = entries(&rd.store.cache())
            .into_iter()
            .map(|path| (path.clone(), fs::metadata(path).unwrap().ino()))
            .collect();
        machine.same(&format!("{about}: the cache holds one tree"), 1, tree.len());
        machine.same(
            &format!("{about}: there is one image"),
            vec![rd.store.images.join("base.tar")],
            entries(&rd.store.images),
        );
        trees.push(tree);
    }
    machine.same(
        "warm cache: the tree is the one that was there",
        &trees[0],
        &trees[1],
    );
}

// ---- what is counted ----

/// All that must be the same afterwards.
#[derive(PartialEq, Debug)]
struct Counts {
    processes: Vec<String>,
    containers: Vec<PathBuf>,
    inodes: u64,
    blocks: u64,
}

fn counts(rd: &Program) -> Counts {
    let it = statvfs(rd.store.containers.as_path()).unwrap();
    Counts {
        processes: processes(),
        containers: entries(&rd.store.containers),
        inodes: it.files() - it.files_free(),
        blocks: it.blocks() - it.blocks_free(),
    }
}

/// A file system of its own, so that no other files are counted.
fn with_counts(machine: &Machine, about: &str, look: impl FnOnce(&Program, &Sides)) {
    let rd = &machine.program("rd");
    mount_tmpfs(&rd.store.containers, "mode=700");
    assert_eq!(rd.run(["true"]).run().status, 0);
    let before = machine.look();
    let counts_before = counts(rd);
    machine.same(
        "before: there is the cache",
        &vec![rd.store.cache()],
        &counts_before.containers,
    );
    let tree: BTreeMap<PathBuf, String> = kernel::manifest(&rd.store.cache());
    look(rd, &before);
    machine.same(
        &format!("{about}: processes, containers, inodes and blocks are as before"),
        counts_before,
        counts(rd),
    );
    machine.is_as_before(about, &before);
    machine.same(
        &format!("{about}: in the image's tree nothing has been touched"),
        tree,
        kernel::manifest(&rd.store.cache()),
    );
}

// ---- at the same moment ----

fn crowd(rd: &Program, _: &Sides) {
    let machine = rd.machine;
    let groups_before = control_groups();
    // The command's `read` ends when this process, which alone can write, closes the pipe.
    let (theirs, ours) = std::io::pipe().unwrap();
    let mut all = Vec::new();
    for number in 1..=AT_ONCE {
        let command = format!("echo begun; read -r _; exit {number}");
        let call = rd.run(["--", "sh", "-c", &command]);
        let input = Stdio::from(theirs.try_clone().unwrap());
        all.push((number, call.start_with(input)));
    }
    drop(theirs);
    let begun = || {
        let begun = all.iter().filter(|(_, it)| it.printed() == "begun\n");
        begun.count()
    };
    await_within(PATIENCE, || begun() == AT_ONCE);
    machine.same("all of them have begun", AT_ONCE, begun());
    machine.same("all of them are alive", AT_ONCE, rd.store.left().len());
    for controller in ["cpu", "memory"] {
        let top = hierarchy(controller).unwrap().join("rubber-docker");
        let groups = control_groups();
        let new = groups.difference(&groups_before);
        machine.same(
            &format!("each has its group in {}", top.display()),
            AT_ONCE,
            new.filter(|group| group.starts_with(&top)).count(),
        );
    }
    drop(ours);
    let mut wrong = Vec::new();
    for (number, running) in all {
        let ended = running.end();
        let report = format!("^rd: [0-9]+ exited with status {number}$");
        if ended.status.cast_unsigned() as usize != number || !matches(&report, &ended.err) {
            wrong.push(format!("{number}: {ended:?}"));
        }
    }
    machine.none("each ends with the status that is its own", wrong);
}

// ---- one after the other ----

/// The kernel keeps a group of memory, without a name, until the last page that was
/// accounted to it has gone. Version 2 tells how many in a file of each group, ours as well;
/// version 1 in /proc/cgroups, where everybody's are counted.
fn kernel_groups() -> u64 {
    let all = cgroups::hierarchies().unwrap();
    let mut sum = 0;
    for controller in ["cpu", "memory"] {
        let top = &all.iter().find(|it| it.has(controller)).unwrap().top;
        let (file, names, field): (PathBuf, &[&str], usize) = match top.join("cgroup.stat") {
            file if file.exists() => (file, &["nr_descendants", "nr_dying_descendants"], 1),
            _ => ("/proc/cgroups".into(), &[controller], 2),
        };
        for line in fs::read_to_string(file).unwrap().lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if names.contains(&fields[0]) {
                sum += fields[field].parse::<u64>().unwrap();
            }
        }
    }
    sum
}

fn row(rd: &Program, count: u64) {
    let machine = rd.machine;
    let before = kernel_groups();
    let mut wrong = Vec::new();
    for number in 1..=count {
        let status = i32::try_from(number % 120).unwrap();
        let ended = rd.run(["--", "sh", "-c", &format!("exit {status}")]).run();
        if ended.status != status {
            wrong.push(format!("{number}: {ended:?}"));
        }
    }
    machine.none("each ends with its status", wrong);
    // On version 1 another crowd on this machine may have to end first.
    let few = || kernel_groups() < before + count / 10;
    let patience = Duration::from_secs(120);
    let has_let_go = await_within(patience, few);
    machine.check("the kernel has let go of their groups", has_let_go, || {
        format!("{before} before, {} now", kernel_groups())
    });
}
