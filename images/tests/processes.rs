//! What takes more than one process to show: many that start at once, one that
//! is killed half-way, one that must not have a second thread, and one in a
//! mount namespace of its own.
//!
//! This executable is also the helper that its tests start; so it has its own
//! `main`, and a helper is the only thread of its process.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(unreachable_pub, reason = "shared with the other tests")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Output, Stdio};

use common::{Scratch, Tar, gzip};
use libtest_mimic::{Arguments, Failed, Trial};
use linux_sys::{CloneFlags, MntFlags, MsFlags};

/// The variable that tells a helper process what to do.
const VERB: &str = "IMAGES_TEST_HELPER";
/// The status of a helper that may not do here what it is for.
const CANNOT: u8 = 77;

fn main() -> ExitCode {
    let verb = std::env::var(VERB).unwrap_or_default();
    let directory = std::env::args_os().nth(1).unwrap_or_default();
    let directory = Path::new(&directory);
    match verb.as_str() {
        "" => {
            let tests = vec![
                test(
                    "fifty_processes_on_a_cold_cache_all_get_the_whole_image",
                    fifty_processes,
                ),
                test(
                    "fifty_threads_on_a_cold_cache_all_get_the_whole_image",
                    fifty_threads,
                ),
                test(
                    "processes_that_make_base_at_once_all_find_the_whole_of_it",
                    base_at_once,
                ),
                test(
                    "a_process_that_is_killed_while_unpacking_leaves_nothing_that_is_used",
                    killed,
                ),
                test(
                    "a_process_that_is_killed_while_making_base_leaves_nothing_that_is_used",
                    killed_making_base,
                ),
                test("an_image_that_is_replaced_is_unpacked_again", replaced),
                test(
                    "a_broken_image_leaves_nothing_in_the_cache",
                    broken_in_cache,
                ),
                test(
                    "the_progress_bar_is_shown_on_a_terminal_and_leaves_no_thread",
                    progress,
                ),
                test(
                    "what_is_mounted_in_a_tree_is_neither_removed_nor_emptied",
                    mounted,
                ),
            ];
            libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
        }
        "cache" => {
            let image = images::find(&directory.join("images"), "image").unwrap();
            let tree = image.unpacked(&directory.join("store")).unwrap();
            assert_eq!(fs::read(tree.join("last")).unwrap(), b"complete");
            println!("{}", tree.display());
            ExitCode::SUCCESS
        }
        "base" => {
            let image = images::find(&directory.join("images"), "base").unwrap();
            println!("{}", fs::metadata(image.archive()).unwrap().len());
            ExitCode::SUCCESS
        }
        "threads" => {
            let image = images::find(&directory.join("images"), "image").unwrap();
            image.unpack_into(&directory.join("target")).unwrap();
            println!(
                "threads: {}",
                fs::read_dir("/proc/self/task").unwrap().count()
            );
            ExitCode::SUCCESS
        }
        "mounted" => remove_what_is_mounted(directory),
        unknown => {
            eprintln!("no helper is called {unknown}");
            ExitCode::FAILURE
        }
    }
}

fn test(name: &str, body: fn()) -> Trial {
    Trial::test(name, move || {
        std::panic::catch_unwind(body).map_err(|_| Failed::from("see the panic above"))
    })
}

fn helper(verb: &str, scratch: &Scratch) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env(VERB, verb)
        .arg(scratch.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn succeeded(output: Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// What helpers say that are started together.
///
/// All have ended before one of them is judged: a failed test would otherwise
/// clean up under the hands of those that still run.
fn at_once(count: usize, verb: &str, scratch: &Scratch) -> Vec<String> {
    let children: Vec<Child> = (0..count)
        .map(|_| helper(verb, scratch).spawn().unwrap())
        .collect();
    let outputs: Vec<Output> = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    outputs.into_iter().map(succeeded).collect()
}

/// An image that takes a while: what was unpacked last is named `last`.
fn slow_image(files: usize) -> Vec<u8> {
    let mut tar = Tar::new();
    for number in 0..files {
        tar = tar.file(format!("d{}/f{number}", number % 50), "x");
    }
    tar.file("last", "complete").finish()
}

/// What is in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn fifty_processes() {
    let scratch = Scratch::new();
    scratch.image(&gzip(&slow_image(1000)));
    let mut trees = at_once(50, "cache", &scratch);
    trees.dedup();
    assert_eq!(trees.len(), 1, "{trees:?}");
    let cache = names(&scratch.store().join(".images"));
    assert_eq!(cache.len(), 1, "{cache:?}");
    let mode =
        std::os::unix::fs::MetadataExt::mode(&scratch.store().join(".images").metadata().unwrap());
    assert_eq!(mode & 0o777, 0o700);
}

fn fifty_threads() {
    let scratch = Scratch::new();
    let image = scratch.image(&slow_image(1000));
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                let tree = image.unpacked(&scratch.store()).unwrap();
                assert_eq!(fs::read(tree.join("last")).unwrap(), b"complete");
            });
        }
    });
    assert_eq!(names(&scratch.store().join(".images")).len(), 1);
}

fn base_at_once() {
    let scratch = Scratch::new();
    let mut sizes = at_once(8, "base", &scratch);
    sizes.dedup();
    assert_eq!(sizes.len(), 1, "{sizes:?}");
    assert_eq!(names(&scratch.images()), ["base.tar"]);
}

/// Waits until `seen` is true of what the helper is doing; false if it ended before.
fn until(child: &mut Child, mut seen: impl FnMut() -> bool) -> bool {
    while child.try_wait().unwrap().is_none() {
        if seen() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

fn killed() {
    let scratch = Scratch::new();
    scratch.image(&slow_image(5000));
    let cache = scratch.store().join(".images");
    for round in 0..3 {
        let mut child = helper("cache", &scratch).spawn().unwrap();
        let begun = until(&mut child, || {
            let partial = fs::read_dir(&cache).into_iter().flatten().flatten().next();
            // From the second round on there is something left over, which goes first.
            partial.is_some_and(|partial| partial.path().join(format!("d{}", round * 7)).exists())
        });
        assert!(begun, "{:?}", child.wait_with_output());
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        let left = names(&cache);
        assert!(left.len() == 1 && left[0].ends_with(".partial"), "{left:?}");
        // Whatever is left over, none of it may get into the image.
        fs::write(cache.join(&left[0]).join("stray"), "x").unwrap();
    }
    let tree = succeeded(helper("cache", &scratch).output().unwrap());
    let left = names(&cache);
    assert!(
        left.len() == 1 && tree.trim().ends_with(&left[0]),
        "{left:?} {tree}"
    );
    assert_eq!(fs::read_dir(tree.trim()).unwrap().count(), 51);
}

fn killed_making_base() {
    let scratch = Scratch::new();
    let partial = scratch.images().join(".base.tar.partial");
    let mut child = helper("base", &scratch).spawn().unwrap();
    let begun = until(&mut child, || {
        partial.metadata().is_ok_and(|stat| stat.len() > 100_000)
    });
    assert!(begun, "{:?}", child.wait_with_output());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names(&scratch.images()), [".base.tar.partial"]);
    let text = images::find(&scratch.images(), "no-such")
        .unwrap_err()
        .to_string();
    assert!(text.contains("(there: base)"), "{text}");
    succeeded(helper("base", &scratch).output().unwrap());
    assert_eq!(names(&scratch.images()), ["base.tar"]);
}

fn replaced() {
    let scratch = Scratch::new();
    let first = scratch
        .image(&Tar::new().file("one", "x").finish())
        .unpacked(&scratch.store())
        .unwrap();
    fs::remove_file(scratch.images().join(common::ARCHIVE)).unwrap();
    let second = scratch
        .image(&Tar::new().file("two", "x").finish())
        .unpacked(&scratch.store())
        .unwrap();
    assert!(first != second && first.join("one").exists() && second.join("two").exists());
}

fn broken_in_cache() {
    let scratch = Scratch::new();
    let whole = slow_image(10);
    let image = scratch.image(&whole[..whole.len() - 2000]);
    for _ in 0..2 {
        let text = image.unpacked(&scratch.store()).unwrap_err().to_string();
        assert!(text.contains("cut short"), "{text}");
        assert_eq!(names(&scratch.store().join(".images")), [""; 0]);
    }
}

fn progress() {
    let scratch = Scratch::new();
    // How many files take a moment depends on the machine.
    let shown = [15_000, 60_000, 240_000]
        .into_iter()
        .map(|files| {
            scratch.clear();
            scratch.image(&slow_image(files));
            unpack_on_a_terminal(&scratch)
        })
        .find(|shown| !shown.is_empty())
        .unwrap();
    assert!(
        shown.contains("unpacking image") && shown.contains("MiB"),
        "{shown:?}"
    );
    // And where standard error is not a terminal, no bar is drawn.
    scratch.clear();
    let output = helper("threads", &scratch).output().unwrap();
    assert_eq!(output.stderr, b"");
    assert_eq!(succeeded(output), "threads: 1\n");
}

/// What a helper writes to a terminal while it unpacks.
fn unpack_on_a_terminal(scratch: &Scratch) -> String {
    let pty = nix::pty::openpty(None, None).unwrap();
    let mut child = helper("threads", scratch)
        .stderr(Stdio::from(pty.slave))
        .env("TERM", "xterm")
        .spawn()
        .unwrap();
    // Reading fails when the child, who alone holds the terminal, has ended.
    let mut master = fs::File::from(pty.master);
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..count]);
    }
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(line, "threads: 1\n");
    String::from_utf8_lossy(&shown).into_owned()
}

fn mounted() {
    let scratch = Scratch::new();
    let before = scratch.outside();
    let output = helper("mounted", &scratch).output().unwrap();
    if output.status.code() == Some(i32::from(CANNOT)) {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    println!("{}", succeeded(output));
    assert_eq!(scratch.outside(), before);
    assert!(!scratch.target().exists());
}

/// In a mount namespace of its own: a tree with the canary mounted in it, which
/// has the same device number as the tree itself.
fn remove_what_is_mounted(directory: &Path) -> ExitCode {
    let (target, canary) = (directory.join("target"), directory.join("canary"));
    let us = (nix::unistd::geteuid(), nix::unistd::getegid());
    let flags = if us.0.is_root() {
        CloneFlags::CLONE_NEWNS
    } else {
        CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS
    };
    if let Err(error) = linux_sys::unshare(flags) {
        eprintln!("{error}");
        return ExitCode::from(CANNOT);
    }
    if !us.0.is_root() {
        fs::write("/proc/self/setgroups", "deny").unwrap();
        fs::write("/proc/self/uid_map", format!("0 {} 1", us.0)).unwrap();
        fs::write("/proc/self/gid_map", format!("0 {} 1", us.1)).unwrap();
    }
    linux_sys::mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "").unwrap();

    // A directory, deep in the tree; a file; the tree itself.
    let mountpoints = [
        (target.join("a/dev"), canary.clone()),
        (target.join("a/file"), canary.join("file")),
        (target.clone(), canary.clone()),
    ];
    for (mountpoint, source) in mountpoints {
        fs::create_dir_all(target.join("a/dev")).unwrap();
        fs::write(target.join("a/file"), "x").unwrap();
        linux_sys::mount(&source, &mountpoint, "", MsFlags::MS_BIND, "").unwrap();
        let text = images::remove_tree(&target).unwrap_err().to_string();
        assert!(
            text.contains(&format!("`umount -R {}`", mountpoint.display())),
            "{text}"
        );
        assert_eq!(fs::read(canary.join("directory/file")).unwrap(), b"alive");
        assert_eq!(fs::read(canary.join("file")).unwrap(), b"alive");
        assert_eq!(fs::read_dir(&canary).unwrap().count(), 2);
        linux_sys::umount2(&mountpoint, MntFlags::MNT_DETACH).unwrap();
    }
    images::remove_tree(&target).unwrap();
    ExitCode::SUCCESS
}
