//! The finished runtime's limits: what uses more memory than allowed is killed and hears
//! why, the command is the user that was asked for and has no capability beyond the list,
//! and a request to end reaches it once, and ends it in the end; no signal at any time
//! leaves anything behind.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::time::{Duration, Instant};

use linux_sys::{Mode, SIGKILL};
use nix::libc::{
    SIGABRT, SIGALRM, SIGBUS, SIGCONT, SIGFPE, SIGHUP, SIGILL, SIGINT, SIGQUIT, SIGSEGV, SIGSTOP,
    SIGSYS, SIGTERM, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1,
};
use sandbox::procfs;
use sandbox::wait::await_within;

use crate::call::{Call, Ended, Running};
use crate::kernel;
use crate::machine::{Machine, PATIENCE, matches};
use crate::program::Program;
use crate::trial::{Case, Look};

const CASES: &[(&str, Look)] = &[
    (
        "memory exhausted: the kernel's SIGKILL, and it is told",
        memory,
    ),
    (
        "user and groups: nothing of the caller's comes along",
        users,
    ),
    ("capabilities: the five sets", capabilities),
    (
        "SIGTERM without a handler: SIGKILL after ten seconds",
        one_request,
    ),
    (
        "SIGTERM and SIGINT without a handler: a second one ends it",
        two_requests,
    ),
    ("SIGTERM with a handler: it comes once", counts),
    ("standard streams: flags, modes and owners stay", streams),
    (
        "every signal but faults: the parent tidies up",
        every_signal,
    ),
    (
        "SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM while an image is unpacked",
        unpacking,
    ),
    (
        "SIGINT and SIGTERM while another unpacks the image",
        waiting,
    ),
    ("SIGINT while the first image is made", first_image),
];

pub(crate) fn cases() -> Vec<Case> {
    CASES.iter().map(|it| Case::of_rd("limits", it)).collect()
}

// ---- memory ----

fn memory(rd: &Program) {
    let machine = rd.machine;
    let greedy = "head -c 200m /dev/zero | tail >/dev/null";
    let limited = |limit: &str, script: &str| {
        let call = rd.run(["--memory", limit, "--memory-swap", limit]);
        call.words(["--", "sh", "-c", script]).run()
    };
    let ends = |about: &str, status: i32, ended: &Ended| {
        machine.same(&format!("{about}: the status"), status, ended.status);
    };
    let is_silent = |about: &str, ended: &Ended| {
        let assertion = format!("{about}: it says nothing about memory");
        let lines = ended.err.lines().filter(|line| line.contains("memory"));
        machine.none(&assertion, lines);
    };

    let about = "more memory than allowed";
    let ended = limited("64m", greedy);
    ends(about, 137, &ended);
    machine.says(
        &format!("{about}: it says so"),
        "^rd: out of memory: the kernel has killed [1-9]",
        &ended.err,
    );
    machine.says(
        &format!("{about}: it reports its end"),
        "^rd: [0-9]+ exited with status 137$",
        &ended.err,
    );

    // What would be no proof if it happened anyway.
    let about = "without a limit";
    let ended = rd.run(["--", "sh", "-c", greedy]).run();
    ends(about, 0, &ended);
    is_silent(about, &ended);
    let about = "below the limit";
    let ended = limited("600m", greedy);
    ends(about, 0, &ended);
    is_silent(about, &ended);
    let about = "killed for another reason";
    let ended = limited("64m", "sh -c 'kill -KILL $$'; exit $?");
    ends(about, 137, &ended);
    is_silent(about, &ended);
}

// ---- user and capabilities ----

fn users(rd: &Program) {
    let machine = rd.machine;
    let user = "uid=2014 gid=222 groups=222\n";
    let id = rd.run(["--user", "2014:222", "--", "id"]);
    let ended = id.run();
    machine.same("--user 2014:222: that is all it is", user, &ended.out);
    // Groups that the caller has must not come along: disk, for one, is as good as root.
    let caller = ["setpriv", "--groups", "4,6,27"];
    let ended = id.behind(caller).run();
    machine.same(
        "--user 2014:222: nothing comes along of the caller's groups",
        user,
        &ended.out,
    );
    let ended = rd.run(["--", "id", "-G"]).behind(caller).run();
    machine.same(
        "root: nothing comes along of the caller's groups",
        "0\n",
        &ended.out,
    );
}

/// Docker's list without MKNOD (see levels/complete/src/capabilities.rs):
/// chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw
/// sys_chroot audit_write setfcap. The runtime cannot give one that its caller lacks.
fn usual() -> u64 {
    let own = procfs::status(std::process::id().cast_signed(), "CapBnd").unwrap();
    let own = u64::from_str_radix(&own, 16).unwrap();
    let bits = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31];
    own & bits.iter().fold(0, |mask, bit| mask | 1 << bit)
}

fn capabilities(rd: &Program) {
    let sets = |inherited: u64, permitted: u64, effective: u64, bounding: u64, ambient: u64| {
        format!(
            "CapInh:\t{inherited:016x}\nCapPrm:\t{permitted:016x}\nCapEff:\t{effective:016x}\n\
             CapBnd:\t{bounding:016x}\nCapAmb:\t{ambient:016x}\n"
        )
    };
    let usual = usual();
    // A caller who would like the container to have one more.
    let generous = [
        "setpriv",
        "--inh-caps=+net_admin",
        "--ambient-caps=+net_admin",
    ];
    let look = ["--", "grep", "^Cap", "/proc/self/status"];
    for (about, call, expected) in [
        ("root", rd.run(look), sets(0, usual, usual, usual, 0)),
        (
            "--user",
            rd.run(["--user", "2014:222"]).words(look),
            sets(0, 0, 0, usual, 0),
        ),
    ] {
        let machine = rd.machine;
        let ended = call.run();
        machine.same(&format!("{about}: the five sets"), &expected, &ended.out);
        let ended = call.behind(generous).run();
        machine.same(
            &format!("{about}: the caller's ambient set does not come along"),
            &expected,
            &ended.out,
        );
    }
}

// ---- requests to end ----

/// The command, once it has taken the place of the child.
fn command_of(running: &Running, name: &str) -> i32 {
    let mut command = None;
    await_within(PATIENCE, || {
        command = procfs::first_child(running.pid());
        command.is_some_and(|pid| kernel::comm(pid).as_deref() == Some(name))
    });
    command.unwrap_or_else(|| panic!("no command has begun: {}", running.said()))
}

fn is_told(said: &str) -> bool {
    said.contains("PID 1 of its namespace and does not handle this signal")
}

fn one_request(rd: &Program) {
    let machine = rd.machine;
    let running = rd.run(["--", "sleep", "100"]).start();
    command_of(&running, "sleep");
    let before = Instant::now();
    running.send(SIGTERM);
    let ended = running.end();
    let took = before.elapsed();
    machine.same("one SIGTERM: the status", 137, ended.status);
    let told = is_told(&ended.err);
    machine.check("one SIGTERM: the user is told", told, || ended.err);
    // Twice as long is too long on a busy machine too.
    let range = Duration::from_millis(9900)..Duration::from_secs(20);
    machine.check(
        "one SIGTERM: after ten seconds",
        range.contains(&took),
        || format!("{took:?}"),
    );
}

fn two_requests(rd: &Program) {
    let machine = rd.machine;
    for (name, signal) in [("SIGTERM", SIGTERM), ("SIGINT", SIGINT)] {
        let about = format!("two {name}");
        let running = rd.run(["--", "sleep", "100"]).start();
        let command = command_of(&running, "sleep");
        running.send(signal);
        let told = await_within(PATIENCE, || is_told(&running.said()));
        machine.check(
            &format!("{about}: after the first the user is told"),
            told,
            || running.said(),
        );
        let runs = procfs::is_alive(command);
        machine.check(
            &format!("{about}: after the first it runs on"),
            runs,
            || running.said(),
        );
        let before = Instant::now();
        running.send(signal);
        let ended = running.end();
        let took = before.elapsed();
        machine.same(&format!("{about}: the status"), 137, ended.status);
        machine.check(
            &format!("{about}: at once"),
            // Not after the ten seconds that the first would have given it.
            took < Duration::from_secs(5),
            || format!("{took:?}"),
        );
        machine.check(
            &format!("{about}: the command is gone"),
            !procfs::is_alive(command),
            String::new,
        );
    }
}

/// A command that counts until SIGUSR1 asks for the sum. It makes no process: dash notes no
/// signal that comes while it makes one by vfork(2).
const COUNTS: &str = "trap 'n=$((n + 1)); echo got-$n' TERM; trap 'echo sum-$n; exit 3' USR1
    echo ready; while :; do :; done";

/// The kernel may deliver two equal signals that arrive at almost the same time as one
/// (signal(7)), so what the parent sends is counted as well.
fn counts(rd: &Program) {
    let machine = rd.machine;
    for (about, call) in [
        ("root", rd.run(["--", "sh", "-c", COUNTS])),
        (
            "--user",
            rd.run(["--user", "2014:222", "--", "sh", "-c", COUNTS]),
        ),
    ] {
        let running = call.start();
        let printed = |line: &str| running.printed().lines().any(|it| it == line);
        let starts = await_within(PATIENCE, || printed("ready"));
        machine.check(&format!("{about}: it starts"), starts, || running.said());
        let sent = machine.fresh("sent");
        let tracer = trace_of_signals(machine, &running, &sent);
        running.send(SIGTERM);
        await_within(PATIENCE, || printed("got-1"));
        running.send(SIGUSR1);
        let ended = running.end();
        machine.same(
            &format!("{about}: it gets SIGTERM once"),
            "ready\ngot-1\nsum-1\n",
            &ended.out,
        );
        machine.same(&format!("{about}: it ends as it likes"), 3, ended.status);
        let told = is_told(&ended.err);
        machine.check(&format!("{about}: the user is not bothered"), !told, || {
            ended.err
        });
        let Some(tracer) = tracer else {
            machine.skip("there is no strace here to count what the parent sends");
            continue;
        };
        tracer.end();
        let sent = fs::read_to_string(sent).unwrap();
        let terms = sent.lines().filter(|line| line.contains("SIGTERM)"));
        machine.same(
            &format!("{about}: the parent sends it once"),
            1,
            terms.count(),
        );
    }
}

/// Attached to the parent; none if there is no strace here.
fn trace_of_signals(machine: &Machine, running: &Running, sent: &Path) -> Option<Running> {
    let strace = machine.call("strace");
    let is_there = strace.clone().words(["-o", "/dev/null", "true"]);
    if is_there.run().status != 0 {
        return None;
    }
    let pid = running.pid();
    let calls = "trace=kill,tkill,tgkill,pidfd_send_signal";
    let strace = strace.words(["-qq", "-e", calls, "-o"]).word(sent);
    let tracer = strace.words(["-p", &pid.to_string()]).start();
    let is_traced = || procfs::status(pid, "TracerPid").is_ok_and(|it| it != "0");
    let traced = await_within(PATIENCE, is_traced);
    machine.check("the parent is traced", traced, || tracer.said());
    Some(tracer)
}

// ---- standard streams ----

/// What is given to the container comes back as it was: a pipe's flags are its maker's, too.
/// What has a name on the host is the host's: a device is everybody's, and a file stays.
fn streams(rd: &Program) {
    let machine = rd.machine;
    let probe = machine.program("checks").call(["probe-image"]).run();
    assert_eq!(probe.status, 0, "{probe:?}");
    let path = machine.scratch("pipe");
    nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    // Both ends: open(2) of one end of a FIFO waits for the other (fifo(7)).
    let pipe = OpenOptions::new().read(true).write(true).open(&path);
    let pipe = pipe.unwrap();
    let flags = || flags_of(&pipe);
    let before = flags();
    let ended = with_streams(
        &rd.run(["-i", "probe", "--", "probe", "spoil"]),
        &pipe,
        &pipe,
    );
    machine.says(
        "a program that sets O_NONBLOCK has run",
        "exited with status 0",
        &ended,
    );
    machine.same("the pipe has the flags that it had", before, flags());

    // The null device is one of our own, should it go wrong.
    let null = machine.scratch("null");
    let mknod = machine.call("mknod").words(["-m", "666"]).word(&null);
    assert_eq!(mknod.words(["c", "1", "3"]).run().status, 0);
    let device = OpenOptions::new().read(true).write(true).open(&null);
    let device = device.unwrap();
    let spoil = "for n in 0 1 2; do chmod 600 /proc/self/fd/$n; chown 33 /proc/self/fd/$n; done";
    let mut command = rd.run(["sh", "-c", spoil]).command();
    command.stdin(device.try_clone().unwrap());
    command.stdout(device.try_clone().unwrap());
    command.stderr(device.try_clone().unwrap());
    command.status().unwrap();
    machine.same(
        "the host's null device is as it was",
        (0o666, 0),
        (kernel::mode(&null), kernel::owner(&null)),
    );
    let look = "stat -Lc %d /proc/self/fd/0 /dev/null | uniq | wc -l";
    let ended = rd.run(["sh", "-c", look]).start_with(device).end();
    machine.same(
        "in the container it is one of its own /dev",
        "1\n",
        &ended.out,
    );
    let file = machine.scratch("file");
    let spoil = rd.run(["sh", "-c", "cat /bin/true; chmod 6755 /proc/self/fd/1"]);
    let null = File::open("/dev/null").unwrap();
    with_streams(&spoil, &null, &File::create(&file).unwrap());
    machine.same(
        "a file that it writes has not become a setuid program",
        0o755,
        kernel::mode(&file),
    );
}

/// Runs it with these; the answer is what it says.
fn with_streams(call: &Call, input: &File, output: &File) -> String {
    let mut command = call.command();
    command.stdin(input.try_clone().unwrap());
    command.stdout(output.try_clone().unwrap());
    let ended = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .unwrap();
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

fn flags_of(file: &File) -> String {
    use std::os::fd::AsRawFd;
    let info = format!("/proc/self/fdinfo/{}", file.as_raw_fd());
    let info = fs::read_to_string(info).unwrap();
    let flags = info.lines().find(|line| line.starts_with("flags"));
    flags.unwrap_or_default().to_owned()
}

// ---- every signal, at every time ----

/// Faults, what stops, and two that are the C library's.
const OTHERS: [i32; 14] = [
    SIGKILL, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
    SIGSYS, 32, 33,
];

/// Nothing but SIGKILL and faults ends the parent of a container before its time: it would
/// leave a directory behind, and control groups.
fn every_signal(rd: &Program) {
    let mut wrong = Vec::new();
    for signal in (1..=64).filter(|signal| !OTHERS.contains(signal)) {
        let running = rd.run(["--", "sleep", "100"]).start();
        let command = command_of(&running, "sleep");
        running.send(signal);
        // By now it has been taken out of the queue. Then the command is killed.
        let is_empty = |key| {
            let pending = procfs::status(running.pid(), key);
            !pending.is_ok_and(|mask| mask.chars().any(|it| it != '0'))
        };
        await_within(PATIENCE, || is_empty("ShdPnd") && is_empty("SigPnd"));
        kernel::send(command, SIGKILL);
        let ended = running.end();
        let left = rd.store.left();
        if ended.status != 137 || !left.is_empty() {
            let name = linux_sys::signal_name(signal);
            wrong.push(format!("{name}: {ended:?}, left {left:?}"));
        }
    }
    rd.machine.none("the parent lives on, and tidies up", wrong);
}

/// A container whose parent is sent a signal when something is true. It ends by that signal,
/// and leaves nothing half made.
fn interrupted(
    rd: &Program,
    about: &str,
    image: &str,
    signal: i32,
    has_begun: fn(&Program) -> bool,
) {
    let machine = rd.machine;
    let name = linux_sys::signal_name(signal);
    let about = format!("{about}, {name}");
    let running = rd.run(["-i", image, "--", "true"]).start();
    let begun = await_within(PATIENCE, || has_begun(rd));
    machine.check(&format!("{about}: it has begun"), begun, || running.said());
    running.send(signal);
    let ended = running.end();
    machine.same(
        &format!("{about}: it ends by that"),
        128 + signal,
        ended.status,
    );
    let told = matches(&format!("{name} has come"), &ended.err);
    machine.check(&format!("{about}: it says so"), told, || ended.err);
    rd.nothing_is_left(&about);
}

fn is_unpacking(rd: &Program) -> bool {
    let trees = kernel::entries(&rd.store.cache());
    trees.iter().any(|tree| tree.join("zeros").exists())
}

/// In two megabytes 500 of zeros: they take a while to write. `bin` comes first, as in a root:
/// of an archive that begins with something large, the runtime unpacks that to see what the
/// archive is.
fn add_a_large_image(rd: &Program) {
    let tree = rd.machine.scratch("large");
    fs::create_dir_all(tree.join("bin")).unwrap();
    let zeros = File::create(tree.join("zeros")).unwrap();
    zeros.set_len(500 << 20).unwrap();
    let archive = rd.store.images.join("large.tar.gz");
    let pipeline = "tar -C \"$0\" -cf - bin zeros | gzip -1 >\"$1\"";
    let call = rd.machine.call("bash").words(["-c", pipeline]);
    let packed = call.word(&tree).word(&archive).run();
    assert_eq!(packed.status, 0, "{packed:?}");
    fs::remove_dir_all(&tree).unwrap();
}

fn unpacking(rd: &Program) {
    add_a_large_image(rd);
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM] {
        let about = "while an image is unpacked";
        interrupted(rd, about, "large", signal, is_unpacking);
    }
}

/// The first parent is stopped while it unpacks; SIGINT ends the second, which waits for it.
fn waiting(rd: &Program) {
    let machine = rd.machine;
    add_a_large_image(rd);
    let call = rd.run(["-i", "large", "--", "true"]);
    let first = call.start();
    let begun = await_within(PATIENCE, || is_unpacking(rd));
    machine.check("the first unpacks", begun, || first.said());
    first.send(SIGSTOP);
    let second = call.start();
    let waits = await_within(PATIENCE, || rd.store.left().len() == 2);
    machine.check("the second waits", waits, || second.said());
    second.send(SIGINT);
    let about = "while another unpacks the image, SIGINT";
    machine.same(
        &format!("{about}: it ends by that"),
        130,
        second.end().status,
    );
    machine.same(
        &format!("{about}: nothing of it is left"),
        1,
        rd.store.left().len(),
    );
    first.send(SIGTERM);
    first.send(SIGCONT);
    let about = "the other, stopped, asked to end and continued";
    machine.same(
        &format!("{about}: it ends by that"),
        143,
        first.end().status,
    );
    rd.nothing_is_left(about);
}

fn first_image(rd: &Program) {
    let machine = rd.machine;
    let base = rd.store.images.join("base.tar");
    fs::remove_file(&base).unwrap();
    interrupted(rd, "while base is made", "base", SIGINT, |rd| {
        rd.store.images.join(".base.tar.partial").exists()
    });
    machine.check(
        "while base is made: there is none",
        !base.exists(),
        String::new,
    );
    let ended = rd.run(["--", "true"]).run();
    machine.same("afterwards a container starts", 0, ended.status);
}
