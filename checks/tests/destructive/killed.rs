//! The checks, their keeper or both are killed in the middle: nothing of the sandbox is
//! left. Control groups that a killed keeper leaves are removed by the next one.

use std::fs;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::Place;
use crate::judge::{Judge, kill};
use crate::machine::{Machine, processes};

/// How long it may take until all processes are gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the checks call the process around a sandbox.
const KEEPER: &str = "--keep-a-sandbox-for-one-check";

/// A trial's name, whom it kills, and when.
type Killed = (&'static str, &'static [Victim], Moment);

#[derive(Clone, Copy)]
enum Victim {
    Checks,
    Keeper,
}

/// What must have come to be.
#[derive(Clone, Copy)]
enum Moment {
    Checks,
    Keeper,
    Wrecker,
}

const KILLED: [Killed; 6] = [
    ("checks_at_once", &[Victim::Checks], Moment::Checks),
    (
        "checks_with_a_sandbox_half_made",
        &[Victim::Checks],
        Moment::Keeper,
    ),
    (
        "checks_while_the_level_runs",
        &[Victim::Checks],
        Moment::Wrecker,
    ),
    (
        "keeper_with_a_sandbox_half_made",
        &[Victim::Keeper],
        Moment::Keeper,
    ),
    (
        "keeper_while_the_level_runs",
        &[Victim::Keeper],
        Moment::Wrecker,
    ),
    (
        "both_while_the_level_runs",
        &[Victim::Keeper, Victim::Checks],
        Moment::Wrecker,
    ),
];

pub(crate) fn trials(place: &'static Place) -> Vec<Trial> {
    KILLED
        .iter()
        .map(|it| crate::trial(format!("killed::{}", it.0), move || killed(place, it)))
        .collect()
}

fn killed(place: &Place, (name, victims, moment): &Killed) -> Result<(), Failed> {
    let wreckers = place.wreckers(name);
    let before = Machine::look(&place.canary())?;
    // It ignores what it can, and leaves processes behind that do the same.
    let wrecker = place.wrecker(name, "daemons-and-hang")?;
    let mut checks = Judge::of(&wrecker).start()?;
    let began = Instant::now();
    let mut found = Found::default();
    while !found.has(*moment) {
        if began.elapsed() > Duration::from_secs(10) {
            return Err("the moment never came".into());
        }
        found = Found::look(&processes(&wreckers));
    }
    for victim in *victims {
        let pid = match victim {
            Victim::Checks => found.checks,
            Victim::Keeper => found.keeper,
        };
        kill(pid.ok_or("the process to kill was not found")?)?;
    }
    let killed_at = Instant::now();
    checks.wait()?;
    loop {
        let left = processes(&wreckers);
        if left.is_empty() {
            break;
        }
        if killed_at.elapsed() > PATIENCE {
            return Err(format!("two seconds later there still are {left:?}").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if victims
        .iter()
        .any(|victim| matches!(victim, Victim::Keeper))
    {
        // The killed keeper could not remove its groups. The next one does.
        let next = place.wrecker(name, "hostname")?;
        Judge::of(&next).report()?;
    }
    before.is_unchanged(&place.canary(), &wreckers)?;
    fs::remove_dir_all(&wreckers)?;
    Ok(())
}

#[derive(Default)]
struct Found {
    checks: Option<i32>,
    keeper: Option<i32>,
    has_wrecker: bool,
}

impl Found {
    fn look(processes: &[(i32, Vec<String>)]) -> Found {
        let mut found = Found::default();
        for (pid, words) in processes {
            let word = |index: usize| words.get(index).map_or("", String::as_str);
            if word(1) == KEEPER {
                // PID 1 has the same words; the keeper is the older of the two.
                let keeper = found.keeper.get_or_insert(*pid);
                *keeper = (*keeper).min(*pid);
            } else if word(1) == "judge" {
                found.checks = Some(*pid);
            } else if word(1) == "run" {
                found.has_wrecker = true;
            }
        }
        found
    }

    fn has(&self, moment: Moment) -> bool {
        match moment {
            Moment::Checks => self.checks.is_some(),
            Moment::Keeper => self.keeper.is_some(),
            Moment::Wrecker => self.has_wrecker && self.keeper.is_some(),
        }
    }
}
