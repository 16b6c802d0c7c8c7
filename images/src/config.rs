//! What an image says of the command that is run in it.
//!
//! Beside its layers an image has a configuration (`config.md` of the OCI image
//! specification): the command's environment, its words, its user, the directory that it
//! starts in. The image's author wrote all of it. So we check it here, once, and refuse
//! with a sentence what cannot be handed to exec.
//!
//! It travels as JSON, under the names that it has in the specification: in the archive as
//! a record of the first header (`writer.rs`), and in the cache in a file beside the tree.

use serde_json::{Value, json};

use crate::error::shown;

/// The record of the image's configuration. A record that the standard does not define begins
/// with its vendor's name, in capitals (pax(1), "pax Header Block").
pub(crate) const CONFIG: &str = "RUBBERDOCKER.config";

/// An image's wishes for its command. What it does not speak of is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Variables of the environment: name and value.
    pub env: Vec<(String, String)>,
    /// The words in front of `cmd`.
    pub entrypoint: Vec<String>,
    /// The command, or the arguments of `entrypoint`.
    pub cmd: Vec<String>,
    /// `USER[:GROUP]`, each a name of the image's own lists, or a number.
    pub user: String,
    /// Where the command starts: absolute, and without `.` and `..`.
    pub working_dir: String,
}

/// One string that is handed to exec, its zero byte with it (`MAX_ARG_STRLEN`, execve(2)).
const STRING: usize = 128 << 10;
/// How many variables or words.
const COUNT: usize = 4096;
/// All of it as JSON. The kernel gives a quarter of the stack to words and variables, which
/// is 2 MiB unless that was changed (execve(2)), and the container's own must fit in, too.
const WHOLE: usize = 512 << 10;
/// A path, its zero byte with it (path_resolution(7)).
const PATH: usize = 4096;
/// Two names, of 32 bytes each at most where they are made by useradd(8).
const USER: usize = 256;

impl Config {
    /// Reads the configuration of an image: the blob that its manifest names.
    ///
    /// The error is a reason, to be put behind "it cannot be used".
    ///
    /// ```
    /// let blob = br#"{"os": "linux", "config": {"Env": ["A=1"], "Cmd": ["sh"]}}"#;
    /// let config = images::Config::of_image(blob)?;
    /// assert_eq!(config.command(), ["sh"]);
    /// assert!(images::Config::of_image(br#"{"config": {"Env": [1]}}"#).is_err());
    /// # Ok::<(), String>(())
    /// ```
    pub fn of_image(blob: &[u8]) -> Result<Self, String> {
        let whole: Value = serde_json::from_slice(blob)
            .map_err(|error| format!("its configuration is no JSON ({error})"))?;
        match &whole {
            Value::Object(whole) => Self::of(whole.get("config").unwrap_or(&Value::Null)),
            _ => Err("its configuration is no object of JSON".into()),
        }
    }

    /// Reads what [`to_json`](Self::to_json) has written.
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, String> {
        let value = serde_json::from_slice(text)
            .map_err(|error| format!("its configuration is no JSON ({error})"))?;
        Self::of(&value)
    }

    fn of(value: &Value) -> Result<Self, String> {
        if value.is_null() {
            return Ok(Self::default());
        }
        if !value.is_object() {
            return Err(wrong("config", "an object", value));
        }
        let config = Self {
            env: strings(value, "Env")?
                .into_iter()
                .map(variable)
                .collect::<Result<_, _>>()?,
            entrypoint: words(value, "Entrypoint")?,
            cmd: words(value, "Cmd")?,
            user: text(value, "User", USER)?,
            working_dir: tidied(&text(value, "WorkingDir", PATH)?),
        };
        // Measured as it will be kept: JSON writes some bytes as six.
        let size = config.to_json().len();
        if size > WHOLE {
            return Err(format!(
                "its configuration has {size} bytes of environment and command; {WHOLE} are what is \
                 kept here"
            ));
        }
        Ok(config)
    }

    /// As an archive keeps it, and the cache beside the unpacked image.
    pub(crate) fn to_json(&self) -> String {
        let env: Vec<String> = self
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        json!({
            "Env": env,
            "Entrypoint": self.entrypoint,
            "Cmd": self.cmd,
            "User": self.user,
            "WorkingDir": self.working_dir,
        })
        .to_string()
    }

    /// What is run if nothing else was asked for: the entrypoint, and the command behind it.
    pub fn command(&self) -> Vec<&str> {
        let words = self.entrypoint.iter().chain(&self.cmd);
        words.map(String::as_str).collect()
    }
}

/// A list of words. Docker reads a single string as a list of one, and so must old
/// configurations be read; `[""]` is how a Dockerfile takes an inherited one back.
fn words(value: &Value, key: &str) -> Result<Vec<String>, String> {
    let words = match &value[key] {
        Value::String(_) => vec![text(value, key, STRING)?],
        _ => strings(value, key)?,
    };
    match &words[..] {
        [word] if word.is_empty() => Ok(Vec::new()),
        _ => Ok(words),
    }
}

fn strings(value: &Value, key: &str) -> Result<Vec<String>, String> {
    let list = match &value[key] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(wrong(key, "a list of texts", other)),
    };
    if list.len() > COUNT {
        let count = list.len();
        return Err(format!(
            "{key} of its configuration has {count} entries; {COUNT} are more than enough"
        ));
    }
    list.iter()
        .map(|entry| match entry {
            Value::String(text) => checked(text, key, STRING),
            other => Err(wrong(key, "a list of texts, each of them", other)),
        })
        .collect()
}

fn text(value: &Value, key: &str, limit: usize) -> Result<String, String> {
    match &value[key] {
        Value::Null => Ok(String::new()),
        Value::String(text) => checked(text, key, limit),
        other => Err(wrong(key, "a text", other)),
    }
}

/// A text that exec, or a path, may have in it.
fn checked(text: &str, key: &str, limit: usize) -> Result<String, String> {
    let start = shown(text.as_bytes());
    if text.contains('\0') {
        return Err(format!(
            "{key} of its configuration has a NUL byte in {start:?}, where for the kernel it ends"
        ));
    }
    if text.len() >= limit {
        let length = text.len();
        return Err(format!(
            "{key} of its configuration has a text of {length} bytes, and fewer than {limit} are \
             possible: {start:?}"
        ));
    }
    Ok(text.to_owned())
}

fn variable(text: String) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // Some engines look for its value in the caller's environment, which is nothing
        // that an image should be able to ask for.
        _ => Err(format!(
            "Env of its configuration has {:?}, which is not NAME=VALUE",
            shown(text.as_bytes())
        )),
    }
}

fn wrong(key: &str, wanted: &str, seen: &Value) -> String {
    let seen = match seen {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("{key} of its configuration should be {wanted}, and is {seen}")
}

/// A path from the root, tidied as Docker does it: `..` is resolved here and not by the
/// kernel, and does not lead above the root.
fn tidied(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    match path {
        "" => String::new(),
        _ => format!("/{}", parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use rstest::rstest;

    fn of(config: Value) -> Result<Config, String> {
        Config::of_image(json!({ "config": config }).to_string().as_bytes())
    }

    #[test]
    fn all_five_are_read_and_come_back_as_they_were_kept() {
        let config = of(json!({
            "Env": ["PATH=/bin", "LINES=one\ntwo", "EMPTY=", "TWO=a=b"],
            "Entrypoint": ["/start", "--now"],
            "Cmd": ["serve", ""],
            "User": "www-data:adm",
            "WorkingDir": "srv//./www/",
            "Volumes": {"/data": {}},
        }))
        .unwrap();
        assert_eq!(config.env[1], ("LINES".into(), "one\ntwo".into()));
        assert_eq!(config.env[2], ("EMPTY".into(), String::new()));
        assert_eq!(config.env[3], ("TWO".into(), "a=b".into()));
        assert_eq!(config.command(), ["/start", "--now", "serve", ""]);
        assert_eq!(config.user, "www-data:adm");
        assert_eq!(config.working_dir, "/srv/www");
        assert_eq!(Config::from_json(config.to_json().as_bytes()), Ok(config));
    }

    #[rstest]
    #[case::empty("{}")]
    #[case::null(r#"{"config": null}"#)]
    #[case::nulls(r#"{"config": {"Env": null, "Cmd": null, "User": null, "WorkingDir": null}}"#)]
    #[case::taken_back(r#"{"config": {"Entrypoint": [""], "Cmd": []}}"#)]
    fn what_says_nothing_is_nothing(#[case] blob: &str) {
        assert_eq!(Config::of_image(blob.as_bytes()), Ok(Config::default()));
    }

    #[test]
    fn an_entrypoint_may_be_a_single_text() {
        let config = of(json!({"Entrypoint": "/start", "Cmd": ["x"]})).unwrap();
        assert_eq!(config.command(), ["/start", "x"]);
    }

    #[rstest]
    #[case::a_number(json!({"Env": 1}), "Env of its configuration should be a list of texts, and is a number")]
    #[case::a_text_for_variables(json!({"Env": "A=1"}), "should be a list of texts, and is a text")]
    #[case::numbers(json!({"Cmd": ["a", 1]}), "a list of texts, each of them, and is a number")]
    #[case::an_object(json!({"Entrypoint": {"a": "b"}}), "Entrypoint of its configuration should")]
    #[case::user(json!({"User": 1000}), "User of its configuration should be a text, and is a number")]
    #[case::directory(json!({"WorkingDir": ["/"]}), "should be a text, and is a list")]
    #[case::list(json!(["A=1"]), "config of its configuration should be an object, and is a list")]
    #[case::nul_in_env(json!({"Env": ["A=1\u{0}2"]}), "Env of its configuration has a NUL byte")]
    #[case::nul_in_cmd(json!({"Cmd": ["a\u{0}"]}), "Cmd of its configuration has a NUL byte")]
    #[case::nul_in_path(json!({"WorkingDir": "/a\u{0}"}), "WorkingDir of its configuration has a NUL")]
    #[case::no_equals(json!({"Env": ["HOME"]}), "has \"HOME\", which is not NAME=VALUE")]
    #[case::no_name(json!({"Env": ["=x"]}), "has \"=x\", which is not NAME=VALUE")]
    #[case::long(json!({"Cmd": ["x".repeat(STRING)]}), "Cmd of its configuration has a text of 131072 bytes")]
    #[case::long_path(json!({"WorkingDir": "/x".repeat(2048)}), "of 4096 bytes, and fewer than 4096")]
    #[case::many(json!({"Env": vec!["A=1"; COUNT + 1]}), "has 4097 entries")]
    #[case::large(json!({"Env": vec![format!("A={}", "x".repeat(100_000)); 6]}), "are what is kept here")]
    #[case::grows(json!({"Env": vec![format!("A={}", "\u{1}".repeat(100_000))]}), "are what is kept here")]
    fn what_cannot_be_used_is_refused_with_a_reason(#[case] config: Value, #[case] part: &str) {
        let why = of(config).unwrap_err();
        assert!(why.contains(part), "{why}");
        assert!(why.len() < 500, "{why}");
    }

    #[rstest]
    #[case::text("hello")]
    #[case::nothing("")]
    #[case::list("[]")]
    fn a_blob_that_is_none_is_refused(#[case] blob: &str) {
        assert!(
            Config::of_image(blob.as_bytes())
                .unwrap_err()
                .starts_with("its configuration is no")
        );
    }

    #[rstest]
    #[case("", "")]
    #[case("/", "/")]
    #[case(".", "/")]
    #[case("a", "/a")]
    #[case("/a/../../../etc", "/etc")]
    #[case("../../..", "/")]
    fn a_path_stays_below_the_root(#[case] path: &str, #[case] tidy: &str) {
        assert_eq!(of(json!({ "WorkingDir": path })).unwrap().working_dir, tidy);
    }
}
