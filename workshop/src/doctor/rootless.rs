//! What an ordinary user can do without root: which levels, and with how many users in a container.
//!
//! A level's `level.toml` says what it needs root for. From level 20 on `run` needs none where
//! this machine lets an ordinary user be root of a user namespace.

use syllabus::Entry;

use super::finding::{Finding, State, Topic, none};
use super::machine::Machine;
use super::tools::install;

/// By which value of which setting ordinary users get no user namespace that is good for
/// anything, and the value that lets them: Ubuntu's, Debian's, and the kernel's own.
const SETTINGS: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "0",
    ),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "1"),
    ("/proc/sys/user/max_user_namespaces", "0", "10000"),
];

/// The programs that write the map of more than one user, and the lists that they read.
const GRANTED: [(&str, &str); 2] = [("newuidmap", "/etc/subuid"), ("newgidmap", "/etc/subgid")];

pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mut findings = vec![user_namespaces(machine)];
    if !machine.is_root() {
        findings.push(without_root(machine));
        if restricted(machine).is_none() {
            findings.push(users(machine));
        }
    }
    findings
}

fn finding(id: &str, state: State, summary: impl Into<String>) -> Finding {
    Finding::new(Topic::Rootless, id, state, none(), summary)
}

/// The setting that forbids it, its value, and the one that would not.
fn restricted(machine: &Machine) -> Option<(&'static str, &'static str, &'static str)> {
    let mut settings = SETTINGS.into_iter();
    settings.find(|(file, value, _)| machine.read(file).as_deref() == Some(value))
}

fn user_namespaces(machine: &Machine) -> Finding {
    let Some((file, value, allowed)) = restricted(machine) else {
        let names = SETTINGS.map(|(file, ..)| file.rsplit('/').next().unwrap_or(file));
        let summary = "an ordinary user may be root of a user namespace: from level 20 on `run` takes no root";
        return finding("user-namespaces", State::Fine, summary)
            .seen(names.join(", "), "not set against them");
    };
    let summary = "ordinary users get no user namespace that is good for anything, so from level 20 \
        on `run` is started as root too; the levels before need none";
    let sysctl = file.trim_start_matches("/proc/sys/").replace('/', ".");
    finding("user-namespaces", State::Note, summary)
        .seen(file, value)
        .remedy("to try level 20 without root; it lasts until the machine starts again")
        .command(format!("sudo sysctl {sysctl}={allowed}"))
}

/// Which levels run for a user who cannot or will not become root.
fn without_root(machine: &Machine) -> Finding {
    let is_kept = restricted(machine).is_some();
    let runs = |entry: &&Entry| {
        let has = |list: &[String]| list.iter().any(|verb| verb == "run");
        let needs_root = has(&entry.facts.root) || (is_kept && has(&entry.facts.rootless));
        !needs_root
    };
    let names: Vec<String> = syllabus::numbered()
        .filter(runs)
        .filter_map(|entry| Some(format!("{:02}", entry.number?)))
        .collect();
    let rd = if is_kept { "" } else { ", rd" };
    let summary = format!(
        "without root these run: {}{rd}; the other programs do not, and no check does",
        names.join(", ")
    );
    let uid = machine.status("Uid").unwrap_or_default();
    let state = if is_kept { State::Note } else { State::Fine };
    finding("without-root", state, summary).seen("/proc/self/status, Uid", uid)
}

/// How many users a container has that this user starts.
fn users(machine: &Machine) -> Finding {
    let id = "users-without-root";
    let number = machine.user().unwrap_or_default().to_string();
    let accounts = machine.read("/etc/passwd").unwrap_or_default();
    // passwd(5): NAME:PASSWORD:UID:...
    let account = accounts
        .lines()
        .find(|line| line.split(':').nth(2) == Some(&number));
    let name = account.and_then(|line| line.split(':').next());
    let is_ours = |line: &str| {
        let whose = line.split(':').next();
        whose == name || whose == Some(&number)
    };
    for (program, list) in GRANTED {
        let one = "a container that you start without root has one user, its root";
        if machine.program_of_root(program).is_none() {
            let found = finding(id, State::Note, format!("{one}: there is no {program}"));
            return install(
                machine,
                program,
                found.seen("PATH", format!("no {program}")),
            );
        }
        if !machine.read(list).unwrap_or_default().lines().any(is_ours) {
            let user = name.unwrap_or(&number);
            return finding(
                id,
                State::Note,
                format!("{one}: {list} grants you no others"),
            )
            .seen(list, format!("no line of {user}'s"))
            .remedy("to have 65,536, once")
            .command(format!(
                "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"
            ));
        }
    }
    let lists = GRANTED.map(|(_, list)| list).join(", ");
    finding(
        id,
        State::Fine,
        "a container that you start without root has as many users as you are granted",
    )
    .seen(lists, "there is a line of yours")
}
