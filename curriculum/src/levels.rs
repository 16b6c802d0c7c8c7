//! Which levels there are: every `levels/*/Cargo.toml`, part by part in the order of their
//! numbers, and behind those of a part its solution. A level is part of the workshop by
//! being there.
//!
//! Within a part each level is the skeleton of the next, as text. A part begins with its
//! own main.rs and recipe, and has the solution of the part before it as its library.

use super::{Result, read};
use std::fs;
use std::path::{Path, PathBuf};
use syllabus::Facts;

/// One level of the workshop, or the solution of a part, which closes the part's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The number in front of the directory's name; the solution of a part has none.
    pub number: Option<u8>,
    /// The directory's name: `03_pivot_root`.
    pub directory: String,
    /// The package, which is also the name of the binary: `level03`, `rd`.
    pub package: String,
    /// What its `level.toml` says.
    pub facts: Facts,
}

impl Level {
    /// The level's directory, seen from the root of the workspace.
    pub fn path(&self) -> PathBuf {
        Path::new("levels").join(&self.directory)
    }

    /// The files that make up the skeleton: the manifest and all below `src/`
    /// and `tests/`, relative to the level's directory, sorted.
    ///
    /// Hidden files and an editor's leftovers (`*~`, `*.orig`, `*.rej`) are not
    /// part of it.
    pub fn files(&self, root: &Path) -> Result<Vec<PathBuf>> {
        let directory = root.join(self.path());
        let mut files = vec![PathBuf::from("Cargo.toml")];
        for part in ["src", "tests"] {
            walk(&directory, Path::new(part), &mut files)?;
        }
        files.sort();
        Ok(files)
    }
}

/// All levels below `root`, in order.
pub fn discover(root: &Path) -> Result<Vec<Level>> {
    let directory = root.join("levels");
    let entries = fs::read_dir(&directory)
        .map_err(|error| format!("list {}: {error}", directory.display()))?;
    let mut levels = Vec::new();
    for entry in entries {
        let entry = entry?;
        let manifest = entry.path().join("Cargo.toml");
        if manifest.is_file() {
            let directory = entry.file_name().to_string_lossy().into_owned();
            levels.push(level(directory, &read(&manifest)?, &entry.path())?);
        }
    }
    // `None` sorts first by itself; the solution of a part is the end of its road.
    levels.sort_by_key(|level| (level.facts.part, level.number.is_none(), level.number));
    let mut solutions = levels.iter().filter(|level| level.number.is_none());
    if let Some(one) = solutions
        .clone()
        .zip(solutions.by_ref().skip(1))
        .find(|(one, next)| one.facts.part == next.facts.part)
    {
        return Err(format!(
            "levels/{} and levels/{} are both solutions of part {}: a part has one",
            one.0.directory, one.1.directory, one.0.facts.part
        )
        .into());
    }
    Ok(levels)
}

/// Where the solution of `levels[index]` is: in the level after it, or at the end of a part in
/// the part's solution. A part that is being written has none yet.
pub fn solution(levels: &[Level], index: usize) -> Option<usize> {
    let (own, next) = (levels.get(index)?, levels.get(index + 1)?);
    (own.facts.part == next.facts.part).then_some(index + 1)
}

/// The number of the last level of a part.
pub fn last_of(levels: &[Level], part: u8) -> Option<u8> {
    let of_part = levels.iter().filter(|level| level.facts.part == part);
    of_part.filter_map(|level| level.number).max()
}

/// The number of the first level of a part.
pub fn first_of(levels: &[Level], part: u8) -> Option<u8> {
    let of_part = levels.iter().filter(|level| level.facts.part == part);
    of_part.filter_map(|level| level.number).min()
}

/// The root of the workspace: the first directory above the current one (which
/// cargo sets to the package for tests) that has `levels/` and a `Cargo.toml`.
pub fn workspace_root() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    here.ancestors()
        .find(|path| path.join("levels").is_dir() && path.join("Cargo.toml").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            format!(
                "no levels/ beside a Cargo.toml above {}: run this inside the workshop's checkout",
                here.display()
            )
            .into()
        })
}

fn facts(name: &str, directory: &Path) -> Result<Facts> {
    let text = read(&directory.join("level.toml"))
        .map_err(|error| format!("{error}: each level has one, and git has it"))?;
    Facts::parse(&text).map_err(|fault| format!("levels/{name}/level.toml: {fault}").into())
}

fn level(directory: String, manifest: &str, path: &Path) -> Result<Level> {
    let package = manifest
        .lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .ok_or_else(|| format!("levels/{directory}/Cargo.toml has no line `name = \"...\"`"))?
        .to_owned();
    let number = match directory.split_once('_') {
        Some((digits, _)) if digits.len() == 2 => digits.parse().ok(),
        _ => None,
    };
    if let Some(number) = number {
        let expected = format!("level{number:02}");
        if package != expected {
            return Err(format!(
                "levels/{directory} holds the package {package}; its number makes it {expected}"
            )
            .into());
        }
    } else if directory.starts_with(|letter: char| letter.is_ascii_digit()) {
        return Err(format!(
            "levels/{directory}: a level's directory is called NN_name; the solution of a part \
             has a name alone"
        )
        .into());
    }
    let facts = facts(&directory, path)?;
    Ok(Level {
        number,
        directory,
        package,
        facts,
    })
}

pub(super) fn walk(directory: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let place = directory.join(below);
    // What a link leads to is no part of a level.
    if place.is_symlink() {
        return Ok(());
    }
    let Ok(entries) = fs::read_dir(place) else {
        return Ok(()); // a level without tests/, or a fixture
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || ["~", ".orig", ".rej"].iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let path = below.join(&name);
        if entry.file_type()?.is_dir() {
            walk(directory, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
