//! A machine that runs out of something is answered like a user's mistake: by one paragraph
//! and the status 125, without a trace. And when the machine has what was missing, the next
//! container runs.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use nix::sys::statvfs::statvfs;
use sandbox::wait::await_within;

use crate::call::Call;
use crate::kernel;
use crate::machine::{
    PATIENCE, bind, hierarchy, make_read_only, mount_tmpfs, remount_tmpfs, unmount,
};
use crate::program::{Program, Store};
use crate::trial::{Case, Look};
use crate::world::in_a_world_where;

const CASES: &[(&str, Look)] = &[
    ("disk full: ENOSPC while an image is unpacked", unpacking),
    (
        "inodes exhausted: ENOSPC at each directory of a container",
        directories_of_a_container,
    ),
    ("disk full: ENOSPC in the command", command),
    (
        "read-only file system: EROFS in images and containers",
        read_only,
    ),
    (
        "read-only file system: EROFS when the container is removed",
        becomes_read_only,
    ),
    (
        "file descriptors exhausted: EMFILE at every limit from 3 on",
        descriptors,
    ),
    (
        "file descriptors exhausted: EMFILE while the first image is made",
        descriptors_on_the_first_day,
    ),
    ("address space exhausted: ENOMEM at every limit", memory),
    ("file size limited: EFBIG", file_sizes),
    (
        "processes of a user exhausted: EAGAIN in exec",
        user_processes,
    ),
    ("pids.max exhausted: EAGAIN in clone", group_processes),
    (
        "control group hierarchy read-only: EROFS at the second group",
        second_group,
    ),
    ("exec fails: ENOENT, EACCES, ELOOP", exec),
];

pub(crate) fn cases() -> Vec<Case> {
    CASES
        .iter()
        .map(|it| Case::of_rd("resource_exhaustion", it))
        .collect()
}

fn run_served<'a>(rd: &Program<'a>) -> Call<'a> {
    rd.run(["echo", "served"])
}

/// It is served, or it is refused; which, is the answer.
fn answered(rd: &Program, about: &str, call: &Call) -> bool {
    let works = call.run().status == 0;
    if works {
        rd.served(about, call);
    } else {
        rd.refused(about, 125, "; |What to do", call);
    }
    works
}

// ---- a full disk ----

/// With a store of its own, on a tmpfs.
fn with_store(rd: &Program, options: &str, look: impl FnOnce(&Program)) {
    let place = rd.machine.fresh("place");
    fs::create_dir(&place).unwrap();
    mount_tmpfs(&place, &format!("mode=700,{options}"));
    look(&rd.with_store(Store {
        containers: place.clone(),
        ..rd.store.clone()
    }));
    unmount(&place);
}

/// Kilobytes and files of the cache, as a file system counts them.
fn size_of_the_cache(rd: &Program) -> (u64, usize) {
    use std::os::unix::fs::MetadataExt;
    let all = kernel::everything_below(&rd.store.cache());
    let blocks: u64 = all.iter().map(|(_, it)| it.blocks()).sum();
    (blocks / 2, all.len() + 1)
}

fn unpacking(rd: &Program) {
    let (size, inodes) = size_of_the_cache(rd);
    let rooms = [
        ("room for 1 MiB", "size=1m".to_owned()),
        ("room for half of the image", format!("size={}k", size / 2)),
        ("room for three files", "nr_inodes=3".to_owned()),
        (
            "room for half of the files",
            format!("nr_inodes={}", inodes / 2),
        ),
        ("room for all files but one", format!("nr_inodes={inodes}")),
    ];
    for (about, room) in rooms {
        with_store(rd, &room, |rd| {
            rd.refused(about, 125, "ENOSPC.*make room there", &run_served(rd));
            rd.machine.none(
                &format!("{about}: no tree is in the cache"),
                kernel::entries(&rd.store.cache()),
            );
            remount_tmpfs(&rd.store.containers, "size=256m,nr_inodes=10000");
            rd.served(&format!("{about}, and then for all"), &run_served(rd));
        });
    }
}

/// Inode by inode, until there are enough for the container's own directories and the kernel's.
fn directories_of_a_container(rd: &Program) {
    with_store(rd, "size=256m", |rd| {
        rd.run(["true"]).run();
        let place = &rd.store.containers;
        let it = statvfs(place.as_path()).unwrap();
        let used = it.files() - it.files_free();
        let mut enough = None;
        for more in 0..20 {
            remount_tmpfs(place, &format!("nr_inodes={}", used + more));
            let about = format!("room for {more} more files");
            let works = answered(rd, &about, &run_served(rd));
            rd.nothing_is_left(&about);
            if works {
                enough = Some(more);
                break;
            }
        }
        rd.machine.check(
            "some were too few, and some were enough",
            enough.is_some_and(|more| more > 2),
            || format!("{enough:?}"),
        );
    });
}

fn command(rd: &Program) {
    let (size, inodes) = size_of_the_cache(rd);
    let fillers = [
        (
            format!("size={}k", size + 4096),
            "head -c 100m /dev/zero >/big",
        ),
        (
            format!("nr_inodes={}", inodes + 100),
            "seq 1000 | while read -r file; do echo >\"/root/$file\" || exit 1; done",
        ),
    ];
    for (room, filler) in fillers {
        with_store(rd, &room, |rd| {
            let ended = rd.run(["--", "sh", "-c", filler]).run();
            let told = "No space left on device|cannot create";
            let about = format!("`{filler}` fills the disk");
            let machine = rd.machine;
            machine.says(&format!("{about}: it is told"), told, &ended.err);
            machine.same(&format!("{about}: the status is its own"), 1, ended.status);
            rd.nothing_is_left(&about);
            rd.served(
                &format!("{about}, and the next finds room"),
                &run_served(rd),
            );
        });
    }
}

// ---- directories ----

/// The directory cannot be written to in the meantime.
fn while_read_only(directory: &Path, look: impl FnOnce()) {
    bind(directory, directory);
    make_read_only(directory);
    look();
    unmount(directory);
}

fn read_only(rd: &Program) {
    let empty = rd.machine.fresh("empty");
    fs::create_dir(&empty).unwrap();
    let below = empty.join("images");
    let run_of = |images: &Path, words: &[&str]| {
        let call = rd.run(["--image-dir"]);
        call.word(images).words(words)
    };
    while_read_only(&rd.store.images, || {
        let about = "a read-only image directory with the image in it";
        rd.served(about, &run_served(rd));
    });
    let advice = "EROFS.*(--image-dir|RUBBER_DOCKER_IMAGES)";
    while_read_only(&empty, || {
        let about = "a read-only image directory without it";
        rd.refused(about, 125, advice, &run_of(&empty, &["true"]));
    });
    while_read_only(&empty, || {
        let about = "no image directory, where none can be made";
        rd.refused(about, 125, advice, &run_of(&below, &["true"]));
    });
    rd.served("no image directory", &run_of(&below, &["echo", "served"]));
    rd.refused(
        "no image directory, and not our image",
        125,
        "there is no image \"other\"",
        &run_of(&rd.machine.scratch("none"), &["-i", "other", "true"]),
    );
    while_read_only(&rd.store.containers, || {
        rd.refused(
            "a read-only container directory with the tree in it",
            125,
            "EROFS.*read-only",
            &run_served(rd),
        );
    });
}

/// Nothing can be removed then; but it is said, and can be later.
fn becomes_read_only(rd: &Program) {
    let machine = rd.machine;
    let containers = &rd.store.containers;
    bind(containers, containers);
    let (theirs, mut ours) = std::io::pipe().unwrap();
    let call = rd.run(["--", "sh", "-c", "echo begun; read -r _; exit 3"]);
    let running = call.start_with(Stdio::from(theirs));
    let has_begun = await_within(PATIENCE, || !running.printed().is_empty());
    machine.check("it has begun", has_begun, || running.said());
    make_read_only(containers);
    ours.write_all(b"\n").unwrap();
    let ended = running.end();
    let about = "read-only in the meantime";
    machine.same(
        &format!("{about}: the status is the command's"),
        3,
        ended.status,
    );
    machine.says(
        &format!("{about}: it says so"),
        "^rd: warning: cannot remove .*: EROFS .*read-only.*cargo workshop clean",
        &ended.err,
    );
    unmount(containers);
    clean(rd);
    rd.nothing_is_left("read-only in the meantime, and then cleaned");
}

fn clean(rd: &Program) {
    let workshop = rd.machine.program("workshop").with_store(rd.store.clone());
    let cleaned = workshop.call(["clean"]).run();
    rd.machine.check("clean succeeds", cleaned.status == 0, || {
        format!("{cleaned:?}")
    });
}

// ---- limits of a process ----

fn limited<'a>(call: Call<'a>, option: &str, limit: u64) -> Call<'a> {
    call.behind(["prlimit", &format!("{option}={limit}")])
}

/// Where the program cannot even be loaded, the loader has the word, and nothing is begun.
fn is_loaded(rd: &Program, option: &str, limit: u64) -> bool {
    let nothing: [&OsStr; 0] = [];
    limited(rd.call(nothing), option, limit).run().status == 0
}

/// Each of these limits, up to the first that is enough.
fn until_it_works(rd: &Program, option: &str, limits: impl Iterator<Item = u64>) {
    let (mut enough, mut refusals) = (None, 0);
    for limit in limits.filter(|limit| is_loaded(rd, option, *limit)) {
        let about = format!("{option}={limit}");
        let works = answered(rd, &about, &limited(run_served(rd), option, limit));
        rd.nothing_is_left(&about);
        if works {
            enough = Some(limit);
            break;
        }
        refusals += 1;
    }
    rd.machine
        .check("it works with one of the limits", enough.is_some(), || {
            format!("{refusals} are not enough")
        });
    rd.machine.check("it does not with less", refusals > 2, || {
        format!("only {refusals} were not enough")
    });
}

fn descriptors(rd: &Program) {
    until_it_works(rd, "--nofile", 3..=40);
}

fn memory(rd: &Program) {
    until_it_works(rd, "--as", (4_000_000..=64_000_000).step_by(700_000));
}

/// Without an image every try begins anew.
fn descriptors_on_the_first_day(rd: &Program) {
    let mut enough = None;
    for limit in (3..=40).filter(|limit| is_loaded(rd, "--nofile", *limit)) {
        let about = format!("the first container with --nofile={limit}");
        let fresh = rd.on_the_first_day();
        let call = limited(fresh.run(["true"]), "--nofile", limit);
        if call.run().status == 0 {
            fresh.nothing_is_left(&about);
            enough = Some(limit);
            break;
        }
        let fresh = rd.on_the_first_day();
        let call = limited(fresh.run(["true"]), "--nofile", limit);
        fresh.refused(&about, 125, "; ", &call);
    }
    rd.machine.check(
        "the first container starts with one of the limits",
        enough.is_some_and(|limit| limit < 40),
        || format!("{enough:?}"),
    );
}

/// The limit is on files, not on pipes: through a pipe the message comes whole. A copy in memory
/// (level 17) would be a file, and refused: root's program runs by a mount of its own.
fn file_sizes(rd: &Program) {
    let machine = rd.machine;
    for limit in [0, 1, 10, 4096] {
        let about = format!("files of at most {limit} bytes");
        let call = limited(run_served(rd), "--fsize", limit).piped();
        rd.served(&about, &call);
        rd.nothing_is_left(&about);
        // Its own last words are too long for such a file.
        let about = format!("{about}, its messages too");
        let ended = limited(rd.run(["true"]), "--fsize", limit).run();
        machine.same(&about, 0, ended.status);
        rd.nothing_is_left(&about);
        let fresh = rd.on_the_first_day();
        let call = limited(fresh.run(["true"]), "--fsize", limit).piped();
        let about = format!("no image, and files of at most {limit} bytes");
        fresh.refused(&about, 125, "EFBIG.*ulimit -f", &call);
    }
    let writer = rd.run(["--", "sh", "-c", "head -c 2000 /dev/zero >/big"]);
    let ended = limited(writer, "--fsize", 1000).piped().run();
    // 128 and SIGXFSZ: for the command it is what it always was.
    let about = "a command that writes more";
    machine.same(
        &format!("{about} is killed, as anywhere"),
        153,
        ended.status,
    );
    rd.nothing_is_left(about);
}

fn user_processes(rd: &Program) {
    let machine = rd.machine;
    // The kernel counts a user's processes on the whole host.
    let uid = machine.number_of_no_user().to_string();
    let idle = || {
        let setpriv = machine.call("setpriv").words(["--reuid", &uid]);
        let setpriv = setpriv.words(["--regid", &uid, "--clear-groups"]);
        setpriv.words(["sleep", "1000"]).start()
    };
    let sleepers = [idle(), idle()];
    for sleeper in &sleepers {
        let sleeps = || kernel::comm(sleeper.pid()).as_deref() == Some("sleep");
        machine.check(
            "a process of the user",
            await_within(PATIENCE, sleeps),
            || sleeper.said(),
        );
    }
    let of_the_user = |words: &[&str]| {
        let call = rd.run(["--user", &uid]).words(words);
        limited(call, "--nproc", 1)
    };
    rd.refused(
        "a user with too many processes",
        126,
        "EAGAIN.*ulimit -u",
        &of_the_user(&["true"]),
    );
    for sleeper in sleepers {
        sleeper.send(nix::libc::SIGTERM);
        sleeper.end();
    }
    rd.served(
        "a user with few processes",
        &of_the_user(&["echo", "served"]),
    );
}

fn group_processes<'a>(rd: &Program<'a>) {
    let Some(top) = hierarchy("pids") else {
        rd.machine
            .skip("no hierarchy of this machine has the pids controller");
        return;
    };
    let group = top.join("limited");
    fs::create_dir(&group).unwrap();
    if !group.join("pids.max").exists() {
        fs::remove_dir(&group).unwrap();
        rd.machine
            .skip("this machine does not hand down the pids controller");
        return;
    }
    let run = |rd: &Program<'a>, number: &str, words: &[&str]| {
        fs::write(group.join("pids.max"), number).unwrap();
        let joins = "echo 0 >\"$0/cgroup.procs\" && exec \"$@\"";
        let call = rd.run(words).behind([&group]);
        call.behind(["bash", "-c", joins])
    };
    rd.refused(
        "no process more",
        125,
        "clone.*EAGAIN.*pids.max",
        &run(rd, "1", &["true"]),
    );
    rd.served("one process more", &run(rd, "2", &["echo", "served"]));
    let fresh = rd.on_the_first_day();
    fresh.refused(
        "no image, and no process more",
        125,
        "EAGAIN|os error 11",
        &run(&fresh, "1", &["true"]),
    );
    let is_empty = || fs::remove_dir(&group).is_ok();
    assert!(await_within(PATIENCE, is_empty), "{}", group.display());
}

// ---- the first group is made, the second is not; the last step fails ----

fn second_group(rd: &Program) {
    let Some(top) = hierarchy("memory") else {
        rd.machine
            .skip("no hierarchy of this machine has the memory controller");
        return;
    };
    if hierarchy("cpu").as_ref() == Some(&top) {
        let both = "one hierarchy has cpu and memory, so there is no second group";
        rd.machine.skip(both);
        return;
    }
    rd.refused(
        "the group of cpu is made, that of memory is not",
        125,
        "mkdir.*memory.*EROFS.*read-only",
        &in_a_world_where(
            &format!("mount -o remount,bind,ro {}", top.display()),
            rd.run(["true"]),
        ),
    );
}

fn exec(rd: &Program) {
    let tree = rd.machine.fresh("odd-programs");
    fs::create_dir(&tree).unwrap();
    fs::create_dir(tree.join("directory")).unwrap();
    let files: [(&str, &[u8], u32); 6] = [
        ("text", b"no program\n", 0o755),
        ("orphan", b"#!/no/such/interpreter\n", 0o755),
        ("misled", b"#!/directory\n", 0o755),
        ("loop", b"#!/loop\n", 0o755),
        // The mark of an ELF file, and nothing of what follows it.
        ("torso", b"\x7fELF\x02\x01\x01", 0o755),
        ("plain", b"no program\n", 0o644),
    ];
    for (name, content, mode) in files {
        let path = tree.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let archive = rd.store.images.join("odd.tar");
    let tar = rd.machine.call("tar").word("-C").word(&tree);
    let packed = tar.word("-cf").word(&archive).word(".").run();
    assert_eq!(packed.status, 0, "{packed:?}");
    rd.run(["-i", "odd", "/none"]).run();
    // What the kernel takes for no program, execvp(3) hands to /bin/sh: here there is none.
    let steps = [
        ("/text", 127, "ENOENT.*interpreter"),
        ("/torso", 127, "ENOENT.*interpreter"),
        ("/none", 127, "ENOENT"),
        ("/directory", 126, "EACCES.*directory"),
        ("/plain", 126, "EACCES.*chmod"),
        ("/orphan", 127, "ENOENT.*interpreter"),
        ("/misled", 126, "EACCES.*interpreter"),
        ("/loop", 126, "ELOOP"),
    ];
    for (step, status, advice) in steps {
        let about = format!("exec of {step}");
        rd.refused(&about, status, advice, &rd.run(["-i", "odd", step]));
    }
}
