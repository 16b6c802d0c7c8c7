//! `cargo workshop doctor` on real machines: what it says is compared with what a
//! correct solution of each level does there.
//!
//! Each test changes this machine in a mount namespace of its own
//! (tests/doctor/machine.sh), asks the doctor, and runs all levels. Without root there
//! is nothing to change; such a test says so and passes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

/// The last level.
const LAST: usize = syllabus::LAST as usize;

const WORKSHOP: &str = env!("CARGO_BIN_EXE_workshop");

/// What the doctor said, and what is true.
struct Seen {
    status: i32,
    doctor: Value,
    /// Levels, whether their solution worked, and what it said.
    levels: Vec<(usize, bool, String)>,
}

impl Seen {
    /// The verdict about each level.
    fn verdicts(&self) -> Vec<&str> {
        let levels = self.doctor["levels"].as_array().unwrap();
        levels
            .iter()
            .map(|it| it["verdict"].as_str().unwrap())
            .collect()
    }

    /// The finding of this name.
    fn finding(&self, id: &str) -> &Value {
        let findings = self.doctor["findings"].as_array().unwrap();
        findings
            .iter()
            .find(|it| it["id"] == id)
            .unwrap_or_else(|| panic!("no finding {id}: {:#}", self.doctor))
    }

    /// The verdict is about levels `first` to `last` that they are not ready, because of
    /// `id`, and about all others that they are; and so it is.
    fn not_ready(&self, first: usize, last: usize, id: &str) {
        for (level, verdict) in self.doctor["levels"].as_array().unwrap().iter().enumerate() {
            let is_in_the_way = (first..=last).contains(&level);
            let expected = if is_in_the_way { "not-ready" } else { "ready" };
            assert_eq!(
                verdict["verdict"], expected,
                "level {level}: {:#}",
                self.doctor
            );
            let because = verdict["because"].as_array().unwrap();
            assert_eq!(
                because.iter().any(|it| it == id),
                is_in_the_way,
                "level {level}: {because:?}"
            );
        }
        assert_eq!(self.status, 1);
        assert_eq!(self.doctor["ready"], false);
        let finding = self.finding(id);
        assert_eq!(finding["state"], "in-the-way");
        assert!(
            !finding["evidence"].as_array().unwrap().is_empty(),
            "{finding:#}"
        );
        assert!(finding["remedy"].is_string(), "{finding:#}");
        self.is_true();
    }

    /// The doctor finds everything ready, and every solution works.
    fn ready(&self) {
        assert_eq!(self.verdicts(), ["ready"; LAST + 1], "{:#}", self.doctor);
        assert_eq!(
            (self.status, &self.doctor["ready"]),
            (0, &Value::Bool(true))
        );
        self.is_true();
    }

    /// What is said to be ready works, and nothing else does.
    fn is_true(&self) {
        for (level, works, said) in &self.levels {
            let verdict = self.verdicts()[*level];
            assert_eq!(
                *works,
                verdict == "ready",
                "level {level} is {verdict}, and its solution said: {said}"
            );
        }
    }
}

/// The levels' programs.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let directory = Path::new(WORKSHOP).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "-q", "--bins"]);
        for program in solutions().split(' ') {
            cargo.args(["-p", program]);
        }
        cargo.arg("--target-dir").arg(directory.parent().unwrap());
        assert!(cargo.status().unwrap().success(), "the levels do not build");
        directory.to_owned()
    })
}

/// The program that is the solution of each level, in their order. Of the first it is its own:
/// that runs a command before anything is written.
fn solutions() -> String {
    let later = (1..=syllabus::LAST).filter_map(syllabus::after);
    let names = later.map(syllabus::Entry::package);
    let first = "level00".to_owned();
    [first]
        .into_iter()
        .chain(names)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A machine like this one, after `scenario`, and all levels. None without root.
fn machine(scenario: &str) -> Option<Seen> {
    machine_with(scenario, &(0..=LAST).collect::<Vec<_>>())
}

/// Only what the doctor says.
fn doctor(scenario: &str) -> Option<Seen> {
    machine_with(scenario, &[])
}

fn machine_with(scenario: &str, levels: &[usize]) -> Option<Seen> {
    if !nix::unistd::geteuid().is_root() {
        println!("not tried: only root can change a machine");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctor/machine.sh");
    let output = Command::new("bash")
        .args([script, scenario])
        .env("WORKSHOP", WORKSHOP)
        .env("BUILT", built())
        .env("PROGRAMS", solutions())
        .env(
            "LEVELS",
            levels
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" "),
        )
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{said}");
    let (lines, json) = text.split_once("json\n").unwrap();
    let mut seen = Seen {
        status: -1,
        doctor: serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}")),
        levels: Vec::new(),
    };
    for line in lines.lines() {
        let mut words = line.splitn(4, ' ');
        match words.next() {
            Some("status") => seen.status = words.next().unwrap().parse().unwrap(),
            _ => {
                let level = words.next().unwrap().parse().unwrap();
                let works = words.next() == Some("0");
                let said = words.next().unwrap_or_default().to_owned();
                seen.levels.push((level, works, said));
            }
        }
    }
    Some(seen)
}

/// The doctor on the very machine that we are on.
fn here(arguments: &[&str]) -> Output {
    Command::new(WORKSHOP)
        .arg("doctor")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn on_this_machine_the_verdict_is_what_is_true() {
    let output = here(&["--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let is_ready = said["ready"].as_bool().unwrap();
    assert_eq!(output.status.code(), Some(if is_ready { 0 } else { 1 }));
    if let Some(seen) = machine("") {
        assert_eq!(said["levels"], seen.doctor["levels"]);
        seen.is_true();
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let has = |kind: &str| mounts.contains(&format!(" - {kind} "));
    let layout = match (has("cgroup"), has("cgroup2")) {
        (true, true) => "hybrid",
        (true, false) => "version 1",
        (false, true) => "version 2",
        (false, false) => "no control groups",
    };
    let findings = said["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|it| it["id"] == "cgroup-layout")
        .unwrap();
    assert!(
        finding["summary"].as_str().unwrap().contains(layout),
        "{finding:#}"
    );
}

/// A user without sudo: the programs are found where everybody may look.
const NOBODY: &str = r#"
    rust=$(rustc --print sysroot); mkdir "$scratch/rust"; mount --bind "$rust" "$scratch/rust"
    for tool in cc sh ls cat ip strace git nsenter unshare pgrep pkill ps taskset; do
        ln -s "$(command -v $tool)" "$scratch/bin/$tool"
    done
    setpriv=$(command -v setpriv) as=("$setpriv" --reuid 65534 --regid 65534 --clear-groups env PATH="$scratch/bin:$scratch/rust/bin")
"#;

#[test]
fn without_root_and_sudo_only_the_first_level_is_ready() {
    if let Some(seen) = machine(NOBODY) {
        seen.not_ready(1, LAST, "root");
    }
}

#[test]
fn without_root_it_depends_on_sudo() {
    let sudo = |body: &str| {
        format!(
            "{NOBODY}\nprintf '#!/bin/sh\\n%s\\n' '{body}' >\"$scratch/bin/sudo\"; chmod 755 \"$scratch/bin/sudo\"\n"
        )
    };
    // No levels: such a sudo does not make root.
    let Some(seen) = doctor(&sudo("[ \"$1\" = -n ]")) else {
        return;
    };
    seen.ready();

    let asks = sudo("echo sudo: a password is required >&2; exit 1");
    let seen = doctor(&asks).unwrap();
    assert_eq!(
        seen.verdicts(),
        [&["ready"][..], &["not-known"; LAST]].concat()
    );
    assert_eq!(seen.status, 1);
    assert_eq!(seen.finding("root")["commands"][0], "sudo -v");

    let member = "mkdir \"$scratch/etc\"; cp /etc/group \"$scratch/etc/group\"; sed -i '/^sudo:/d' \"$scratch/etc/group\"
        echo sudo:x:4242: >>\"$scratch/etc/group\"; mount --bind \"$scratch/etc/group\" /etc/group
        as=(\"$setpriv\" --reuid 65534 --regid 65534 --groups 4242 \"${as[@]:6}\")";
    doctor(&format!("{asks}\n{member}")).unwrap().ready();

    let locked = sudo("[ \"$1\" = -n ]") + "\nas=(\"$setpriv\" --no-new-privs \"${as[@]}\")";
    doctor(&locked).unwrap().not_ready(1, LAST, "root");
}

#[test]
fn containers_on_an_overlay_end_at_level_03() {
    let overlay = r#"
        mkdir "$scratch"/{lower,upper,work,merged}
        mount -t overlay -o "lowerdir=$scratch/lower,upperdir=$scratch/upper,workdir=$scratch/work" o "$scratch/merged"
        export RUBBER_DOCKER_CONTAINERS=$scratch/merged/containers
    "#;
    let Some(seen) = machine(overlay) else {
        return;
    };
    seen.not_ready(4, LAST, "container-file-system");
    // And the commands that the doctor prints help.
    machine(&format!(
        "{overlay}\n{}",
        commands(&seen, "container-file-system")
    ))
    .unwrap()
    .ready();
}

/// What a finding says is to be done, by a learner who is root already. The directory of
/// the machine that it was said about was a temporary one.
fn commands(seen: &Seen, id: &str) -> String {
    let commands = seen.finding(id)["commands"].as_array().unwrap().iter();
    let lines: Vec<&str> = commands.map(|it| it.as_str().unwrap()).collect();
    let text = lines.join("\n").replace("sudo ", "");
    let words = text.split(' ').map(|word| {
        let is_directory = word.starts_with('/') && word.contains("/merged/containers");
        let end = if word.contains('\n') { "\nmount" } else { "" };
        if is_directory {
            format!("\"$RUBBER_DOCKER_CONTAINERS\"{end}")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn where_nothing_may_be_executed_the_overlay_is_the_way_out() {
    let noexec =
        "mkdir \"$scratch/there\"; mount -t tmpfs -o noexec,size=300m there \"$scratch/there\"
        export RUBBER_DOCKER_CONTAINERS=$scratch/there/containers";
    if let Some(seen) = machine(noexec) {
        seen.not_ready(1, 3, "container-noexec");
    }
}

#[test]
fn a_container_directory_that_cannot_be_written_to() {
    let read_only = "mkdir \"$scratch/there\"; mount -t tmpfs -o ro there \"$scratch/there\"
        export RUBBER_DOCKER_CONTAINERS=$scratch/there/containers";
    if let Some(seen) = machine(read_only) {
        seen.not_ready(1, LAST, "container-directory");
    }
    if let Some(seen) = machine("export RUBBER_DOCKER_CONTAINERS=$scratch/a:b") {
        seen.not_ready(1, LAST, "container-directory-name");
    }
    let shared = "mkdir -m 755 \"$scratch/shared\"; touch \"$scratch/shared/else\"; export RUBBER_DOCKER_CONTAINERS=$scratch/shared";
    if let Some(seen) = machine(shared) {
        seen.not_ready(1, LAST, "container-directory-shared");
    }
    for theirs in ["theirs", "theirs/containers"] {
        let theirs = format!(
            "install -d -o 65534 \"$scratch/theirs\"; export RUBBER_DOCKER_CONTAINERS=$scratch/{theirs}"
        );
        if let Some(seen) = machine(&theirs) {
            seen.not_ready(1, LAST, "container-directory-hands");
        }
    }
    let full = "mkdir \"$scratch/there\"; mount -t tmpfs -o size=8m there \"$scratch/there\"
        export RUBBER_DOCKER_CONTAINERS=$scratch/there/containers";
    if let Some(seen) = machine(full) {
        seen.not_ready(1, LAST, "space");
    }
}

#[test]
fn a_lesson_s_tool_that_is_missing_is_told_and_stops_nothing() {
    let hidden = "touch \"$scratch/none\"; for tool in ip strace; do
        for place in $(type -ap $tool | xargs -n 1 realpath | sort -u); do mount --bind \"$scratch/none\" \"$place\"; done; done";
    let Some(seen) = machine(hidden) else {
        return;
    };
    seen.ready();
    for (id, levels) in [("tool-ip", &["07"][..]), ("tool-strace", &[])] {
        let finding = seen.finding(id);
        assert_eq!(finding["state"], "note");
        assert_eq!(finding["levels"], serde_json::json!(levels));
        assert!(finding["remedy"].is_string(), "{finding:#}");
    }
}

#[test]
fn without_a_linker_nothing_can_be_built() {
    let path = "ln -s \"$(rustc --print sysroot)\"/bin/* \"$scratch/bin\"; as=(env PATH=\"$scratch/bin:/usr/sbin\")
        for tool in sh ls cat; do ln -s \"$(command -v $tool)\" \"$scratch/bin\"; done";
    let Some(seen) = doctor(path) else { return };
    seen.not_ready(0, LAST, "linker");
    // rustc agrees.
    let bare = tempfile::tempdir().unwrap();
    let source = bare.path().join("main.rs");
    std::fs::write(&source, "fn main() {}").unwrap();
    let sysroot = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .unwrap();
    let sysroot = String::from_utf8(sysroot.stdout).unwrap();
    let built = Command::new(Path::new(sysroot.trim()).join("bin/rustc"))
        .arg(&source)
        .arg("--out-dir")
        .arg(bare.path())
        .env("PATH", bare.path())
        .output()
        .unwrap();
    assert!(!built.status.success());
    assert!(String::from_utf8_lossy(&built.stderr).contains("linker `cc` not found"));
}

#[test]
fn a_capability_that_root_lacks_stops_the_levels_that_use_it() {
    for (name, first, last) in [
        ("sys_chroot", 1, 2),
        ("sys_admin", 1, LAST),
        ("mknod", 2, LAST),
        ("dac_override", 4, LAST),
        ("net_admin", 7, LAST),
        ("setuid", 10, LAST),
        ("setgid", 10, LAST),
        ("setpcap", 11, LAST),
    ] {
        let scenario = format!("as=(setpriv --bounding-set -{name})");
        let Some(seen) = machine(&scenario) else {
            return;
        };
        seen.not_ready(first, last, &format!("cap-{}", name.replace('_', "-")));
    }
    // And those that the list does not have, they do without.
    machine("as=(setpriv --bounding-set -chown,-fowner,-fsetid,-kill,-sys_ptrace,-setfcap,-net_raw,-sys_resource)").unwrap().ready();
}

#[test]
fn the_root_of_a_user_namespace_is_not_enough() {
    if let Some(seen) = machine("as=(unshare --user --map-root-user --mount --propagation private)")
    {
        seen.not_ready(1, LAST, "user-namespace");
    }
}

#[test]
fn a_root_that_is_no_mount_point_ends_at_level_01() {
    let chroot = r#"
        mkdir "$scratch/new"
        for directory in usr etc proc sys dev tmp root var; do
            mkdir "$scratch/new/$directory"; mount --rbind "/$directory" "$scratch/new/$directory"
        done
        for directory in bin sbin lib lib64; do
            if [ -e "/$directory" ]; then cp -a "/$directory" "$scratch/new/"; fi
        done
        mkdir "$scratch/new/store"
        export RUBBER_DOCKER_CONTAINERS=/store/containers RUBBER_DOCKER_IMAGES=/store/images
        as=(chroot "$scratch/new")
    "#;
    if let Some(seen) = machine(chroot) {
        seen.not_ready(2, LAST, "root-directory");
    }
}

/// Whether this controller is in a hierarchy of version 1, which a mount namespace can
/// do without. Of version 2 the QEMU machine tells.
fn is_version_1(controller: &str) -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let is = mounts
        .lines()
        .any(|line| line.contains(" - cgroup ") && line.ends_with(&format!(",{controller}")));
    if !is {
        println!("not tried: {controller} is not in a hierarchy of version 1 alone");
    }
    is
}

#[test]
fn without_the_cpu_controller_level_07_is_the_last() {
    if !is_version_1("cpu") {
        return;
    }
    let unmounted = "while umount /sys/fs/cgroup/cpu 2>/dev/null; do :; done";
    let Some(seen) = machine(unmounted) else {
        return;
    };
    seen.not_ready(8, LAST, "cgroup-cpu");
    let remedy = commands(&seen, "cgroup-cpu");
    assert!(remedy.contains("mount -t cgroup"), "{remedy}");
    doctor(&format!("{unmounted}\n{remedy}")).unwrap().ready();
}

#[test]
fn a_memory_controller_that_is_read_only_is_none() {
    if !is_version_1("memory") {
        return;
    }
    if let Some(seen) = machine("mount -o remount,bind,ro /sys/fs/cgroup/memory") {
        seen.not_ready(9, LAST, "cgroup-memory");
    }
}

#[test]
fn in_a_pipe_there_are_no_colours_and_no_wide_lines() {
    let output = here(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\x1b'), "{text}");
    let too_wide: Vec<&str> = text
        .lines()
        .filter(|line| line.chars().count() > 80)
        .collect();
    assert!(too_wide.is_empty(), "{too_wide:#?}");
    assert!(text.contains("\nVerdict\n  00"), "{text}");
}

#[test]
fn what_is_shared_has_both_marks_and_no_name_of_anybody() {
    let mut command = Command::new(WORKSHOP);
    let home = std::env::current_dir().unwrap();
    command.args(["doctor", "--share"]).env("USER", "alice");
    let output = command.env("LOGNAME", "alice").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.first(), Some(&"---- rubber docker, from here ----"));
    assert_eq!(lines.last(), Some(&"---- to here ----"));
    assert!((10..=24).contains(&lines.len()), "{text}");
    for what in [
        "workshop", "system", "kernel", "rustc", "machine", "groups", "levels",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(what)),
            "{what}: {text}"
        );
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(!words.contains(&host.trim()), "{text}");
    assert!(!text.contains("alice") && !text.contains('\x1b'), "{text}");
    for directory in home.ancestors().filter(|it| it.parent().is_some()) {
        assert!(!text.contains(&directory.display().to_string()), "{text}");
    }
    assert_eq!(output.status.code(), here(&[]).status.code());
}

#[test]
fn a_block_to_share_is_no_json() {
    let output = here(&["--share", "--json"]);
    assert_eq!(output.status.code(), Some(2));
}
