//! Generated wrong solutions: in the lines that a learner writes one thing is changed, and
//! some check must notice. What none notices is in `checks/mutants/survivors.txt`, with
//! the reason.
//!
//! There are some hundreds, so they run only when asked for, and then a tenth of them,
//! always the same:
//! `cargo test -p curriculum --test curriculum -- --ignored generated`. All of them run where
//! `RUBBER_DOCKER_MUTANTS=all` is in the environment.

use crate::course::{Course, Verdict, nothing_of};
use crate::patched;
use crate::right_reason::{no_root, reports};
use curriculum::patch;
use curriculum::solution::learners_lines;
use curriculum::workshop::{Lines, Spoilt, Workshop};
use curriculum::{Result, is_version2, unusual};
use libtest_mimic::{Completion, Trial};
use mutants::{Combined, Entry, Kind, Mutant};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// What no check notices, from the root of the workspace.
const LIST: &str = "checks/mutants/survivors.txt";
/// How many there are at least. The shares below are of these.
const AT_LEAST: usize = 800;
const SURVIVED_AT_MOST: f64 = 0.03;
const EQUIVALENT_AT_MOST: f64 = 0.10;

/// A mutant of a level's solution.
#[derive(Clone)]
struct Generated {
    /// The number of this mutant, and of no other.
    number: usize,
    level: u8,
    /// The places of the skeleton and of the solution among the levels.
    skeleton: usize,
    solution: usize,
    /// Relative to the solution's directory.
    file: PathBuf,
    source: String,
    mutant: Mutant,
}

/// What came of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Caught,
    Equivalent,
    Survived,
    /// With the other version of control groups it is caught.
    OtherVersion,
    NotCompiled,
}

impl Outcome {
    const ALL: [Outcome; 5] = [
        Outcome::Caught,
        Outcome::Equivalent,
        Outcome::Survived,
        Outcome::OtherVersion,
        Outcome::NotCompiled,
    ];

    fn name(self) -> &'static str {
        match self {
            Outcome::Caught => "caught",
            Outcome::Equivalent => "equivalent",
            Outcome::Survived => "survived",
            Outcome::OtherVersion => "other version",
            Outcome::NotCompiled => "(not compiled)",
        }
    }
}

/// What came of those of a level: how many of which outcome.
type Count = BTreeMap<Outcome, u32>;

static COUNTS: Mutex<BTreeMap<u8, Count>> = Mutex::new(BTreeMap::new());

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    static ALL: OnceLock<(Vec<Generated>, Vec<String>)> = OnceLock::new();
    let (all, faults) = ALL.get_or_init(|| generate(course));
    let mut trials = vec![Trial::test("generated::the_list_is_right", move || {
        list_is_right(course, all, faults)
    })];
    let wants_all = std::env::var_os("RUBBER_DOCKER_MUTANTS").is_some_and(|it| it == "all");
    static CHOSEN: OnceLock<Vec<Generated>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let mut chosen = all.clone();
        chosen.retain(|it| wants_all || mutants::tenth(&it.name()));
        chosen
    });
    for it in chosen {
        let name = format!("generated::{}", it.name());
        let trial = Trial::ignorable_test(name, move || judge(course, chosen, it));
        trials.push(trial.with_ignored_flag(true));
    }
    trials
}

/// At the end, if any were judged.
pub(crate) fn print_report() {
    let Ok(counts) = COUNTS.lock() else { return };
    if counts.is_empty() {
        return;
    }
    println!("generated mutants, by level");
    let titles = Outcome::ALL.map(|it| format!("{:>15}", it.name()));
    println!("     {}", titles.concat());
    let mut sum = Count::new();
    for (level, count) in counts.iter() {
        print_line(&format!("{level:02}"), count);
        for (outcome, number) in count {
            *sum.entry(*outcome).or_default() += number;
        }
    }
    print_line("all", &sum);
    println!();
}

fn print_line(name: &str, count: &Count) {
    let numbers = Outcome::ALL.map(|it| format!("{:>15}", count.get(&it).unwrap_or(&0)));
    println!("  {name:<3}{}", numbers.concat());
}

impl Generated {
    /// Its identity: level, file, function, operator and change.
    fn name(&self) -> String {
        let file = self.file.strip_prefix("src").unwrap_or(&self.file);
        format!(
            "{:02}/{} {}",
            self.level,
            file.display(),
            self.mutant.name()
        )
    }

    /// Counted, and told.
    fn ends_with(&self, outcome: Outcome) -> Verdict {
        count(self.level, outcome);
        Ok(match outcome {
            Outcome::NotCompiled => Completion::ignored_with("does not compile"),
            _ => Completion::Completed,
        })
    }
}

/// Every mutant of every level, and what could not be read.
fn generate(course: &Course) -> (Vec<Generated>, Vec<String>) {
    let mut all = Vec::new();
    let mut faults = Vec::new();
    for (skeleton, level) in course.levels.iter().enumerate() {
        let Some(number) = level.number else { continue };
        let Some(solution) = patch::solution(&course.levels, number) else {
            continue;
        };
        match of_level(course, number, skeleton, solution) {
            Ok(found) => all.extend(found),
            Err(error) => faults.push(error.to_string()),
        }
    }
    for (it, number) in all.iter_mut().zip(1..) {
        it.number = number;
    }
    (all, faults)
}

fn of_level(
    course: &Course,
    number: u8,
    skeleton: usize,
    solution: usize,
) -> Result<Vec<Generated>> {
    let (level, next) = (&course.levels[skeleton], &course.levels[solution]);
    let mut found = Vec::new();
    // What is a new file in the next level is part of its skeleton, and no learner's.
    let files = level.files(&course.root)?;
    let mut new_modules = next.files(&course.root)?;
    new_modules.retain(|file| !files.contains(file));
    let new_modules: Vec<String> = (new_modules.iter().filter_map(|it| it.file_stem()))
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    for file in files {
        if !file.starts_with("src") || file.extension().is_none_or(|it| it != "rs") {
            continue;
        }
        let before = fs::read_to_string(course.root.join(level.path()).join(&file))?;
        let path = next.path().join(&file);
        let source = fs::read_to_string(course.root.join(&path))?;
        let lines = learners_lines(level, next, &file, &before, &source, &new_modules);
        let mutants = mutants::mutants(&source, &lines)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        found.extend(mutants.into_iter().map(|mutant| Generated {
            number: 0,
            level: number,
            skeleton,
            solution,
            file: file.clone(),
            source: source.clone(),
            mutant,
        }));
    }
    Ok(found)
}

fn list(course: &Course) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(course.root.join(LIST))?;
    Ok(mutants::parse_list(&text)?)
}

/// Every entry is about a mutant that there is, and there are not too many.
fn list_is_right(
    course: &Course,
    all: &[Generated],
    faults: &[String],
) -> std::result::Result<(), libtest_mimic::Failed> {
    // Where learners have begun there are others.
    if (0..course.levels.len()).any(|index| course.is_learners(index)) {
        return Ok(());
    }
    let mut found: Vec<String> = faults.to_vec();
    let names: BTreeSet<String> = all.iter().map(Generated::name).collect();
    let entries = list(course)?;
    let mut seen = BTreeSet::new();
    for entry in &entries {
        if !names.contains(&entry.mutant) {
            found.push(format!("no mutant is called {:?} any more", entry.mutant));
        }
        if !seen.insert(&entry.mutant) {
            found.push(format!("{:?} is there twice", entry.mutant));
        }
    }
    for right in entries.iter().filter_map(|entry| entry.right.as_ref()) {
        let path = course.root.join(unusual::PATH).join(right);
        if !path.with_extension("patch").is_file() {
            found.push(format!("no right solution is called {right:?}"));
        }
    }
    for (kind, most) in [
        (Kind::Survived, SURVIVED_AT_MOST),
        (Kind::Equivalent, EQUIVALENT_AT_MOST),
    ] {
        let count = entries.iter().filter(|it| it.kind == kind).count();
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        if count as f64 > most * AT_LEAST as f64 {
            found.push(format!(
                "{count} are {kind:?}; more than {} % of {AT_LEAST} is too many",
                most * 100.0
            ));
        }
    }
    if all.len() < AT_LEAST {
        found.push(format!("{} in all; {AT_LEAST} are promised", all.len()));
    }
    nothing_of(&format!("{LIST} is not as it should be"), found).map(drop)
}

fn judge(course: &'static Course, chosen: &[Generated], it: &Generated) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    course.unless_learners(&[it.skeleton, it.solution], || {
        let entries = list(course)?;
        let entry = entries.iter().find(|entry| entry.mutant == it.name());
        let name = it.name();
        let said = format!("{entry:?}");
        let key = course.judged.key(course, it.solution, &[&name, &said])?;
        // A file's name: that of a mutant has slashes and more.
        let trial = format!("generated/{}", sha1_smol::Sha1::from(&name).digest());
        if let Some(outcome) = course.judged.outcome(&trial, &key) {
            let known = Outcome::ALL.into_iter().find(|it| it.name() == outcome);
            if let Some(outcome) = known {
                return it.ends_with(outcome);
            }
        }
        let outcome = find_out(course, chosen, it, entry)?;
        course.judged.remember(&trial, &key, outcome.name());
        it.ends_with(outcome)
    })
}

/// Judges a mutant: an error if it is not what the list says.
fn find_out(
    course: &'static Course,
    chosen: &[Generated],
    it: &Generated,
    entry: Option<&Entry>,
) -> std::result::Result<Outcome, libtest_mimic::Failed> {
    let directory = tempfile::tempdir_in(&course.scratch)?;
    let programs = Programs::get(course, chosen);
    let Some(binary) = programs.of(it, directory.path())? else {
        return Ok(Outcome::NotCompiled);
    };
    match (noticed(course, it, &binary)?, entry) {
        (Some(_), Some(entry)) if !is_for_this_version(entry.kind) => {
            Err(format!("{LIST} has it, but it is noticed on this version").into())
        }
        (Some(check), Some(entry)) if matches!(entry.kind, Kind::Survived | Kind::Equivalent) => {
            Err(format!(
                "{check:?} notices it now: take it out of {LIST}\n{}",
                diff(it)
            )
            .into())
        }
        (Some(_), _) => Ok(Outcome::Caught),
        (None, Some(entry)) if !is_for_this_version(entry.kind) => Ok(Outcome::OtherVersion),
        (None, Some(entry)) if entry.kind == Kind::Equivalent => {
            if entry.right.is_none() {
                means_the_same(course, programs, it, &binary)?;
            }
            Ok(Outcome::Equivalent)
        }
        (None, Some(entry)) if entry.kind == Kind::Survived => Ok(Outcome::Survived),
        (None, _) => {
            count(it.level, Outcome::Survived);
            Err(format!("no check notices it\n{}", diff(it)).into())
        }
    }
}

/// Whether the containers of a mutant are like those of its solution.
fn means_the_same(
    course: &Course,
    programs: &Programs,
    it: &Generated,
    binary: &Path,
) -> std::result::Result<(), libtest_mimic::Failed> {
    let directory = tempfile::tempdir_in(&course.scratch)?;
    let solution = programs.solution(it.level, directory.path())?;
    let [theirs, own] = [&*solution, binary].map(|program| {
        let reports = reports(course, program, it.level, &["--observed"])?;
        let seen = reports.first().and_then(|report| report["seen"].as_str());
        seen.map(str::to_owned)
            .ok_or_else(|| libtest_mimic::Failed::from("nothing was observed"))
    });
    let (theirs, own) = (theirs?, own?);
    if own == theirs {
        return Ok(());
    }
    Err(format!(
        "{LIST} says that it means the same, but its containers are others; if they are as good, \
         name the right solution that makes such: `right: NN/NAME`\n{}\nits containers:\n{own}\n\
         those of the solution:\n{theirs}",
        diff(it)
    )
    .into())
}

/// Whether what the entry is about is used with this machine's control groups.
fn is_for_this_version(kind: Kind) -> bool {
    let is_v2 = is_version2();
    match kind {
        Kind::Version1 => !is_v2,
        Kind::Version2 => is_v2,
        Kind::Equivalent | Kind::Survived => true,
    }
}

/// The check that fails for it, if one does. The level's own are asked first.
fn noticed(
    course: &Course,
    it: &Generated,
    binary: &Path,
) -> std::result::Result<Option<String>, libtest_mimic::Failed> {
    let mut broken = None;
    for options in [&["--alone"][..], &[]] {
        for report in reports(course, binary, it.level, options)? {
            if report["sandbox"] == "broken" {
                broken = Some(report);
            } else if report["verdict"] == "fail" {
                return Ok(report["name"].as_str().map(str::to_owned));
            }
        }
    }
    match broken {
        Some(report) => Err(format!("the sandbox broke: {report:#}").into()),
        None => Ok(None),
    }
}

fn count(level: u8, outcome: Outcome) {
    if let Ok(mut counts) = COUNTS.lock() {
        *counts.entry(level).or_default().entry(outcome).or_default() += 1;
    }
}

/// The lines that differ.
fn diff(it: &Generated) -> String {
    let changed = it.mutant.apply(&it.source);
    let (old, new): (Vec<&str>, Vec<&str>) =
        (it.source.lines().collect(), changed.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = (old.iter().rev().zip(new.iter().rev())).take_while(|(a, b)| a == b);
    let same_end = rest.count().min(old.len() - same).min(new.len() - same);
    let mut text = format!("{}:{}\n", it.file.display(), same + 1);
    for line in &old[same..old.len() - same_end] {
        text.push_str(&format!("-{line}\n"));
    }
    for line in &new[same..new.len() - same_end] {
        text.push_str(&format!("+{line}\n"));
    }
    text
}

/// The programs of the levels, each with all chosen mutants of its solution in it.
struct Programs {
    by_level: BTreeMap<u8, Result<PathBuf>>,
    /// The numbers of those that the compiler refuses.
    refused: BTreeSet<usize>,
}

impl Programs {
    fn get(course: &Course, chosen: &[Generated]) -> &'static Programs {
        static PROGRAMS: OnceLock<Programs> = OnceLock::new();
        PROGRAMS.get_or_init(|| Programs::build(course, chosen))
    }

    /// Builds them, and again without those that were refused, until none is.
    fn build(course: &Course, chosen: &[Generated]) -> Programs {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // The patched solutions have the same dependencies, and may have built them.
        let target = scratch.join(patched::TARGET);
        let mut refused = BTreeSet::new();
        loop {
            let (spoilt, files) = match sources(course, chosen, &refused) {
                Ok(sources) => sources,
                Err(error) => {
                    let error: Result<PathBuf> = Err(error);
                    let by_level = BTreeMap::from([(0, error)]);
                    return Programs { by_level, refused };
                }
            };
            let directory = scratch.join("mutants");
            let workshop =
                Workshop::of_spoilt(Lines::Left, &course.root, &directory, &target, &spoilt);
            let before = refused.len();
            for it in &spoilt {
                for (file, line) in workshop.errors_in(&it.key) {
                    let combined = files.get(&(it.key.clone(), file.clone()));
                    refused.extend(combined.and_then(|it| it.mutant_at(*line)));
                }
            }
            if refused.len() > before {
                continue;
            }
            let binary = |it: &Spoilt| workshop.binary(&it.key).map(Path::to_owned);
            let by_level = spoilt.iter().filter_map(|it| {
                let level = it.key.to_string_lossy().parse().ok()?;
                Some((level, binary(it).map_err(Into::into)))
            });
            return Programs {
                by_level: by_level.collect(),
                refused,
            };
        }
    }

    /// The program of a mutant, in `directory`; none if the compiler has refused it.
    fn of(&self, it: &Generated, directory: &Path) -> Result<Option<PathBuf>> {
        if self.refused.contains(&it.number) {
            return Ok(None);
        }
        let program = self.of_level(it.level)?;
        Ok(Some(patched::numbered(program, it.number, directory)?))
    }

    /// The level's solution itself, in `directory`.
    fn solution(&self, level: u8, directory: &Path) -> Result<PathBuf> {
        patched::numbered(self.of_level(level)?, 0, directory)
    }

    fn of_level(&self, level: u8) -> Result<&Path> {
        match self.by_level.get(&level) {
            Some(Ok(program)) => Ok(program),
            Some(Err(error)) => Err(error.to_string().into()),
            None => Err(format!("level {level:02} was not built").into()),
        }
    }
}

type Files = BTreeMap<(PathBuf, PathBuf), Combined>;

/// What each level's program is made of.
fn sources<'a>(
    course: &'a Course,
    chosen: &[Generated],
    refused: &BTreeSet<usize>,
) -> Result<(Vec<Spoilt<'a>>, Files)> {
    let mut spoilt = Vec::new();
    let mut files = Files::new();
    let levels: BTreeMap<u8, usize> = chosen.iter().map(|it| (it.level, it.solution)).collect();
    for (level, solution) in levels {
        let key = PathBuf::from(format!("{level:02}"));
        let solution = &course.levels[solution];
        let mut changed = Vec::new();
        for file in solution.files(&course.root)? {
            let path = course.root.join(solution.path()).join(&file);
            let own: Vec<(usize, &Mutant)> = chosen
                .iter()
                .filter(|it| it.level == level && it.file == file)
                .filter(|it| !refused.contains(&it.number))
                .map(|it| (it.number, &it.mutant))
                .collect();
            let is_main = file == Path::new("src/main.rs");
            if own.is_empty() && !is_main {
                continue;
            }
            let source = fs::read_to_string(path)?;
            let combined = match is_main {
                true => Combined::of_main(&source, &own)?,
                false => Combined::new(&source, &own)?,
            };
            changed.push((file.clone(), combined.text.clone()));
            files.insert((key.clone(), file), combined);
        }
        spoilt.push(Spoilt {
            package: format!("mutants-{level:02}"),
            key,
            solution,
            files: changed,
        });
    }
    Ok((spoilt, files))
}
