//! `cargo workshop xray --against solution` names the mistake: of each wrong solution that
//! changes a step, the first difference from the reference is what was done wrong.
//!
//! What is the mistake stands in the patch. The difference is right if one of the two steps
//! that it is about was made by a line that the patch changes, in the wrong solution or in the
//! reference, or if it names a flag or a text that only one of both has there. Where a mistake
//! shows elsewhere, a line `first: WORDS` above the patch says what it has to name; where what is
//! named first is not what one would say, `first-doubtful: WHY` owns that, for one in a hundred.
//!
//! Each runs as a learner has it, `xray record --reference ...`, and in a sandbox, since some do
//! harm. A tenth is looked at, always the same; `RUBBER_DOCKER_AGAINST=all` has all looked at:
//! `cargo test -p curriculum --test curriculum -- --ignored against`.

use crate::build::Build;
use crate::course::{Course, Verdict};
use crate::patched;
use crate::performance::base_image;
use crate::right_reason::no_root;
use crate::terminal::Terminals;
use curriculum::mistakes::{self, Mistake};
use curriculum::patch::{self, Patch};
use libtest_mimic::{Completion, Failed, Trial};
use mutants::tenth;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Of those that change a step, so many in a hundred must be right. Of a tenth that would be
/// one doubt, and which are drawn is chance: there it is enough that every doubt has an owner.
const RIGHT_IN_A_HUNDRED: u32 = 95;

/// Three runs of a level take two seconds. A level that hangs is ended before this.
const PATIENCE: Duration = Duration::from_secs(120);

const TERMINAL: &str = "$";

/// What came of a level's wrong solutions.
#[derive(Default, Clone, Copy)]
struct Counts {
    all: u32,
    change: u32,
    right: u32,
    doubtful: u32,
}

static COUNTS: Mutex<BTreeMap<u8, Counts>> = Mutex::new(BTreeMap::new());

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let paths = patch::discover(&course.root, mistakes::PATH).unwrap_or_default();
    let all = paths.clone();
    let mut trials = vec![
        Trial::test("against::a_change_is_its_statement", || {
            a_change_is_its_statement()
        }),
        Trial::test("against::few_are_doubtful", move || {
            few_are_doubtful(course, &all)
        }),
    ];
    for path in paths {
        if !is_chosen(&path) {
            continue;
        }
        let name = format!("against::{}", patch::name(&path));
        let trial = Trial::ignorable_test(name, move || look(course, &path));
        trials.push(trial.with_ignored_flag(true));
    }
    for (index, level) in course.levels.iter().enumerate() {
        let Some(number) = level.number else { continue };
        if curriculum::levels::solution(&course.levels, index).is_some() {
            let name = format!("against::{number:02}: the reference, and itself");
            let trial = Trial::ignorable_test(name, move || itself(course, number));
            trials.push(trial.with_ignored_flag(true));
        }
    }
    trials
}

/// Then what is said of each is printed as well.
fn are_all() -> bool {
    std::env::var_os("RUBBER_DOCKER_AGAINST").is_some_and(|it| it == "all")
}

fn is_chosen(path: &Path) -> bool {
    path.starts_with(mistakes::PATH) && (are_all() || tenth(&patch::name(path)))
}

/// Of all, looked at or not.
fn few_are_doubtful(course: &Course, paths: &[PathBuf]) -> Result<(), Failed> {
    let mut doubtful = Vec::new();
    for path in paths {
        if Mistake::read(&course.root, path)?.doubtful.is_some() {
            doubtful.push(patch::name(path));
        }
    }
    match doubtful.len() * 100 <= paths.len() {
        true => Ok(()),
        false => Err(format!("more than one in a hundred: {doubtful:?}").into()),
    }
}

/// At the end, if any were looked at. `false` if all were, and too few were right.
pub(crate) fn report() -> bool {
    let Ok(counts) = COUNTS.lock() else {
        return true;
    };
    if counts.is_empty() {
        return true;
    }
    println!("the first difference of wrong solutions from the reference, by level");
    println!("  level  wrong  change a step  right  doubtful  no difference");
    let line = |level: &str, it: &Counts| {
        println!(
            "  {level:>5}  {:>5}  {:>13}  {:>5}  {:>8}  {:>13}",
            it.all,
            it.change,
            it.right,
            it.doubtful,
            it.all - it.change
        );
    };
    let mut sum = Counts::default();
    for (level, it) in counts.iter() {
        line(&format!("{level:02}"), it);
        sum.all += it.all;
        sum.change += it.change;
        sum.right += it.right;
        sum.doubtful += it.doubtful;
    }
    line("all", &sum);
    println!();
    let is_enough = !are_all() || sum.right * 100 >= sum.change * RIGHT_IN_A_HUNDRED;
    if !is_enough {
        println!("fewer than {RIGHT_IN_A_HUNDRED} of a hundred are right\n");
    }
    is_enough
}

/// Of what is the same there is no difference.
fn itself(course: &'static Course, number: u8) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let solution = patch::solution(&course.levels, number).ok_or("it has no solution")?;
    course.unless_learners(&[solution], || {
        let package = &course.levels[solution].package;
        let reference = Build::get(course).binary(package)?;
        let seen = compared(course, reference, reference, &course.root)?;
        match &seen["first"] {
            Value::Null => Ok(Completion::Completed),
            first => Err(format!("{package} and itself: {}", first["says"]).into()),
        }
    })
}

fn look(course: &'static Course, path: &Path) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let mistake = Mistake::read(&course.root, path)?;
    let patch = &mistake.patch;
    patched::unless_learners(course, patch, || {
        let directory = tempfile::tempdir_in(&course.scratch)?;
        let (binary, sources) =
            patched::binary_with_lines(course, patch, directory.path(), is_chosen)?;
        let solution = patch::solution(&course.levels, patch.level).ok_or("no solution")?;
        let solution = &course.levels[solution];
        let reference = Build::get(course).binary(&solution.package)?;
        let seen = compared(course, &binary, reference, &sources)?;
        let outcome = judge(&mistake, &course.root.join(solution.path()), &seen);
        if let Ok(mut counts) = COUNTS.lock() {
            let it = counts.entry(patch.level).or_default();
            it.all += 1;
            it.change += u32::from(!matches!(outcome, Outcome::None));
            it.right += u32::from(matches!(outcome, Outcome::Right(_)));
            it.doubtful += u32::from(matches!(outcome, Outcome::Doubtful(_)));
        }
        let says = seen["first"]["says"].as_str().unwrap_or("no difference");
        let told = format!("{}: {}\n  {says}", patch::name(path), mistake.mistake);
        let how = match &outcome {
            Outcome::None => "none".to_owned(),
            Outcome::Right(how) => format!("right, {how}"),
            Outcome::Doubtful(why) => format!("doubtful, {why}"),
            Outcome::Wrong(_) => "wrong".to_owned(),
        };
        if are_all() {
            println!("{how}: {told}");
        }
        match outcome {
            Outcome::None | Outcome::Right(_) | Outcome::Doubtful(_) => Ok(Completion::Completed),
            Outcome::Wrong(why) => Err(format!(
                "{told}\n{why}\nIf this is what should be said, put `first: WORDS OF IT` above the \
                 patch; if not, `first-doubtful: WHY`"
            )
            .into()),
        }
    })
}

enum Outcome {
    None,
    Right(&'static str),
    Doubtful(String),
    Wrong(String),
}

fn judge(mistake: &Mistake, solution: &Path, seen: &Value) -> Outcome {
    let first = &seen["first"];
    let Some(says) = first["says"].as_str() else {
        // Some are none where groups have one hierarchy.
        return match mistake.first.is_empty() || curriculum::is_version2() {
            true => Outcome::None,
            false => Outcome::Wrong("there should be a difference".to_owned()),
        };
    };
    if !mistake.first.is_empty() {
        return match mistake.first.iter().all(|words| says.contains(words)) {
            true => Outcome::Right("as its patch says"),
            false => Outcome::Wrong(format!("it should say {:?}", mistake.first)),
        };
    }
    let hunks = Hunks::of(&mistake.patch, solution);
    let mine = lines_of(&seen["mine"], &first["mine"]);
    let reference = lines_of(&seen["reference"], &first["reference"]);
    let innermost = [(&mine, &hunks.added), (&reference, &hunks.removed)];
    if (innermost.iter())
        .any(|(lines, changed)| lines.first().is_some_and(|it| changed.contains(it)))
    {
        return Outcome::Right("by its line");
    }
    if hunks.are_named_in(says, first["kind"].as_str().unwrap_or_default()) {
        return Outcome::Right("by its words");
    }
    if innermost
        .iter()
        .any(|(lines, changed)| lines.iter().any(|it| changed.contains(it)))
    {
        return Outcome::Right("by its caller's line");
    }
    match &mistake.doubtful {
        Some(why) => Outcome::Doubtful(why.clone()),
        None => Outcome::Wrong(format!(
            "{}: made by {:?}, the reference's by {:?}",
            first["kind"],
            mine.first(),
            reference.first()
        )),
    }
}

/// The level's lines that have led to a step, innermost first: each a file and a text.
fn lines_of(record: &Value, step: &Value) -> Vec<(String, String)> {
    let Some(step) = step.as_u64().and_then(|it| usize::try_from(it).ok()) else {
        return Vec::new();
    };
    let lines = record["steps"][step]["lines"]
        .as_array()
        .into_iter()
        .flatten();
    let text = |line: &Value| {
        let file = line["file"].as_str()?;
        let number = usize::try_from(line["line"].as_u64()?).ok()?;
        let text = record["files"][file]
            .as_str()?
            .lines()
            .nth(number.checked_sub(1)?)?;
        let (_, short) = file.split_once("/src/")?;
        Some((short.to_owned(), text.trim().to_owned()))
    };
    lines.filter_map(text).collect()
}

/// What a patch changes: by file, the lines of each side. A statement is changed if a line of it
/// is.
#[derive(Default)]
struct Hunks {
    removed: BTreeSet<(String, String)>,
    added: BTreeSet<(String, String)>,
    /// The changed lines themselves, by file.
    texts: BTreeMap<String, [String; 2]>,
}

impl Hunks {
    /// `solution` is the crate that is patched.
    fn of(patch: &Patch, solution: &Path) -> Hunks {
        let mut hunks = Hunks::default();
        let mut file = String::new();
        let mut old: Vec<String> = Vec::new();
        // What the file is then, and which of its lines are new; which of the old ones go.
        let mut new: Vec<(String, bool)> = Vec::new();
        let mut gone: Vec<bool> = Vec::new();
        let mut at = 0;
        let mut hunk: Vec<&str> = Vec::new();
        let end = ["+++ end", "@@"];
        for line in patch.diff().lines().chain(end) {
            let is_file = line.starts_with("+++ ");
            if is_file || line.starts_with("@@") {
                // Where it stands: its line numbers may have moved.
                let is_old = |it: &&&str| !it.starts_with('+');
                let lines: Vec<&str> = hunk.iter().filter(is_old).map(|it| rest_of(it)).collect();
                let is_here = |from: &usize| {
                    let here = old.iter().skip(*from).map(String::as_str);
                    here.take(lines.len()).eq(lines.iter().copied())
                };
                let from = (at..old.len()).find(is_here).unwrap_or(at);
                new.extend(old[at..from].iter().map(|it| (it.clone(), false)));
                at = from;
                for line in hunk.drain(..) {
                    match line.as_bytes().first() {
                        Some(b'+') => new.push((rest_of(line).to_owned(), true)),
                        sign => {
                            if let Some(gone) = gone.get_mut(at) {
                                *gone = sign == Some(&b'-');
                            }
                            if sign != Some(&b'-') {
                                new.push((rest_of(line).to_owned(), false));
                            }
                            at += 1;
                        }
                    }
                }
            } else if !line.starts_with("--- ") && !line.starts_with("diff ") {
                hunk.push(line);
            }
            if is_file {
                new.extend(
                    old[at.min(old.len())..]
                        .iter()
                        .map(|it| (it.clone(), false)),
                );
                let before: Vec<_> = old.drain(..).zip(gone.drain(..)).collect();
                hunks.add(&file, 0, &before);
                hunks.add(&file, 1, &new);
                new.clear();
                at = 0;
                let path = line[4..].split('\t').next().unwrap_or_default();
                file = path.split_once("src/").map_or(path, |it| it.1).to_owned();
                let text = std::fs::read_to_string(solution.join("src").join(&file));
                old = text
                    .unwrap_or_default()
                    .lines()
                    .map(str::to_owned)
                    .collect();
                gone = vec![false; old.len()];
            }
        }
        hunks
    }

    /// One side of a file.
    fn add(&mut self, file: &str, side: usize, lines: &[(String, bool)]) {
        for (text, _) in lines.iter().filter(|it| it.1) {
            if !text.trim().starts_with("//") {
                let texts = &mut self.texts.entry(file.to_owned()).or_default()[side];
                texts.push_str(text.trim());
                texts.push('\n');
            }
        }
        let ends = |text: &str| {
            text.is_empty() || text.starts_with("//") || text.ends_with([';', '{', '}'])
        };
        for statement in lines.split_inclusive(|line| ends(line.0.trim())) {
            if !statement.iter().any(|line| line.1) {
                continue;
            }
            let changed = match side {
                0 => &mut self.removed,
                _ => &mut self.added,
            };
            let texts = statement.iter().map(|line| line.0.trim().to_owned());
            let texts = texts.filter(|it| it.chars().any(char::is_alphanumeric));
            changed.extend(texts.map(|text| (file.to_owned(), text)));
        }
    }

    /// Whether the sentence names a flag or a piece of text that one side has and the other has
    /// not, or the number of one side and that of the other; of another order, a call.
    fn are_named_in(&self, says: &str, kind: &str) -> bool {
        let said = numbers(says);
        self.texts.values().any(|texts| {
            let [removed, added] = texts.each_ref().map(|it| words(it));
            let is_said = |it: &String| says.contains(it);
            if removed.symmetric_difference(&added).any(is_said) {
                return true;
            }
            let [removed, added] = texts.each_ref().map(|it| numbers(it));
            let has = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
                one.difference(other).any(|it| said.contains(it))
            };
            if has(&removed, &added) && has(&added, &removed) {
                return true;
            }
            kind == "order" && texts.iter().flat_map(|it| calls(it)).any(|it| is_said(&it))
        })
    }
}

fn rest_of(line: &str) -> &str {
    line.get(1..).unwrap_or_default()
}

/// Flags, and pieces of texts: of `"upperdir={0}/upper"` both words.
fn words(text: &str) -> BTreeSet<String> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    let words = text.split(|char| !is_part(char)).map(str::to_owned);
    let is_flag = |word: &String| {
        word.len() > 3 && word.contains('_') && !word.chars().any(char::is_lowercase)
    };
    let quoted = text.split('"').skip(1).step_by(2);
    let is_piece = |char: char| is_part(char) || "/.=-".contains(char);
    let pieces = quoted.flat_map(|it| it.split(move |char| !is_piece(char)));
    let pieces = pieces.filter(|it| it.len() > 2 && it.chars().any(char::is_alphabetic));
    words
        .filter(is_flag)
        .chain(pieces.map(str::to_owned))
        .collect()
}

/// Numbers, as the x-ray writes them.
fn numbers(text: &str) -> BTreeSet<String> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    let words = text.split(|char| !is_part(char));
    let words = words.filter(|it| it.starts_with(|char: char| char.is_ascii_digit()));
    words
        .map(|it| it.replace("0o", "0").replace('_', ""))
        .collect()
}

/// What is called, `mount(`.
fn calls(text: &str) -> Vec<String> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    let ends = text.match_indices('(').map(|it| it.0);
    let names = ends.filter_map(|end| text[..end].rsplit(|char| !is_part(char)).next());
    let names = names.filter(|it| it.len() > 2);
    names.map(|it| format!("{it}(")).collect()
}

/// The judge itself: a statement of three lines, of which one is changed.
fn a_change_is_its_statement() -> Result<(), Failed> {
    let root = tempfile::tempdir()?;
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(root.path()))?;
        std::fs::write(path, text)
    };
    write(
        "level/src/a.rs",
        "fn f() {\n    before();\n    mount(\n        \"proc\",\n        0o755,\n    )?;\n    after();\n}\n",
    )?;
    write(
        "wrong/03/x.patch",
        "mistake: x\n\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -9,3 +9,3 @@\n         \"proc\",\n-        \
         0o755,\n+        0o700,\n     )?;\n",
    )?;
    let patch = Patch::read(root.path(), Path::new("wrong/03/x.patch"))?;
    let hunks = Hunks::of(&patch, &root.path().join("level"));
    let line = |text: &str| ("a.rs".to_owned(), text.to_owned());
    for (side, number) in [(&hunks.removed, "0o755,"), (&hunks.added, "0o700,")] {
        let expected = ["mount(", "\"proc\",", number, ")?;"].map(line);
        // What has no word in it is no line to be known by.
        let expected: BTreeSet<_> = expected.into_iter().filter(|it| it.1 != ")?;").collect();
        assert_eq!(*side, expected);
    }
    assert!(hunks.are_named_in("0755 in the reference, 0700 in yours", "arguments"));
    assert!(!hunks.are_named_in("0755 in the reference, 0750 in yours", "arguments"));
    assert!(!hunks.are_named_in("both call mount", "arguments"));
    Ok(())
}

/// Runs both in a sandbox, and compares them.
fn compared(
    course: &Course,
    mine: &Path,
    reference: &Path,
    sources: &Path,
) -> Result<Value, Failed> {
    let xray = xray(course)?;
    let program = |name: &str, path: &Path| (name.to_owned(), path.to_owned());
    let programs = [
        program("mine", mine),
        program("reference", reference),
        program("xray", xray),
    ];
    let mut terminals = Terminals::open(
        &course.root,
        Build::get(course).binary("checks")?,
        &programs,
        base_image(course)?,
    )?;
    // Ended as by a learner who has waited long enough: then there is a record up to there.
    let command = "cd; for it in m r; do : >$it; done
        timeout --signal TERM 60 xray record --output m --reference \"$(command -v reference)\" \
            --reference-output r \"$(command -v mine)\" run true >said 2>&1
        cat m; printf '\\nand\\n'; cat r; printf '\\nand\\n'; cat said";
    terminals.run(TERMINAL, command)?;
    if !terminals.wait(TERMINAL, Instant::now() + PATIENCE)? {
        return Err("the x-ray did not end".into());
    }
    let output = terminals.output(TERMINAL);
    let mut parts = output.splitn(3, "\nand\n");
    let mut part = || parts.next().unwrap_or_default();
    let (mine, reference, said) = (part(), part(), part());
    let directory = tempfile::tempdir_in(&course.scratch)?;
    let [mine, reference] = [("mine", mine), ("reference", reference)].map(|(name, text)| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).map(|()| path)
    });
    let mut against = Command::new(xray);
    against
        .args(["against", "--json"])
        .args([mine?, reference?]);
    against.arg("--course").arg(sources);
    against.arg("--reference-course").arg(&course.root);
    let output = against.output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{why}\nthe runs have said:\n{said}").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The program, which is built when it is first asked for.
fn xray(course: &Course) -> Result<&'static Path, Failed> {
    static XRAY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = XRAY.get_or_init(|| {
        let mut command = curriculum::cargo(&course.root);
        let output = command.args(["build", "-q", "-p", "xray"]).output();
        let output = output.map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }?;
        let checks = Build::get(course).binary("checks");
        let checks = checks.map_err(|why| why.message().unwrap_or_default().to_owned())?;
        Ok(checks.with_file_name("xray"))
    });
    built.as_deref().map_err(Failed::from)
}
