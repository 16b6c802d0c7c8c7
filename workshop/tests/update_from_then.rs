//! A learner who cloned some time ago and has solved levels 00 to 05 in their own way, and the
//! workshop as it is today: what the questions page says to type brings the two together.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use curriculum::levels::workspace_root;

/// The commit at which they cloned.
const THEN: &str = "b50a3e6";

/// What they had written by then: other names, another order, helpers and tables of their own,
/// some markers gone and some left.
const PATCH: &str = "workshop/tests/update/learner.patch";

/// Something out of each of their blocks, and their helper outside of them.
const MINE: [(&str, &str); 14] = [
    (
        "00_fork_exec/src/container.rs",
        "let argv = &options.command;",
    ),
    ("00_fork_exec/src/main.rs", "let kid = match sys::fork()? {"),
    (
        "00_fork_exec/src/main.rs",
        "fn translate(how: WaitStatus) -> u8 {",
    ),
    (
        "01_chroot_image/src/rootfs.rs",
        "let target = root(options);",
    ),
    (
        "01_chroot_image/src/mounts.rs",
        "for (kind, place) in table {",
    ),
    ("01_chroot_image/src/mounts.rs", "chroot(\".\")?;"),
    ("02_mount_ns/src/container.rs", "let everything_below ="),
    (
        "02_mount_ns/src/mounts.rs",
        "let devdir = given::mount_point(root, \"dev\")?;",
    ),
    (
        "02_mount_ns/src/mounts.rs",
        "/// The nodes of a small machine.",
    ),
    (
        "03_pivot_root/src/mounts.rs",
        "const OLD: &str = \".old-root\";",
    ),
    ("04_overlay/src/rootfs.rs", "let here = directory(options);"),
    ("04_overlay/src/rootfs.rs", "let d = d.display();"),
    (
        "04_overlay/src/container.rs",
        "// the overlay is a mount, so",
    ),
    (
        "05_uts_namespace/src/container.rs",
        "let mine = CloneFlags::CLONE_NEWUTS |",
    ),
];

struct Learner {
    root: PathBuf,
    target: PathBuf,
}

impl Learner {
    /// In a directory of a fixed name: what cargo compiles there is found again the next time.
    fn new(workshop: &Path) -> Learner {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("update");
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).unwrap();
        let (upstream, root) = (home.join("upstream.git"), home.join("learner"));
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| workshop.join("target"));
        let target = workshop.join(target);
        let learner = Learner { root, target };
        let at = |path: &Path| path.to_str().unwrap().to_owned();
        let clone = |from: &Path, to: &Path, how: &str| {
            let words = ["clone", "-q", "--shared", how, &at(from), &at(to)];
            good(Command::new("git").args(words).output().unwrap());
        };
        clone(workshop, &upstream, "--bare");
        let head = git(workshop, &["rev-parse", "HEAD"]);
        git(&upstream, &["update-ref", "refs/heads/main", head.trim()]);
        git(&upstream, &["symbolic-ref", "HEAD", "refs/heads/main"]);
        clone(&upstream, &learner.root, "--no-checkout");
        git(&learner.root, &["config", "user.name", "learner"]);
        git(
            &learner.root,
            &["config", "user.email", "learner@example.org"],
        );
        git(&learner.root, &["reset", "-q", "--hard", THEN]);
        git(&learner.root, &["apply", &at(&workshop.join(PATCH))]);
        learner
    }

    fn update(&self) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_workshop"))
            .arg("update")
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), said + &complained)
    }

    /// All of theirs is in the newer workshop's code.
    fn has_everything(&self, said: &str) {
        for (path, mine) in MINE {
            let text = fs::read_to_string(self.root.join("levels").join(path)).unwrap();
            assert!(
                text.contains(mine),
                "{mine} is not in {path}\n{text}\n{said}"
            );
            assert!(!text.contains("<<<<<<<"), "{path}");
        }
        assert_eq!(git(&self.root, &["status", "--porcelain"]), "", "{said}");
        git(
            &self.root,
            &["merge-base", "--is-ancestor", "origin/main", "HEAD"],
        );
    }
}

fn git(directory: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(words)
        .output();
    good(output.unwrap())
}

fn good(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the questions page says to type.
fn typed(workshop: &Path) -> Vec<String> {
    let page = fs::read_to_string(workshop.join("docs/src/faq.md")).unwrap();
    let mut fences = page.split("```sh\n").skip(1);
    let fence = fences.find(|it| it.contains("git pull")).unwrap();
    let fence = fence.split("```").next().unwrap();
    fence.lines().map(str::to_owned).collect()
}

#[test]
fn what_a_learner_has_made_of_levels_00_to_05_stands_in_the_workshop_of_today() {
    let workshop = workspace_root().unwrap();
    let then = format!("{THEN}^{{commit}}");
    let history = Command::new("git")
        .arg("-C")
        .arg(&workshop)
        .args(["cat-file", "-e", &then])
        .output();
    if !history.is_ok_and(|it| it.status.success()) {
        eprintln!("skipped: this checkout has no history, and {THEN} is not in it");
        return;
    }
    let commands = typed(&workshop);
    let (last, first) = commands.split_last().unwrap();
    assert_eq!(last, "cargo workshop update");

    // Nothing committed: a pull alone would be refused.
    let learner = Learner::new(&workshop);
    for command in first {
        // A pull that stops at a conflict has failed.
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&learner.root);
        shell.output().unwrap();
    }
    let (status, said) = learner.update();
    learner.has_everything(&said);
    for level in 0..=5 {
        let compiles = said.contains(&format!("  {level:02}  compiles"));
        let does_not = said.contains(&format!("  {level:02}  does not compile\n      your TODO"));
        assert!(compiles || does_not, "level {level:02}: {said}");
    }
    // The page shows what a learner of then reads.
    let page = fs::read_to_string(workshop.join("docs/src/faq.md")).unwrap();
    let (_, shown) = page
        .split_once("```text\n  01  does not compile\n")
        .unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert!(said.contains(shown), "{shown}{said}");
    // What they call there has another signature today.
    for line in [
        "levels/05_uts_namespace has a new step: 3. Forget the caller's environment, and set",
        "your TODO(01) 1, levels/01_chroot_image/src/rootfs.rs:",
        "was  pub fn root(options: &Options) -> PathBuf\n",
        "is   pub fn root(directory: &Directory) -> PathBuf\n",
        "was  fn directory(options: &Options) -> PathBuf\n        is   there no more\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    assert_eq!(status, 1, "{said}");
    let head = git(&learner.root, &["rev-parse", "HEAD"]);
    assert_eq!(learner.update().0, 1);
    assert_eq!(git(&learner.root, &["rev-parse", "HEAD"]), head);

    // Level by level committed: a pull by hand stops at its conflicts.
    let learner = Learner::new(&workshop);
    for level in 0..=5 {
        git(&learner.root, &["add", &format!("levels/{level:02}_*")]);
        git(
            &learner.root,
            &["commit", "-q", "-m", &format!("level {level:02}")],
        );
    }
    let mut pull = Command::new("git");
    pull.args(["pull", "-q", "--no-rebase"]);
    let pulled = pull.current_dir(&learner.root).output().unwrap();
    assert!(!pulled.status.success());
    let (_, again) = learner.update();
    learner.has_everything(&again);
    assert!(again.contains("your TODO(01) 1"), "{again}");
    fs::remove_dir_all(learner.root.parent().unwrap()).unwrap();
}
