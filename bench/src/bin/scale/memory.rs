//! What a container takes of memory while it does nothing.

use std::fmt::Write;
use std::path::Path;

use given::Error;
use serde_json::{Map, Value, json};

use crate::crowd::Crowd;

/// Of one process, in KiB; see proc_pid_smaps(5).
#[derive(Default, Clone, Copy)]
struct Process {
    /// All pages that it has mapped, shared libraries among them.
    rss: f64,
    /// The same, each page divided by the number of processes that have it mapped.
    pss: f64,
    /// Pages that no other process has mapped: what is free again when it ends.
    private: f64,
}

/// All that was measured.
pub struct Memory {
    rows: [(&'static str, Process); 3],
    kernel: Kernel,
    count: usize,
}

/// What the whole machine uses, in KiB, by the names of /proc/meminfo.
pub struct Kernel([(&'static str, f64); 5]);

/// The first four count memory that the kernel has for itself, beside the processes' pages.
/// The last counts everything: that, those pages, and whatever else happens.
const KINDS: [&str; 5] = [
    "Slab",
    "Percpu",
    "KernelStack",
    "PageTables",
    "MemAvailable",
];

impl Kernel {
    /// At this moment.
    pub fn now() -> Result<Self, Error> {
        let meminfo = given::read(Path::new("/proc/meminfo"))?;
        Ok(Self(KINDS.map(|kind| {
            let sign = if kind == "MemAvailable" { -1.0 } else { 1.0 };
            (kind, sign * field(&meminfo, kind))
        })))
    }

    /// For each of `count` containers that were not there `before`.
    pub fn since(&self, before: &Self, count: usize) -> Self {
        let mut each = self.0;
        for ((_, now), (_, before)) in each.iter_mut().zip(before.0) {
            *now = (*now - before) / count as f64;
        }
        Self(each)
    }
}

/// A line `NAME: NUMBER kB`.
fn field(text: &str, name: &str) -> f64 {
    let number = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0.0)
}

impl Process {
    fn of(pid: u32) -> Result<Self, Error> {
        let rollup = given::read(Path::new(&format!("/proc/{pid}/smaps_rollup")))?;
        Ok(Self {
            rss: field(&rollup, "Rss"),
            pss: field(&rollup, "Pss"),
            private: field(&rollup, "Private_Clean") + field(&rollup, "Private_Dirty"),
        })
    }

    fn mean(all: &[Self]) -> Self {
        let count = all.len().max(1) as f64;
        let mean = |part: fn(&Self) -> f64| all.iter().map(part).sum::<f64>() / count;
        Self {
            rss: mean(|one| one.rss),
            pss: mean(|one| one.pss),
            private: mean(|one| one.private),
        }
    }
}

impl Memory {
    /// Of every member of `crowd`.
    pub fn measure(crowd: &Crowd, kernel: Kernel) -> Result<Self, Error> {
        let mut parents = [Vec::new(), Vec::new()];
        let mut commands = Vec::new();
        for (number, parent) in crowd.members.iter().enumerate() {
            let pid = parent.id();
            parents[number % 2].push(Process::of(pid)?);
            let children = given::read(Path::new(&format!("/proc/{pid}/task/{pid}/children")))?;
            for child in children.split_whitespace() {
                commands.push(Process::of(child.parse()?)?);
            }
        }
        let [plain, alone] = &parents;
        Ok(Self {
            rows: [
                ("rd, which waits", Process::mean(plain)),
                ("rd, static, which waits", Process::mean(alone)),
                ("the command, a shell that waits", Process::mean(&commands)),
            ],
            kernel,
            count: crowd.members.len(),
        })
    }

    /// In Markdown.
    pub fn table(&self) -> String {
        let mut table = String::from(
            "| of one idle container | its own (private) | its share (Pss) | all that it sees (Rss) |\n\
             |---|--:|--:|--:|\n",
        );
        for (name, process) in &self.rows {
            let _ = writeln!(
                table,
                "| {name} | {:.0} KiB | {:.0} KiB | {:.0} KiB |",
                process.private, process.pss, process.rss
            );
        }
        table.push_str("\n| and in the kernel, of the machine's | for each |\n|---|--:|\n");
        for (kind, size) in self.kernel.0 {
            let name = match kind {
                "MemAvailable" => "memory in all, with the above",
                kind => kind,
            };
            let _ = writeln!(table, "| {name} | {size:.0} KiB |");
        }
        let _ = writeln!(table, "\nMeans of {} containers.", self.count);
        table
    }

    /// For the file.
    pub fn json(&self) -> Value {
        let processes: Map<String, Value> = self
            .rows
            .iter()
            .map(|(name, process)| {
                let kib = json!({
                    "private_kib": process.private.round(),
                    "pss_kib": process.pss.round(),
                    "rss_kib": process.rss.round(),
                });
                ((*name).to_owned(), kib)
            })
            .collect();
        let kernel: Map<String, Value> = self
            .kernel
            .0
            .iter()
            .map(|(kind, size)| ((*kind).to_owned(), size.round().into()))
            .collect();
        json!({ "containers": self.count, "processes": processes, "kernel_kib": kernel })
    }
}
