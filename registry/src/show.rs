//! What the user gets to see of the image directory.

use std::io::{self, Write};

use given::Error;
use indicatif::BinaryBytes;
use serde_json::Value;

use crate::shelf::{self, Directories, Verb};

/// `images list`
pub(crate) fn list(directories: &Directories) -> Result<(), Error> {
    let listed = shelf::ask(directories, &Verb::List)?;
    let listed = listed.as_array().map_or(&[][..], Vec::as_slice);
    if listed.is_empty() {
        return say(&format!(
            "no image in {} yet; `base` is made when it is first used, and `images pull alpine` gets another one",
            directories.image_dir.display()
        ));
    }
    let width = listed
        .iter()
        .map(|image| text(&image["name"]).len())
        .max()
        .unwrap_or(0)
        .max(4);
    say(&format!(
        "{:width$}  {:>10}  {:8}  FROM",
        "NAME", "SIZE", "UNPACKED"
    ))?;
    for image in listed {
        let unpacked = match image["unpacked"].as_bool() {
            Some(true) => "yes",
            Some(false) => "no",
            // The container directory is not ours to look into.
            None => "?",
        };
        let from = match (image["origin"].as_str(), text(&image["name"])) {
            (Some(origin), _) => origin,
            (None, "base") => "this machine's programs, or your own archive",
            (None, _) => "your own archive",
        };
        say(&format!(
            "{:width$}  {:>10}  {unpacked:8}  {from}",
            text(&image["name"]),
            size(image["size"].as_u64().unwrap_or(0)),
        ))?;
    }
    Ok(())
}

/// `images rm`
pub(crate) fn remove(directories: &Directories, name: String) -> Result<(), Error> {
    let removed = shelf::ask(directories, &Verb::Rm { name })?;
    for archive in paths(&removed["archives"]) {
        say(&format!("removed {archive}"))?;
    }
    for tree in paths(&removed["trees"]) {
        say(&format!("removed what was unpacked of it, {tree}"))?;
    }
    for tree in paths(&removed["in_use"]) {
        say(&format!(
            "kept {tree}: a running container stands on it; remove it later with the same command"
        ))?;
    }
    Ok(())
}

fn paths(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().map(text)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A size as a person reads it.
pub(crate) fn size(bytes: u64) -> String {
    BinaryBytes(bytes).to_string()
}

/// One line on standard output; a reader who has gone away is no failure.
pub(crate) fn say(line: &str) -> Result<(), Error> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
