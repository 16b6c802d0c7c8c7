//! Patched solutions as programs: built all at once, in a workspace of their own that
//! shares everything but the levels' own few files. Each is one crate, also where the solution
//! is a library as well: [`promotion`] tells why.

use super::levels::Level;
use super::patch::{self, Patch, write_if_changed};
use super::{Result, cargo, mistakes, promotion, read, unusual};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// A solution of which some source files are others.
pub struct Spoilt<'a> {
    /// By what the program is asked for.
    pub key: PathBuf,
    /// What its package is called; no other is called so.
    pub package: String,
    /// The solution.
    pub solution: &'a Level,
    /// The files that are others, relative to the solution's directory, and their texts.
    pub files: Vec<(PathBuf, String)>,
}

/// Whether the programs know the lines that they were made of. They are three times as large then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They are judged, and neither debugged nor changed line by line.
    Left,
    /// They are shown line by line.
    Kept,
}

/// The programs that were built, and why others were not.
pub struct Workshop {
    lines: Lines,
    binaries: BTreeMap<PathBuf, PathBuf>,
    errors: BTreeMap<PathBuf, String>,
    places: BTreeMap<PathBuf, BTreeSet<(PathBuf, usize)>>,
}

impl Workshop {
    /// Builds the wrong and the right solutions of all `levels` below `root` for which
    /// `is_wanted` holds. What is in `directory` from last time need not be built again.
    pub fn build(
        root: &Path,
        levels: &[Level],
        directory: &Path,
        is_wanted: impl Fn(&Path) -> bool,
    ) -> Workshop {
        let target = directory.join("target");
        Workshop::build_with(Lines::Left, root, levels, directory, &target, is_wanted)
    }

    /// The same; what can be shared with other builds is in `target`.
    pub fn build_with(
        lines: Lines,
        root: &Path,
        levels: &[Level],
        directory: &Path,
        target: &Path,
        is_wanted: impl Fn(&Path) -> bool,
    ) -> Workshop {
        let mut workshop = Workshop::empty(lines);
        if let Err(error) = workshop.try_build(root, levels, directory, target, is_wanted) {
            workshop.errors.insert(PathBuf::new(), error.to_string());
        }
        workshop
    }

    fn empty(lines: Lines) -> Workshop {
        Workshop {
            lines,
            binaries: BTreeMap::new(),
            errors: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    /// Builds spoilt solutions in `directory`; what can be shared with other builds is in
    /// `target`. One that does not compile says so when it is asked for.
    pub fn of_spoilt(
        lines: Lines,
        root: &Path,
        directory: &Path,
        target: &Path,
        spoilt: &[Spoilt],
    ) -> Workshop {
        let mut workshop = Workshop::empty(lines);
        let outcome = fs::create_dir_all(directory).map_err(Into::into);
        let outcome = outcome.and_then(|()| {
            let mut packages = BTreeMap::new();
            for it in spoilt {
                let crate_directory = directory.join(&it.package);
                write_spoilt(root, it, &crate_directory)?;
                let names = (it.key.clone(), it.solution.package.clone());
                packages.insert(it.package.clone(), names);
            }
            workshop.compile(root, directory, target, &packages, |_| true)
        });
        if let Err(error) = outcome {
            workshop.errors.insert(PathBuf::new(), error.to_string());
        }
        workshop
    }

    /// The program of a patch. What went wrong for all of them each of them says.
    pub fn binary(&self, path: &Path) -> std::result::Result<&Path, String> {
        let known = [path, Path::new("")].map(|path| self.errors.get(path));
        match (self.binaries.get(path), known.into_iter().flatten().next()) {
            (Some(binary), None) => Ok(binary),
            (_, Some(error)) => Err(error.clone()),
            (None, None) => Err(format!("{} was not built", path.display())),
        }
    }

    /// The files and the lines, counted from 1, in which the compiler has found errors.
    pub fn errors_in(&self, key: &Path) -> impl Iterator<Item = &(PathBuf, usize)> {
        self.places.get(key).into_iter().flatten()
    }

    fn try_build(
        &mut self,
        root: &Path,
        levels: &[Level],
        directory: &Path,
        target: &Path,
        is_wanted: impl Fn(&Path) -> bool,
    ) -> Result<()> {
        fs::create_dir_all(directory)?;
        let mut packages = BTreeMap::new();
        let [wrong, right] = [mistakes::PATH, unusual::PATH].map(|it| patch::discover(root, it));
        for path in wrong?.into_iter().chain(right?) {
            let package = patch::trial(&path).replace("::", "-").replace('/', "-");
            match write_crate(root, levels, &path, &package, &directory.join(&package)) {
                Ok(name) => drop(packages.insert(package, (path, name))),
                Err(error) => drop(self.errors.insert(path, error.to_string())),
            }
        }
        self.compile(root, directory, target, &packages, is_wanted)
    }

    /// Builds the `packages` in `directory`, each with the key and the name of its program.
    fn compile(
        &mut self,
        root: &Path,
        directory: &Path,
        target: &Path,
        packages: &BTreeMap<String, (PathBuf, String)>,
        is_wanted: impl Fn(&Path) -> bool,
    ) -> Result<()> {
        write_workspace(root, directory, packages.keys())?;

        let mut command = cargo(directory);
        command.arg("build");
        for (package, (path, _)) in packages {
            if is_wanted(path) {
                command.args(["-p", package]);
            }
        }
        if self.lines == Lines::Left {
            command.env("CARGO_PROFILE_DEV_DEBUG", "none");
            command.env("CARGO_PROFILE_DEV_STRIP", "symbols");
        }
        let output = command
            .args(["--offline", "--message-format=json", "--keep-going"])
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_INCREMENTAL", "0")
            .output()?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(message) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let target = message["target"]["name"].as_str().unwrap_or_default();
            let Some((path, name)) = packages.get(target) else {
                continue;
            };
            if let Some(executable) = message["executable"].as_str() {
                let binary = directory.join("bin").join(target).join(name);
                rename(Path::new(executable), &binary)?;
                self.binaries.insert(path.clone(), binary);
            }
            if message["message"]["level"] == "error" {
                let spans = message["message"]["spans"].as_array();
                for span in spans.into_iter().flatten() {
                    let file = Path::new(span["file_name"].as_str().unwrap_or_default());
                    let file = file.strip_prefix(target).unwrap_or(file).to_owned();
                    let line = span["line_start"].as_u64().unwrap_or_default();
                    let line = usize::try_from(line).unwrap_or_default();
                    let places = self.places.entry(path.clone()).or_default();
                    if span["is_primary"] == true {
                        places.insert((file, line));
                    }
                }
                let rendered = message["message"]["rendered"].as_str().unwrap_or_default();
                let error = self.errors.entry(path.clone()).or_default();
                if error.is_empty() {
                    *error = format!("{} does not compile\n", path.display());
                }
                error.push_str(rendered);
            }
        }
        if self.binaries.is_empty() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(())
    }
}

/// Gives a program the name of the solution's crate: by it the checks know what the
/// level needs, and what to call it in their reports.
fn rename(executable: &Path, binary: &Path) -> Result<()> {
    if let Some(directory) = binary.parent() {
        fs::create_dir_all(directory)?;
    }
    if binary.exists() {
        fs::remove_file(binary)?;
    }
    Ok(fs::hard_link(executable, binary)?)
}

/// Writes the crate of a patch and returns the name of the solution's program.
fn write_crate(
    root: &Path,
    levels: &[Level],
    path: &Path,
    package: &str,
    target: &Path,
) -> Result<String> {
    let patch = Patch::read(root, path)?;
    let solution = patch::solution(levels, patch.level)
        .ok_or_else(|| format!("{}: there is no such level", path.display()))?;
    let solution = &levels[solution];
    let scratch = tempfile::tempdir()?;
    patch.write(root, &solution.path(), scratch.path())?;
    if let Some(library) = promotion::library(root, solution)? {
        let main = scratch.path().join("src/main.rs");
        fs::write(&main, promotion::with_own_rooms(&read(&main)?, &library))?;
        fs::remove_file(scratch.path().join(promotion::LIBRARY))?;
    }
    patch::synchronize(&scratch.path().join("src"), &target.join("src"))?;
    write_manifest(root, solution, package, target)?;
    Ok(solution.package.clone())
}

fn write_spoilt(root: &Path, spoilt: &Spoilt, target: &Path) -> Result<()> {
    let library = promotion::library(root, spoilt.solution)?;
    for file in spoilt.solution.files(root)? {
        let is_left = library.is_some() && file == Path::new(promotion::LIBRARY);
        if !file.starts_with("src") || is_left {
            continue;
        }
        let other = spoilt.files.iter().find(|(path, _)| *path == file);
        let text = match other {
            Some((_, text)) => text.clone(),
            None => read(&root.join(spoilt.solution.path()).join(&file))?,
        };
        let text = match &library {
            Some(library) if file == Path::new("src/main.rs") => {
                promotion::with_own_rooms(&text, library)
            }
            _ => text,
        };
        let path = target.join(file);
        fs::create_dir_all(path.parent().unwrap_or(target))?;
        write_if_changed(&path, &text)?;
    }
    write_manifest(root, spoilt.solution, &spoilt.package, target)
}

fn write_manifest(root: &Path, solution: &Level, package: &str, target: &Path) -> Result<()> {
    let manifest = format!(
        "[package]\nname = \"{package}\"\nedition.workspace = true\n\n\
         [[bin]]\nname = \"{package}\"\npath = \"src/main.rs\"\n\n{}\n\
         # What a patch leaves unused is not what it is judged by.\n\
         [lints.rust]\nwarnings = \"allow\"\n",
        dependencies(root, solution)?
    );
    write_if_changed(&target.join("Cargo.toml"), &manifest)
}

/// What a solution depends on, for a crate that is elsewhere: the library of the part before
/// stands beside the solution, `../complete`, and beside the other crate it does not.
pub fn dependencies(root: &Path, solution: &Level) -> Result<String> {
    let directory = root.join(solution.path());
    let manifest = read(&directory.join("Cargo.toml"))?;
    let section = section(&manifest, "[dependencies]");
    Ok(section.replace("path = \"", &format!("path = \"{}/", directory.display())))
}

/// A workspace in `directory` with the same dependencies, in the same versions, and the same
/// lints as that of the levels has.
pub fn write_workspace<'a>(
    root: &Path,
    directory: &Path,
    members: impl Iterator<Item = &'a String>,
) -> Result<()> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let mut text = "[workspace]\nresolver = \"3\"\nmembers = [\n".to_owned();
    for member in members {
        writeln!(text, "    \"{member}\",")?;
    }
    text.push_str("]\n\n");
    for heading in [
        "[workspace.package]",
        "[workspace.dependencies]",
        "[workspace.lints.rust]",
        "[workspace.lints.clippy]",
        "[profile.dev]",
        "[profile.dev.package]",
    ] {
        text.push_str(section(&manifest, heading));
    }
    let text = text.replace("path = \"", &format!("path = \"{}/", root.display()));
    write_if_changed(&directory.join("Cargo.toml"), &text)?;
    fs::copy(root.join("Cargo.lock"), directory.join("Cargo.lock"))?;
    Ok(())
}

/// The part of a manifest from its heading to the next one.
fn section<'a>(manifest: &'a str, heading: &str) -> &'a str {
    let Some(start) = manifest.find(heading) else {
        return "";
    };
    let rest = &manifest[start..];
    let end = rest.find("\n[").map_or(rest.len(), |end| end + 1);
    &rest[..end]
}
