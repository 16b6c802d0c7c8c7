//! What the user gets to see of the image directory.

use std::io::{self, Write};

use given::Error;
use indicatif::BinaryBytes;
use serde_json::Value;

use crate::privileged::{self, Directories, Verb};

/// `images list`
pub(crate) fn list(directories: &Directories) -> Result<(), Error> {
    let listed = privileged::ask(directories, &Verb::List)?;
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

/// `images inspect`
pub(crate) fn inspect(directories: &Directories, name: String) -> Result<(), Error> {
    let image = privileged::ask(directories, &Verb::Inspect { name })?;
    let bytes = image["size"].as_u64().unwrap_or(0);
    row("image", text(&image["name"]))?;
    row(
        "archive",
        &format!("{}, {}", text(&image["archive"]), size(bytes)),
    )?;
    let unpacked = match image["unpacked"].as_bool() {
        Some(true) => "yes, for all containers",
        Some(false) => "not yet: its first container does it",
        None => "unknown: the container directory may not be looked into",
    };
    row("unpacked", unpacked)?;
    // A reference and a digest; or the name of a file.
    let origin = text(&image["origin"]);
    match (origin.strip_prefix("imported from "), origin) {
        (Some(file), _) => row("imported", &format!("from {file}"))?,
        (None, "") if image["name"] == "base" => row("from", "this machine's programs")?,
        (None, "") => row("from", "your own archive")?,
        (None, origin) => {
            let (reference, digest) = origin.split_once(' ').unwrap_or((origin, ""));
            row("pulled", &format!("from {reference}"))?;
            row("digest", digest)?;
        }
    }
    let config = &image["config"];
    if config.is_null() {
        return row(
            "command",
            "not known before it is unpacked: run it once, or import its archive",
        );
    }
    let words = |key: &str| config[key].as_array().map_or(&[][..], Vec::as_slice);
    let command: Vec<&Value> = words("entrypoint").iter().chain(words("cmd")).collect();
    // As JSON writes them: it is seen where a word ends.
    let mut command: Vec<String> = command.into_iter().map(Value::to_string).collect();
    if command.is_empty() {
        command.push("none: say what to run".into());
    }
    row("command", &command.join(" "))?;
    for (key, title, usual) in [
        ("user", "user", "0, root"),
        ("working_dir", "starts in", "/"),
    ] {
        match text(&config[key]) {
            "" => row(title, usual)?,
            said => row(title, said)?,
        }
    }
    for (number, variable) in words("env").iter().enumerate() {
        let title = if number == 0 { "environment" } else { "" };
        let (name, value) = (text(&variable[0]), text(&variable[1]));
        row(title, &format!("{name}={value}"))?;
    }
    Ok(())
}

fn row(title: &str, value: &str) -> Result<(), Error> {
    say(&format!("{title:11}  {value}"))
}

/// `images rm`
pub(crate) fn remove(directories: &Directories, name: String) -> Result<(), Error> {
    let removed = privileged::ask(directories, &Verb::Rm { name })?;
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
    // Other programs wrote names and origins.
    match writeln!(io::stdout(), "{}", given::printable(line)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
