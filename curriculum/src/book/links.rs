//! Links to files. One that leads nowhere is an error, and so is one out of the tree.

use super::super::Result;
use super::super::pages::PAGES;
use super::reference::DIRECTORY;
use super::text;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Where a page stands.
#[derive(Debug)]
pub struct Place<'a> {
    /// The root of the workspace.
    pub root: &'a Path,
    /// Of each lesson its level's directory.
    pub lessons: &'a BTreeMap<PathBuf, PathBuf>,
    /// The page, as the book names it.
    pub page: &'a Path,
    /// The directory from which its links are meant, seen from the root.
    pub directory: PathBuf,
}

impl Place<'_> {
    /// A line of prose with its links rewritten.
    pub fn rewrite(&self, line: &str) -> Result<String> {
        let mut out = String::new();
        let mut is_first = true;
        for (piece, is_code) in text::spans(line) {
            if !std::mem::take(&mut is_first) {
                out.push('`');
            }
            if is_code {
                out.push_str(piece);
            } else {
                self.prose(piece, &mut out)?;
            }
        }
        Ok(out)
    }

    fn prose(&self, piece: &str, out: &mut String) -> Result<()> {
        let mut rest = piece;
        while let Some((before, after)) = rest.split_once("](") {
            out.push_str(before);
            let Some((target, behind)) = after.split_once(')') else {
                out.push_str("](");
                rest = after;
                continue;
            };
            match self.leads_to(target)? {
                Target::Page(target) => out.push_str(&format!("]({target})")),
                Target::File(path) => self.unlink(out, &path)?,
            }
            rest = behind;
        }
        out.push_str(rest);
        Ok(())
    }

    /// The file that a link leads to, seen from the root.
    pub fn file(&self, target: &str) -> Result<PathBuf> {
        let (page, directory) = (self.page.display(), self.directory.display());
        flat(&self.directory.join(target))
            .filter(|path| self.root.join(path).is_file())
            .ok_or_else(|| {
                format!("{page}: there is no `{target}`, meant from {directory}/").into()
            })
    }

    fn leads_to(&self, target: &str) -> Result<Target> {
        let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
        if is_elsewhere || target.starts_with('#') {
            return Ok(Target::Page(target.to_owned()));
        }
        let (path, anchor) = match target.split_once('#') {
            Some((path, anchor)) => (path, format!("#{anchor}")),
            None => (target, String::new()),
        };
        let wrong = |why: &str| {
            let (page, directory) = (self.page.display(), self.directory.display());
            format!("{page}: the link to `{target}`, meant from {directory}/, {why}")
        };
        let path =
            flat(&self.directory.join(path)).ok_or_else(|| wrong("leads out of the tree"))?;
        let lesson = self
            .lessons
            .iter()
            .find(|(_, level)| path == level.join("README.md") || path == **level)
            .map(|(page, _)| page.as_path());
        if let Some(page) = lesson.or_else(|| path.strip_prefix(PAGES).ok()) {
            // linux-sys's documentation is made with the book; .ci/book.sh looks at those links.
            let is_made = page.starts_with(DIRECTORY);
            if !is_made && !self.root.join(PAGES).join(page).is_file() {
                return Err(wrong("leads to no page").into());
            }
            let up = "../".repeat(self.page.components().count() - 1);
            return Ok(Target::Page(format!("{up}{}{anchor}", page.display())));
        }
        match self.root.join(&path).exists() {
            true => Ok(Target::File(path)),
            false => Err(wrong("leads nowhere").into()),
        }
    }

    /// The book cannot know where its reader has the tree, or whether: a file that is no page
    /// gets no link, but is named.
    fn unlink(&self, out: &mut String, path: &Path) -> Result<()> {
        let start = out.rfind('[').ok_or_else(|| {
            let (page, path) = (self.page.display(), path.display());
            format!("{page}: the link to {path} begins on another line; keep it on one")
        })?;
        let label = out.split_off(start).split_off(1);
        let path = path.display().to_string();
        if label.trim_matches('`').trim_end_matches('/') == path {
            out.push_str(&label);
        } else {
            out.push_str(&format!("{label} (`{path}`)"));
        }
        Ok(())
    }
}

enum Target {
    Page(String),
    File(PathBuf),
}

/// The path without `.` and `..`; none if it climbs above its beginning.
fn flat(path: &Path) -> Option<PathBuf> {
    let mut flat = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => flat.push(name),
            Component::CurDir => {}
            Component::ParentDir if flat.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(flat)
}
