//! One hyperfine session, and what its numbers say.

use std::fmt::Write;
use std::process::{Command, Stdio};

use given::Error;
use serde_json::{Value, json};

use crate::runtimes::Runtime;
use crate::scratch::Scratch;

/// In turns, so that a machine that becomes slower does so for every runtime. Fewer where there
/// are not two runs for each.
const ROUNDS: usize = 24;

const PATH: &str = "/usr/bin:/bin:/usr/sbin";

/// The times of one runtime, in seconds, sorted.
pub struct Row {
    /// Its name.
    pub name: String,
    /// A part of rd, in a table of its own.
    pub is_step: bool,
    times: Vec<f64>,
    /// The median of each turn, in seconds.
    turns: Vec<f64>,
    /// Its median, as a multiple of the baseline's.
    pub to_baseline: f64,
    /// How many system calls it makes, all of its processes together, up to the end of `true`.
    pub calls: u64,
}

impl Row {
    /// Of 100 runs, `percent` are at most as long: in milliseconds.
    pub fn quantile(&self, percent: usize) -> f64 {
        let last = self.times.len() - 1;
        self.times[last * percent / 100] * 1e3
    }

    /// In milliseconds.
    pub fn median(&self) -> f64 {
        self.quantile(50)
    }

    /// How much longer than `other` it takes, in the median of all turns: in milliseconds.
    fn above(&self, other: &Row) -> f64 {
        let turns = self.turns.iter().zip(&other.turns);
        let mut above: Vec<f64> = turns.map(|(one, other)| one - other).collect();
        above.sort_by(f64::total_cmp);
        above[above.len() / 2] * 1e3
    }
}

/// Run them all.
pub fn run(scratch: &Scratch, runtimes: &[Runtime]) -> Result<Vec<Row>, Error> {
    let runs = match std::env::var("RUNS") {
        Ok(runs) => runs.parse().map_err(|_| "RUNS is a number")?,
        Err(_) => 240_usize,
    };
    let rounds = ROUNDS.min(runs.div_ceil(2)).max(1);
    let export = scratch.join("hyperfine.json");
    let mut hyperfine = Command::new("hyperfine");
    hyperfine
        .args(["--shell=none", "--warmup=2", "--style=none"])
        .arg(format!("--runs={}", runs.div_ceil(rounds).max(2)))
        .arg("--export-json")
        .arg(&export)
        // No variable of the caller's, least of all a long PATH to look `true` up in.
        .env_clear()
        .env("PATH", PATH);
    for _ in 0..rounds {
        for Runtime { name, command, .. } in runtimes {
            hyperfine
                .args(["--command-name", name])
                .arg(command.join(" "));
        }
    }
    let status = hyperfine
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("cannot start hyperfine: {error}"))?;
    if !status.success() {
        return Err("hyperfine stopped, and says why above".into());
    }
    let results: Value = serde_json::from_str(&given::read(&export)?)?;
    let mut rows = rows(&results, runtimes).ok_or("hyperfine's JSON is not what we know")?;
    for (row, runtime) in rows.iter_mut().zip(runtimes) {
        row.calls = calls(scratch, runtime)?;
    }
    Ok(rows)
}

/// Times jitter, this does not: the least of three counts by strace, since a parent that
/// waits may wake up once more or less.
fn calls(scratch: &Scratch, runtime: &Runtime) -> Result<u64, Error> {
    let summary = scratch.join("strace");
    let mut least = u64::MAX;
    for _ in 0..3 {
        let status = Command::new("strace")
            .args(["-f", "-c", "-U", "calls,name", "-o"])
            .arg(&summary)
            .args(&runtime.command)
            .env_clear()
            .env("PATH", PATH)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| format!("cannot start strace: {error}"))?;
        if !status.success() {
            return Err(format!("strace of {} ended with {status}", runtime.name).into());
        }
        let counted = given::read(&summary)?;
        let total = counted.lines().find_map(|line| line.strip_suffix(" total"));
        let total = total.and_then(|number| number.trim().parse().ok());
        least = least.min(total.ok_or("strace's summary is not what we know")?);
    }
    Ok(least)
}

fn rows(results: &Value, runtimes: &[Runtime]) -> Option<Vec<Row>> {
    let results = results["results"].as_array()?;
    let mut rows: Vec<Row> = Vec::new();
    for Runtime { name, is_step, .. } in runtimes {
        let mine = results.iter().filter(|result| result["command"] == **name);
        let turns = mine.clone().filter_map(|result| result["median"].as_f64());
        let mut times: Vec<f64> = mine
            .filter_map(|result| result["times"].as_array())
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        times.sort_by(f64::total_cmp);
        times.first()?;
        rows.push(Row {
            name: name.clone(),
            is_step: *is_step,
            turns: turns.collect(),
            times,
            to_baseline: 1.0,
            calls: 0,
        });
    }
    let baseline = rows.first()?.median();
    for row in &mut rows {
        row.to_baseline = row.median() / baseline;
    }
    Some(rows)
}

/// In Markdown, for the terminal and for the book.
pub fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| | median | a tenth is below | a tenth is above | times the baseline | system calls |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for row in rows.iter().filter(|row| !row.is_step) {
        let _ = writeln!(
            table,
            "| {} | {:.2} ms | {:.2} ms | {:.2} ms | {:.2} | {} |",
            row.name,
            row.median(),
            row.quantile(10),
            row.quantile(90),
            row.to_baseline,
            row.calls
        );
    }
    table
}

/// Likewise: what each step adds to the one before.
pub fn steps(rows: &[Row]) -> String {
    let mut table = String::from(
        "| | median | more than before | system calls | more |\n\
         |---|--:|--:|--:|--:|\n",
    );
    let mut before: Option<&Row> = None;
    for row in rows.iter().filter(|row| row.is_step) {
        let (time, calls) = match before {
            Some(before) => (
                format!("{:+.2} ms", row.above(before)),
                format!("{:+}", row.calls.cast_signed() - before.calls.cast_signed()),
            ),
            None => (String::new(), String::new()),
        };
        let (name, median, all) = (&row.name, row.median(), row.calls);
        let _ = writeln!(
            table,
            "| {name} | {median:.2} ms | {time} | {all} | {calls} |"
        );
        before = Some(row);
    }
    table
}

/// Everything that was measured.
pub fn json(rows: &[Row], runtimes: &[Runtime], machine: &str) -> String {
    let (steps, rows): (Vec<_>, Vec<_>) =
        rows.iter().zip(runtimes).partition(|(row, _)| row.is_step);
    let values = |rows: Vec<(&Row, &Runtime)>| rows.into_iter().map(value).collect::<Vec<_>>();
    let all = json!({ "machine": machine, "start": values(rows), "steps": values(steps) });
    format!("{all:#}\n")
}

fn value((row, runtime): (&Row, &Runtime)) -> Value {
    json!({
        "name": row.name,
        "runs": row.times.len(),
        "median_ms": rounded(row.median()),
        "p10_ms": rounded(row.quantile(10)),
        "p90_ms": rounded(row.quantile(90)),
        "times_the_baseline": rounded(row.to_baseline),
        "system_calls": row.calls,
        "program": runtime.command.first().and_then(|path| path.rsplit('/').next()),
    })
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
