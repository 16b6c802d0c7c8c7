//! The book: what mdBook is told of the pages before it renders them.
//!
//! A lesson is written once, as the `README.md` of its level, and read in two places:
//! in the tree, where its links lead to files, and in the book, which includes it. So
//! this is a preprocessor of mdBook's (`docs/book.toml` names it), which gets the book
//! as JSON and hands it back with
//!
//! - links that lead to pages of the book, or, to a file that is none, its path;
//! - a word above each console fence: is this the skeleton, or the solution;
//! - pictures inside of the page;
//! - the first mention of each system call in a lesson linked to its documentation;
//! - the X-ray of a lesson's solution.
//!
//! | file | holds |
//! |---|---|
//! | `text.rs` | a page as prose and fences |
//! | `links.rs` | links to files |
//! | `fences.rs` | what is said above a console fence |
//! | `calls.rs` | links to linux-sys |
//! | `pictures.rs` | pictures, for the book and for themselves |
//! | `reference.rs` | linux-sys's documentation, put where the book finds it |
//! | `xray.rs` | the X-ray of a solution |

pub mod calls;
pub mod fences;
pub mod links;
pub mod pictures;
pub mod reference;
pub mod text;
pub mod xray;

use super::levels::Level;
pub use super::pages::PAGES;
use super::{Error, Result};
use calls::Calls;
use links::Place;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What all pages are rewritten with.
#[derive(Debug)]
pub struct Book {
    root: PathBuf,
    /// Of each lesson its level's directory: `lessons/03.md`, `levels/03_pivot_root`.
    lessons: BTreeMap<PathBuf, PathBuf>,
    /// The system calls that linux-sys documents.
    functions: Vec<String>,
}

impl Book {
    /// `functions` are the names that [`mod@reference`] has a page for.
    pub fn new(root: &Path, levels: &[Level], functions: Vec<String>) -> Book {
        let lessons = levels.iter().map(|level| (page_of(level), level.path()));
        Book {
            root: root.to_owned(),
            lessons: lessons.collect(),
            functions,
        }
    }

    /// Rewrites what mdBook sends: `[context, book]`. Returns the book.
    pub fn rewrite(&self, message: Value) -> Result<Value> {
        let Value::Array(parts) = message else {
            return Err("mdBook sends `[context, book]`".into());
        };
        let mut book = parts
            .into_iter()
            .nth(1)
            .ok_or("mdBook sent no book behind the context")?;
        self.items(&mut book["items"])?;
        Ok(book)
    }

    fn items(&self, items: &mut Value) -> Result<()> {
        for item in items.as_array_mut().into_iter().flatten() {
            let Some(chapter) = item.get_mut("Chapter") else {
                continue; // a separator, or the title of a part
            };
            let Some(path) = chapter["path"].as_str().map(PathBuf::from) else {
                continue; // a chapter that is announced, and not written
            };
            if let Some(content) = chapter["content"].as_str() {
                chapter["content"] = self.page(&path, content)?.into();
            }
            self.items(&mut chapter["sub_items"])?;
        }
        Ok(())
    }

    /// A page, which is at `path` in the book.
    pub fn page(&self, path: &Path, content: &str) -> Result<String> {
        let lesson = self.lessons.get(path);
        let place = Place {
            root: &self.root,
            lessons: &self.lessons,
            page: path,
            // What is included was written to be read where it stands.
            directory: match lesson {
                Some(level) => level.clone(),
                None => Path::new(PAGES).join(path.parent().unwrap_or(Path::new(""))),
            },
        };
        // `complete` has a page among the lessons, and nothing to solve.
        let in_level = lesson.is_some_and(|level| {
            level
                .to_string_lossy()
                .contains(|char: char| char.is_ascii_digit())
        });
        let mut calls = Calls::new(&self.functions, path);
        let mut out = String::new();
        let mut parts = text::parts(content).into_iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                text::Part::Prose(line) => {
                    if let Some((alt, target)) = pictures::image(line) {
                        let mut caption = Vec::new();
                        while let Some(text::Part::Prose(line)) = parts
                            .next_if(|it| matches!(it, text::Part::Prose(line) if !line.is_empty()))
                        {
                            caption.push(place.rewrite(line)?);
                        }
                        out.push_str(&self.picture(&place, alt, target, &caption.join("\n"))?);
                        continue;
                    }
                    let mut line = place.rewrite(line)?;
                    if lesson.is_some() {
                        line = calls.link(&line);
                    }
                    out.push_str(&line);
                    out.push('\n');
                }
                text::Part::Fence(fence) => {
                    out.push_str(&fences::show(&fence, in_level));
                    if lesson.is_some() {
                        out.push_str(&calls.below(&fence));
                    }
                }
            }
        }
        Ok(match lesson {
            Some(_) => xray::put(&self.root, path, &out)?.unwrap_or(out),
            None => out,
        })
    }

    /// A picture, and below it the paragraph that stands directly under it: its caption.
    fn picture(&self, place: &Place<'_>, alt: &str, target: &str, caption: &str) -> Result<String> {
        let wrong = |why: &str| {
            let page = place.page.display();
            Error::from(format!("{page}: the picture {target}: {why}"))
        };
        let path = place.file(target)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let page = place.page.with_extension("");
        let id = format!("{}-{stem}", page.display().to_string().replace('/', "-"));
        let caption = match caption {
            "" => "",
            words => words
                .strip_prefix('*')
                .and_then(|words| words.strip_suffix('*'))
                .ok_or_else(|| wrong("below it is a line that is no caption, *in stars*"))?,
        };
        let svg = fs::read_to_string(self.root.join(&path))?;
        pictures::figure(&svg, &id, alt, caption).map_err(|error| wrong(&error.to_string()))
    }

    /// The pages that include a lesson; the tests look for each.
    pub fn lessons(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.lessons
            .iter()
            .map(|(page, level)| (page.as_path(), level.as_path()))
    }
}

/// Where a level's lesson is in the book.
pub fn page_of(level: &Level) -> PathBuf {
    let name = match level.number {
        Some(number) => format!("{number:02}.md"),
        None => format!("{}.md", level.directory),
    };
    Path::new("lessons").join(name)
}

/// mdBook's side of it: the book from standard input to standard output.
pub fn preprocess(root: &Path, levels: &[Level]) -> Result<()> {
    let message = serde_json::from_reader(std::io::stdin().lock())
        .map_err(|error| Error::from(format!("this is for mdBook, which sends JSON: {error}")))?;
    let functions = reference::put(root)?;
    let book = Book::new(root, levels, functions).rewrite(message)?;
    println!("{book}");
    Ok(())
}
