//! What we build on may be handed on together with this workshop, which is under the MIT
//! licence. Its crates are asked as cargo knows them, its packages of npm as their locks do.

use crate::build::cargo;
use crate::course::{Course, Verdict, nothing_of};
use libtest_mimic::Trial;
use serde_json::Value;
use std::fs;

/// By their names in SPDX. Each lets a copy stand beside code under MIT, and wants its own
/// text to go along.
const ALLOWED: &[&str] = &[
    "Apache-2.0",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MPL-2.0",     // axe-core, which looks at the book; nothing that is handed on has it
    "Unicode-3.0", // tables of characters
    "Zlib",
];

const NOT_ALLOWED: &str = "\
These have a licence that no maintainer has allowed yet. Is there another package for it, and is it
needed at all? If it has to be this one, and its licence lets a copy stand beside code under MIT, add that
to ALLOWED in curriculum/tests/curriculum/licences.rs, and say why in the commit.";

const LOCKS_OF_NPM: [&str; 2] = ["docs/package-lock.json", "slides/package-lock.json"];

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    vec![
        Trial::ignorable_test("tree_licences::of_crates", move || of_crates(course)),
        Trial::ignorable_test("tree_licences::of_npm", move || of_npm(course)),
        Trial::ignorable_test("tree_licences::expressions", expressions),
    ]
}

/// Those that Linux on this processor builds, `registry`'s and `bench`'s included.
fn of_crates(course: &Course) -> Verdict {
    let mut metadata = cargo(&course.root);
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    metadata.args(["metadata", "--format-version=1", "--locked"]);
    metadata.args(["--filter-platform", &target]);
    // A learner's `cargo test` downloads nothing for this question.
    let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    if !is_ci {
        metadata.arg("--offline");
    }
    let output = metadata.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return course.skip(format!(
            "the licences of all crates: `cargo fetch` first: {}",
            said.trim()
        ));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    judge(packages.map(|it| {
        let name = format!("{} {}", text(&it["name"]), text(&it["version"]));
        (name, &it["license"])
    }))
}

fn of_npm(course: &Course) -> Verdict {
    let mut all = Vec::new();
    for path in LOCKS_OF_NPM {
        let lock: Value = serde_json::from_str(&fs::read_to_string(course.root.join(path))?)?;
        let packages = lock["packages"].as_object().into_iter().flatten();
        // The first is our own, and has no name.
        let others = packages.filter(|(name, _)| !name.is_empty());
        all.extend(others.map(|(name, it)| (format!("{path}: {name}"), it["license"].clone())));
    }
    judge(all.iter().map(|(name, licence)| (name.clone(), licence)))
}

fn judge<'a>(packages: impl Iterator<Item = (String, &'a Value)>) -> Verdict {
    let mut count = 0;
    let mut found = Vec::new();
    for (name, licence) in packages {
        count += 1;
        match licence.as_str() {
            Some(licence) if is_allowed(licence) => {}
            Some(licence) => found.push(format!("{name}: {licence}")),
            None => found.push(format!("{name}: it names none")),
        }
    }
    if count == 0 {
        return Err("no package was asked for its licence".into());
    }
    nothing_of(NOT_ALLOWED, found)
}

/// Whether an expression of SPDX can be met with what is allowed. `OR` is our choice, `AND`
/// binds closer, and `/` is how `OR` was written once. What has an exception (`WITH`) is a
/// licence of its own.
fn is_allowed(expression: &str) -> bool {
    let mut text = expression.replace('/', " OR ");
    while let Some((before, after)) = text.split_once(')') {
        let Some((outer, inner)) = before.rsplit_once('(') else {
            return false;
        };
        let value = if is_allowed(inner) { ALLOWED[0] } else { "no" };
        text = format!("{outer}{value}{after}");
    }
    let one = |name: &str| ALLOWED.contains(&name.trim());
    let mut choices = text.split(" OR ");
    choices.any(|all| all.split(" AND ").all(one))
}

fn expressions() -> Verdict {
    let allowed = [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR MIT",
        "Apache-2.0 AND ISC",
        "MIT OR GPL-3.0-only AND ISC",
        "(MIT OR GPL-3.0-only) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
        "((GPL-3.0-only OR MIT) AND (ISC OR Zlib))",
    ];
    let others = [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "MIT AND GPL-3.0-only OR LGPL-2.1-or-later",
        "(MIT OR Apache-2.0) AND GPL-3.0-only",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "MIT) OR (MIT",
        "(MIT",
    ];
    let refused = allowed.into_iter().filter(|it| !is_allowed(it));
    let accepted = others.into_iter().filter(|it| is_allowed(it));
    nothing_of("read wrongly", refused.chain(accepted))
}
