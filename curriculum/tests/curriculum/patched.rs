//! What the suites of patched solutions share: do they still apply, and their programs,
//! built all at once.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::caught::{self, Order};
use curriculum::patch::{self, Patch};
use curriculum::workshop::{Lines, Spoilt, Workshop};
use curriculum::{mistakes, unusual};
use libtest_mimic::{Completion, Failed};
use mutants::Combined;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

/// A maintainer who edits a level is told at once which patches have to be refreshed.
pub(crate) fn apply(course: &'static Course, suite: &str) -> Verdict {
    let mut found = Vec::new();
    for path in patch::discover(&course.root, suite)? {
        let patch = match Patch::read(&course.root, &path) {
            Ok(patch) => patch,
            Err(error) => {
                found.push(error);
                continue;
            }
        };
        let solution = patch::solution(&course.levels, patch.level);
        let Some(solution) = solution.filter(|&it| !course.is_learners(it)) else {
            continue;
        };
        let solution = course.levels[solution].path();
        let target = course.scratch.join(&path);
        if let Err(error) = patch.write(&course.root, &solution, &target) {
            found.push(error);
        }
    }
    nothing_of(&format!("{suite} has to follow the levels"), found)
}

/// Judges a patch only if no learner has begun to solve the level that it is against.
pub(crate) fn unless_learners(
    course: &Course,
    patch: &Patch,
    judge: impl FnOnce() -> Verdict,
) -> Verdict {
    let number = patch.level;
    let solution = patch::solution(&course.levels, number)
        .ok_or_else(|| format!("there is no solution of level {number:02}"))?;
    course.unless_learners(&[solution], judge)
}

/// Judges a patch, a second time if need be; but not if it passed before and nothing has
/// changed that its verdict depends on.
pub(crate) fn unless_judged(
    course: &Course,
    patch: &Patch,
    judge: impl Fn() -> Verdict,
) -> Verdict {
    let solution = patch::solution(&course.levels, patch.level)
        .ok_or_else(|| format!("there is no solution of level {:02}", patch.level))?;
    let order = format!("{:?}", order(patch));
    let key = course
        .judged
        .key(course, solution, &[&patch.text, &order])?;
    let trial = patch::trial(&patch.path);
    if course.judged.outcome(&trial, &key).is_some() {
        return Ok(Completion::Completed);
    }
    let verdict = course.with_second_look(&trial, judge);
    if matches!(verdict, Ok(Completion::Completed)) {
        course.judged.remember(&trial, &key, "passed");
    }
    verdict
}

/// The program of a patch, in `directory` if it is not there already. The first who asks
/// waits for all that are judged in this run.
pub(crate) fn binary(course: &Course, patch: &Patch, directory: &Path) -> Result<PathBuf, Failed> {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let places = Places {
            lines: Lines::Left,
            together: scratch.join("together"),
            target: scratch.join(TARGET),
            alone: scratch.join("patched"),
            alone_target: scratch.join("patched/target"),
        };
        Programs::or_failed(course, &places, |path| {
            course.is_chosen(&patch::trial(path))
        })
    });
    Ok(programs.of(patch, directory)?)
}

/// The same with the lines that it was made of; and the directory below which the sources are.
pub(crate) fn binary_with_lines(
    course: &Course,
    patch: &Patch,
    directory: &Path,
    is_chosen: impl Fn(&Path) -> bool,
) -> Result<(PathBuf, PathBuf), Failed> {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("against");
    let [together, alone] = ["together", "alone"].map(|it| scratch.join(it));
    let programs = PROGRAMS.get_or_init(|| {
        // With the learners' own programs: their libraries know their lines already.
        let target = scratch.ancestors().nth(2).unwrap_or(&scratch).to_owned();
        let places = Places {
            lines: Lines::Kept,
            together: together.join("levels"),
            target: target.clone(),
            alone: alone.join("levels"),
            alone_target: target,
        };
        Programs::or_failed(course, &places, is_chosen)
    });
    let sources = match programs.together.contains_key(&patch.path) {
        true => together,
        false => alone,
    };
    Ok((programs.of(patch, directory)?, sources))
}

/// Where programs are built, and how.
struct Places {
    lines: Lines,
    together: PathBuf,
    target: PathBuf,
    alone: PathBuf,
    alone_target: PathBuf,
}

/// Where the programs of patches and of mutants have what they share.
pub(crate) const TARGET: &str = "patched/target";

/// The programs of all patches of this run. To build some hundreds one by one takes
/// minutes, and most differ in a body or two: those of one solution are one program, in
/// which a number decides.
#[derive(Default)]
struct Programs {
    failed: Option<String>,
    /// The number of a patch, and the program that it is one of.
    together: BTreeMap<PathBuf, (usize, PathBuf)>,
    alone: Option<Workshop>,
}

/// A patched solution's sources, relative to its crate.
pub(crate) type Sources = BTreeMap<PathBuf, String>;

impl Programs {
    fn or_failed(course: &Course, places: &Places, is_chosen: impl Fn(&Path) -> bool) -> Programs {
        Programs::build(course, places, is_chosen).unwrap_or_else(|error| Programs {
            failed: Some(error.to_string()),
            ..Programs::default()
        })
    }

    fn build(
        course: &Course,
        places: &Places,
        is_chosen: impl Fn(&Path) -> bool,
    ) -> curriculum::Result<Programs> {
        let started = Instant::now();
        let mut versions: BTreeMap<usize, Vec<(PathBuf, Sources)>> = BTreeMap::new();
        let [wrong, right] = [mistakes::PATH, unusual::PATH];
        let paths = [wrong, right].map(|suite| patch::discover(&course.root, suite));
        for path in paths.into_iter().flatten().flatten() {
            if !is_chosen(&path) {
                continue;
            }
            let patch = Patch::read(&course.root, &path)?;
            let Some(solution) = patch::solution(&course.levels, patch.level) else {
                continue;
            };
            let directory = tempfile::tempdir()?;
            let level = &course.levels[solution];
            // One that does not apply says so where it is built alone.
            let written = patch.write(&course.root, &level.path(), directory.path());
            let sources = written.and_then(|()| sources(directory.path()));
            let all = versions.entry(solution).or_default();
            all.push((path, sources.unwrap_or_default()));
        }
        let mut alone: BTreeSet<PathBuf> = BTreeSet::new();
        loop {
            let before = alone.len();
            let mut spoilt = Vec::new();
            let mut combined = BTreeMap::new();
            let mut together = BTreeMap::new();
            for (&solution, versions) in &versions {
                let level = &course.levels[solution];
                let original = sources(&course.root.join(level.path()))?;
                let key = PathBuf::from(&level.package);
                let numbered = versions.iter().zip(1_usize..);
                let mut members = Vec::new();
                for ((path, sources), number) in numbered {
                    let is_like_it = sources.keys().eq(original.keys());
                    if is_like_it && !alone.contains(path) {
                        members.push((number, path, sources));
                    } else {
                        alone.insert(path.clone());
                    }
                }
                let mut files = Vec::new();
                for (file, source) in &original {
                    let differing = members.iter().filter(|(_, _, it)| it[file] != *source);
                    let differing: Vec<_> = differing
                        .map(|(number, _, sources)| (*number, sources[file].as_str()))
                        .collect();
                    let (text, too_different) = Combined::of_versions(source, &differing)?;
                    members.retain(|(number, path, _)| {
                        let stays = !too_different.contains(number);
                        if !stays {
                            alone.insert((*path).clone());
                        }
                        stays
                    });
                    let text = match file == Path::new("src/main.rs") {
                        true => text.with_number(),
                        false => text,
                    };
                    files.push((file.clone(), text.text.clone()));
                    combined.insert((key.clone(), file.clone()), (solution, text));
                }
                for (number, path, _) in members {
                    together.insert(path.clone(), (number, key.clone()));
                }
                spoilt.push(Spoilt {
                    package: format!("patched-{}", level.package),
                    key,
                    solution: level,
                    files,
                });
            }
            // A version that is too different in one file may have been put into another already.
            if alone.len() > before {
                continue;
            }
            let (root, directory, target) = (&course.root, &places.together, &places.target);
            let workshop = Workshop::of_spoilt(places.lines, root, directory, target, &spoilt);
            for it in &spoilt {
                for (file, line) in workshop.errors_in(&it.key) {
                    let Some((solution, text)) = combined.get(&(it.key.clone(), file.clone()))
                    else {
                        continue;
                    };
                    if let Some(number) = text.mutant_at(*line) {
                        alone.insert(versions[solution][number - 1].0.clone());
                    }
                }
            }
            if alone.len() > before {
                continue;
            }
            let mut programs = BTreeMap::new();
            for (path, (number, key)) in together {
                programs.insert(path, (number, workshop.binary(&key)?.to_owned()));
            }
            let by_itself = |path: &Path| alone.contains(path);
            let rest = (!alone.is_empty()).then(|| {
                let (directory, target) = (&places.alone, &places.alone_target);
                let levels = &course.levels;
                Workshop::build_with(places.lines, root, levels, directory, target, by_itself)
            });
            println!(
                "{} patched solutions in {} programs, {} by themselves: built in {} s",
                programs.len(),
                spoilt.len(),
                alone.len(),
                started.elapsed().as_secs()
            );
            return Ok(Programs {
                failed: None,
                together: programs,
                alone: rest,
            });
        }
    }

    fn of(&self, patch: &Patch, directory: &Path) -> curriculum::Result<PathBuf> {
        if let Some(error) = &self.failed {
            return Err(error.as_str().into());
        }
        if let Some((number, program)) = self.together.get(&patch.path) {
            return numbered(program, *number, directory);
        }
        let workshop = self.alone.as_ref().ok_or("it was not built")?;
        Ok(workshop.binary(&patch.path)?.to_owned())
    }
}

/// A copy of a program, in `directory`, that is this one of all that it can be.
pub(crate) fn numbered(
    program: &Path,
    number: usize,
    directory: &Path,
) -> curriculum::Result<PathBuf> {
    let mut bytes = fs::read(program)?;
    mutants::mark(&mut bytes, number)?;
    // The checks know by its name what it is.
    let path = directory.join(program.file_name().unwrap_or_default());
    fs::write(&path, bytes)?;
    fs::set_permissions(&path, fs::metadata(program)?.permissions())?;
    Ok(path)
}

/// The sources below a directory, by their paths.
pub(crate) fn sources(directory: &Path) -> curriculum::Result<Sources> {
    let mut found = Sources::new();
    let mut directories = vec![PathBuf::from("src")];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(directory.join(&next))? {
            let path = next.join(entry?.file_name());
            match directory.join(&path).is_dir() {
                true => directories.push(path),
                false => {
                    drop(found.insert(path.clone(), fs::read_to_string(directory.join(&path))?))
                }
            }
        }
    }
    Ok(found)
}

/// By which checks a patch is judged: all levels' for a part of them.
pub(crate) fn order(patch: &Patch) -> Order {
    let are_all_whole = std::env::var_os("RUBBER_DOCKER_WHOLE_ORDER").is_some();
    caught::order(patch, are_all_whole)
}
