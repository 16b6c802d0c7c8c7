//! The reader of `level.toml`: a few keys, each in a line of its own.
//!
//! It is TOML, and less than TOML: a value is a text in double quotes without escapes, a
//! number, or a list of texts. So reading the file takes no crate, and a shell script can
//! still ask it with grep.

use std::fmt;

/// What the `level.toml` of a level says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the level is about, in a few words: the lesson's title without the number.
    pub title: String,
    /// The part of the course that it belongs to, from 1 on.
    pub part: u8,
    /// Minutes of a full day: the talk and the exercise, as the slides have them.
    pub minutes: u32,
    /// What the machine must have from this level on, in the words of `cargo workshop doctor`.
    pub needs: Vec<String>,
    /// What earlier levels needed, and this one and later ones do not.
    pub no_longer_needs: Vec<String>,
    /// What only this level's lesson shows or calls. The level works without it.
    pub lesson_uses: Vec<String>,
    /// The options that it adds to the command line: `--memory`.
    pub options: Vec<String>,
    /// The verbs of its program that need root: `run`.
    pub root: Vec<String>,
    /// The verbs that need root only where an ordinary user gets no user namespace.
    pub rootless: Vec<String>,
}

/// A line of a `level.toml` that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1; 0 if a line is missing.
    pub line: usize,
    /// What should be true of it.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

impl std::error::Error for Fault {}

impl Facts {
    /// Reads the text of a `level.toml`. Title, part and minutes must be there; a list that
    /// is not there is empty.
    pub fn parse(text: &str) -> Result<Facts, Fault> {
        let mut facts = Facts::default();
        let mut keys: Vec<&str> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |what: String| Fault { line: number, what };
            let (key, value) = line
                .split_once('=')
                .map(|(key, value)| (key.trim(), value.trim()))
                .ok_or_else(|| fault("not `key = value`".to_owned()))?;
            if keys.contains(&key) {
                return Err(fault(format!("`{key}` is there twice")));
            }
            keys.push(key);
            facts.set(key, value).map_err(fault)?;
        }
        for key in ["title", "part", "minutes"] {
            if !keys.contains(&key) {
                let what = format!("there is no line `{key} = ...`");
                return Err(Fault { line: 0, what });
            }
        }
        Ok(facts)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let list = match key {
            "title" => {
                self.title = quoted(value)?;
                return Ok(());
            }
            "part" => {
                self.part = number(value)?;
                return Ok(());
            }
            "minutes" => {
                self.minutes = number(value)?;
                return Ok(());
            }
            "needs" => &mut self.needs,
            "no-longer-needs" => &mut self.no_longer_needs,
            "lesson-uses" => &mut self.lesson_uses,
            "options" => &mut self.options,
            "root" => &mut self.root,
            "rootless" => &mut self.rootless,
            _ => {
                return Err(format!(
                    "there is no key `{key}`; the keys are title, part, minutes, needs, \
                     no-longer-needs, lesson-uses, options, root and rootless"
                ));
            }
        };
        *list = texts(value)?;
        Ok(())
    }
}

/// `"a text"`.
fn quoted(value: &str) -> Result<String, String> {
    value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|text| !text.contains(['"', '\\']))
        .map(str::to_owned)
        .ok_or_else(|| "a text stands between two double quotes, without one inside".to_owned())
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    let number = value.parse();
    number.map_err(|_| "a number belongs here".to_owned())
}

/// `["one", "two"]`, in one line.
fn texts(value: &str) -> Result<Vec<String>, String> {
    let inner = value
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .ok_or_else(|| "a list stands between `[` and `]`, in one line".to_owned())?;
    let items = inner.split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).map(quoted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "title = \"a title\"\npart = 1\nminutes = 20\n";

    fn fault(line: usize, text: &str) -> String {
        let fault = Facts::parse(text).err();
        assert_eq!(fault.as_ref().map(|it| it.line), Some(line), "{text}");
        fault.map(|it| it.to_string()).unwrap_or_default()
    }

    #[test]
    fn all_keys_are_read() {
        let text = format!(
            "# A comment.\n{LEAST}\nneeds = [\"one\", \"two\"]\nno-longer-needs = [\"three\"]\n\
             lesson-uses = [ \"ps\", ]\noptions = []\nroot = [\"run\"]\nrootless = [\"exec\"]\n"
        );
        let facts = Facts {
            title: "a title".to_owned(),
            part: 1,
            minutes: 20,
            needs: vec!["one".to_owned(), "two".to_owned()],
            no_longer_needs: vec!["three".to_owned()],
            lesson_uses: vec!["ps".to_owned()],
            options: Vec::new(),
            root: vec!["run".to_owned()],
            rootless: vec!["exec".to_owned()],
        };
        assert_eq!(Facts::parse(&text), Ok(facts));
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let with = |line: &str| format!("{LEAST}{line}\n");
        assert!(fault(4, &with("needs")).contains("`key = value`"));
        assert!(fault(4, &with("neds = []")).contains("the keys are title"));
        assert!(fault(4, &with("part = 2")).contains("twice"));
        assert!(fault(4, &with("needs = \"one\"")).contains("a list"));
        assert!(fault(4, &with("needs = [one]")).contains("double quotes"));
        assert!(fault(1, "title = bare\n").contains("double quotes"));
        assert!(fault(1, "part = \"1\"\n").contains("a number"));
        assert!(fault(0, "title = \"a title\"\npart = 1\n").contains("`minutes = ...`"));
    }
}
