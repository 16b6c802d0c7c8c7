//! A container does not outlive its parent, and a killed parent does not leave more behind
//! than one command removes.
//!
//! Two containers are started together, one of them for an ordinary user, and both parents
//! are sent SIGKILL, each at a random moment: while the container is made, while it runs,
//! while it ends. In every fourth container the child is killed in the parent's place: then
//! the parent reports it, and nothing at all is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use linux_sys::SIGKILL;
use sandbox::procfs;
use sandbox::wait::await_within;

use crate::call::Running;
use crate::kernel;
use crate::machine::{Machine, PATIENCE, matches};
use crate::program::{Program, Store, left_in};
use crate::random::Random;
use crate::trial::Case;

const SUITE: &str = "killed_parents";
const ROUNDS: u32 = 250;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            SUITE,
            "at any moment: SIGKILL, and then clean",
            at_any_moment,
        ),
        Case::new(SUITE, "while the image is made: SIGKILL", first_day),
    ]
}

// ---- one container ----

/// No other process has such a word in its command line; each of the container's has it,
/// from the fork in the parent on.
fn mark(number: u32) -> String {
    format!("987654.{number:04}")
}

fn alive(number: u32) -> Vec<(i32, String)> {
    let mark = mark(number);
    let all = kernel::processes().into_iter();
    all.filter(|(_, words)| words.contains(&mark)).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Parent,
    Child,
}

struct Container {
    number: u32,
    victim: Victim,
    /// It ends by itself, so that some are killed while they remove what they have made.
    is_short: bool,
    running: Running,
}

/// Where those have their directories whose child is killed.
fn of_parents_that_live(machine: &Machine) -> PathBuf {
    machine.scratch("of-parents-that-live")
}

fn start(rd: &Program, random: &mut Random, number: u32, options: &[&str]) -> Container {
    let mark = mark(number);
    let mut call = rd.run(options);
    let victim = match random.one_in_four() {
        true => Victim::Child,
        false => Victim::Parent,
    };
    if victim == Victim::Child {
        call = call.word("--container-dir");
        call = call.word(of_parents_that_live(rd.machine));
    }
    let is_short = random.one_in_four();
    let command = match is_short {
        true => format!(": {mark}"),
        false => format!("echo begun; sleep {mark} & exec sleep {mark}"),
    };
    Container {
        number,
        victim,
        is_short,
        running: call.words(["--", "sh", "-c", &command]).start(),
    }
}

impl Container {
    /// Kills its victim; the answer is when.
    fn kill(&self) -> Instant {
        let parent = self.running.pid();
        let mut prey = Some(parent);
        if self.victim == Victim::Child {
            prey = procfs::first_child(parent);
            // It may not be there yet.
            while prey.is_none() && procfs::is_alive(parent) {
                prey = procfs::first_child(parent);
            }
        }
        if let Some(prey) = prey {
            kernel::send(prey, SIGKILL);
        }
        Instant::now()
    }
}

/// A moment in the first 15 ms, in which a container is made, for most; later for every fourth.
fn random_moment(random: &mut Random) -> Duration {
    match random.one_in_four() {
        true => random.microseconds(15_000, 45_000),
        false => random.microseconds(0, 15_000),
    }
}

// ---- all of them ----

#[derive(Default, Debug)]
struct Tally {
    interrupted: u32,
    running: u32,
    children: u32,
    ended: u32,
    longest: Duration,
    wrong: Vec<String>,
    survivors: Vec<String>,
}

impl Tally {
    /// How the parent has ended.
    fn note_end(&mut self, container: Container) -> u32 {
        let Container {
            number,
            victim,
            is_short,
            running,
        } = container;
        let ended = running.end();
        match ended.status {
            137 if victim == Victim::Child => {
                self.children += 1;
                if !matches("^rd: [0-9]+ exited with status 137$", &ended.err) {
                    let mark = mark(number);
                    self.wrong
                        .push(format!("{mark}: its child was killed: {ended:?}"));
                }
            }
            137 if ended.out.is_empty() => self.interrupted += 1,
            137 => self.running += 1,
            0 if is_short => self.ended += 1,
            _ => self.wrong.push(format!("{}: {ended:?}", mark(number))),
        }
        number
    }

    /// Within a second of the kill all processes are gone.
    fn none_outlives(&mut self, number: u32, since: Instant) {
        loop {
            let alive = alive(number);
            let took = since.elapsed();
            if alive.is_empty() {
                self.longest = self.longest.max(took);
                return;
            }
            if took > Duration::from_secs(1) {
                self.survivors
                    .push(format!("{}, a second later: {alive:?}", mark(number)));
                // Not in the way of what comes.
                for (pid, _) in alive {
                    kernel::send(pid, SIGKILL);
                }
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn round(rd: &Program, random: &mut Random, tally: &mut Tally, number: u32) {
    let mut moments = [random_moment(random), random_moment(random)];
    let root = start(rd, random, number * 2, &[]);
    let user = start(rd, random, number * 2 + 1, &["--user", "2014:222"]);
    // The one whose moment comes first.
    let (first, second) = match moments[0] > moments[1] {
        true => (user, root),
        false => (root, user),
    };
    moments.sort();
    thread::sleep(moments[0]);
    let at_first = first.kill();
    thread::sleep(moments[1] - moments[0]);
    let at_second = second.kill();
    let first = tally.note_end(first);
    let second = tally.note_end(second);
    tally.none_outlives(first, at_first);
    tally.none_outlives(second, at_second);
}

/// A container runs, ends as it should, and leaves nothing.
fn works(rd: &Program, about: &str) {
    let machine = rd.machine;
    let before = rd.store.left();
    let ended = rd.run(["--", "echo", "fine"]).run();
    machine.same(about, (0, "fine\n"), (ended.status, &ended.out));
    let lines = ended.err.lines();
    let others = lines.filter(|line| !line.ends_with("exited with status 0"));
    machine.none(&format!("{about}, and says nothing"), others);
    machine.same(
        &format!("{about}, and leaves nothing"),
        before,
        rd.store.left(),
    );
}

fn processes_are_as_before(machine: &Machine, about: &str, before: &[String]) {
    let now = || kernel::processes().into_values().collect::<Vec<_>>();
    await_within(Duration::from_secs(2), || now() == before);
    machine.same(
        &format!("{about}: the process list is as before"),
        before,
        &now()[..],
    );
}

fn at_any_moment(machine: &Machine) {
    let rd = &machine.program("rd");
    let mut random = Random::new();
    let before = machine.look();
    let processes: Vec<String> = kernel::processes().into_values().collect();
    works(rd, "before: a container runs");
    let living_parents = of_parents_that_live(machine);
    let store = Store {
        containers: living_parents.clone(),
        ..rd.store.clone()
    };
    works(&rd.with_store(store), "before: another store");
    let tree = kernel::manifest(&rd.store.cache());

    let mut tally = Tally::default();
    for number in 0..ROUNDS {
        round(rd, &mut random, &mut tally, number);
    }
    println!("{tally:?}");
    machine.none(
        "no process outlives its parent by a second",
        &tally.survivors,
    );
    machine.none("nothing but SIGKILL ends a parent", &tally.wrong);
    // Otherwise the moments do not suit this machine, and prove little.
    for (what, count) in [
        (
            "many are killed while the container is made",
            tally.interrupted,
        ),
        ("many are killed while it runs", tally.running),
        ("of many the child is killed", tally.children),
    ] {
        machine.check(what, count >= ROUNDS / 10, || count.to_string());
    }
    machine.none(
        "whose child was killed, leaves no directory",
        left_in(&living_parents),
    );
    machine.same(
        "in the image's tree nothing has been touched",
        tree,
        kernel::manifest(&rd.store.cache()),
    );
    // The groups are still there: removing them is for `clean`.
    machine.has_the_same_mounts("after the rounds", &before);
    processes_are_as_before(machine, "after the rounds", &processes);
    let left = rd.store.left();
    machine.check("some could not remove everything", !left.is_empty(), || {
        String::new()
    });
    works(rd, "after: a container runs");

    one_command(rd);

    machine.is_as_before("after clean", &before);
    processes_are_as_before(machine, "after clean", &processes);
    let workshop = machine.program("workshop");
    let cleaned = workshop.call(["clean"]).run();
    machine.says(
        "a second clean has nothing to do",
        "^nothing to do",
        &cleaned.out,
    );
    works(rd, "after clean: a container runs");
    machine.is_as_before("after clean and a container", &before);
}

/// What the killed ones have left, `clean` removes; one that has a parent is none of its
/// business.
fn one_command(rd: &Program) {
    let machine = rd.machine;
    let mark = mark(9999);
    let living = rd.run(["--", "sleep", &mark]).start();
    let sleep = format!("sleep {mark}");
    let find = || {
        let all = kernel::processes().into_iter();
        let mut found = all.filter(|(_, words)| *words == sleep);
        found.next().map(|(pid, _)| pid)
    };
    let lives = await_within(PATIENCE, || find().is_some());
    machine.check("a container lives meanwhile", lives, || living.said());
    let cleaned = machine.program("workshop").call(["clean"]).run();
    machine.same("clean succeeds", 0, cleaned.status);
    let lines = cleaned.out.lines().chain(cleaned.err.lines());
    let others = lines.filter(|line| !line.starts_with("removed "));
    machine.none("clean says what it removes, and nothing else", others);
    machine.same(
        "clean removes every directory but that of the living one",
        1,
        rd.store.left().len(),
    );
    let command = find();
    machine.check(
        "clean leaves the living one alone",
        command.is_some(),
        || living.said(),
    );
    let command = command.unwrap_or(living.pid());
    kernel::send(command, SIGKILL);
    let ended = living.end();
    machine.same(
        "which ends as it would have",
        (137, format!("rd: {command} exited with status 137\n")),
        (ended.status, ended.err),
    );
    rd.nothing_is_left("after clean");
}

// ---- in the middle of making the image's tree ----

/// When the parent is killed.
enum Moment<'a> {
    Random,
    /// As soon as something half-made is in there.
    HalfMade(&'a Path),
}

/// Neither image nor tree is there: the next parent must not take a half-made one for whole.
fn unpack_and_be_killed(rd: &Program, random: &mut Random, moment: Moment) {
    let _ = fs::remove_file(rd.store.images.join("base.tar"));
    for tree in kernel::entries(&rd.store.cache()) {
        if tree.extension().is_none_or(|it| it != "partial") {
            fs::remove_dir_all(&tree).unwrap();
        }
    }
    let running = rd.run(["true"]).start();
    match moment {
        Moment::Random => thread::sleep(Duration::from_millis(10 * random.below(20))),
        Moment::HalfMade(kind) => while !is_half_made(rd, kind) && !running.has_ended() {},
    }
    running.send(SIGKILL);
    running.end();
}

fn is_half_made(rd: &Program, kind: &Path) -> bool {
    let half_made = rd.store.half_made();
    half_made.iter().any(|path| path.starts_with(kind))
}

fn first_day(machine: &Machine) {
    let rd = &machine.program("rd").on_the_first_day();
    let mut random = Random::new();
    let before = machine.look();
    for _ in 0..20 {
        unpack_and_be_killed(rd, &mut random, Moment::Random);
    }
    works(rd, "killed while unpacking: a container runs");
    for kind in [&rd.store.images, &rd.store.containers] {
        // What was half-made a moment ago may be whole when the signal comes.
        let mut tries = 0;
        while !is_half_made(rd, kind) && tries < 20 {
            unpack_and_be_killed(rd, &mut random, Moment::HalfMade(kind));
            tries += 1;
        }
        let kind = kind.display();
        machine.check(
            &format!("something half-made is left in {kind}"),
            rd.store
                .half_made()
                .iter()
                .any(|it| it.starts_with(kind.to_string())),
            || format!("{tries} tries"),
        );
        let workshop = machine.program("workshop").with_store(rd.store.clone());
        workshop.call(["clean"]).run();
        rd.nothing_is_left(&format!("clean removes what is half made in {kind}"));
    }
    works(rd, "after clean: a container unpacks and runs");
    machine.is_as_before("after that", &before);
}
