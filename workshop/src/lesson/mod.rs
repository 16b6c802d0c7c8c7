//! `cargo workshop lesson`: a level's lesson, to be read at the terminal.
//!
//! | file | holds |
//! |---|---|
//! | `document.rs` | its Markdown, read into blocks |
//! | `places.rs` | where its links lead |
//! | `page.rs` | the blocks as lines that fit |
//! | `fence.rs`, `table.rs` | consoles, code and drawings; tables |
//! | `lines.rs` | how a text is broken into lines |
//! | `pager.rs` | how the lines are shown |
//! | `book.rs` | the same lesson as a page of the book |
//!
//! pulldown-cmark reads Markdown as CommonMark has it. The lines are ours: termimad has no
//! links, no numbered lists and no fences inside of lists, and mdcat brings a highlighter and an
//! HTTP client along; neither knows what a hint or a console of ours is.

mod book;
mod document;
mod fence;
mod lines;
mod page;
mod pager;
mod places;
mod table;

use std::path::Path;
use std::process::ExitCode;

use curriculum::levels::Level;

use crate::course::{Course, word};
use crate::{Result, check, screen};

use page::{Page, Room};
use places::Places;

/// What may be said after `lesson`.
#[derive(clap::Args)]
#[command(after_help = "\
At a terminal it is shown by $PAGER, or by less: space goes on, q ends it. In a
pipe it is plain text.

The hints of a step are folded: `cargo workshop hint` shows them one at a time.

Examples:
  cargo workshop lesson 03
  cargo workshop lesson 03 --book")]
pub(crate) struct Arguments {
    /// Which level [default: that of this directory, or where you are]
    #[arg(value_name = "LEVEL", value_parser = crate::level_word(), hide_possible_values = true)]
    level: Option<String>,

    /// Show all hints as well, with what is in them
    #[arg(long, conflicts_with = "book")]
    hints: bool,

    /// Open it in a browser, as a page of the book
    #[arg(long)]
    book: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let level = match &arguments.level {
        Some(word) => course.level(word)?,
        None => check::current(&course)?,
    };
    match (arguments.book, arguments.hints) {
        (true, _) => book::open(&course, level)?,
        (_, true) => show(&course, level, Hints::Unfolded)?,
        _ => show(&course, level, Hints::Folded)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// How much is shown of hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hints {
    /// How many there are.
    Folded,
    /// Everything.
    Unfolded,
}

/// Wider than this, the eye does not find the next line.
const WIDEST: usize = 90;

/// Shows the lesson of a level.
pub(crate) fn show(course: &Course, level: &Level, hints: Hints) -> Result<()> {
    let path = course.lesson(level);
    let lesson = course
        .read_file(Path::new(&path))
        .map_err(|error| format!("cannot read the lesson {path}: {error}"))?;
    let lesson = String::from_utf8_lossy(&lesson);
    let width = screen::width();
    let room = Room {
        prose: width.min(WIDEST),
        // Sentences leave two columns free.
        code: width + 2,
    };
    let places = Places::of(course, level)?;
    let text = render(&lesson, &places, &page(level, hints), room);
    pager::show(&text)
}

/// A few sentences of a lesson, as wide as the terminal and with no end behind the last line.
pub(crate) fn piece(course: &Course, level: &Level, markdown: &str) -> Result<String> {
    let width = screen::width();
    let room = Room {
        prose: width,
        code: width,
    };
    let places = Places::of(course, level)?;
    let text = render(markdown, &places, &page(level, Hints::Folded), room);
    Ok(text.trim_end().to_owned())
}

fn page(level: &Level, hints: Hints) -> Page {
    Page {
        level: word(level),
        has_task: level.number.is_some(),
        unfolds_hints: hints == Hints::Unfolded,
        has_color: screen::has_color(),
    }
}

/// The lesson as text, with a line's end behind each line.
fn render(lesson: &str, places: &Places, page: &Page, room: Room) -> String {
    let blocks = document::read(lesson, places, page.has_color);
    let lines = page.lines(&blocks, room);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use curriculum::levels;

    use super::*;

    /// A lesson on so many columns, of level 03, read at the root of the checkout.
    fn rendered(lesson: &str, width: usize, has_color: bool, hints: Hints) -> String {
        let page = Page {
            level: "03".to_owned(),
            has_task: true,
            unfolds_hints: hints == Hints::Unfolded,
            has_color,
        };
        let room = Room {
            prose: width.min(WIDEST),
            code: width,
        };
        render(lesson, &places::for_tests(""), &page, room)
    }

    fn plain(lesson: &str, width: usize) -> String {
        rendered(lesson, width, false, Hints::Folded)
    }

    const STEP: &str = "\
## Your task

1. **Make the root a mount point.** In `contain`, bind
   `root` onto itself.

   <details><summary>Hint: what moves?</summary>

   A mount, and `not` a path:

   - one
   - two
   </details>

   <details><summary>Hint: the line &lt;bind&gt;</summary>

   ```rust
   mount(&root, &root)?;
   ```
   </details>

2. **Pivot.** It has one.

   <details><summary>Hint: the manual</summary>

   Read it.
   </details>

Then go on.
";

    #[test]
    fn hints_are_folded() {
        let expected = "\
Your task
---------

1. Make the root a mount point. In `contain`, bind `root` onto itself.

   (2 hints for this step; `cargo workshop hint 03` shows the next)

2. Pivot. It has one.

   (1 hint for this step; `cargo workshop hint 03` shows the next)

Then go on.
";
        assert_eq!(plain(STEP, 78), expected);
    }

    #[test]
    fn hints_can_be_unfolded() {
        let expected = "\
1. Make the root a mount point. In `contain`, bind `root` onto itself.

   Hint: what moves?

     A mount, and `not` a path:

     - one
     - two

   Hint: the line <bind>

         mount(&root, &root)?;

2. Pivot. It has one.

   Hint: the manual

     Read it.
";
        let shown = rendered(STEP, 78, false, Hints::Unfolded);
        assert!(shown.contains(expected), "{shown}");
    }

    #[test]
    fn what_unfolds_and_is_no_hint_is_shown() {
        let older = "<details class=\"older\"><summary>The first\nversion</summary>\n\n\
                     What is *else*.\n</details>\n\nAfter it.\n";
        assert_eq!(
            plain(older, 78),
            "The first version\n\n  What is else.\n\nAfter it.\n"
        );
    }

    #[test]
    fn sentences_are_wrapped_and_code_is_not() {
        let words = "Some **words that are strong** and `a command of four words` behind them. ";
        let code =
            "let line = \"which is longer than all that there is room for on this terminal\";";
        let lesson = format!(
            "{}\n\n1. {words}\n\n   ```rust\n   {code}\n   ```\n",
            words.repeat(4)
        );
        for width in [40, 80] {
            let shown = plain(&lesson, width);
            let (code_lines, prose): (Vec<&str>, Vec<&str>) =
                shown.lines().partition(|line| line.contains("let line"));
            assert!(prose.iter().all(|line| line.len() <= width), "{shown}");
            assert!(prose.iter().any(|line| line.len() > width / 2), "{shown}");
            assert_eq!(code_lines.len(), 1, "{shown}");
            assert!(code_lines[0].ends_with(code), "{shown}");
            assert!(shown.contains("`a command of four words`"), "{shown}");
            assert!(!shown.contains("**"), "{shown}");
        }
        // Code is not set in where it has no room for that.
        let line = |width| plain("```\n0123456789\n```", width);
        assert_eq!(line(80), "    0123456789\n");
        assert_eq!(line(12), "  0123456789\n");
        assert_eq!(line(10), "0123456789\n");
        // Nor does it help there.
        assert_eq!(line(8), "    0123456789\n");
    }

    #[test]
    fn each_line_has_its_own_colours() {
        let lesson =
            "# A title\n\n- **one two `three` four five six seven** and *eight nine ten*\n";
        let shown = rendered(lesson, 20, true, Hints::Folded);
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(
            plain,
            "A title\n\n- one two three four\n  five six seven and\n  eight nine ten\n"
        );
        for line in shown.lines() {
            let ends = line.matches("\x1b[0m").count();
            assert_eq!(ends > 0, line.contains('\x1b'), "{line:?}");
            let last = line.rsplit("\x1b[0m").next().unwrap_or_default();
            assert!(!last.contains('\x1b'), "{line:?}");
        }
        assert!(
            shown.contains("\x1b[36mthree\x1b[0m\x1b[1m four"),
            "{shown:?}"
        );
        assert!(shown.contains("\n  \x1b[1mfive six"), "{shown:?}");
    }

    #[test]
    fn a_console_says_what_is_typed_and_what_comes() {
        let lesson = "```console after\n$ sh -c 'a\n> b'\n> c\nhost$ ls\nfile\n```\n";
        assert_eq!(
            plain(lesson, 78),
            "    after: the solution; host$ is a second terminal\n    $ sh -c 'a\n    > b'\n    \
             > c\n    host$ ls\n    file\n"
        );
        let shown = rendered(lesson, 78, true, Hints::Folded);
        for line in [
            "\x1b[2m$ \x1b[0m\x1b[36msh -c 'a\x1b[0m",
            "\x1b[2m> \x1b[0m\x1b[36mb'\x1b[0m",
            "\x1b[2mhost$ \x1b[0m\x1b[36mls\x1b[0m",
            "    file\n",
        ] {
            assert!(shown.contains(line), "{line:?}: {shown:?}");
        }
        // Of what a command has printed, nothing was typed.
        let printed = plain("```console skip=no\n$ a\nb\n> c\n```\n", 78);
        assert_eq!(printed, "    $ a\n    b\n    > c\n");
        let printed = rendered(
            "```console skip=no\n$ a\nb\n> c\n```\n",
            78,
            true,
            Hints::Folded,
        );
        assert!(printed.ends_with("    b\n    > c\n"), "{printed:?}");
    }

    const TABLE: &str = "\
| | version 2 | version 1 |
|---|---|---|
| the file of the limit | `cpu.weight`: 1 to 10000 | `cpu.shares` |
| a group | one | one in each tree |
";

    #[test]
    fn a_table_fits() {
        assert_eq!(
            plain(TABLE, 80),
            "                       version 2                 version 1\n\
             ---------------------  ------------------------  ----------------\n\
             the file of the limit  `cpu.weight`: 1 to 10000  `cpu.shares`\n\
             a group                one                       one in each tree\n"
        );
        assert_eq!(
            plain(TABLE, 40),
            "             version 2      version 1\n\
             -----------  -------------  ------------\n\
             the file of  `cpu.weight`:  `cpu.shares`\n\
             the limit    1 to 10000\n\
             \n\
             a group      one            one in each\n\
             \x20                           tree\n"
        );
        assert_eq!(
            plain(TABLE, 24),
            "the file of the limit\n  version 2:\n  `cpu.weight`: 1 to\n  10000\n  version 1:\n  \
             `cpu.shares`\n\na group\n  version 2: one\n  version 1: one in each\n  tree\n"
        );
    }

    #[test]
    fn links_and_pictures_say_where_they_lead() {
        let lesson = "See [Mounts](../../docs/src/prepare/mounts.md), [the task](#your-task), \
                      mount(2), and go on to [level 04](../04_overlay/README.md).\n\n\
                      ![A tree of *two* mounts.](../../docs/src/pictures/two.svg)\n\n\
                      <figure><img src=\"a.svg\" alt=\"Another\"></figure>\n\n<!-- no\nwords -->\n";
        assert_eq!(
            plain(lesson, 90),
            "See Mounts (docs/src/prepare/mounts.md), the task, mount(2), and go on to level 04\n\
             (`cargo workshop lesson 04`).\n\n\
             [picture: A tree of two mounts. (docs/src/pictures/two.svg)]\n\n\
             [picture: Another (levels/03_pivot_root/a.svg)]\n"
        );
    }

    #[test]
    fn nothing_is_obeyed_by_the_terminal() {
        let evil = "x\x1b[2J\x1b]0;mine\x07\u{9b}2J\u{202e}\u{200b}y &#27;[31m";
        let lesson = format!(
            "# {evil}\n\n{evil} **{evil}** `{evil}` [{evil}](<{evil}>) ![{evil}](<{evil}>)\n\n\
             ```{evil}\n{evil}\n```\n\n| {evil} |\n|---|\n| {evil} |\n\n\
             <details><summary>Hint: {evil}</summary>\n\n{evil}\n</details>\n\n\
             <p>{evil}\n<img src=\"{evil}\" alt=\"{evil}\">\n"
        );
        for has_color in [false, true] {
            let shown = rendered(&lesson, 80, has_color, Hints::Unfolded);
            let shown = match has_color {
                // Ours are there, and those that stand in the text are not among them.
                true => anstream::adapter::strip_str(&shown).to_string(),
                false => shown,
            };
            let is_obeyed = |letter: char| letter.is_control() && letter != '\n';
            assert!(!shown.contains(is_obeyed), "{shown:?}");
            assert!(!shown.contains(['\u{202e}', '\u{200b}']), "{shown:?}");
            assert!(shown.matches("[2J").count() >= 10, "{shown:?}");
        }
    }

    #[test]
    fn every_lesson_can_be_read_without_its_markup() {
        let root = levels::workspace_root().unwrap_or_default();
        let levels = levels::discover(&root).unwrap_or_default();
        assert!(levels.len() > 12, "{levels:?}");
        for level in levels {
            let path = root.join(level.path()).join("README.md");
            let lesson = std::fs::read_to_string(&path).unwrap_or_default();
            for hints in [Hints::Folded, Hints::Unfolded] {
                let shown = rendered(&lesson, 80, false, hints);
                assert_no_markup(&lesson, &shown, &path.display().to_string());
                let colored = rendered(&lesson, 80, true, hints);
                let colored = anstream::adapter::strip_str(&colored).to_string();
                assert_no_markup(&lesson, &colored, &path.display().to_string());
            }
            let all = words(&rendered(&lesson, 80, false, Hints::Unfolded));
            let lost = words(&lesson)
                .into_iter()
                .filter(|word| !all.contains(word));
            let lost: Vec<String> = lost.collect();
            assert_eq!(lost, [""; 0], "{}", path.display());
            let folded = rendered(&lesson, 80, false, Hints::Folded);
            let has_hints = lesson.contains("<summary>Hint");
            assert_eq!(folded.contains("shows the next"), has_hints);
        }
    }

    /// What stands in fences may look like anything.
    fn assert_no_markup(lesson: &str, shown: &str, path: &str) {
        let mut is_code = false;
        let mut code = BTreeSet::new();
        for line in lesson.lines().map(str::trim) {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            if is_code && !is_fence {
                code.insert(line);
            }
        }
        for line in shown.lines().filter(|line| !code.contains(line.trim())) {
            for markup in [
                "**",
                "](",
                "<details",
                "</details",
                "</summary",
                "</p>",
                "</figure",
                "<img",
                "<summary",
                "<!--",
                "```",
                "&lt;",
                "|--",
            ] {
                assert!(
                    !line.contains(markup),
                    "{path}: {markup:?} is left in {line:?}"
                );
            }
            assert!(!line.trim_start().starts_with("# "), "{path}: {line:?}");
        }
    }

    /// The longer words of a text, whatever stands around them; without where links lead.
    fn words(text: &str) -> BTreeSet<String> {
        let mut links = text.split("](");
        let mut text = links.next().unwrap_or_default().to_owned();
        for link in links {
            text += " ";
            text += link.split_once(')').map_or(link, |(_, behind)| behind);
        }
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let words = words.filter(|word| word.chars().count() > 7);
        words.map(str::to_owned).collect()
    }
}
