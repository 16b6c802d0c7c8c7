//! However a run ends, there is a record up to there, and nothing is left.

use std::io::Read;
use std::process::Child;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::place::{Place, groups_of, program, text};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("ends::statuses_are_as_without", statuses),
        trial("ends::a_signal_ends_the_level", signals),
        trial("ends::a_level_hangs_and_the_xray_is_told_to_end", hangs),
        trial("ends::ctrl_c_twice_ends_a_level_that_hangs", interrupted),
        trial("ends::the_tracer_is_killed", tracer_killed),
        trial("ends::the_supervisor_is_killed", keeper_killed),
        trial("ends::a_level_forks_without_end", forks),
        trial(
            "ends::a_container_is_ended_with_its_groups",
            container_ended,
        ),
        trial("ends::what_outlives_the_level_is_ended", outlives),
        trial("ends::the_command_is_not_traced", command_is_let_alone),
    ]
}

fn end_of(record: &Value) -> &Value {
    &record["end"]
}

/// The level's own words are there as well.
fn statuses() {
    let place = Place::new();
    let rd = program("rd");
    let rd = rd.to_str().unwrap();
    for (command, status) in [
        ("exit 7", 7),
        ("sh -c 'kill -9 $$'; exit $?", 137),
        ("true", 0),
    ] {
        let words = [rd, "run", "sh", "-c", command];
        let plain = place
            .command(&program("rd"))
            .args(&words[1..])
            .output()
            .unwrap();
        let traced = place.record(&words);
        assert_eq!(plain.status.code(), Some(status), "{}", text(&plain));
        assert!(traced.status.success(), "{}", text(&traced));
        assert_eq!(
            *end_of(&place.read()),
            json!({"status": status}),
            "{}",
            text(&traced)
        );
        assert_eq!(plain.stdout, traced.stdout);
    }
    // A command that is not there, and an option that is none.
    for (words, status) in [
        (vec![rd, "run", "nothing"], 127),
        (vec![rd, "run", "--none"], 125),
    ] {
        let traced = place.record(&words);
        assert_eq!(
            *end_of(&place.read()),
            json!({"status": status}),
            "{}",
            text(&traced)
        );
    }
    place.nothing_is_left(&place.word());
}

fn signals() {
    let place = Place::new();
    let traced = place.record(&["/bin/sh", "-c", "kill -SEGV $$"]);
    assert!(traced.status.success(), "{}", text(&traced));
    let record = place.read();
    assert_eq!(*end_of(&record), json!({"signal": 11}));
    let last = record["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["call"], &last["arguments"]),
        (&json!("exit"), &json!(["SIGSEGV"]))
    );
    // Signals of its own reach it.
    let script = "trap 'exit 9' USR1; kill -USR1 $$; exit 1";
    place.record(&["/bin/sh", "-c", script]);
    assert_eq!(*end_of(&place.read()), json!({"status": 9}));
}

/// A program that has said that it is there, and hangs. It does not hear Ctrl-C.
fn hanging(place: &Place) -> Child {
    let mut child = place.start(&["/bin/sh", "-c", "trap '' INT; echo here; kill -STOP $$"]);
    let line = first_line(&mut child);
    assert_eq!(line, "here");
    child
}

/// What it says first.
fn first_line(child: &mut Child) -> String {
    let mut first = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    // Byte by byte: what comes after stays there.
    while stdout.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        first.push(char::from(byte[0]));
    }
    first
}

fn signal(child: &Child, signal: Signal) {
    kill(pid(child), signal).unwrap();
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

fn hangs() {
    let place = Place::new();
    let mut child = hanging(&place);
    signal(&child, Signal::SIGTERM);
    assert!(child.wait().unwrap().success());
    let record = place.read();
    assert_eq!(record["end"]["cut"], "the x-ray was told to end");
    assert_eq!(record["steps"][0]["call"], "execve");
    assert_eq!(place.cost(), "");
    place.nothing_is_left(&place.word());
}

fn interrupted() {
    // One is the level's own affair: what ends it here is another signal.
    let place = Place::new();
    let mut child = hanging(&place);
    interrupt(&child);
    signal(&child, Signal::SIGTERM);
    assert!(child.wait().unwrap().success());
    assert_eq!(place.read()["end"]["cut"], "the x-ray was told to end");

    let mut child = hanging(&place);
    interrupt(&child);
    interrupt(&child);
    assert!(child.wait().unwrap().success());
    assert_eq!(
        place.read()["end"]["cut"],
        "it was interrupted twice, and did not end"
    );
    place.nothing_is_left(&place.word());
}

/// Sends SIGINT, and waits until it is taken: two that wait are one (signal(7)).
fn interrupt(child: &Child) {
    signal(child, Signal::SIGINT);
    let status = format!("/proc/{}/status", child.id());
    let is_pending = || {
        let status = std::fs::read_to_string(&status).unwrap();
        let mut rows = status.lines();
        let row = rows.find_map(|it| it.strip_prefix("ShdPnd:"));
        row.is_some_and(|it| u64::from_str_radix(it.trim(), 16).unwrap() & 2 != 0)
    };
    while is_pending() {
        std::thread::yield_now();
    }
}

fn child_of(pid: u32) -> i32 {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap();
    children.split_whitespace().next().unwrap().parse().unwrap()
}

fn tracer_killed() {
    let place = Place::new();
    let mut child = hanging(&place);
    kill(Pid::from_raw(child_of(child.id())), Signal::SIGKILL).unwrap();
    assert!(child.wait().unwrap().success());
    let record = place.read();
    assert_eq!(record["end"]["cut"], "the x-ray was ended");
    assert_eq!(record["steps"][0]["call"], "execve");
    place.nothing_is_left(&place.word());
}

fn keeper_killed() {
    let place = Place::new();
    let mut child = hanging(&place);
    let mut stdout = child.stdout.take().unwrap();
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    // The last one that has it open is the level: its end is the end of this.
    stdout.read_to_string(&mut String::new()).unwrap();
    place.nothing_is_left(&place.word());
}

fn forks() {
    let place = Place::new();
    // Each is a fork without an exec: the level's own.
    let traced = place.record(&["/bin/sh", "-c", "f() { f & f & wait; }; f; : without end"]);
    assert!(traced.status.success(), "{}", text(&traced));
    let record = place.read();
    let why = record["end"]["cut"].as_str().unwrap();
    assert!(why.contains("more than 64 processes"), "{why}");
    assert!(record["steps"].as_array().unwrap().len() > 30);
    place.nothing_is_left(&place.word());
}

fn container_ended() {
    let place = Place::new();
    let rd = program("rd");
    let words = [
        rd.to_str().unwrap(),
        "run",
        "sh",
        "-c",
        "hostname; exec sleep 86399",
    ];
    let mut child = place.start(&words);
    let id = first_line(&mut child);
    assert_eq!(id.len(), 12, "{id} is no container's");
    assert!(!groups_of(&id).is_empty(), "no group was made for {id}");
    signal(&child, Signal::SIGTERM);
    assert!(child.wait().unwrap().success());
    assert_eq!(place.read()["end"]["cut"], "the x-ray was told to end");
    let left = groups_of(&id);
    assert!(left.is_empty(), "{left:?}");
    place.nothing_is_left(&place.word());
}

fn outlives() {
    let place = Place::new();
    place.record(&["/bin/sh", "-c", "sleep 86398 & exit 3"]);
    let record = place.read();
    assert_eq!(record["end"]["status"], 3);
    place.nothing_is_left(&place.word());
}

/// From its exec on the command runs as without us, and its children do too.
fn command_is_let_alone() {
    let place = Place::new();
    let rd = program("rd");
    let command = "cd /tmp; (cd /); for i in 1 2 3 4 5; do ls / >/dev/null; done; grep -c . /proc/self/status; \
                   grep TracerPid /proc/self/status";
    let traced = place.record(&[rd.to_str().unwrap(), "run", "sh", "-c", command]);
    let said = text(&traced);
    assert!(said.contains("TracerPid:\t0"), "{said}");
    let record = place.read();
    let steps = record["steps"].as_array().unwrap();
    let is_exec = |it: &&Value| it["who"] == "p2" && it["call"] == "execve";
    let becomes = steps
        .iter()
        .position(|it| is_exec(&it) && it["error"].is_null());
    let after = steps[becomes.unwrap() + 1..].iter();
    let after: Vec<&Value> = after.filter(|it| it["who"] != "p1").collect();
    assert_eq!(after.len(), 1, "{after:?}");
    assert_eq!(after[0]["call"], "exit");
}
