//! What a user can do wrong, or a machine can lack, is answered by one paragraph that says
//! what to do, with the right exit status (125 for us, 126 and 127 for the command), without
//! a panic, and nothing is left behind by it: no mount, no half-made directory, no
//! half-unpacked image, no control group. A trial for the solution of each level.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use linux_sys::MsFlags;

use crate::call::Call;
use crate::kernel::entries;
use crate::machine::{Machine, hierarchy, matches, mount_tmpfs, unmount};
use crate::program::{Program, left_in};
use crate::trial::{Case, Look};
use crate::world::in_a_world_where;

const STRANGER: u32 = 65534;

const LOOKS: [Look; 10] = [
    command_line,
    commands,
    images,
    directories,
    numbers,
    no_root,
    disks,
    overlays,
    control_group_hierarchies,
    taken_names,
];

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: String| {
        Case::new("bad_input", name.clone(), move |machine| {
            let program = furnish(machine, &name);
            let before = machine.look();
            for look in LOOKS {
                look(&program);
            }
            machine.is_as_before("after all that", &before);
        })
    };
    crate::program::solutions().into_iter().map(case).collect()
}

/// A copy that every user can reach, and images with something wrong in them. The cache has
/// seen each image once: a tree in it is no trace.
fn furnish<'a>(machine: &'a Machine, name: &str) -> Program<'a> {
    let built = machine.program(name);
    let bin = machine.scratch("bin");
    fs::create_dir(&bin).unwrap();
    let path = bin.join(name);
    fs::copy(&built.path, &path).unwrap();
    let program = Program { path, ..built };
    let images = &program.store.images;
    let image = |name: &str| images.join(name);

    assert_eq!(machine.program("rd").run(["true"]).run().status, 0);
    let base = fs::read(image("base.tar")).unwrap();
    let mut noise = vec![0; 100_000];
    let mut random = fs::File::open("/dev/urandom").unwrap();
    std::io::Read::read_exact(&mut random, &mut noise).unwrap();
    fs::write(image("noise.tar"), noise).unwrap();
    fs::write(image("short.tar"), &base[..1_000_000]).unwrap();
    let shorten = "gzip -1 <\"$0\" | head -c 100000 >\"$1\"";
    let call = machine.call("bash").words(["-c", shorten]);
    call.word(image("base.tar"))
        .word(image("short-gz.tar.gz"))
        .run();
    assert!(image("short-gz.tar.gz").metadata().unwrap().len() == 100_000);
    fs::write(image("empty.tar"), "").unwrap();
    fs::create_dir(image("directory.tar")).unwrap();
    fs::write(image("secret.tar"), &base).unwrap();
    chown(image("secret.tar"), Some(STRANGER), None).unwrap();
    fs::set_permissions(image("secret.tar"), fs::Permissions::from_mode(0o000)).unwrap();
    let (link, hollow) = (machine.scratch("link"), machine.scratch("hollow"));
    fs::create_dir(&link).unwrap();
    fs::create_dir(&hollow).unwrap();
    symlink("/etc", link.join("proc")).unwrap();
    for (tree, archive) in [(link, "link.tar"), (hollow, "hollow.tar")] {
        let tar = machine.call("tar").word("-C").word(tree).word("-cf");
        assert_eq!(tar.word(image(archive)).word(".").run().status, 0);
    }

    let odd = odd(&program);
    for directory in ["place", "used", "theirs"] {
        fs::create_dir_all(odd.join(directory)).unwrap();
    }
    fs::write(odd.join("file"), "").unwrap();
    fs::write(odd.join("used/something"), "").unwrap();
    for image in ["link", "hollow", "base"] {
        program.run(["-i", image, "true"]).run();
    }
    fs::write(odd.join("theirs/base.tar"), &base).unwrap();
    program
}

/// Where things are that are in the way.
fn odd(program: &Program) -> PathBuf {
    program.machine.scratch("odd")
}

/// An ordinary user, who must be able to reach the programs.
const AS_A_STRANGER: [&str; 6] = [
    "setpriv",
    "--reuid",
    "65534",
    "--regid",
    "65534",
    "--clear-groups",
];
/// Root, but without root's power to read what it may not.
const WITHOUT_DAC: [&str; 3] = [
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
];

// ---- what a user gets wrong ----

/// As a shell starts it: `$0` is the program.
fn in_bash<'a>(program: &Program<'a>, script: &str) -> Call<'a> {
    let nothing: [&str; 0] = [];
    program.call(nothing).behind(["bash", "-c", script])
}

fn command_line(program: &Program) {
    for (about, status, advice, words) in [
        (
            "a mistyped option",
            125,
            "unexpected argument '--kep'",
            &["run", "--kep", "true"][..],
        ),
        (
            "a mistyped action",
            125,
            "unrecognized subcommand 'rum'",
            &["rum", "true"],
        ),
        ("no command", 125, "required arguments", &["run"]),
        (
            "an option without its value",
            125,
            "value is required",
            &["run", "--image-name"],
        ),
        (
            "Docker's --rm",
            125,
            "leave .--rm. out",
            &["run", "--rm", "alpine", "ls"],
        ),
        (
            "Docker's -it",
            125,
            "your terminal in any case",
            &["run", "-it", "bash"],
        ),
        (
            "Docker's -p",
            125,
            "no port of a container",
            &["run", "-p", "80:80", "true"],
        ),
        (
            "Docker's order of words",
            127,
            "name of an image: run -i NAME",
            &["run", "alpine", "ls"],
        ),
    ] {
        program.refused(about, status, advice, &program.call(words));
    }
    evil_names(program);
    program.refused(
        "a directory as standard input",
        125,
        "descriptor 0 is a directory.*/dev/null",
        &in_bash(
            program,
            "exec \"$0\" run cat /proc/self/fd/0/etc/hostname </",
        ),
    );
    program.refused(
        "an image name that is no text",
        125,
        "invalid UTF-8",
        &program
            .run(["-i"])
            .word(OsStr::from_bytes(b"\xff"))
            .word("true"),
    );
}

/// ESC [ 2 J clears the screen, U+202E turns round what comes after it.
fn evil_names(program: &Program) {
    let machine = program.machine;
    let evil = "x\u{1b}[2J\u{202e}";
    let calls = [
        &[][..],
        &["rum"],
        &["run", "--kep"],
        &["run", "--help"],
        &["run", "-i", "unknown", "true"],
    ];
    let mut calls: Vec<Call> = calls
        .into_iter()
        .map(|words| program.call(words).called(evil))
        .collect();
    calls.push(program.run([&format!("--{evil}"), "true"]));
    let below = odd(program).join("file").join(evil);
    let call = program.run(["--container-dir"]).word(below).word("true");
    calls.push(call);
    let ended = calls.iter().map(Call::run);
    let said: String = ended.map(|it| it.out + &it.err).collect();
    let name = &program.name;
    machine.says(
        &format!("{name}: a name that a terminal would obey is shown as text"),
        r"^x.u\{1b\}\[2J.u\{202e\}: ",
        &said,
    );
    let obeyed = said
        .lines()
        .filter(|line| matches("\u{1b}\\[2J|\u{202e}", line));
    machine.none(&format!("{name}: and nowhere as it is"), obeyed);
}

fn commands(program: &Program) {
    for (about, status, advice, command) in [
        (
            "a command that is not there",
            127,
            "no directory in PATH has such a program",
            "no-such-command",
        ),
        (
            "a path that is not there",
            127,
            "ENOENT.*look there",
            "/no/such/command",
        ),
        ("an empty command", 127, "ENOENT", ""),
        (
            "a path through a file",
            127,
            "ENOTDIR",
            "/etc/passwd/command",
        ),
        (
            "a file that is no program",
            126,
            "EACCES.*chmod",
            "/etc/passwd",
        ),
        ("a directory as command", 126, "EACCES.*directory", "/etc"),
    ] {
        program.refused(about, status, advice, &program.run(["--", command]));
    }
    let script = "\"$0\" run -- no-such-command 2>&-; status=$?; echo \"${0##*/}: closed\" >&2; exit $status";
    let about = "an unknown command, with standard error closed";
    program.refused(about, 127, ".", &in_bash(program, script));
}

fn images(program: &Program) {
    let of_image = |image: &str| program.run(["-i", image, "true"]);
    program.refused(
        "an unknown image",
        125,
        "no image \"unknown\".*put its root file system there as unknown.tar",
        &of_image("unknown"),
    );
    let long = "x".repeat(300);
    let wrong = [
        "a/b",
        "../base",
        "/etc/passwd",
        "..",
        ".",
        ".hidden",
        "a b",
        "",
        &long,
    ];
    for wrong in wrong {
        program.refused(
            &format!("the image name {wrong:.20?}"),
            125,
            "is no name of an image: .*a name is made of",
            &program.run([&format!("--image-name={wrong}"), "true"]),
        );
    }
    if program.name == "level01" {
        return; // does not unpack anything yet
    }
    for (about, status, advice, image) in [
        ("an archive of noise", 125, "tar.*What to do", "noise"),
        (
            "an archive that is cut short",
            125,
            "cut short.*What to do",
            "short",
        ),
        (
            "a compressed archive that is cut short",
            125,
            "What to do",
            "short-gz",
        ),
        ("an empty archive", 125, "What to do", "empty"),
        (
            "a directory in place of an archive",
            125,
            "not a regular file.*move it",
            "directory",
        ),
        (
            "an image whose /proc is a link",
            125,
            "/proc of this image is a link.*Make it a directory",
            "link",
        ),
        (
            "an image with nothing in it to run",
            127,
            "ENOENT",
            "hollow",
        ),
    ] {
        program.refused(about, status, advice, &of_image(image));
    }
    program.refused(
        "an archive that may not be read",
        125,
        "EACCES.*(root|chmod|read)",
        &of_image("secret").behind(WITHOUT_DAC),
    );
}

fn with_containers<'a>(program: &Program<'a>, place: &Path, words: &[&str]) -> Call<'a> {
    let call = program.run(["--container-dir"]);
    call.word(place).words(words)
}

fn with_images<'a>(program: &Program<'a>, place: &Path, words: &[&str]) -> Call<'a> {
    let call = program.run(["--image-dir"]);
    call.word(place).words(words)
}

fn directories(program: &Program) {
    let machine = program.machine;
    let odd = odd(program);
    let works = ["echo", "served"];
    program.served(
        "a container directory with a space in its name",
        &with_containers(program, &odd.join("a b"), &works),
    );
    program.served(
        "a container directory that is relative",
        &with_containers(program, Path::new("relative"), &works).directory(&odd),
    );
    program.served(
        "an image directory that is relative",
        &with_images(program, Path::new("images"), &works).directory(machine.scratch("")),
    );
    // The kernel's own separators in the options of an overlay. Both are fine, as long as
    // the refusal says which directory to change.
    for sign in [',', ':', '\\'] {
        let about = format!("a container directory with '{sign}' in its name");
        let call = with_containers(program, &odd.join(format!("a{sign}b")), &works);
        if call.run().status == 0 {
            program.served(&about, &call);
        } else {
            program.refused(
                &about,
                125,
                "--container-dir|RUBBER_DOCKER_CONTAINERS",
                &call,
            );
        }
    }
    for (about, advice, place) in [
        (
            "a container directory that is a file",
            "is a file.*RUBBER_DOCKER_CONTAINERS",
            "file",
        ),
        (
            "a container directory below a file",
            "(EEXIST|ENOTDIR).*ls -ld",
            "file/below",
        ),
        (
            "a container directory that others use",
            "holds other things.*--container-dir",
            "used",
        ),
    ] {
        let call = with_containers(program, &odd.join(place), &["true"]);
        program.refused(about, 125, advice, &call);
    }
    machine.same(
        &format!("{}: it is left as open as it was", program.name),
        0o755,
        crate::kernel::mode(&odd.join("used")),
    );
    program.refused(
        "an image directory that is a file",
        125,
        "ENOTDIR.*choose another path",
        &with_images(program, &odd.join("file"), &["true"]),
    );
}

/// Whether this level has the option. A skeleton reads its own, if it does nothing with it yet.
fn has(program: &Program, option: &str) -> bool {
    let help = program.run(["--help"]).run();
    matches(&format!("{option}[ =]"), &help.out)
}

fn numbers(program: &Program) {
    let refused = |option: &str, wrong: &[&str], advice: &str, others: &[&str]| {
        for wrong in wrong {
            let word = format!("{option}={wrong}");
            let call = program.run(others).word(&word).word("true");
            program.refused(&word, 125, advice, &call);
        }
    };
    let huge = "99999999999999999999999";
    if has(program, "--cpu-shares") {
        let wrong = ["", "1", "0", "262145", huge, "1.5", "12q", "-5"];
        refused("--cpu-shares", &wrong, "--cpu-shares", &[]);
    }
    if has(program, "--memory") {
        let wrong = [
            "0",
            "0m",
            "",
            "m",
            "-1",
            "12q",
            "1.5g",
            "64mb",
            "99999999999g",
            huge,
        ];
        let advice = "--memory.*: (a size is|nothing can run|that is more)|value is required";
        refused("--memory", &wrong, advice, &[]);
        let wrong = ["0", "", "12q", "-2"];
        refused(
            "--memory-swap",
            &wrong,
            "--memory-swap",
            &["--memory", "64m"],
        );
        program.refused(
            "--memory-swap without --memory",
            125,
            "not provided|--memory ",
            &program.run(["--memory-swap", "64m", "true"]),
        );
        if program.name != "level09" {
            let limits = ["--memory", "64m", "--memory-swap", "32m", "true"];
            program.refused(
                "--memory-swap below --memory",
                125,
                "memory-swap is memory and swap together.*less than --memory",
                &program.run(limits),
            );
        }
    }
    if has(program, "--user") {
        let wrong = [
            "",
            "root",
            "-1",
            "4294967295",
            "4294967296",
            huge,
            "1.5",
            ":",
            "1:",
            ":1",
            "1:2:3",
            "1:root",
            "1:-1",
            "1:4294967295",
            " 1",
        ];
        let advice = "--user.*not a number from 0 to 4294967294|value is required";
        refused("--user", &wrong, advice, &[]);
    }
    if has(program, "--cap-add") {
        let wrong = ["", "EVERYTHING", "CAP_", "CAP_CAP_CHOWN", "CHOWN,KILL", "5"];
        for option in ["--cap-add", "--cap-drop"] {
            let advice =
                format!("{option}.*(is not a capability; man 7 capabilities|value is required)");
            refused(option, &wrong, &advice, &[]);
        }
    }
}

// ---- what a machine does not give ----

/// Which controllers this level sets limits with, as a solution: it needs each of them.
fn controllers(program: &Program) -> Vec<&'static str> {
    let from = [("cpu", 8), ("memory", 9)];
    let needed = from.iter().filter(|(_, level)| program.solves(*level));
    needed.map(|(controller, _)| *controller).collect()
}

fn control_group_hierarchies(program: &Program) {
    let needed = controllers(program);
    let refused = |about: &str, advice: &str, commands: &str| {
        let call = in_a_world_where(commands, program.run(["true"]));
        program.refused(about, 125, advice, &call);
    };
    let hidden = "no cgroup hierarchy|hidden|not mounted";
    for controller in &needed {
        let Some(top) = hierarchy(controller) else {
            return program.machine.skip("no hierarchy has the controllers");
        };
        let top = top.display();
        refused(
            &format!("the hierarchy of {controller} is read-only"),
            "EROFS.*read-only",
            &format!("mount -o remount,bind,ro {top}"),
        );
        refused(
            &format!("the hierarchy of {controller} is not mounted"),
            &format!(
                "no cgroup hierarchy of this machine has the {controller} controller.*Look for it in"
            ),
            &format!("umount {top}"),
        );
        refused(
            &format!("the hierarchy of {controller} is hidden by another mount"),
            hidden,
            &format!("mount -t tmpfs none {top}"),
        );
    }
    if !needed.is_empty() {
        refused(
            "all hierarchies are hidden by another mount",
            hidden,
            "mount -t tmpfs none /sys/fs/cgroup",
        );
    }
}

/// The name of a container comes out of /dev/urandom. For these that always says the same.
fn taken_names(program: &Program) {
    let taken = "616263646566";
    let urandom = odd(program).join("urandom");
    fs::write(&urandom, "abcdef").unwrap();
    let refused = |about: &str| {
        let always_the_same = format!("mount --bind {} /dev/urandom", urandom.display());
        let call = in_a_world_where(&always_the_same, program.run(["true"]));
        program.refused(about, 125, "EEXIST.*left", &call);
    };
    let directory = program.store.containers.join(taken);
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("something"), "").unwrap();
    let about = "a container of that name exists";
    refused(about);
    program.machine.check(
        &format!("{}: {about}: it is left alone", program.name),
        directory.join("something").exists(),
        String::new,
    );
    fs::remove_dir_all(&directory).unwrap();
    for controller in controllers(program) {
        // On version 2 there is one for both.
        let Some(top) = hierarchy(controller) else {
            return program.machine.skip("no hierarchy has the controllers");
        };
        let group = top.join("rubber-docker").join(taken);
        fs::create_dir_all(&group).unwrap();
        refused(&format!("a {controller} group of that name exists"));
        if group.exists() {
            fs::remove_dir(&group).unwrap();
        }
    }
}

fn no_root(program: &Program) {
    let call = program.run(["true"]).behind(AS_A_STRANGER);
    program.refused("no root", 125, "root|sudo", &call);
    if program.name == "level01" {
        return; // the solution of 00 needs none
    }
    // Even where the directories would allow it.
    let theirs = odd(program).join("theirs");
    chown(&theirs, Some(STRANGER), None).unwrap();
    let containers = theirs.join("containers");
    let call = with_containers(program, &containers, &["--image-dir"]);
    let call = call.word(&theirs).words(["-i", "base", "true"]);
    let about = "no root, in directories of their own";
    let call = call.behind(AS_A_STRANGER);
    // The last level is about just that.
    match program.name.as_str() {
        "rd" => program.machine.same(about, 0, call.run().status),
        _ => program.refused(about, 125, "EPERM.*(root|CAP_SYS)", &call),
    }
    program.machine.none(
        &format!(
            "{}: no root: nothing is left in their directory",
            program.name
        ),
        left_in(&containers),
    );
}

fn disks(program: &Program) {
    let machine = program.machine;
    let name = &program.name;
    let place = &odd(program).join("place");
    let with_tmpfs = |options: &str, look: &dyn Fn()| {
        mount_tmpfs(place, options);
        look();
        unmount(place);
    };
    let read_only = |mode: &str, look: &dyn Fn()| {
        mount_tmpfs(place, mode);
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        linux_sys::mount("none", place, "", flags, "").unwrap();
        look();
        unmount(place);
    };
    read_only("mode=755", &|| {
        program.refused(
            "an image directory that cannot be written",
            125,
            "EROFS.*(--image-dir|RUBBER_DOCKER_IMAGES)",
            &with_images(program, place, &["true"]),
        );
    });
    with_tmpfs("size=64k,mode=755", &|| {
        let about = "an image directory without room";
        let call = with_images(program, place, &["true"]);
        program.refused(about, 125, "ENOSPC.*room", &call);
        let left = format!("{name}: {about}: nothing is left in it");
        machine.none(&left, entries(place));
    });
    read_only("mode=700", &|| {
        program.refused(
            "a container directory that cannot be written",
            125,
            "EROFS|[Rr]ead-only",
            &with_containers(program, place, &["true"]),
        );
    });
    if name == "level01" {
        return;
    }
    with_tmpfs("size=1m,mode=700", &|| {
        let about = "a container directory without room";
        let call = with_containers(program, place, &["true"]);
        program.refused(about, 125, "ENOSPC.*room", &call);
        let left = left_in(place).into_iter();
        machine.none(
            &format!("{name}: {about}: nothing is left in it"),
            left.chain(entries(&place.join(".images"))),
        );
    });
}

fn overlays(program: &Program) {
    let machine = program.machine;
    let odd = odd(program);
    let place = odd.join("place");
    let mut options = Vec::new();
    for (option, directory) in [
        ("lowerdir", "lower"),
        ("upperdir", "upper"),
        ("workdir", "work"),
    ] {
        fs::create_dir(odd.join(directory)).unwrap();
        options.push(format!("{option}={}", odd.join(directory).display()));
    }
    let options = options.join(",");
    linux_sys::mount("none", &place, "overlay", MsFlags::empty(), &options).unwrap();
    let containers = place.join("containers");
    let about = "a container directory on an overlay";
    let uses_overlay = program.solves(4);
    if uses_overlay {
        program.refused(
            about,
            125,
            "EINVAL.*(RUBBER_DOCKER_CONTAINERS|--container-dir|tmpfs|volume)",
            &with_containers(program, &containers, &["true"]),
        );
        let left = format!("{}: {about}: no container is left", program.name);
        machine.none(&left, left_in(&containers));
    } else {
        let call = with_containers(program, &containers, &["echo", "served"]);
        program.served(about, &call);
    }
    unmount(&place);

    if !uses_overlay {
        return;
    }
    if machine
        .call("strace")
        .words(["-o", "/dev/null", "true"])
        .run()
        .status
        != 0
    {
        machine.skip("there is no strace here to play a kernel without overlay");
        return;
    }
    // The child's first mount makes the tree private, its second is the overlay.
    let strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=mount"];
    let inject = ["-e", "inject=mount:error=ENODEV:when=2"];
    program.refused(
        "a kernel without overlay",
        125,
        "ENODEV.*modprobe overlay",
        &program.run(["true"]).behind(strace.iter().chain(&inject)),
    );
}
