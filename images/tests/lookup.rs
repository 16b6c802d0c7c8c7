//! Finding images, and making `base`.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::{Scratch, Tar, is_root, skip_without_root};
use rstest::rstest;

#[test]
fn an_unknown_image_is_told_with_those_that_are_there() {
    let scratch = Scratch::new();
    for name in [
        "debian.tar",
        "alpine.tar.gz",
        "void.tar.zst",
        "notes.txt",
        ".hidden.tar",
    ] {
        fs::write(scratch.images().join(name), "").unwrap();
    }
    let text = images::find(&scratch.images(), "nix")
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("(there: alpine, base, debian, void)"),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "no image \"nix\" in {}",
            scratch.images().display()
        )),
        "{text}"
    );
    assert!(
        text.contains("nix.tar, nix.tar.gz, nix.tar.xz or nix.tar.zst"),
        "{text}"
    );
}

#[test]
fn an_unknown_image_in_a_directory_that_is_not_there_is_told_likewise() {
    let scratch = Scratch::new();
    let text = images::find(&scratch.path().join("nowhere"), "nix")
        .unwrap_err()
        .to_string();
    assert!(text.contains("(there: base)"), "{text}");
    assert!(!scratch.path().join("nowhere").exists());
}

#[rstest]
#[case::a_path("../canary/file")]
#[case::nothing("")]
#[case::a_nul("a\0b")]
fn a_name_that_could_be_a_path_is_never_looked_up(#[case] name: &str) {
    let scratch = Scratch::new();
    assert!(
        images::find(&scratch.images(), name)
            .unwrap_err()
            .to_string()
            .contains("no name of an image")
    );
}

#[test]
fn a_directory_is_no_archive() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.images().join("debian.tar")).unwrap();
    let text = images::find(&scratch.images(), "debian")
        .unwrap_err()
        .to_string();
    assert!(text.contains("not a regular file"), "{text}");
}

#[test]
fn an_archive_that_cannot_be_read_is_named() {
    if is_root() {
        eprintln!("skipped: needs an ordinary user, because root may read everything");
        return;
    }
    let scratch = Scratch::new();
    let image = scratch.image(b"");
    fs::set_permissions(image.archive(), Permissions::from_mode(0o000)).unwrap();
    let text = image
        .unpack_into(&scratch.target())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("image.tar") && text.contains("EACCES") && text.contains("root"),
        "{text}"
    );
    assert!(!scratch.target().exists());
}

#[test]
fn an_image_directory_that_is_not_writable_is_named_with_a_way_out() {
    let scratch = Scratch::new();
    // A place where no user can make a directory, not even root.
    let directory = Path::new("/proc/nowhere/images");
    let text = images::find(directory, "base").unwrap_err().to_string();
    assert!(
        text.contains("/proc/nowhere/images") && text.contains("RUBBER_DOCKER_IMAGES"),
        "{text}"
    );
    if !is_root() {
        fs::set_permissions(scratch.images(), Permissions::from_mode(0o500)).unwrap();
        let text = images::find(&scratch.images(), "base")
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("EACCES") && text.contains("run it as root"),
            "{text}"
        );
    }
}

#[test]
fn base_is_made_on_first_use_in_a_directory_that_is_made_too() {
    let scratch = Scratch::new();
    let directory = scratch.path().join("images/deep/er");
    let image = images::find(&directory, "base").unwrap();
    assert_eq!(image.archive(), directory.join("base.tar"));
    let made = fs::metadata(image.archive()).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o644);
    let left: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["base.tar"]);
    // The second time it is found, and not made.
    images::find(&directory, "base").unwrap();
    assert_eq!(
        fs::metadata(image.archive()).unwrap().modified().unwrap(),
        made.modified().unwrap()
    );
}

#[test]
fn base_is_the_same_each_time_and_all_of_it_is_roots() {
    let (one, two) = (Scratch::new(), Scratch::new());
    let read = |scratch: &Scratch| {
        fs::read(images::find(&scratch.images(), "base").unwrap().archive()).unwrap()
    };
    let bytes = read(&one);
    assert!(bytes == read(&two), "two archives of one machine differ");
    let mut names = Vec::new();
    for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        let name = entry.path().unwrap().into_owned();
        assert_eq!(
            (header.uid().unwrap(), header.gid().unwrap()),
            (0, 0),
            "{name:?}"
        );
        assert_eq!(header.mode().unwrap() & 0o6000, 0, "{name:?}");
        names.push(name);
    }
    for name in [
        "bin",
        "dev",
        "etc/passwd",
        "proc",
        "sys",
        "tmp",
        "usr/bin/sh",
        "usr/bin/ls",
        "var",
    ] {
        assert!(
            names.iter().any(|there| there.as_path() == Path::new(name)),
            "{name} is missing"
        );
    }
}

#[test]
fn a_base_of_your_own_is_used() {
    let scratch = Scratch::new();
    fs::write(
        scratch.images().join("base.tar.gz"),
        common::gzip(&Tar::new().file("mine", "x").finish()),
    )
    .unwrap();
    images::find(&scratch.images(), "base")
        .unwrap()
        .unpack_into(&scratch.target())
        .unwrap();
    assert_eq!(scratch.tree(), ["mine"]);
}

#[test]
fn a_base_left_half_made_is_made_anew() {
    let scratch = Scratch::new();
    fs::write(
        scratch.images().join(".base.tar.partial"),
        vec![b'x'; 100 << 20],
    )
    .unwrap();
    let image = images::find(&scratch.images(), "base").unwrap();
    assert!(fs::metadata(image.archive()).unwrap().len() < 100 << 20);
    assert!(!scratch.images().join(".base.tar.partial").exists());
}

#[test]
fn base_runs_under_chroot() {
    if skip_without_root("only root may chroot") {
        return;
    }
    let scratch = Scratch::on_disk();
    images::find(&scratch.images(), "base")
        .unwrap()
        .unpack_into(&scratch.target())
        .unwrap();
    let script = "mount -t proc proc \"$1/proc\" && exec chroot \"$1\" /usr/bin/env -i /bin/sh -c \
                  'ls / && ps >/proc/self/fd/2 && ls -ld /root && id && /usr/sbin/mount --version >/proc/self/fd/2 && /bin/cat /etc/os-release'";
    // A mount namespace of its own: what is mounted there goes with it.
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(scratch.target())
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    assert!(
        out.contains("bin\ndev\netc\n") && out.contains("root root") && out.contains("uid=0(root)"),
        "{out}{err}"
    );
    assert!(
        out.contains("Rubber Docker base") && err.contains("PID"),
        "{out}{err}"
    );
    // Each of the programs finds its libraries: a missing one is status 127.
    for program in fs::read_dir(scratch.target().join("usr/bin")).unwrap() {
        let program = Path::new("/usr/bin").join(program.unwrap().file_name());
        let output = Command::new("chroot")
            .arg(scratch.target())
            .arg(&program)
            .arg("--version")
            .stdin(std::process::Stdio::null())
            .output();
        let text = String::from_utf8_lossy(&output.unwrap().stderr).into_owned();
        assert!(
            !text.contains("shared librar") && !text.contains("failed to run"),
            "{program:?}: {text}"
        );
    }
}

#[test]
fn programs_are_packed_with_what_they_need() {
    if skip_without_root("only root may chroot") {
        return;
    }
    let scratch = Scratch::on_disk();
    let this = std::env::current_exe().unwrap();
    let mut tar = Vec::new();
    images::tar_of_programs(
        &[
            (this.as_path(), Path::new("/bin/probe")),
            (Path::new("/bin/cat"), Path::new("/opt/deep/cat")),
        ],
        &mut tar,
    )
    .unwrap();
    scratch.unpack(&tar).unwrap();
    let list = Command::new("chroot")
        .arg(scratch.target())
        .args(["/bin/probe", "--list"])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&list.stdout).contains("programs_are_packed_with_what_they_need"),
        "{list:?}"
    );
    let cat = Command::new("chroot")
        .arg(scratch.target())
        .args(["/opt/deep/cat", "--version"])
        .output()
        .unwrap();
    assert!(cat.status.success(), "{cat:?}");
}

#[rstest]
#[case::missing("/no/such/program", "/bin/x", "ENOENT")]
#[case::a_directory("/usr", "/bin/x", "not a file")]
#[case::upwards("/bin/cat", "../x", "`..`")]
#[case::without_a_directory("/bin/cat", "x", "give its directory")]
fn a_program_that_cannot_be_packed_is_named(
    #[case] host: &str,
    #[case] inside: &str,
    #[case] why: &str,
) {
    let text = images::tar_of_programs(&[(host, inside)], Vec::new())
        .unwrap_err()
        .to_string();
    assert!(text.contains(host) && text.contains(why), "{text}");
}
