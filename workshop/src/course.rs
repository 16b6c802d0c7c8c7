//! The levels as the learner has them: which there are, what each is about, and how far
//! each is from its skeleton.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use curriculum::levels::{self, Level};
use curriculum::lock::{Lock, blob_id};
use curriculum::task::{self, Step};
use linux_sys::{Mode, OFlag, OpenHow, ResolveFlag, openat2};

use crate::Result;

/// What makes git look into another repository than the one it is in: the list is that of
/// `git rev-parse --local-env-vars`, without what is only configuration.
const GIT_ELSEWHERE: [&str; 9] = [
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
];

/// The checkout that we were started in.
pub(crate) struct Course {
    /// Its directory.
    pub(crate) root: PathBuf,
    /// All levels in order, behind those of each part its solution.
    pub(crate) levels: Vec<Level>,
    lock: Lock,
}

impl Course {
    /// Looks for the checkout above the current directory.
    pub(crate) fn find() -> Result<Course> {
        if let Err(error) = std::env::current_dir() {
            return Err(format!(
                "the current directory is not there any more ({error}): go to the workshop's \
                 checkout with `cd`"
            )
            .into());
        }
        let root = levels::workspace_root()?;
        if root.to_str().is_none() {
            return Err(format!(
                "the path of this checkout is not UTF-8, and cargo cannot name a file in it: {}. \
                 Move the checkout to a directory with another name",
                root.display()
            )
            .into());
        }
        let levels = levels::discover(&root)?;
        let lock = Lock::read(&root)?;
        Ok(Course { root, levels, lock })
    }

    /// The levels that have something to write in them.
    pub(crate) fn numbered(&self) -> impl DoubleEndedIterator<Item = &Level> {
        self.levels.iter().filter(|level| level.number.is_some())
    }

    /// The level that the learner means by `4`, `04`, `level04`, `rd` or a directory's name.
    pub(crate) fn level(&self, word: &str) -> Result<&Level> {
        let digits = word.strip_prefix("level").unwrap_or(word);
        let number: Option<u8> = digits.parse().ok();
        let is_it = |level: &&Level| match number {
            Some(number) => level.number == Some(number),
            None => level.package == word || level.directory == word || id(level) == word,
        };
        let found = self.levels.iter().find(is_it);
        found.ok_or_else(|| {
            let last = self.numbered().next_back().and_then(|level| level.number);
            format!(
                "there is no level `{word}`: they are 00 to {:02}, and `rd`, which is all of them",
                last.unwrap_or_default()
            )
            .into()
        })
    }

    /// The level in whose directory we were started, if it was in one.
    pub(crate) fn level_here(&self) -> Option<&Level> {
        let here = std::env::current_dir().ok()?;
        let below = here.strip_prefix(&self.root).ok()?;
        self.levels
            .iter()
            .find(|level| below.starts_with(level.path()))
    }

    /// The crate that has the solution of this level: the next level, or at the end of a part
    /// the part's solution, which is itself the solution of nothing.
    pub(crate) fn solution(&self, level: &Level) -> Option<&Level> {
        let own = self.levels.iter().position(|it| it == level)?;
        levels::solution(&self.levels, own).map(|index| &self.levels[index])
    }

    /// The level to write next after this one, of whichever part.
    pub(crate) fn next(&self, level: &Level) -> Option<&Level> {
        let rest = self.levels.iter().skip_while(|it| *it != level);
        rest.skip(1).find(|it| it.number.is_some())
    }

    /// What the level is about.
    pub(crate) fn title(&self, level: &Level) -> String {
        given::printable(&level.facts.title)
    }

    /// What is in a file of the checkout, and of no other place: no link is followed, and
    /// nothing but a file is read.
    pub(crate) fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let how = OpenHow {
            // A FIFO would make us wait for its other end.
            flags: OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK,
            mode: Mode::empty(),
            resolve: ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS,
        };
        let errno = |error: linux_sys::Error| io::Error::from(error.errno());
        let mut file = File::from(openat2(File::open(&self.root)?, path, how).map_err(errno)?);
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(content)
    }

    /// Where its lesson is, seen from the checkout.
    pub(crate) fn lesson(&self, level: &Level) -> String {
        format!("{}/README.md", level.path().display())
    }

    fn lesson_path(&self, level: &Level) -> PathBuf {
        self.root.join(self.lesson(level))
    }

    /// The steps of its task.
    pub(crate) fn steps(&self, level: &Level) -> Result<Vec<Step>> {
        let path = self.lesson_path(level);
        let readme = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read the lesson {}: {error}", path.display()))?;
        Ok(task::steps(&readme))
    }

    /// The files of its skeleton, relative to the level's directory.
    pub(crate) fn skeleton_files(&self, level: &Level) -> Vec<PathBuf> {
        let directory = level.path();
        let paths = self.lock.paths().map(Path::new);
        paths
            .filter_map(|path| path.strip_prefix(&directory).ok())
            .map(Path::to_owned)
            .collect()
    }

    /// A file as the skeleton has it: from the tree if it is untouched, otherwise from
    /// git's history.
    pub(crate) fn skeleton(&self, level: &Level, file: &Path) -> Result<Vec<u8>> {
        let path = level.path().join(file);
        let Some(blob) = self.lock.blob(&path.display().to_string()) else {
            return Err(format!("{} is in no skeleton", path.display()).into());
        };
        match fs::read(self.root.join(&path)) {
            Ok(content) if blob_id(&content) == blob => Ok(content),
            _ => self.cat_file(blob, &path),
        }
    }

    fn cat_file(&self, blob: &str, path: &Path) -> Result<Vec<u8>> {
        let because = match self.git().args(["cat-file", "blob", blob]).output() {
            Ok(output) if output.status.success() => return Ok(output.stdout),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => format!("git does not start: {error}"),
        };
        Err(format!(
            "{} has been changed here, and the original is only in git's history, which does \
             not give it ({because}). A checkout made by `git clone` has that history; an \
             unpacked archive has not: then take the file from a fresh download",
            path.display()
        )
        .into())
    }

    /// What is compared: of whatever is no file nothing is read, since a FIFO has no end.
    fn content_of(&self, path: &Path) -> Option<Vec<u8>> {
        let path = self.root.join(path);
        let is_file = fs::metadata(&path).is_ok_and(|it| it.is_file());
        is_file.then(|| fs::read(&path).ok()).flatten()
    }

    /// git in this checkout, and in no other: a hook, or a shell that has `GIT_DIR` set, would
    /// send it elsewhere. Nothing of the repository is run by what we ask, so it may belong to
    /// another user, as a checkout does that is mounted into a machine (git-config(1),
    /// safe.directory).
    pub(crate) fn git(&self) -> Command {
        let mut git = Command::new("git");
        for variable in GIT_ELSEWHERE {
            git.env_remove(variable);
        }
        let mut safe = OsString::from("safe.directory=");
        safe.push(&self.root);
        git.arg("-C").arg(&self.root).arg("-c").arg(safe);
        git
    }

    /// The files that differ from the skeleton, that are new, or that are gone; relative to
    /// the level's directory.
    pub(crate) fn changed(&self, level: &Level) -> Result<Vec<PathBuf>> {
        let now = level.files(&self.root)?;
        let skeleton = self.skeleton_files(level);
        let differs = |file: &PathBuf| {
            let path = level.path().join(file);
            let content = self.content_of(&path);
            let blob = self.lock.blob(&path.display().to_string());
            // Something that is no file is a change, too.
            let is_odd = content.is_none() && self.root.join(&path).symlink_metadata().is_ok();
            is_odd || content.map(|content| blob_id(&content)).as_deref() != blob
        };
        let mut changed: Vec<PathBuf> = now.into_iter().chain(skeleton).collect();
        changed.sort();
        changed.dedup();
        changed.retain(differs);
        Ok(changed)
    }

    /// One number for what the learner has written: the same for the same files, also when
    /// the level was given another number meanwhile.
    pub(crate) fn content(&self, level: &Level) -> Result<String> {
        let marker = format!("TODO({:02})", level.number.unwrap_or_default());
        let mut all = Vec::new();
        for file in level.files(&self.root)? {
            // The level's test is ours, and the same everywhere.
            if file.starts_with("tests") {
                continue;
            }
            let content = self.content_of(&level.path().join(&file));
            let content = content.unwrap_or_default();
            let text = String::from_utf8_lossy(&content)
                .replace(&level.directory, "{level}")
                .replace(&level.package, "{level}")
                .replace(
                    &format!("Level {:02}", level.number.unwrap_or_default()),
                    "{level}",
                )
                .replace(&marker, "TODO");
            all.extend(format!("{} {}\n{text}", file.display(), text.len()).into_bytes());
        }
        Ok(blob_id(&all))
    }
}

/// What a level is called whatever its number: `pivot_root`.
pub(crate) fn id(level: &Level) -> &str {
    match level.number {
        Some(_) => level.directory.get(3..).unwrap_or(&level.directory),
        None => &level.directory,
    }
}

/// How a level is named in a command: `03`, `rd`.
pub(crate) fn word(level: &Level) -> String {
    level
        .number
        .map_or_else(|| level.package.clone(), |number| format!("{number:02}"))
}
