//! All programs, built once for all suites that need a binary or a warning.

use crate::course::Course;
pub(crate) use curriculum::cargo;
use libtest_mimic::Failed;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Once, OnceLock};

/// What cargo said of the levels, of `checks`, `curriculum` and `workshop`.
pub(crate) struct Build {
    binaries: BTreeMap<String, PathBuf>,
    diagnostics: Vec<Diagnostic>,
    errors: String,
}

/// A warning or an error of the compiler.
pub(crate) struct Diagnostic {
    pub(crate) file: String,
    pub(crate) rendered: String,
}

impl Build {
    /// The build; the first caller waits for it.
    pub(crate) fn get(course: &Course) -> &'static Build {
        static BUILD: OnceLock<Build> = OnceLock::new();
        BUILD.get_or_init(|| Build::run(course))
    }

    fn run(course: &Course) -> Build {
        let mut command = cargo(&course.root);
        // One level that a learner is in the middle of must not hide the others.
        command.args([
            "build",
            "--message-format=json",
            "--keep-going",
            "--bins",
            "-p",
            "checks",
            "-p",
            "curriculum",
            "-p",
            "workshop",
        ]);
        for level in &course.levels {
            command.args(["-p", &level.package]);
        }
        let mut build = Build {
            binaries: BTreeMap::new(),
            diagnostics: Vec::new(),
            errors: String::new(),
        };
        match command.output() {
            Ok(output) => {
                build.errors = String::from_utf8_lossy(&output.stderr).into_owned();
                for line in String::from_utf8_lossy(&output.stdout).lines() {
                    if let Ok(message) = serde_json::from_str(line) {
                        build.message(&message);
                    }
                }
            }
            Err(error) => build.errors = format!("cargo cannot be started: {error}"),
        }
        build
    }

    fn message(&mut self, message: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                if let Some(executable) = message["executable"].as_str() {
                    self.binaries
                        .insert(text(&message["target"]["name"]), executable.into());
                }
            }
            Some("compiler-message") => {
                let spans = message["message"]["spans"]
                    .as_array()
                    .map_or(&[][..], Vec::as_slice);
                let primary = spans.iter().find(|span| span["is_primary"] == true);
                self.diagnostics.push(Diagnostic {
                    file: primary
                        .map(|span| text(&span["file_name"]))
                        .unwrap_or_default(),
                    rendered: text(&message["message"]["rendered"]),
                });
            }
            _ => {}
        }
    }

    /// The executable called `name`. The first who misses one is told why.
    pub(crate) fn binary(&self, name: &str) -> Result<&Path, Failed> {
        static TOLD: Once = Once::new();
        if let Some(binary) = self.binaries.get(name) {
            return Ok(binary);
        }
        let mut message = format!("cargo built no {name}");
        TOLD.call_once(|| {
            for diagnostic in &self.diagnostics {
                message += &format!("\n{}", diagnostic.rendered);
            }
            message += &format!("\n{}", self.errors);
        });
        Err(message.into())
    }

    /// What the compiler said of files below `directory`.
    pub(crate) fn diagnostics<'a>(
        &'a self,
        directory: &'a Path,
    ) -> impl Iterator<Item = &'a Diagnostic> {
        self.diagnostics
            .iter()
            .filter(move |diagnostic| Path::new(&diagnostic.file).starts_with(directory))
    }
}
