//! Where a lesson's links lead, said so that the learner can go there from where they are: a
//! path from their own directory, or the command that shows another level's lesson.

use std::path::{Component, Path, PathBuf};

use crate::Result;
use crate::course::{Course, word};
use curriculum::levels::Level;

/// The directories that matter for that, each seen from the checkout.
pub(super) struct Places {
    /// Where the lesson is.
    lesson: PathBuf,
    /// Where the learner is.
    here: PathBuf,
    /// All lessons, with how their levels are named in a command.
    lessons: Vec<(PathBuf, String)>,
}

/// What is to be said behind a link's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) text: String,
    /// Whether it can be typed.
    pub(super) is_command: bool,
}

impl Places {
    pub(super) fn of(course: &Course, level: &Level) -> Result<Places> {
        let here = std::env::current_dir()?;
        let here = here.strip_prefix(&course.root).unwrap_or(Path::new(""));
        let lessons = course.levels.iter();
        Ok(Places {
            lesson: level.path(),
            here: here.to_owned(),
            lessons: lessons
                .map(|level| (PathBuf::from(course.lesson(level)), word(level)))
                .collect(),
        })
    }

    /// What to say behind a link with this text; nothing where it would say the same again, or
    /// where the link stays on the page.
    pub(super) fn behind(&self, destination: &str, text: &str) -> Option<Place> {
        if destination.starts_with('#') {
            return None;
        }
        let said = |text: String| Place {
            text,
            is_command: false,
        };
        let place = match is_address(destination) {
            true => said(destination.to_owned()),
            false => {
                let target = self.target(destination);
                let mut lessons = self.lessons.iter();
                match lessons.find(|(path, _)| *path == target) {
                    Some((_, word)) => Place {
                        text: format!("cargo workshop lesson {word}"),
                        is_command: true,
                    },
                    None => said(self.seen_from_here(&target)),
                }
            }
        };
        let text = text.trim_matches('`');
        (!text.ends_with(&place.text)).then_some(place)
    }

    /// The same for a picture: its path, or its address.
    pub(super) fn path(&self, destination: &str) -> String {
        match is_address(destination) {
            true => destination.to_owned(),
            false => self.seen_from_here(&self.target(destination)),
        }
    }

    /// The file that a link in the lesson leads to, seen from the checkout.
    fn target(&self, destination: &str) -> PathBuf {
        let path = destination.split('#').next().unwrap_or_default();
        let mut target = PathBuf::new();
        for component in self.lesson.join(path).components() {
            match component {
                Component::ParentDir => {
                    target.pop();
                }
                Component::CurDir => {}
                other => target.push(other),
            }
        }
        target
    }

    fn seen_from_here(&self, target: &Path) -> String {
        let common = self.here.components().zip(target.components());
        let common = common.take_while(|(here, there)| here == there).count();
        let up = self.here.components().skip(common).map(|_| "..");
        let down = target.components().skip(common);
        let mut path: PathBuf = up.collect();
        path.extend(down);
        path.display().to_string()
    }
}

fn is_address(destination: &str) -> bool {
    destination.contains("://") || destination.starts_with("mailto:")
}

#[cfg(test)]
pub(super) fn for_tests(here: &str) -> Places {
    let lesson = |directory: &str, word: &str| {
        let path = Path::new("levels").join(directory).join("README.md");
        (path, word.to_owned())
    };
    Places {
        lesson: PathBuf::from("levels/03_pivot_root"),
        here: PathBuf::from(here),
        lessons: vec![lesson("03_pivot_root", "03"), lesson("04_overlay", "04")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(here: &str, destination: &str, text: &str) -> Option<String> {
        let place = for_tests(here).behind(destination, text);
        place.map(|place| place.text)
    }

    #[test]
    fn a_file_is_named_from_where_the_learner_is() {
        let chapter = "../../docs/src/prepare/mounts.md#private";
        for (here, path) in [
            ("", "docs/src/prepare/mounts.md"),
            ("docs", "src/prepare/mounts.md"),
            (
                "levels/03_pivot_root/src",
                "../../../docs/src/prepare/mounts.md",
            ),
        ] {
            assert_eq!(behind(here, chapter, "Mounts").as_deref(), Some(path));
            assert_eq!(for_tests(here).path(chapter), path);
        }
        let own = behind("levels/03_pivot_root", "src/main.rs", "the recipe");
        assert_eq!(own.as_deref(), Some("src/main.rs"));
    }

    #[test]
    fn another_lesson_is_a_command() {
        let next = for_tests("").behind("../04_overlay/README.md", "level 04");
        let expected = Place {
            text: "cargo workshop lesson 04".to_owned(),
            is_command: true,
        };
        assert_eq!(next, Some(expected));
    }

    #[test]
    fn nothing_is_said_twice() {
        assert_eq!(behind("", "#your-task", "the task"), None);
        let address = "https://example.org/a";
        assert_eq!(behind("", address, address), None);
        assert_eq!(behind("", address, "a page").as_deref(), Some(address));
        let path = "levels/03_pivot_root/src/main.rs";
        assert_eq!(behind("", "src/main.rs", &format!("`{path}`")), None);
    }
}
