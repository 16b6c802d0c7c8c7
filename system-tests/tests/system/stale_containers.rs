//! One command removes what killed parents have left behind, whatever level they had come
//! to; a second one has nothing to do. And it removes nothing else: not what --keep keeps,
//! not what merely has such a name, nothing that a link or a forgotten mount leads to, no
//! process that is not a container's.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use linux_sys::{Mode, SIGKILL};
use sandbox::wait::await_within;

use crate::call::{Call, Ended, Running};
use crate::kernel::{self, entries};
use crate::machine::{Machine, PATIENCE, bind, matches, mount_tmpfs, unmount};
use crate::program::{Program, left_in, solutions};
use crate::trial::Case;

const SUITE: &str = "stale_containers";
const ROUNDS: usize = 5;
const STRANGER: u32 = 65534;

/// No other process has such a word in its command line.
const MARK: &str = "987655.4321";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![Case::new(
        SUITE,
        "half of the parents killed, in every level",
        half_of_them_killed,
    )];
    for (name, look) in NOT_LEFT_OVER {
        let look = *look;
        cases.push(Case::new(SUITE, name, move |machine| {
            let scene = Scene::furnish(machine);
            look(&scene);
            scene.bystander.send(SIGKILL);
            scene.bystander.end();
        }));
    }
    cases
}

fn ours() -> Vec<(i32, String)> {
    let all = kernel::processes().into_iter();
    all.filter(|(_, words)| words.contains(MARK)).collect()
}

/// Ends it abruptly.
fn end(running: Running) {
    running.send(SIGKILL);
    running.end();
}

/// One whose command has begun.
fn begun(call: &Call) -> Running {
    let running = call.start();
    let has_begun = await_within(PATIENCE, || running.printed() == "begun\n");
    assert!(has_begun, "{}", running.said());
    running
}

fn half_of_them_killed(machine: &Machine) {
    let solutions = solutions();
    let programs = || solutions.iter().map(|name| machine.program(name));
    // The image is unpacked first: its cache is meant to stay.
    for program in programs() {
        assert_eq!(program.run(["true"]).run().status, 0);
    }
    let store = machine.store();
    let workshop = machine.program("workshop");
    let before = machine.look();
    let command = format!("sleep {MARK} & echo begun; exec sleep {MARK}");
    let (mut living, mut of_level_00) = (Vec::new(), Vec::new());
    let (mut count, mut killed) = (0, 0);
    for program in programs() {
        for _ in 0..ROUNDS {
            let running = begun(&program.run(["sh", "-c", &command]));
            count += 1;
            // Every other one; the others go on, are in use, and not to be touched.
            if count % 2 == 0 {
                // From level 06 on its command dies with it. While it does, it has no root any
                // more by which clean could know it, and is still in its groups.
                end(running);
                killed += 1;
            } else {
                living.push(running);
            }
        }
        // With level 00 alone nothing is contained yet: the command of a killed parent is a
        // process like any other, and nothing tells whose it was.
        if count == ROUNDS {
            let sleep = format!("sleep {MARK}");
            await_within(PATIENCE, || {
                of_level_00 = ours();
                of_level_00.retain(|(_, words)| *words == sleep);
                of_level_00.len() == 2 * ROUNDS
            });
            machine.same("what level 00 leaves", 2 * ROUNDS, of_level_00.len());
        }
    }
    machine.same("half of the parents were killed", count / 2, killed);

    // What is in use stays: the containers whose parents live.
    let cleaned = workshop.call(["clean"]).run();
    machine.check(
        "clean succeeds while others run",
        cleaned.status == 0,
        || format!("{cleaned:#?}"),
    );
    machine.same(
        "the containers that run are left alone",
        living.len(),
        store.left().len(),
    );

    // Now they end, too, as abruptly.
    let in_use = living.len();
    living.into_iter().for_each(end);
    for (pid, _) in of_level_00 {
        kernel::send(pid, SIGKILL);
    }
    let would = workshop.call(["clean", "--dry-run"]).run();
    machine.says("a dry run says what would be removed", ".", &would.out);
    machine.same("and removes nothing", in_use, store.left().len());
    let cleaned = workshop.call(["clean"]).run();
    machine.check("clean succeeds", cleaned.status == 0, || {
        format!("{cleaned:?}")
    });
    await_within(PATIENCE, || ours().is_empty());
    machine.none("no process is left", ours());
    machine.none("no directory is left", store.left());
    machine.is_as_before("clean", &before);
    let again = workshop.call(["clean"]).run();
    let said = again.out + &again.err;
    machine.says(
        "a second clean says that there is nothing to do",
        "(?i)nothing",
        &said,
    );
    machine.same("in one line", 1, said.lines().count());
}

// ---- what is not left over ----

type Look = fn(&Scene);

const NOT_LEFT_OVER: &[(&str, Look)] = &[
    ("what --keep keeps stays", kept),
    ("what has only such a name stays", names),
    ("links are not followed: ELOOP", links),
    ("mounts in a container's directory are taken away", mounts),
    (
        "a process whose root is in there is ended",
        root_of_a_process,
    ),
    ("what is no directory is not opened", special_files),
    ("what only looks half made stays", half_made),
    ("a store of another user is refused", store_of_another_user),
];

/// A process of the machine, and a directory of it, that clean has no business with.
struct Scene<'a> {
    machine: &'a Machine,
    rd: Program<'a>,
    workshop: Program<'a>,
    bystander: Running,
    elsewhere: PathBuf,
    /// Twelve hexadecimal digits, and no more.
    odd: PathBuf,
    mounts: Vec<String>,
}

/// What a recursive bind of / does to the table, in whatever order that is listed.
fn mount_table() -> Vec<String> {
    let table = kernel::mount_table().into_iter().map(|line| {
        let fields: Vec<&str> = line.split(' ').skip(2).take(3).collect();
        fields.join(" ")
    });
    let mut table: Vec<String> = table.collect();
    table.sort();
    table
}

impl<'a> Scene<'a> {
    fn furnish(machine: &'a Machine) -> Scene<'a> {
        let rd = machine.program("rd");
        assert_eq!(rd.run(["true"]).run().status, 0);
        let elsewhere = machine.scratch("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("thesis"), "a year of work\n").unwrap();
        Scene {
            machine,
            odd: rd.store.containers.join("0123456789ab"),
            rd,
            workshop: machine.program("workshop"),
            bystander: machine.call("sleep").word(MARK).start(),
            elsewhere,
            mounts: mount_table(),
        }
    }

    /// timeout(1) ends a clean that hangs: 124.
    fn cleaned(&self, options: &[&str]) -> Ended {
        let clean = self.workshop.call(["clean"]).words(options);
        let mut ended = clean.behind(["timeout", "60"]).run();
        ended.out += &ended.err;
        ended
    }

    /// clean leaves it alone, and says why.
    fn stays(&self, about: &str, path: &Path, why: &str) {
        let machine = self.machine;
        let name = path.file_name().unwrap().to_str().unwrap();
        machine.says(
            &format!("{about}: a dry run says so"),
            &format!("would keep .*{name}.*{why}"),
            &self.cleaned(&["--dry-run"]).out,
        );
        let ended = self.cleaned(&[]);
        machine.same(&format!("{about}: clean ends well"), 0, ended.status);
        let stays = fs::symlink_metadata(path).is_ok();
        machine.check(&format!("{about}: it stays"), stays, || ended.out.clone());
        machine.says(
            &format!("{about}: clean says so, and how it is removed"),
            &format!("^kept .*{name}.*{why}.*by hand: .sudo "),
            &ended.out,
        );
    }

    /// clean ends well, and nothing is in the store.
    fn is_removed(&self, about: &str, ended: &Ended) {
        let left = self.rd.store.left();
        let is_removed = ended.status == 0 && left.is_empty();
        self.machine
            .check(about, is_removed, || format!("left {left:?}\n{ended:?}"));
    }

    fn harmless(&self, about: &str) {
        let machine = self.machine;
        let lives = !self.bystander.has_ended();
        machine.check(
            &format!("{about}: no other process is ended"),
            lives,
            String::new,
        );
        self.is_untouched(about);
        machine.same(
            &format!("{about}: the mounts are as before"),
            &self.mounts,
            &mount_table(),
        );
    }

    fn is_untouched(&self, about: &str) {
        let thesis = fs::read_to_string(self.elsewhere.join("thesis"));
        self.machine.same(
            &format!("{about}: nothing elsewhere is touched"),
            (0o755, Some("a year of work\n".to_owned())),
            (kernel::mode(&self.elsewhere), thesis.ok()),
        );
    }

    fn counts_no_process(&self, about: &str) {
        self.machine.says(
            &format!("{about}: a dry run counts no process"),
            "0123456789ab: 0 processes",
            &self.cleaned(&["--dry-run"]).out,
        );
    }

    fn only_one_left(&self) -> PathBuf {
        let left = self.rd.store.left();
        assert_eq!(left.len(), 1, "{left:?}");
        left[0].clone()
    }
}

fn make_directory(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A directory as claim makes one, of a container whose parent is dead.
fn container(path: &Path) {
    make_directory(path, 0o1700);
    fs::create_dir(path.join("rootfs")).unwrap();
}

fn remove(path: &Path) {
    fs::remove_dir_all(path).unwrap();
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| format!("{}: {why}", path.display()))
}

fn kept(scene: &Scene) {
    let machine = scene.machine;
    // Whatever became of its parent.
    let about = "kept by --keep";
    scene
        .rd
        .run(["--keep", "sh", "-c", "echo mine >/mine"])
        .run();
    let kept = scene.only_one_left();
    scene.stays(about, &kept, "--keep");
    let assertion = format!("{about}: with what is in it");
    machine.same(&assertion, "mine\n", &read(&kept.join("upper/mine")));
    remove(&kept);

    // The solution of level 01, whose mounts are the machine's own, and are left with it.
    let command = format!("echo mine >/mine; echo begun; exec sleep {MARK}");
    let level02 = machine.program("level02");
    assert_eq!(level02.run(["true"]).run().status, 0);
    let running = begun(&level02.run(["--keep", "sh", "-c", &command]));
    let kept = scene.only_one_left();
    let name = kept.file_name().unwrap().to_str().unwrap();
    let said = scene.cleaned(&[]).out;
    machine.none(
        "kept, and its parent lives: not a word about it",
        said.lines().filter(|line| line.contains(name)),
    );
    end(running);
    let about = "kept, and its parent killed";
    scene.stays(about, &kept, "--keep");
    let assertion = format!("{about}: with what is in it");
    machine.same(&assertion, "mine\n", &read(&kept.join("rootfs/mine")));
    let bystander = scene.bystander.pid();
    let pids: Vec<i32> = ours().into_iter().map(|(pid, _)| pid).collect();
    let assertion = format!("{about}: no process of it is left");
    machine.same(&assertion, vec![bystander], pids);
    scene.harmless(about);
    remove(&kept);
}

fn names(scene: &Scene) {
    let (machine, odd) = (scene.machine, &scene.odd);
    fs::create_dir(odd).unwrap();
    scene.stays("an empty directory without our mark", odd, "no mark");
    let about = "a directory without our mark";
    let thesis = odd.join("thesis");
    fs::write(&thesis, "a year of work\n").unwrap();
    scene.stays(about, odd, "no mark");
    let assertion = format!("{about}: with what is in it");
    machine.same(&assertion, "a year of work\n", &read(&thesis));
    fs::set_permissions(odd, fs::Permissions::from_mode(0o1700)).unwrap();
    let about = "a directory with our mark, and more in it than a container has";
    scene.stays(about, odd, "thesis");
    remove(odd);
    make_directory(odd, 0o1777);
    scene.stays("a directory that is sticky for all", odd, "no mark");
    fs::remove_dir(odd).unwrap();
    container(odd);
    chown(odd, Some(STRANGER), None).unwrap();
    let theirs = format!("belongs to user {STRANGER}");
    scene.stays("a directory of another user", odd, &theirs);
    remove(odd);
    fs::create_dir(odd).unwrap();
    for part in ["upper", "work", "merged"] {
        fs::create_dir(odd.join(part)).unwrap();
    }
    let about = "a container from before there was a mark";
    scene.stays(about, odd, "no mark.*asks at a terminal");
    asks_at_a_terminal(scene);

    // A user's own directory, in which a directory and a file have names like containers.
    let photographs = machine.scratch("photographs");
    fs::create_dir_all(photographs.join("deadbeefcafe")).unwrap();
    fs::write(photographs.join("deadbeefcafe/1.jpg"), "").unwrap();
    fs::write(photographs.join("0123456789ab"), "").unwrap();
    let list = || {
        let all = kernel::everything_below(&photographs);
        all.into_iter().map(|it| it.0).collect::<Vec<_>>()
    };
    let before = list();
    scene.cleaned(&["--container-dir", photographs.to_str().unwrap()]);
    machine.same(
        "a directory that is no store: nothing is missing",
        before,
        list(),
    );
}

fn asks_at_a_terminal(scene: &Scene) {
    let machine = scene.machine;
    // script(1) is the terminal; of util-linux, which has the mount of every machine as well.
    let clean = format!("{} clean", scene.workshop.path.display());
    let script = machine.call("script").words(["-qec", &clean, "/dev/null"]);
    let script = scene.rd.store.of(script);
    let answer = |words: &[u8]| {
        let (theirs, mut ours) = std::io::pipe().unwrap();
        ours.write_all(words).unwrap();
        drop(ours);
        script.start_with(Stdio::from(theirs)).end()
    };
    let asked = answer(b"n\n");
    machine.says("at a terminal it asks", r"Remove .*\[y/N\]", &asked.out);
    machine.check("and no is no", scene.odd.is_dir(), || asked.out);
    let asked = answer(b"y\n");
    machine.check("and yes is yes", !scene.odd.exists(), || asked.out);
}

fn links(scene: &Scene) {
    let (machine, odd) = (scene.machine, &scene.odd);
    symlink("/", odd).unwrap();
    let about = "a link in the place of a container";
    scene.stays(about, odd, "symbolic link");
    fs::remove_file(odd).unwrap();
    let about = "a link to a container elsewhere";
    let target = scene.elsewhere.join("deadbeefcafe");
    container(&target);
    symlink(&target, odd).unwrap();
    scene.stays(about, odd, "symbolic link");
    let is_there = target.join("rootfs").is_dir();
    machine.check(
        &format!("{about}: that one is there"),
        is_there,
        String::new,
    );
    fs::remove_file(odd).unwrap();
    remove(&target);
    scene.harmless("links in the place of a container");
    for part in ["rootfs", "upper", "merged"] {
        for to in [
            Path::new("/"),
            &scene.elsewhere,
            Path::new("/proc/self/root"),
        ] {
            let about = format!("{part} -> {}", to.display());
            make_directory(odd, 0o1700);
            symlink(to, odd.join(part)).unwrap();
            scene.counts_no_process(&about);
            let ended = scene.cleaned(&[]);
            scene.is_removed(&format!("{about}: clean removes the link"), &ended);
            scene.harmless(&about);
        }
        fs::create_dir(odd).unwrap();
        symlink("/", odd.join(part)).unwrap();
        let about = format!("without our mark, {part} -> /");
        scene.stays(&about, odd, "no mark");
        scene.harmless(&about);
        remove(odd);
    }
    // A store that a link of root's leads to is a store; its containers are known all the same.
    let about = "a store behind a link";
    let link = machine.scratch("link");
    symlink(&scene.rd.store.containers, &link).unwrap();
    container(odd);
    mount_tmpfs(&odd.join("rootfs"), "");
    let ended = scene.cleaned(&["--container-dir", link.to_str().unwrap()]);
    scene.is_removed(
        &format!("{about}: clean finds what is mounted in it"),
        &ended,
    );
    scene.harmless(about);
}

/// Mounts that a user made in a container's directory, and forgot.
fn mounts(scene: &Scene) {
    let (machine, odd) = (scene.machine, &scene.odd);
    let elsewhere = scene.elsewhere.to_str().unwrap();
    for what in [
        ["--bind", "/"],
        ["--rbind", "/"],
        ["--bind", elsewhere],
        ["--rbind", elsewhere],
    ] {
        for place in ["rootfs", "rootfs/home"] {
            let about = format!("{} on {place}", what.join(" "));
            container(odd);
            fs::create_dir(odd.join("rootfs/home")).unwrap();
            let mount = machine.call("mount").words(what);
            let mounted = mount.word(odd.join(place)).run();
            assert_eq!(mounted.status, 0, "{mounted:?}");
            scene.counts_no_process(&about);
            let ended = scene.cleaned(&[]);
            scene.is_removed(&format!("{about}: clean takes it away"), &ended);
            scene.harmless(&about);
        }
    }
    let about = "a mount in the place of a container";
    fs::create_dir(odd).unwrap();
    bind(&scene.elsewhere, odd);
    scene.stays(about, odd, "mounted on it");
    scene.is_untouched(about);
    unmount(odd);
    fs::remove_dir(odd).unwrap();
}

/// As level 03 binds its root onto itself, seen by the machine.
fn root_of_a_process(scene: &Scene) {
    let (machine, odd) = (scene.machine, &scene.odd);
    let rootfs = odd.join("rootfs");
    container(odd);
    fs::create_dir(rootfs.join("bin")).unwrap();
    bind(&rootfs, &rootfs);
    bind(Path::new("/usr/bin"), &rootfs.join("bin"));
    for directory in ["usr", "lib", "lib64"] {
        let own = Path::new("/").join(directory);
        if own.is_dir() {
            fs::create_dir(rootfs.join(directory)).unwrap();
            bind(&own, &rootfs.join(directory));
        }
    }
    let chroot = machine.call("chroot").word(&rootfs);
    let inside = chroot.words(["/bin/sleep", MARK]).start();
    let root = format!("/proc/{}/root", inside.pid());
    let in_there = || fs::read_link(&root).is_ok_and(|root| root == rootfs);
    let is_there = await_within(PATIENCE, in_there);
    machine.check("a process has its root there", is_there, || inside.said());
    let about = "a root that is bound onto itself";
    let ended = scene.cleaned(&[]);
    scene.is_removed(&format!("{about}: clean takes it away"), &ended);
    machine.check(
        &format!("{about}: its process is ended"),
        inside.has_ended(),
        String::new,
    );
    scene.harmless(about);
    end(inside);
}

/// What is no directory must not be opened.
fn special_files(scene: &Scene) {
    let machine = scene.machine;
    let store = &scene.rd.store;
    let places = [
        scene.odd.clone(),
        store.cache().join("base-1-1.1-1.partial"),
        store.images.join(".base.tar.partial"),
    ];
    let make: [fn(&Machine, &Path); 3] = [
        |_, path| nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap(),
        // The null device's number: harmless if a program does open it.
        |machine, path| {
            let mknod = machine.call("mknod").word(path);
            assert_eq!(mknod.words(["c", "1", "3"]).run().status, 0);
        },
        |_, path| drop(UnixListener::bind(path).unwrap()),
    ];
    for place in places {
        for make in make {
            make(machine, &place);
            let name = place.file_name().unwrap().display();
            let about = format!("a {} in the place of {name}", kernel::kind(&place));
            let ended = scene.cleaned(&[]);
            machine.same(&format!("{about}: clean ends well"), 0, ended.status);
            let stays = fs::symlink_metadata(&place).is_ok();
            machine.check(&format!("{about}: it stays"), stays, || ended.out);
            fs::remove_file(&place).unwrap();
        }
    }
}

fn half_made(scene: &Scene) {
    let (machine, elsewhere) = (scene.machine, &scene.elsewhere);
    let store = &scene.rd.store;
    let half = store.cache().join("base-1-1.1-1.partial");
    let archive = store.images.join(".mine.tar.partial");
    let tree = store.cache().join("mine.partial");
    symlink(elsewhere, &half).unwrap();
    symlink(
        elsewhere.join("thesis"),
        store.images.join(".base.tar.partial"),
    )
    .unwrap();
    for directory in [&archive, &tree] {
        fs::create_dir(directory).unwrap();
        fs::write(directory.join("1"), "").unwrap();
    }
    let ended = scene.cleaned(&[]);
    machine.same(
        "links and directories that look half made: clean ends well",
        0,
        ended.status,
    );
    let stays = |directory: &Path| directory.join("1").exists();
    machine.check("what is no archive stays", stays(&archive), || {
        ended.out.clone()
    });
    machine.check("what is no tree of an image stays", stays(&tree), || {
        ended.out.clone()
    });
    scene.harmless("links that look half made");
    let _ = fs::remove_file(&half);
    let _ = fs::remove_file(store.images.join(".base.tar.partial"));
    remove(&archive);
    remove(&tree);

    let about = "a cache that is a link";
    let aside = machine.scratch("images-aside");
    fs::rename(store.cache(), &aside).unwrap();
    let half = elsewhere.join("base-1-1.1-1.partial");
    fs::create_dir(&half).unwrap();
    symlink(elsewhere, store.cache()).unwrap();
    let ended = scene.cleaned(&[]);
    machine.says(
        &format!("{about}: clean refuses it"),
        "is no directory",
        &ended.out,
    );
    machine.check(
        &format!("{about}: nothing elsewhere is removed"),
        half.is_dir(),
        || ended.out,
    );
    fs::remove_file(store.cache()).unwrap();
    fs::rename(&aside, store.cache()).unwrap();
}

fn store_of_another_user(scene: &Scene) {
    let machine = scene.machine;
    let about = "a stranger's store";
    let theirs = machine.scratch("theirs");
    make_directory(&theirs, 0o755);
    chown(&theirs, Some(STRANGER), None).unwrap();
    let inside = theirs.join("deadbeefcafe");
    container(&inside);
    let ended = scene.cleaned(&["--container-dir", theirs.to_str().unwrap()]);
    let refusal = format!("belongs to user {STRANGER}");
    machine.check(
        &format!("{about}: clean refuses it"),
        matches(&refusal, &ended.out),
        || ended.out,
    );
    machine.check(
        &format!("{about}: nothing in it is touched"),
        inside.join("rootfs").is_dir() && left_in(&theirs) == entries(&theirs),
        String::new,
    );
    scene.harmless(about);
}
