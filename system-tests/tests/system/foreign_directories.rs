//! No user but root gets at a container's files: the runtime refuses a container directory
//! of another user, or one that another user could exchange, before it makes anything; it
//! closes one of root's that lets others in. And root makes nothing in another place while
//! the owner of such a directory swaps it for a link.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use sandbox::wait::await_within;

use crate::call::{Call, Ended};
use crate::kernel::{self, entries};
use crate::machine::{Machine, PATIENCE, mount_tmpfs, unmount};
use crate::program::{Program, left_in};
use crate::trial::Case;

/// The solutions of levels 01, 04 and of all.
const PROGRAMS: [&str; 3] = ["level02", "level05", "rd"];

type Look = fn(&mut Place);

const LOOKS: &[(&str, Look)] = &[
    ("the owner of a store, and of what it is in", owners),
    ("modes: what others may write to", modes),
    ("links of others", links),
    ("what others have put into a store", planted),
    ("a setuid program in a store", setuid),
    ("a directory swapped for a link", swapped),
];

const STRANGER: u32 = 65534;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in PROGRAMS {
        for (about, look) in LOOKS {
            let look = *look;
            // Before level 04 the image is unpacked for each container, without a lock.
            if *about == "a directory swapped for a link" && name < "level05" {
                continue;
            }
            let title = format!("{about}: {name}");
            cases.push(Case::new("foreign_directories", title, move |machine| {
                assert_eq!(machine.program("rd").run(["true"]).run().status, 0);
                let before = machine.look();
                look(&mut Place::fresh(machine.program(name)));
                machine.is_as_before("after all that", &before);
            }));
        }
    }
    cases
}

/// Sticky for all, as /tmp is: theirs, root's, and, elsewhere, something to protect.
struct Place<'a> {
    program: Program<'a>,
    machine: &'a Machine,
    place: PathBuf,
    elsewhere: PathBuf,
    before: BTreeMap<PathBuf, String>,
}

fn make_directory(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap();
    set_mode(path, mode);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Of a directory, and of all that is in it.
fn state(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut state = kernel::manifest(directory);
    let itself = fs::symlink_metadata(directory).unwrap();
    state.insert(directory.to_owned(), kernel::state(&itself));
    state
}

impl<'a> Place<'a> {
    fn fresh(program: Program<'a>) -> Place<'a> {
        let machine = program.machine;
        let (place, elsewhere) = (machine.fresh("place"), machine.fresh("elsewhere"));
        make_directory(&place, 0o1777);
        make_directory(&elsewhere, 0o700);
        Place {
            program,
            machine,
            before: state(&elsewhere),
            place,
            elsewhere,
        }
    }

    /// Another one.
    fn renew(&mut self) {
        *self = Place::fresh(self.program.clone());
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// As the stranger does it.
    fn they(&self, words: &[&OsStr]) {
        let done = self.as_they_do(words).run();
        assert_eq!(done.status, 0, "{done:?}");
    }

    fn as_they_do(&self, words: &[&OsStr]) -> Call<'a> {
        let id = STRANGER.to_string();
        let setpriv = self.machine.call("setpriv").words(["--reuid", &id]);
        setpriv
            .words(["--regid", &id, "--clear-groups"])
            .words(words)
    }

    fn they_make(&self, name: &str, mode: &str) {
        let path = self.at(name);
        self.they(&[
            "mkdir".as_ref(),
            "-m".as_ref(),
            mode.as_ref(),
            path.as_ref(),
        ]);
    }

    fn they_change(&self, name: &str, mode: &str) {
        self.they(&["chmod".as_ref(), mode.as_ref(), self.at(name).as_ref()]);
    }

    fn they_link(&self, to: &Path, name: &str) {
        let path = self.at(name);
        self.they(&["ln".as_ref(), "-s".as_ref(), to.as_ref(), path.as_ref()]);
    }

    fn run(&self, store: &Path) -> Ended {
        let call = self.program.run(["--container-dir"]).word(store);
        call.words(["echo", "served"]).run()
    }

    /// With a reason and what to do, and nothing is made or changed.
    fn refused(&self, about: &str, store: &str, why: &str) {
        let machine = self.machine;
        let name = &self.program.name;
        let before = self.state_around(store);
        let ended = self.run(&self.at(store));
        let said = ended.out + &ended.err;
        let of = |what: &str| format!("{name}: {about}: {what}");
        machine.same(&of("it is refused"), 125, ended.status);
        machine.says(
            &of("it says why, and what to do"),
            &format!("^{name}: .*{why}.*(--container-dir|sudo )"),
            &said,
        );
        machine.same(&of("in one line"), 1, said.lines().count());
        machine.same(
            &of("nothing there is made or changed"),
            before,
            self.state_around(store),
        );
        self.nothing_elsewhere(about);
    }

    /// Of the place, but for the time when the store's own attributes were changed: of root's
    /// store the runtime removes an ACL, and where there is none, tmpfs sets the time all the
    /// same. Its mode, its owner and what is in it count.
    fn state_around(&self, store: &str) -> BTreeMap<PathBuf, String> {
        let mut all = state(&self.place);
        if let Some(itself) = all.get_mut(&self.at(store)) {
            let (before, after) = itself.split_once(", changed ").unwrap();
            let after = after.split_once(", ").unwrap().1;
            *itself = format!("{before}, {after}");
        }
        all
    }

    fn nothing_elsewhere(&self, about: &str) {
        let name = &self.program.name;
        self.machine.same(
            &format!("{name}: {about}: nothing elsewhere is made or changed"),
            &self.before,
            &state(&self.elsewhere),
        );
    }

    /// A container runs, in a store that is root's and closed.
    fn served(&self, about: &str, store: &Path) {
        let machine = self.machine;
        let name = &self.program.name;
        let ended = self.run(store);
        let of = |what: &str| format!("{name}: {about}: {what}");
        machine.says(&of("a container runs"), "^served$", &ended.out);
        machine.same(
            &of("the store is closed, and root's"),
            (0o700, 0),
            (kernel::mode(store), kernel::owner(store)),
        );
        let store = fs::canonicalize(store).unwrap();
        machine.none(&of("nothing is left in it"), left_in(&store));
    }
}

fn theirs() -> String {
    format!("belongs to user {STRANGER}")
}

fn owners(place: &mut Place) {
    let theirs = theirs();
    place.they_make("store", "755");
    place.refused("a stranger's store", "store", &theirs);
    place.they_change("store", "700");
    place.refused("a stranger's store, closed", "store", &theirs);
    place.they_change("store", "1777");
    place.refused("a stranger's store, sticky for all", "store", &theirs);

    place.renew();
    place.they_make("theirs", "755");
    place.refused(
        "a store to be made in a stranger's directory",
        "theirs/a/store",
        &format!("theirs on the way there {theirs}"),
    );
    make_directory(&place.at("theirs/store"), 0o700);
    let about = "root's store in a stranger's directory";
    place.refused(about, "theirs/store", &theirs);
    place.they_change("theirs", "1755");
    let about = "root's store in a stranger's sticky directory";
    place.refused(about, "theirs/store", &theirs);
    fs::create_dir_all(place.at("theirs/deep/er")).unwrap();
    fs::create_dir(place.at("theirs/deep/store")).unwrap();
    let about = "root's store far below a stranger's directory";
    place.refused(about, "theirs/deep/er/../store", &theirs);
}

fn modes(place: &mut Place) {
    let machine = place.machine;
    let name = place.program.name.clone();
    for mode in [0o777, 0o775, 0o757] {
        place.renew();
        make_directory(&place.at("shared"), mode);
        let about = format!("a store to be made where others may write ({mode:o})");
        place.refused(&about, "shared/store", "other users may write");
    }
    place.renew();
    let about = "a store to be made in a sticky directory";
    place.served(about, &place.at("a/store"));
    machine.same(
        &format!("{name}: what is made above it is root's to write, and every user's to read"),
        (0o755, 0),
        (kernel::mode(&place.at("a")), kernel::owner(&place.at("a"))),
    );
    for mode in [0o755, 0o711, 0o777, 0o1777, 0o2775] {
        place.renew();
        make_directory(&place.at("store"), mode);
        let about = format!("root's store, which lets others in ({mode:o})");
        place.served(&about, &place.at("store"));
    }
    let in_memory = machine.fresh("in-memory");
    fs::create_dir(&in_memory).unwrap();
    mount_tmpfs(&in_memory, "");
    place.served("a tmpfs, sticky for all as it comes", &in_memory);
    unmount(&in_memory);

    // The runtime chooses the modes of what it makes; a careless shell's umask does not.
    place.renew();
    let about = format!("{name}: with umask 000");
    let containers = place.at("var/lib/containers");
    let call = place.program.run(["--container-dir"]).word(&containers);
    let call = call.word("true");
    let call = call.variable("RUBBER_DOCKER_IMAGES", place.at("var/lib/images"));
    let careless = ["bash", "-c", "umask 000 && exec \"$@\"", "bash"];
    call.behind(careless).run();
    let made = ["var", "var/lib", "var/lib/images", "var/lib/containers"];
    let made = made.iter().map(|name| place.at(name));
    let in_them = ["var/lib/images", "var/lib/containers"].map(|name| entries(&place.at(name)));
    let open = made
        .chain(in_them.into_iter().flatten())
        .filter(|path| fs::symlink_metadata(path).is_ok_and(|it| !it.is_symlink()))
        .filter(|path| kernel::mode(path) & 0o022 != 0);
    let assertion = format!("{about}: nothing that is made is open to write");
    machine.none(&assertion, open);
    let assertion = format!("{about}: the store is closed");
    machine.same(&assertion, 0o700, kernel::mode(&containers));
}

fn links(place: &mut Place) {
    let theirs = theirs();
    place.they_link(&place.elsewhere, "store");
    place.refused("a stranger's link", "store", &theirs);
    let about = "a store to be made behind a stranger's link";
    place.refused(about, "store/below", &theirs);
    place.renew();
    fs::create_dir(place.at("real")).unwrap();
    symlink("real", place.at("one")).unwrap();
    symlink("one", place.at("two")).unwrap();
    place.served("links of root's", &place.at("two"));
    place.they_make("theirs", "755");
    symlink(place.at("theirs"), place.at("three")).unwrap();
    let about = "root's link to a stranger's directory";
    place.refused(about, "three", &theirs);
    symlink("circle", place.at("circle")).unwrap();
    place.refused("a link to itself", "circle", "ELOOP");
}

/// While they could.
fn planted(place: &mut Place) {
    let theirs = theirs();
    let (store, cache) = (place.at("store"), place.at("store/.images"));
    make_directory(&store, 0o777);
    place.they_make("store/.images", "755");
    let about = "a stranger's cache in an open store";
    place.refused(about, "store", "such as \".images\"");
    set_mode(&store, 0o700);
    let about = "a stranger's cache in a closed store";
    place.refused(about, "store", &theirs);
    fs::remove_dir(&cache).unwrap();
    set_mode(&store, 0o777);
    place.they_link(&place.elsewhere, "store/0123456789ab");
    let about = "a stranger's link in an open store";
    place.refused(about, "store", "such as \"0123456789ab\"");
    fs::remove_file(store.join("0123456789ab")).unwrap();
    set_mode(&store, 0o700);
    symlink(&place.elsewhere, &cache).unwrap();
    place.refused("a cache that is a link", "store", "is no directory");
    fs::remove_file(&cache).unwrap();
    make_directory(&cache, 0o755);
    let about = "a cache that lets others in";
    place.served(about, &store);
    place.machine.same(
        &format!("{}: {about}: it is closed", place.program.name),
        0o700,
        kernel::mode(&cache),
    );
}

/// A setuid program that a container makes turns no user of the host into root.
fn setuid(place: &mut Place) {
    let machine = place.machine;
    let name = &place.program.name;
    let store = place.at("store");
    make_directory(&store, 0o755);
    let make = "cp /bin/sh /way-out && chmod 4755 /way-out";
    let call = place.program.run(["--container-dir"]).word(&store);
    call.words(["--keep", "sh", "-c", make]).run();
    let all = kernel::everything_below(&store).into_iter();
    let mut found = all.filter(|(path, it)| path.ends_with("way-out") && it.mode() & 0o4000 != 0);
    let program = found.next().map(|(path, _)| path);
    machine.check(
        &format!("{name}: a setuid program is in the store"),
        program.is_some(),
        String::new,
    );
    let program = program.unwrap_or_default();
    let do_they_see_it = || {
        let words = ["test".as_ref(), "-e".as_ref(), program.as_os_str()];
        place.as_they_do(&words).run().status == 0
    };
    machine.check(
        &format!("{name}: a stranger does not get at it"),
        !do_they_see_it(),
        String::new,
    );
    let modes: Vec<u32> = left_in(&store).iter().map(|it| kernel::mode(it)).collect();
    machine.same(
        &format!("{name}: the container's own directory is closed, too"),
        vec![0o1700],
        modes,
    );
    // Not even if root opens the store to others later.
    set_mode(&store, 0o755);
    machine.check(
        &format!("{name}: nor through an open store"),
        !do_they_see_it(),
        String::new,
    );
}

/// The owner of a store swaps a container's directory for a link, at the best of moments: the
/// parent waits for the lock of the image's half-made tree, which the owner holds, and will
/// make directories when it gets it. No clock decides who wins.
fn swapped(place: &mut Place) {
    let machine = place.machine;
    let name = &place.program.name;
    let store = place.at("store");
    // What is elsewhere may be written to by root alone, and so by the parent, misled.
    place.they_make("store", "755");
    place.they_make("store/.images", "755");
    let base = place.program.store.images.join("base.tar");
    let half_made = format!("store/.images/{}.partial", key(&base));
    place.they_make(&half_made, "755");
    let half_made = File::open(place.at(&half_made)).unwrap();
    let lock = Flock::lock(half_made, FlockArg::LockExclusive).map_err(|(_, why)| why);
    let lock = lock.unwrap();
    let call = place.program.run(["--container-dir"]).word(&store);
    let running = call.word("true").start();
    let begun = || left_in(&store).into_iter().find(|path| path.is_dir());
    let begins_or_ends = || begun().is_some() || running.has_ended();
    let comes = await_within(PATIENCE, begins_or_ends);
    machine.check(
        &format!("{name}: swapped: it begins or ends"),
        comes,
        || running.said(),
    );
    if let Some(id) = begun() {
        let aside = store.join("aside");
        let words = ["mv".as_ref(), id.as_os_str(), aside.as_os_str()];
        if place.as_they_do(&words).run().status != 0 {
            fs::rename(&id, &aside).unwrap();
        }
        let id = id.strip_prefix(&place.place).unwrap();
        place.they_link(&place.elsewhere, id.to_str().unwrap());
    }
    drop(lock);
    running.end();
    place.nothing_elsewhere("swapped");
    let all = kernel::everything_below(&store).into_iter();
    let of_root = all.filter(|(_, it)| it.uid() == 0).map(|(path, _)| path);
    machine.none(
        &format!("{name}: swapped: root has made nothing in the stranger's store"),
        of_root,
    );
}

/// The name of an image's tree: what stat says of the archive.
fn key(archive: &Path) -> String {
    let it = fs::metadata(archive).unwrap();
    format!(
        "base-{:x}-{:x}.{:x}-{:x}",
        it.size(),
        it.mtime(),
        it.mtime_nsec(),
        it.ino()
    )
}
