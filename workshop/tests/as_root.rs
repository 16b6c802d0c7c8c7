//! The one way to root starts the program that it was given, with its words as they were;
//! and says why, if it cannot.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As sudo does it, apart from the question who may: no variable of the caller's, and no
/// option after `--`.
const SUDO: &str = r#"#!/bin/sh
while [ "${1-}" = -n ]; do shift; done
if [ "$1" = true ]; then exit 0; fi
if [ "$1" = -- ]; then shift; fi
exec env -i PATH="$PATH" BY_SUDO=yes "$@"
"#;

/// Prints what it was started as and with.
const PROGRAM: &str = r#"#!/bin/sh
printf '%s\n' "sudo ${BY_SUDO-no}" "images ${RUBBER_DOCKER_IMAGES-none}" "secret ${SECRET-none}" "$0" "$@"
"#;

/// From the crate on.
const AS_ROOT: &str = "../.cargo/as-root";

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A machine whose user is not root, with these programs besides the usual ones.
struct Machine {
    scratch: tempfile::TempDir,
}

impl Machine {
    fn with(programs: &[(&str, &str)]) -> Machine {
        let scratch = tempfile::tempdir().unwrap();
        let machine = Machine { scratch };
        for (name, text) in programs {
            script(&machine.bin().join(name), text);
        }
        script(&machine.bin().join("id"), "#!/bin/sh\necho 1000\n");
        // Of the machine that the test runs on only these: it may have a sudo.
        for name in ["sh", "env", "true"] {
            let there = Path::new("/usr/bin").join(name);
            std::os::unix::fs::symlink(there, machine.bin().join(name)).unwrap();
        }
        script(&machine.scratch.path().join("rd"), PROGRAM);
        for name in ["workshop", "level19"] {
            fs::copy(machine.program("rd"), machine.program(name)).unwrap();
        }
        machine
    }

    fn bin(&self) -> PathBuf {
        self.scratch.path().join("bin")
    }

    fn program(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// What the program prints, what is said instead, and the status.
    fn run(&self, program: &str, words: &[&str]) -> (String, String, Option<i32>) {
        self.run_by(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(AS_ROOT),
            program,
            words,
        )
    }

    /// Likewise, started by the script of another tree.
    fn run_by(
        &self,
        as_root: impl AsRef<Path>,
        program: &str,
        words: &[&str],
    ) -> (String, String, Option<i32>) {
        let mut command = Command::new(as_root.as_ref());
        command.arg(self.program(program)).args(words);
        command
            .env_clear()
            .env("PATH", self.bin())
            .stdin(std::process::Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            text(&output.stdout),
            text(&output.stderr),
            output.status.code(),
        )
    }
}

/// A tree with levels of its own, and the script in it.
struct Tree {
    scratch: tempfile::TempDir,
}

impl Tree {
    /// `levels/DIRECTORY/level.toml` with these texts.
    fn with(levels: &[(&str, &str)]) -> Tree {
        let tree = Tree {
            scratch: tempfile::tempdir().unwrap(),
        };
        let as_root = Path::new(env!("CARGO_MANIFEST_DIR")).join(AS_ROOT);
        script(&tree.as_root(), &fs::read_to_string(as_root).unwrap());
        for (directory, text) in levels {
            let directory = tree.root().join("levels").join(directory);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("level.toml"), text).unwrap();
        }
        tree
    }

    /// With characters that mean something to a shell.
    fn root(&self) -> PathBuf {
        self.scratch.path().join("a [b]* tree")
    }

    fn as_root(&self) -> PathBuf {
        self.root().join(".cargo/as-root")
    }
}

/// The directory of the solution whose program is `rd`.
fn last_solution() -> &'static str {
    syllabus::all().last().unwrap().directory
}

/// Those of these verbs of `program` that are raised by the script of the tree.
fn raised<'a>(tree: &Tree, program: &str, verbs: &[&'a str]) -> Vec<&'a str> {
    let machine = Machine::with(&[("sudo", SUDO)]);
    if program != "rd" {
        fs::copy(machine.program("rd"), machine.program(program)).unwrap();
    }
    let is_raised = |verb: &&&str| {
        let (printed, said, status) = machine.run_by(tree.as_root(), program, &[verb, "x"]);
        assert_eq!((said.as_str(), status), ("", Some(0)), "{program} {verb}");
        printed.starts_with("sudo yes\n")
    };
    verbs.iter().filter(is_raised).copied().collect()
}

/// Of the x-ray only the run is root's; and its words are the level's, also `--help`.
#[test]
fn of_an_xray_the_record_is_roots() {
    let tree = Tree::with(&[]);
    let verbs = ["record", "text", "page", "json", "against", "--help"];
    assert_eq!(raised(&tree, "xray", &verbs), ["record"]);
    let machine = Machine::with(&[("sudo", SUDO)]);
    fs::copy(machine.program("rd"), machine.program("xray")).unwrap();
    let words = ["record", "--output", "x", "level05", "run", "--help"];
    let (printed, ..) = machine.run("xray", &words);
    assert!(printed.starts_with("sudo yes\n"), "{printed}");
}

/// Words that a level of Part III could be called with, and some that only look like it.
const VERBS: [&str; 9] = [
    "run",
    "create",
    "start",
    "state",
    "reate",
    "",
    "*",
    ", ",
    "create\", \"start",
];

#[test]
fn which_verbs_are_raised_is_the_level_s_own_affair() {
    let tree = Tree::with(&[
        (
            "31_made_up",
            "title = \"run\"\nroot = [\"create\", \"start\"]\noptions = [\"run\"]\n",
        ),
        ("32_none", "root = []\n"),
        ("33_close_together", "root=[\"create\",\"start\"]"),
        (
            "34_list_that_is_called_otherwise",
            "roots = [\"state\"]\n# root = [\"x\"]\n  root  = [ \"create\", ]\n",
        ),
        ("complete", "root = [\"create\"]\n"),
        (last_solution(), "root = [\"run\", \"state\"]\n"),
    ]);
    for (program, expected) in [
        ("level31", &["create", "start"][..]),
        ("level32", &[]),
        ("level33", &["create", "start"]),
        ("level34", &["create"]),
        ("complete", &["create"]),
        ("rd", &["run", "state"]),
    ] {
        assert_eq!(raised(&tree, program, &VERBS), expected, "{program}");
    }
}

#[test]
fn where_no_level_says_it_run_is_raised() {
    let tree = Tree::with(&[("05_says_nothing", "title = \"root\"\n")]);
    fs::create_dir_all(tree.root().join("levels/06_has_no_such_file")).unwrap();
    for program in ["level05", "level06", "level07", "rd"] {
        assert_eq!(raised(&tree, program, &VERBS), ["run"], "{program}");
    }
    // A program that is no level's has no verbs.
    assert_eq!(raised(&tree, "level7", &VERBS), [""; 0]);
}

#[test]
fn the_script_finds_its_tree_from_wherever_it_is_started() {
    let tree = Tree::with(&[(last_solution(), "root = [\"start\"]\n")]);
    let machine = Machine::with(&[("sudo", SUDO)]);
    let sub = tree.root().join("levels").join(last_solution());
    for (directory, script) in [
        (tree.root(), ".cargo/as-root"),
        (sub, "../../.cargo/as-root"),
        (tree.root().join(".cargo"), "as-root"),
    ] {
        let mut command = Command::new("sh");
        command.arg(script).arg(machine.program("rd")).arg("start");
        command
            .current_dir(&directory)
            .stdin(std::process::Stdio::null());
        let output = command.env("PATH", machine.bin()).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.starts_with("sudo yes\n"), "{script}: {printed}");
    }
}

#[test]
fn a_level_s_verbs_are_raised_as_its_level_toml_says() {
    let machine = Machine::with(&[("sudo", SUDO)]);
    for level in syllabus::all() {
        let package = level.package();
        if package != syllabus::RUNTIME {
            fs::copy(machine.program("rd"), machine.program(&package)).unwrap();
        }
        let raised = &level.facts.root;
        for verb in raised.iter().map(String::as_str).chain(["run", "help"]) {
            let needs_root = raised.iter().any(|it| it == verb);
            let expected = if needs_root {
                "sudo yes\n"
            } else {
                "sudo no\n"
            };
            let (printed, said, _) = machine.run(&package, &[verb, "true"]);
            assert!(
                printed.starts_with(expected),
                "{package} {verb}: {printed}{said}"
            );
        }
    }
}

/// On a machine that has its doubts: `unshare` answers as told.
fn rootless(unshare: &str, words: &[&str]) -> (String, String, Option<i32>) {
    let tree = Tree::with(&[(
        last_solution(),
        "rootless = [\"run\"]\nroot = [\"start\"]\n",
    )]);
    let machine = Machine::with(&[("sudo", SUDO), ("unshare", unshare)]);
    machine.run_by(tree.as_root(), "rd", words)
}

const GRANTED: &str = "#!/bin/sh\nexit 0\n";

#[test]
fn what_can_do_without_root_is_not_raised_unless_it_is_asked_for() {
    for (sysctl, forbids) in [
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
        ("kernel/unprivileged_userns_clone", "0"),
        ("user/max_user_namespaces", "0"),
    ] {
        let value = fs::read_to_string(Path::new("/proc/sys").join(sysctl));
        if value.is_ok_and(|it| it.trim() == forbids) {
            println!("not tried: this machine forbids user namespaces");
            return;
        }
    }
    for (words, expected) in [
        (&["run", "true"][..], "sudo no\n"),
        (&["run", "--as-root", "true"], "sudo yes\n"),
        (&["run", "--keep", "--as-root", "true"], "sudo yes\n"),
        (&["run", "-i", "alpine", "--as-root", "true"], "sudo yes\n"),
        // The command's own word.
        (&["run", "true", "--as-root"], "sudo no\n"),
        (&["run", "--", "true", "--as-root"], "sudo no\n"),
        (&["start", "true"], "sudo yes\n"),
        (&["stop", "true"], "sudo no\n"),
    ] {
        let (printed, said, status) = rootless(GRANTED, words);
        assert!(printed.starts_with(expected), "{words:?}: {printed}{said}");
        assert_eq!((said.as_str(), status), ("", Some(0)), "{words:?}");
    }
}

#[test]
fn where_the_machine_gives_no_user_namespace_one_line_says_so_and_it_is_raised() {
    let refused =
        "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n";
    let (printed, said, status) = rootless(refused, &["run", "true"]);
    assert!(printed.starts_with("sudo yes\n"), "{printed}");
    assert_eq!((said.lines().count(), status), (1, Some(0)), "{said}");
    assert!(
        said.contains("unshare failed: Operation not permitted"),
        "{said}"
    );
    // Asked for, it needs no reason.
    let (_, said, _) = rootless(refused, &["run", "--as-root", "true"]);
    assert_eq!(said, "");
}

/// What makes namespaces and mounts: a level's checks, and the trials of `system-tests`.
#[test]
fn tests_that_make_a_sandbox_are_raised_and_no_others() {
    let tree = Tree::with(&[]);
    for (program, expected) in [
        ("check-0123abcd", &["--ignored", ""][..]),
        ("system_tests-0123abcd", &["--ignored", ""]),
        ("curriculum-0123abcd", &[]),
        ("system_tests", &[]),
    ] {
        let words = ["--ignored", ""];
        assert_eq!(raised(&tree, program, &words), expected, "{program}");
    }
}

#[test]
fn help_asks_nobody_for_root() {
    let machine = Machine::with(&[]);
    for (program, words) in [
        ("level19", &["run", "--help"][..]),
        ("level19", &["run", "--keep", "-h"]),
        ("level19", &["run", "-i", "alpine", "--help"]),
        ("level19", &["run", "--image-name=alpine", "--help"]),
        ("workshop", &["clean", "--help"]),
        ("workshop", &["clean", "--container-dir", "/x", "-h"]),
    ] {
        let (printed, said, status) = machine.run(program, words);
        assert!(printed.starts_with("sudo no\n"), "{words:?}: {said}");
        assert_eq!(status, Some(0));
    }
    // The command's own.
    for words in [
        &["run", "ls", "--help"][..],
        &["run", "--keep", "ls", "--help"],
        &["run", "--", "ls", "-h"],
        &["run", "-i", "alpine", "ls", "--help"],
    ] {
        let (printed, said, status) = machine.run("level19", words);
        assert_eq!((printed.as_str(), status), ("", Some(125)), "{words:?}");
        assert!(said.contains("There is no sudo here"), "{said}");
    }
}

#[test]
fn what_one_s_own_containers_have_left_takes_no_root() {
    let machine = Machine::with(&[]);
    for words in [&["clean", "--own"][..], &["clean", "--dry-run", "--own"]] {
        let (printed, said, status) = machine.run("workshop", words);
        assert!(printed.starts_with("sudo no\n"), "{words:?}: {said}");
        assert_eq!(status, Some(0));
    }
    let (_, said, status) = machine.run("workshop", &["clean", "--dry-run"]);
    assert_eq!(status, Some(125), "{said}");
}

#[test]
fn the_reason_of_sudo_is_passed_on() {
    let refusing = "#!/bin/sh\necho 'sudo: you are not in the sudoers file' >&2\nexit 1\n";
    let machine = Machine::with(&[("sudo", refusing)]);
    let (printed, said, status) = machine.run("level19", &["run", "true"]);
    assert_eq!((printed.as_str(), status), ("", Some(125)));
    assert!(
        said.contains("sudo does not let us: sudo: you are not in the sudoers file"),
        "{said}"
    );
}

#[test]
fn where_there_is_no_sudo_doas_and_run0_will_do() {
    const RUN0: &str = "#!/bin/sh\n[ \"$1\" = --no-ask-password ] || exit 9\nshift 2\n\
                        exec env -i PATH=\"$PATH\" BY_SUDO=run0 \"$@\"\n";
    let doas = SUDO.replace("BY_SUDO=yes", "BY_SUDO=doas");
    let machine = Machine::with(&[("doas", &doas), ("run0", RUN0)]);
    assert!(
        machine
            .run("level19", &["run", "true"])
            .0
            .starts_with("sudo doas\n")
    );
    fs::remove_file(machine.bin().join("doas")).unwrap();
    let (printed, said, _) = machine.run("level19", &["run", "a=b"]);
    assert!(
        printed.starts_with("sudo run0\n") && printed.ends_with("\na=b\n"),
        "{printed}{said}"
    );
}

#[test]
fn a_program_without_its_x_bit_is_named() {
    let machine = Machine::with(&[]);
    let program = machine.program("level19");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    let (printed, said, status) = machine.run("level19", &["run", "--help"]);
    assert_eq!((printed.as_str(), status), ("", Some(125)));
    assert!(
        said.starts_with(&format!("{} cannot be executed", program.display())),
        "{said}"
    );
    assert!(said.contains("CARGO_TARGET_DIR"), "{said}");
}

#[test]
fn so_is_one_on_a_file_system_that_nothing_is_executed_on() {
    if !nix::unistd::geteuid().is_root() {
        println!("not tried: only root can mount one");
        return;
    }
    let machine = Machine::with(&[]);
    let as_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cargo/as-root");
    let place = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o noexec none \"$1\" && cp \"$0\" \"$1/level19\" && exec \"$2\" \"$1/level19\" run true")
        .arg(machine.program("level19"))
        .arg(place.path())
        .arg(as_root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(said.contains("mounted noexec"), "{said}");
}

#[test]
fn a_program_is_no_variable_wherever_it_is() {
    let scratch = tempfile::tempdir().unwrap();
    script(&scratch.path().join("bin/sudo"), SUDO);
    script(&scratch.path().join("bin/id"), "#!/bin/sh\necho 1000\n");
    let path = format!("{}:/usr/bin:/bin", scratch.path().join("bin").display());
    let as_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cargo/as-root");
    for directory in ["plain", "a=b", "a b='c'", "PATH=", "=", "-n=", "$(x)"] {
        let program = scratch.path().join(directory).join("level19");
        script(&program, PROGRAM);
        let program = program.to_str().unwrap();
        for images in [None, Some("/im=ages with blanks")] {
            let words = ["run", "x=y", "", "--", "a b", "-n", "$HOME"];
            let mut command = Command::new(&as_root);
            command.arg(program).args(words);
            command.env_clear().env("PATH", &path).env("SECRET", "x");
            command.envs(images.map(|images| ("RUBBER_DOCKER_IMAGES", images)));
            command.stdin(std::process::Stdio::null());
            let output = command.output().unwrap();
            let images = format!("images {}", images.unwrap_or("none"));
            let start = ["sudo yes", &images, "secret none", program];
            let expected = start.into_iter().chain(words).collect::<Vec<_>>();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(
                said.lines().collect::<Vec<_>>(),
                expected,
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}
