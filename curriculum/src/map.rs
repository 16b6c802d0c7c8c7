//! The maintainers' map: which crate uses which, and what each file is about, drawn from
//! what cargo knows of the crates and from the first sentence of each file.

use super::levels::{self, Level};
use super::{Result, cargo, read};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The page in the book.
pub const PAGE: &str = "docs/src/maintainers/map.md";

/// The command that writes it.
pub const COMMAND: &str = "cargo run -q -p curriculum -- map >docs/src/maintainers/map.md";

/// What all levels together are called: they are one crate that grows.
const LEVELS: &str = "levels";

/// A crate, or all levels as one.
struct Crate {
    /// Of all levels as one: the solution of each part.
    directories: Vec<PathBuf>,
    uses: BTreeSet<String>,
    /// What only its tests use.
    tests_use: BTreeSet<String>,
}

/// The whole page.
pub fn markdown(root: &Path, levels: &[Level]) -> Result<String> {
    let crates = crates(root, levels)?;
    let floors = floors(&crates)?;
    let mut page = format!(
        "# The map\n\n\
         Every crate, what it uses, and what each of its files is about. It is drawn from the code, by\n\n\
         ```sh\n{COMMAND}\n```\n\n\
         and a test says when it is no longer true. A file says of itself what stands here, in the first\n\
         sentence of its `//!`. Why the house is built so is told in [The house](architecture.md).\n\n\
         ## Who uses whom\n\n\
         A crate uses only those on floors below its own.\n\n```text\n"
    );
    for floor in floors.iter().rev() {
        writeln!(page, "{}", floor.join("   "))?;
    }
    page += "```\n\n| crate | uses | in its tests, too | is used by |\n|---|---|---|---|\n";
    let mut sections = String::new();
    for name in floors.iter().flatten() {
        let own = &crates[name];
        let users = crates.iter().filter(|(_, it)| it.uses.contains(name));
        let users = users.map(|(user, _)| user.clone()).collect();
        let cells = [&own.uses, &own.tests_use, &users].map(list).concat();
        writeln!(page, "| [`{name}`](#{name}) |{cells}")?;
        let mut all = Vec::new();
        for directory in &own.directories {
            all.extend(files(root, directory)?);
        }
        sections += &section(name, own, &all)?;
    }
    Ok(page + &sections)
}

/// The files of a crate, a table for each of its directories.
fn section(name: &str, own: &Crate, files: &[(PathBuf, String)]) -> Result<String> {
    let mut text = format!("\n## `{name}`\n");
    if name == LEVELS {
        let solutions = own.directories.iter();
        let solutions: Vec<String> = solutions.map(|it| format!("`{}`", it.display())).collect();
        write!(
            text,
            "\nEach level has some of its part's files, and the part's solution all of them: {}.\n",
            solutions.join(", ")
        )?;
    }
    let mut before = None;
    for (file, about) in files {
        let directory = file.parent().unwrap_or(file);
        if before.replace(directory) != Some(directory) {
            write!(text, "\n| `{}/` | |\n|---|---|\n", directory.display())?;
        }
        let file = file.file_name().unwrap_or_default().to_string_lossy();
        writeln!(text, "| `{file}` | {about} |")?;
    }
    Ok(text)
}

/// A cell of a table, with the bar behind it.
fn list(names: &BTreeSet<String>) -> String {
    let names: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
    match names.is_empty() {
        true => " |".to_owned(),
        false => format!(" {} |", names.join(", ")),
    }
}

/// What cargo knows of the workspace's crates, without those of others.
pub fn metadata(root: &Path) -> Result<Value> {
    let output = cargo(root)
        .args(["metadata", "--no-deps", "--offline"])
        .args(["--format-version", "1"])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn crates(root: &Path, levels: &[Level]) -> Result<BTreeMap<String, Crate>> {
    let metadata = metadata(root)?;
    let packages: Vec<&Value> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let is_level = |package: &str| levels.iter().any(|level| level.package == package);
    let named = |package: &str| match is_level(package) {
        true => LEVELS.to_owned(),
        false => package.to_owned(),
    };
    let known: BTreeSet<&str> = packages
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    let mut crates: BTreeMap<String, Crate> = BTreeMap::new();
    for package in &packages {
        let name = named(package["name"].as_str().unwrap_or_default());
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let directory = manifest.parent().unwrap_or(manifest);
        let solutions = levels.iter().filter(|level| level.number.is_none());
        let directories = match name == LEVELS {
            true => solutions.map(Level::path).collect(),
            false => vec![directory.strip_prefix(root).unwrap_or(directory).to_owned()],
        };
        let own = crates.entry(name.clone()).or_insert_with(|| Crate {
            directories,
            uses: BTreeSet::new(),
            tests_use: BTreeSet::new(),
        });
        for used in package["dependencies"].as_array().into_iter().flatten() {
            let used_name = used["name"].as_str().unwrap_or_default();
            let used_name = match known.contains(used_name) {
                true => named(used_name),
                false => continue,
            };
            if used_name == name {
                continue;
            }
            match used["kind"].is_null() {
                true => own.uses.insert(used_name),
                false => own.tests_use.insert(used_name),
            };
        }
    }
    for own in crates.values_mut() {
        own.tests_use.retain(|name| !own.uses.contains(name));
    }
    Ok(crates)
}

/// The crates from the ground: each on the lowest floor that is above all those that it uses.
fn floors(crates: &BTreeMap<String, Crate>) -> Result<Vec<Vec<String>>> {
    let mut floors: Vec<Vec<String>> = Vec::new();
    let mut below = BTreeSet::new();
    while below.len() < crates.len() {
        let stands = |(name, own): &(&String, &Crate)| {
            let mut all = own.uses.union(&own.tests_use);
            !below.contains(*name) && all.all(|used| below.contains(used))
        };
        let floor: Vec<String> = (crates.iter().filter(stands))
            .map(|(name, _)| name.clone())
            .collect();
        if floor.is_empty() {
            return Err("some crates use each other in a circle".into());
        }
        below.extend(floor.clone());
        floors.push(floor);
    }
    Ok(floors)
}

/// The files of a crate, directory by directory, each with its first sentence.
fn files(root: &Path, directory: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for part in ["src", "tests"] {
        levels::walk(&root.join(directory), Path::new(part), &mut files)?;
    }
    files.retain(|file| file.extension().is_some_and(|it| it == "rs"));
    // What stands in a directory before what stands in those below it.
    files.sort_by_key(|file| (file.parent().map(Path::to_owned), file.clone()));
    let about = |file: PathBuf| {
        let path = directory.join(&file);
        let about = first_sentence(&read(&root.join(&path))?).ok_or_else(|| {
            let path = path.display();
            format!("{path} does not say what it is about: it has to begin with `//! ...`")
        })?;
        Ok((path, about))
    };
    files.into_iter().map(about).collect()
}

/// The first sentence of a file's header, as a cell of a table.
pub fn first_sentence(source: &str) -> Option<String> {
    let lines = source.lines().skip_while(|line| line.trim().is_empty());
    // A file that others `include!` can have no `//!`.
    let lines = lines.map_while(|line| line.strip_prefix("//!").or(line.strip_prefix("// ")));
    let lines = lines.map(str::trim).skip_while(|line| line.is_empty());
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    if paragraph.is_empty() {
        return None;
    }
    let end = paragraph.find(". ").unwrap_or(paragraph.len());
    let sentence = paragraph[..end].trim_end_matches(['.', ':']);
    Some(without_links(sentence).replace('|', "\\|"))
}

/// Rustdoc's links lead nowhere in the book: `[text](target)` and `[text]` become `text`.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        let Some((inside, after)) = behind.split_once(']') else {
            break;
        };
        out += before;
        out += inside;
        rest = match after.strip_prefix('(').and_then(|it| it.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    out + rest
}
