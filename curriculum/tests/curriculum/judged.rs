//! What was judged before, and would be judged by the same checks again: the hundreds of
//! patched solutions and of mutants are remembered by a digest of all that goes into a
//! verdict, as a build system remembers what it has built. Those that passed are kept below
//! `~/.cache/rubber-docker`, beside what scripts have downloaded: a clone knows what was judged
//! in another. `RUBBER_DOCKER_JUDGE_AGAIN=1` has everything judged.

use crate::course::Course;
use curriculum::Result;
use curriculum::levels::Level;
use curriculum::map;
use libtest_mimic::Trial;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// What every verdict depends on: the checks, what they and the levels are made of, and
/// what judges them.
const SOURCES: [&str; 11] = [
    ".cargo/as-root",
    "Cargo.toml",
    "Cargo.lock",
    "linux-sys",
    "images",
    "registry",
    "given",
    "sandbox",
    "syllabus",
    "checks",
    "curriculum",
];

/// Crates whose code judges nothing. Of the levels each has its own part in its keys.
const NO_PART: [&str; 6] = [
    "levels",
    "workshop",
    "board",
    "xray",
    "bench",
    "system-tests",
];

/// Files below these that are no part of it: patches and mutants have keys of their own.
const LEFT_OUT: [&str; 4] = [
    "checks/wrong",
    "checks/right",
    "checks/choices",
    "checks/mutants/survivors.txt",
];

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    vec![
        Trial::test("judged::a_change_is_judged_again", move || {
            Ok(a_change_is_judged_again(course)?)
        }),
        Trial::test("judged::all_crates_are_asked", move || {
            Ok(all_crates_are_asked(course)?)
        }),
    ]
}

/// A crate of the workspace is one of the sources, or no part of a verdict.
fn all_crates_are_asked(course: &Course) -> Result<()> {
    let metadata = map::metadata(&course.root)?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let path = manifest.strip_prefix(&course.root)?;
        let mut known = SOURCES.iter().chain(&NO_PART);
        if !known.any(|it| path.starts_with(it)) {
            let path = path.display();
            return Err(format!("{path} is neither in SOURCES nor in NO_PART").into());
        }
    }
    Ok(())
}

fn is_file(source: &Path) -> bool {
    source.extension().is_some() || source.ends_with("as-root")
}

fn a_change_is_judged_again(course: &Course) -> Result<()> {
    let root = tempfile::tempdir_in(&course.scratch)?;
    for source in SOURCES {
        let source = root.path().join(source);
        match is_file(&source) {
            true => {
                fs::create_dir_all(source.parent().unwrap_or(root.path()))?;
                fs::write(source, "")?;
            }
            false => {
                fs::create_dir_all(source.join("src"))?;
                fs::write(source.join("src/lib.rs"), "")?;
            }
        }
    }
    for path in LEFT_OUT {
        fs::create_dir_all(root.path().join(path))?;
    }
    let judged = |directory: &str| -> Result<Judged> {
        Ok(Judged {
            directory: root.path().join(directory),
            base: Some(base(root.path(), &[])?),
            remembered: AtomicU32::new(0),
        })
    };
    let known = judged("known")?;
    let first = known.key(course, 0, &["a patch", "Own"])?;
    known.remember("wrong::00/one", &first, "passed");
    let outcome = |key: &str| known.outcome("wrong::00/one", key);
    let expect = |is_so: bool, what: &str| match is_so {
        true => Ok(()),
        false => Err(what.to_owned()),
    };
    expect(
        outcome(&first).as_deref() == Some("passed"),
        "it is not remembered",
    )?;
    for said in [["a patch", "Whole"], ["another", "Own"], ["a patc", "hOwn"]] {
        let key = known.key(course, 0, &said)?;
        expect(
            outcome(&key).is_none(),
            &format!("{said:?} is taken for the first"),
        )?;
    }
    expect(
        outcome(&known.key(course, 1, &["a patch", "Own"])?).is_none(),
        "another level's",
    )?;
    fs::write(root.path().join("checks/wrong/one.patch"), "changed")?;
    let key = judged("known")?.key(course, 0, &["a patch", "Own"])?;
    expect(key == first, "another patch's text is part of the key")?;
    for source in SOURCES {
        let path = match is_file(Path::new(source)) {
            true => root.path().join(source),
            false => root.path().join(source).join("src/lib.rs"),
        };
        fs::write(&path, "changed")?;
        let key = judged("known")?.key(course, 0, &["a patch", "Own"])?;
        expect(key != first, &format!("a change of {source} is not seen"))?;
        fs::write(&path, "")?;
    }
    let key = judged("known")?.key(course, 0, &["a patch", "Own"])?;
    Ok(expect(
        key == first,
        "what was changed back is judged again",
    )?)
}

/// The verdicts of earlier runs, below `target/`.
pub(crate) struct Judged {
    directory: PathBuf,
    /// None if everything is to be judged.
    base: Option<String>,
    remembered: AtomicU32,
}

impl Judged {
    pub(crate) fn load(root: &Path, levels: &[Level]) -> Result<Judged> {
        let wants_all = std::env::var_os("RUBBER_DOCKER_JUDGE_AGAIN").is_some();
        Ok(Judged {
            directory: place(),
            base: match wants_all {
                true => None,
                false => Some(base(root, levels)?),
            },
            remembered: AtomicU32::new(0),
        })
    }

    /// The key of what is judged against a level's solution, with what is said of it besides.
    pub(crate) fn key(&self, course: &Course, solution: usize, said: &[&str]) -> Result<String> {
        let mut hash = sha1_smol::Sha1::new();
        hash.update(self.base.as_deref().unwrap_or_default().as_bytes());
        let level = &course.levels[solution];
        // The solutions of the parts before its own are its libraries.
        let is_library = |it: &&Level| it.number.is_none() && it.facts.part < level.facts.part;
        let libraries = course.levels.iter().filter(is_library);
        for level in libraries.chain([level]) {
            for file in level.files(&course.root)? {
                add_file(&mut hash, &course.root, &level.path().join(file))?;
            }
        }
        for words in said {
            add(&mut hash, words.as_bytes());
        }
        Ok(hash.digest().to_string())
    }

    /// What came of the trial when it was judged with this key.
    pub(crate) fn outcome(&self, trial: &str, key: &str) -> Option<String> {
        self.base.as_ref()?;
        let text = fs::read_to_string(self.directory.join(trial)).ok()?;
        let (known, outcome) = text.split_once(' ')?;
        if known != key {
            return None;
        }
        self.remembered.fetch_add(1, Ordering::Relaxed);
        Some(outcome.to_owned())
    }

    /// Only of what was as it should be. If it cannot be written, it is judged again.
    pub(crate) fn remember(&self, trial: &str, key: &str, outcome: &str) {
        let path = self.directory.join(trial);
        if let Some(directory) = path.parent()
            && fs::create_dir_all(directory).is_ok()
        {
            // Renamed when complete: a run that is killed leaves no half of a verdict.
            let partial = path.with_extension("partial");
            if fs::write(&partial, format!("{key} {outcome}")).is_ok() {
                fs::rename(&partial, &path).ok();
            }
        }
    }

    /// At the end, if there were any.
    pub(crate) fn print_report(&self) {
        let remembered = self.remembered.load(Ordering::Relaxed);
        if remembered > 0 {
            println!(
                "{remembered} were judged before, and nothing has changed of what their verdict \
                 depends on; RUBBER_DOCKER_JUDGE_AGAIN=1 has all of them judged\n"
            );
        }
    }
}

/// Where verdicts are kept: for one user, whatever the checkout; no path is part of a key.
fn place() -> PathBuf {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let directory = cache.map(|cache| cache.join("rubber-docker"));
    let kept = directory.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    kept.join("judged")
}

/// A digest of the sources, of the compiler, and of the kernel with its control groups.
fn base(root: &Path, levels: &[Level]) -> Result<String> {
    let mut hash = sha1_smol::Sha1::new();
    let compiler = Command::new("rustc").arg("-vV").output()?;
    add(&mut hash, &compiler.stdout);
    add(&mut hash, &fs::read("/proc/sys/kernel/osrelease")?);
    let version = sandbox::cgroups::version();
    add(&mut hash, format!("{version:?}").as_bytes());
    // The images of the checks have this machine's shell in them.
    add(&mut hash, &fs::read("/bin/sh")?);
    for source in SOURCES {
        add_tree(&mut hash, root, Path::new(source))?;
    }
    // The table of the course is built into the checks.
    for level in levels {
        add_file(&mut hash, root, &level.path().join("level.toml"))?;
    }
    Ok(hash.digest().to_string())
}

fn add_tree(hash: &mut sha1_smol::Sha1, root: &Path, path: &Path) -> Result<()> {
    if LEFT_OUT.iter().any(|it| path == Path::new(it)) {
        return Ok(());
    }
    if !root.join(path).is_dir() {
        return add_file(hash, root, path);
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(path))? {
        names.push(entry?.file_name());
    }
    names.sort();
    for name in names {
        // What an editor has open, and what a build has left.
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if !is_hidden && name != "target" {
            add_tree(hash, root, &path.join(name))?;
        }
    }
    Ok(())
}

fn add_file(hash: &mut sha1_smol::Sha1, root: &Path, path: &Path) -> Result<()> {
    add(hash, path.as_os_str().as_encoded_bytes());
    add(hash, &fs::read(root.join(path))?);
    Ok(())
}

/// With its length in front, so that no two lists of words are the same bytes.
fn add(hash: &mut sha1_smol::Sha1, bytes: &[u8]) {
    hash.update(&bytes.len().to_le_bytes());
    hash.update(bytes);
}
