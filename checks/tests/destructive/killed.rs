//! The checks, their supervisor or both are killed in the middle: nothing of the sandbox is
//! left. Control groups that a killed supervisor leaves are removed by the next one.

use std::fs;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::Place;
use crate::judge::{Judge, kill};
use crate::machine::{Machine, processes};

/// How long it may take until all processes are gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the checks call the process around a sandbox.
const KEEPER: &str = "--supervise-a-sandbox-for-one-check";

/// A trial's name, whom it kills, and when.
type Killed = (&'static str, &'static [Victim], Moment);

#[derive(Clone, Copy)]
enum Victim {
    Checks,
    Supervisor,
}

/// What must have come to be.
#[derive(Clone, Copy)]
enum Moment {
    Checks,
    Supervisor,
    Abuser,
}

const KILLED: [Killed; 6] = [
    ("checks_at_once", &[Victim::Checks], Moment::Checks),
    (
        "checks_with_a_sandbox_half_made",
        &[Victim::Checks],
        Moment::Supervisor,
    ),
    (
        "checks_while_the_level_runs",
        &[Victim::Checks],
        Moment::Abuser,
    ),
    (
        "keeper_with_a_sandbox_half_made",
        &[Victim::Supervisor],
        Moment::Supervisor,
    ),
    (
        "keeper_while_the_level_runs",
        &[Victim::Supervisor],
        Moment::Abuser,
    ),
    (
        "both_while_the_level_runs",
        &[Victim::Supervisor, Victim::Checks],
        Moment::Abuser,
    ),
];

pub(crate) fn trials(place: &'static Place) -> Vec<Trial> {
    KILLED
        .iter()
        .map(|it| crate::trial(format!("killed::{}", it.0), move || killed(place, it)))
        .collect()
}

fn killed(place: &Place, (name, victims, moment): &Killed) -> Result<(), Failed> {
    let abusers = place.abusers(name);
    let before = Machine::look(&place.canary())?;
    // It ignores what it can, and leaves processes behind that do the same.
    let abuser = place.abuser(name, "daemons-and-hang")?;
    let mut checks = Judge::of(&abuser).start()?;
    let began = Instant::now();
    let mut found = Found::default();
    while !found.has(*moment) {
        if began.elapsed() > Duration::from_secs(10) {
            return Err("the moment never came".into());
        }
        found = Found::look(&processes(&abusers));
    }
    for victim in *victims {
        let pid = match victim {
            Victim::Checks => found.checks,
            Victim::Supervisor => found.supervisor,
        };
        kill(pid.ok_or("the process to kill was not found")?)?;
    }
    let killed_at = Instant::now();
    checks.wait()?;
    loop {
        let left = processes(&abusers);
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
        .any(|victim| matches!(victim, Victim::Supervisor))
    {
        // The killed supervisor could not remove its groups. The next one does.
        let next = place.abuser(name, "hostname")?;
        Judge::of(&next).report()?;
    }
    before.is_unchanged(&place.canary(), &abusers)?;
    fs::remove_dir_all(&abusers)?;
    Ok(())
}

#[derive(Default)]
struct Found {
    checks: Option<i32>,
    supervisor: Option<i32>,
    has_abuser: bool,
}

impl Found {
    fn look(processes: &[(i32, Vec<String>)]) -> Found {
        let mut found = Found::default();
        for (pid, words) in processes {
            let word = |index: usize| words.get(index).map_or("", String::as_str);
            if word(1) == KEEPER {
                // PID 1 has the same words; the supervisor is the older of the two.
                let supervisor = found.supervisor.get_or_insert(*pid);
                *supervisor = (*supervisor).min(*pid);
            } else if word(1) == "judge" {
                found.checks = Some(*pid);
            } else if word(1) == "run" {
                found.has_abuser = true;
            }
        }
        found
    }

    fn has(&self, moment: Moment) -> bool {
        match moment {
            Moment::Checks => self.checks.is_some(),
            Moment::Supervisor => self.supervisor.is_some(),
            Moment::Abuser => self.has_abuser && self.supervisor.is_some(),
        }
    }
}
