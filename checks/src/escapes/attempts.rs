//! How each escape is tried, and how it is seen from outside whether it has worked.
//!
//! In every attempt the container's own process goes on to hold afterwards, and is
//! found by the kernel's word: "it did not work" always means that it was tried.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use linux_sys::{AF_INET, Capability, Gid, IFF_UP, MsFlags, Pid, SOCK_CLOEXEC, SOCK_DGRAM};

use crate::cgroups;
use crate::check::Failure;
use crate::container::Container;
use crate::host::{CANARY, CANARY_VALUE, Host};
use crate::probe_image::{ODD_GROUP, ODD_OWNER};
use crate::process;
use crate::procfs;

/// What was seen from outside after an attempt.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) worked: bool,
    /// The place that was looked at, and what was there.
    pub(super) seen: String,
    /// What the program said of it; for people, and to know a refusal from an accident.
    pub(super) said: String,
}

pub(super) type Attempt = fn(&Host, u8) -> Result<Sight, Failure>;

/// As long as something gets to happen before it counts as not happening.
const MOMENT: Duration = Duration::from_millis(150);

/// The kernel's log, read by a device like any other: what works with it works with
/// a disk, and looking at it changes nothing.
const KMSG: (u32, u32) = (1, 11);

const MEMORY_LIMIT: &str = "--memory=32m";
const HOARD: &str = "96";
/// What the kernel does with the memory of a program that crashes: store it in a file
/// or hand it to a program, which it starts on the host.
const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";

const USER: &str = "--user=1000:1000";

/// `probe try VERB... then hold`, held.
fn hold<'a>(
    host: &'a Host,
    words: &[&str],
    option: Option<&'a str>,
) -> Result<Container<'a>, Failure> {
    let command = [&["probe", "try"], words, &["then", "hold"]].concat();
    let run = host.run(&command);
    match option {
        Some(option) => run.option(option),
        None => run,
    }
    .hold()
}

fn sight(container: &Container, worked: bool, seen: impl Into<String>) -> Sight {
    Sight {
        worked,
        seen: seen.into(),
        said: container.errors(),
    }
}

/// Options that the earlier levels do not know. There is nothing to ask them for.
fn since(level: u8, solution: u8, option: &'static str) -> Option<&'static str> {
    (solution >= level).then_some(option)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::seen(format!("{what}: {why}"))
}

/// A file that the command has open.
fn open_file(container: &Container, is_it: impl Fn(&Metadata) -> bool) -> Option<String> {
    let entries = fs::read_dir(container.proc("fd")).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let found = paths.find(|path| fs::metadata(path).is_ok_and(|it| is_it(&it)))?;
    Some(text(&found))
}

fn kept(container: &Container, is_it: impl Fn(&Metadata) -> bool, what: &str) -> Sight {
    match open_file(container, is_it) {
        Some(path) => sight(container, true, format!("{path} is {what}")),
        None => {
            let seen = format!("no file in {} is {what}", text(&container.proc("fd")));
            sight(container, false, seen)
        }
    }
}

pub(super) fn read_by_path(host: &Host, _: u8) -> Result<Sight, Failure> {
    let canary = host.canary().join("alive");
    let identity = procfs::identity(&canary)?;
    let container = hold(host, &["keep", &text(&canary)], None)?;
    Ok(kept(
        &container,
        |it| (it.dev(), it.ino()) == identity,
        "the host's canary",
    ))
}

/// A file made below the host's canary directory.
fn left_in_canary(host: &Host, words: impl FnOnce(&str) -> Vec<String>) -> Result<Sight, Failure> {
    let mark = host.canary().join("escaped");
    let words = words(&text(&mark));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let container = hold(host, &words, None)?;
    let is_there = mark.exists();
    let seen = if is_there { "is there" } else { "is not there" };
    Ok(sight(
        &container,
        is_there,
        format!("{} {seen} on the host", mark.display()),
    ))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

pub(super) fn breakout(host: &Host, _: u8) -> Result<Sight, Failure> {
    left_in_canary(host, |mark| words(&["breakout", mark]))
}

pub(super) fn enter_namespace(host: &Host, _: u8) -> Result<Sight, Failure> {
    left_in_canary(host, |mark| {
        words(&["enter", "/proc/1/ns/mnt", "then", "try", "write", mark])
    })
}

pub(super) fn root_of_process_1(host: &Host, _: u8) -> Result<Sight, Failure> {
    left_in_canary(host, |mark| {
        words(&["write", &format!("/proc/1/root{mark}")])
    })
}

pub(super) fn mount_on_host(host: &Host, _: u8) -> Result<Sight, Failure> {
    let count = || -> Result<usize, Failure> {
        let mounts = host.mounts()?;
        let is_it =
            |mount: &&procfs::Mount| mount.fstype == "tmpfs" && mount.point.ends_with("tmp");
        Ok(mounts.iter().filter(is_it).count())
    };
    let before = count()?;
    let container = hold(host, &["mount", "tmpfs", "/tmp"], None)?;
    let after = count()?;
    let seen = format!(
        "/proc/1/mountinfo has {} new tmpfs on a directory tmp",
        after - before
    );
    Ok(sight(&container, after > before, seen))
}

pub(super) fn mounts_left(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["fds"], None)?;
    let pid = container.pid;
    process::kill(container.level())?;
    if process::is_alive(pid) {
        process::kill(pid)?;
    }
    let mounts = host.mounts()?;
    let store = host.store();
    let left: Vec<_> = mounts
        .iter()
        .filter(|it| it.point.starts_with(&store))
        .collect();
    let seen = match left.len() {
        0 => format!("/proc/1/mountinfo has nothing below {}", store.display()),
        _ => format!(
            "/proc/1/mountinfo still has {}",
            procfs::name_mounts(left.iter().copied())
        ),
    };
    Ok(sight(&container, !left.is_empty(), seen))
}

fn is_kmsg(file: &Metadata) -> bool {
    file.rdev() == linux_sys::makedev(KMSG.0.into(), KMSG.1.into())
}

pub(super) fn device_of_host(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["keep", "/dev/kmsg"], None)?;
    Ok(kept(&container, is_kmsg, "the device 1:11"))
}

fn make_device(host: &Host, directories: &[&str]) -> Result<Sight, Failure> {
    let words = [&["device", "1", "11"], directories].concat();
    let container = hold(host, &words, None)?;
    Ok(kept(&container, is_kmsg, "the device 1:11"))
}

pub(super) fn device_in_root(host: &Host, _: u8) -> Result<Sight, Failure> {
    make_device(host, &["."])
}

pub(super) fn device_anywhere(host: &Host, solution: u8) -> Result<Sight, Failure> {
    // Until 02 the container's /dev is every container's, and the machine's.
    make_device(host, if solution < 2 { &["."] } else { &[".", "/dev"] })
}

pub(super) fn hostname(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["hostname", "escaped"], None)?;
    let name = procfs::read_text("/proc/sys/kernel/hostname")?;
    let name = name.trim_end();
    Ok(sight(
        &container,
        name == "escaped",
        format!("the host is called {name}"),
    ))
}

/// A process on the host, which does nothing.
fn bystander(host: &Host) -> Result<Child, Failure> {
    Command::new(host.path("bin/probe"))
        .arg("pause")
        .env(CANARY, CANARY_VALUE)
        .spawn()
        .map_err(|why| failed("a process on the host cannot be started", &why))
}

pub(super) fn kill_host_process(host: &Host, _: u8) -> Result<Sight, Failure> {
    let mut bystander = bystander(host)?;
    let pid = bystander.id().to_string();
    let container = hold(host, &["kill", &pid], None)?;
    let is_gone = process::await_end(bystander.id().cast_signed(), MOMENT)?;
    let by = match bystander.try_wait() {
        Ok(Some(status)) => format!(
            ": {}",
            status
                .signal()
                .map_or_else(String::new, linux_sys::signal_name)
        ),
        _ => String::new(),
    };
    let how = if is_gone { "was ended" } else { "lives" };
    Ok(sight(
        &container,
        is_gone,
        format!("the host's process {pid} {how}{by}"),
    ))
}

pub(super) fn message_queue(host: &Host, _: u8) -> Result<Sight, Failure> {
    let queues = host.path("queues");
    fs::create_dir(&queues).map_err(|why| failed("mkdir", &why))?;
    linux_sys::mount("queues", &queues, "mqueue", MsFlags::empty(), "")
        .map_err(|why| failed("the host's message queues", &why))?;
    let queue = queues.join("canary");
    File::create(&queue).map_err(|why| failed("a message queue of the host's", &why))?;
    let container = hold(host, &["unqueue", "canary"], None)?;
    let is_gone = !queue.exists();
    let seen = if is_gone { "is gone" } else { "is still there" };
    Ok(sight(
        &container,
        is_gone,
        format!("the host's message queue {seen}"),
    ))
}

pub(super) fn outlive(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["fds"], None)?;
    let pid = container.pid;
    process::kill(container.level())?;
    let is_gone = process::await_end(pid, MOMENT)?;
    let how = if is_gone {
        "ended with it"
    } else {
        "lives on without it"
    };
    let seen = format!("the command, process {pid}, {how}");
    Ok(sight(&container, !is_gone, seen))
}

pub(super) fn stay_behind(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["start", "pause"], None)?;
    let left = process::children(container.pid);
    let [pid] = left[..] else {
        return Err(Failure::seen(format!(
            "the command has {} children",
            left.len()
        )));
    };
    let said = container.errors();
    container.end()?;
    let is_gone = process::await_end(pid, MOMENT)?;
    let how = if is_gone { "ended with it" } else { "lives on" };
    Ok(Sight {
        worked: !is_gone,
        seen: format!("the process {pid}, which the command started, {how}"),
        said,
    })
}

pub(super) fn abstract_socket(host: &Host, _: u8) -> Result<Sight, Failure> {
    let name = "rubber-docker-escape";
    let listener = SocketAddr::from_abstract_name(name)
        .and_then(|address| UnixListener::bind_addr(&address))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|why| failed("a socket of the host's", &why))?;
    let container = hold(host, &["connect", &format!("@{name}")], None)?;
    Ok(connected(&container, listener.accept().is_ok()))
}

pub(super) fn host_port(host: &Host, _: u8) -> Result<Sight, Failure> {
    bring_up_lo()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    let listener = listener.map_err(|why| failed("a port of the host's", &why))?;
    let address = listener
        .local_addr()
        .map_err(|why| failed("a port", &why))?;
    let container = hold(host, &["connect", &address.to_string()], None)?;
    Ok(connected(&container, listener.accept().is_ok()))
}

fn connected(container: &Container, worked: bool) -> Sight {
    let who = if worked { "somebody" } else { "nobody" };
    sight(
        container,
        worked,
        format!("{who} has connected to the host's socket"),
    )
}

fn flags_of_lo() -> linux_sys::Result<i16> {
    let socket = linux_sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)?;
    linux_sys::siocgifflags(&socket, "lo")
}

fn bring_up_lo() -> Result<(), Failure> {
    let bring_up = || -> linux_sys::Result<()> {
        let socket = linux_sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)?;
        linux_sys::siocsifflags(&socket, "lo", flags_of_lo()? | IFF_UP)
    };
    bring_up().map_err(|why| failed("the host's loopback", &why))
}

pub(super) fn switch_off(host: &Host, _: u8) -> Result<Sight, Failure> {
    bring_up_lo()?;
    let container = hold(host, &["switch-off", "lo"], None)?;
    let flags = flags_of_lo().map_err(|why| failed("the host's loopback", &why))?;
    let is_off = flags & IFF_UP == 0;
    let how = if is_off { "off" } else { "on" };
    Ok(sight(&container, is_off, format!("the host's lo is {how}")))
}

pub(super) fn group_of_host(host: &Host, _: u8) -> Result<Sight, Failure> {
    let hierarchies = cgroups::hierarchies().map_err(|why| failed("cgroups", &why))?;
    let Some(hierarchy) = hierarchies.iter().find(|it| it.has("cpu")) else {
        return Err(Failure::seen("no hierarchy has the cpu controller"));
    };
    let group = hierarchy.top.join("escape");
    let container = hold(host, &["group", "escape"], None)?;
    let is_there = group.is_dir();
    let seen = if is_there { "is there" } else { "is not there" };
    Ok(sight(
        &container,
        is_there,
        format!("{} {seen} on the host", group.display()),
    ))
}

pub(super) fn too_much_memory(host: &Host, solution: u8) -> Result<Sight, Failure> {
    take_memory(host, solution, &["probe"])
}

pub(super) fn lift_limit(host: &Host, solution: u8) -> Result<Sight, Failure> {
    take_memory(host, solution, &["probe", "try", "lift", "then"])
}

fn take_memory(host: &Host, solution: u8, words: &[&str]) -> Result<Sight, Failure> {
    let command = [words, &["hoard", HOARD, "then", "hold"]].concat();
    let mut run = host.run(&command);
    if solution >= 9 {
        run = run.option(MEMORY_LIMIT);
    }
    let mut run = run.start()?;
    if !run.await_ready() {
        let ended = run.end()?;
        // 128 and SIGKILL: what the kernel sends when there is no memory left.
        if ended.code() != Some(137) {
            return Err(ended.failed_to_start());
        }
        return Ok(Sight {
            worked: false,
            seen: format!("killed before it had {HOARD} MB"),
            said: ended.errors,
        });
    }
    let container = Container::look_for(run, Path::new("/proc/self/exe"), true)?;
    let taken = procfs::status(container.pid, "VmRSS")?;
    let kilobytes: u64 = taken
        .split_whitespace()
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let seen = format!("VmRSS of the command is {taken}");
    Ok(sight(&container, kilobytes > 90 << 10, seen))
}

pub(super) fn group_kept(host: &Host, solution: u8) -> Result<Sight, Failure> {
    linux_sys::setgroups(&[Gid::from_raw(0), Gid::from_raw(ODD_GROUP)])
        .map_err(|why| failed("the caller's groups", &why))?;
    // What the image has at etc/odd. Level 00 has no image, but a working directory.
    let odd = host.path("work/etc/odd");
    fs::create_dir(host.path("work/etc"))
        .and_then(|()| File::create(&odd))
        .and_then(|_| chown(&odd, Some(ODD_OWNER), Some(ODD_GROUP)))
        .map_err(|why| failed("a file for a group", &why))?;
    let container = hold(host, &["keep", "etc/odd"], since(10, solution, USER))?;
    let is_it = |file: &Metadata| (file.uid(), file.gid()) == (ODD_OWNER, ODD_GROUP);
    Ok(kept(&container, is_it, "the file that group 2424 may read"))
}

pub(super) fn root_again(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["root"], since(10, solution, USER))?;
    let uid = procfs::status(container.pid, "Uid")?;
    let is_root = uid.split_whitespace().all(|uid| uid == "0");
    Ok(sight(
        &container,
        is_root,
        format!("Uid of the command is {uid}"),
    ))
}

pub(super) fn write_to_root(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["write", "escaped"], since(10, solution, USER))?;
    let path = container.proc("cwd/escaped");
    let is_there = path.exists();
    let seen = if is_there { "is there" } else { "is not there" };
    Ok(sight(
        &container,
        is_there,
        format!("{} {seen}", path.display()),
    ))
}

pub(super) fn mount_inside(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["mount", "ramfs", "/tmp"], None)?;
    let mounts = container.mounts()?;
    let is_there = procfs::mounted_at(&mounts, "/tmp").is_some_and(|it| it.fstype == "ramfs");
    let what = if is_there { "a" } else { "no" };
    Ok(sight(
        &container,
        is_there,
        format!("the command's mountinfo has {what} ramfs on /tmp"),
    ))
}

pub(super) fn remount_sys(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["remount", "/sys"], None)?;
    let mounts = container.mounts()?;
    let Some(mount) = procfs::mounted_at(&mounts, "/sys") else {
        return Err(Failure::seen("nothing is mounted at /sys"));
    };
    let of_system = mount.super_options.split(',').any(|it| it == "rw");
    let is_writable = mount.has_option("rw") && of_system;
    let seen = format!("/sys: {} and {}", mount.options, mount.super_options);
    Ok(sight(&container, is_writable, seen))
}

pub(super) fn inherited_capability(host: &Host, _: u8) -> Result<Sight, Failure> {
    let hand_on = || -> linux_sys::Result<()> {
        let mut mine = linux_sys::capget(Pid::from_raw(0))?;
        mine.inheritable = mine.inheritable.with(Capability::CAP_SYS_ADMIN);
        linux_sys::capset(&mine)?;
        linux_sys::cap_ambient_raise(Capability::CAP_SYS_ADMIN)
    };
    hand_on().map_err(|why| failed("the caller's capabilities", &why))?;
    let container = hold(host, &["fds"], None)?;
    let mut seen = Vec::new();
    let mut worked = false;
    for set in ["CapInh", "CapAmb"] {
        let value = procfs::status(container.pid, set)?;
        worked |= value.bytes().any(|digit| digit != b'0');
        seen.push(format!("{set} {value}"));
    }
    Ok(sight(&container, worked, seen.join(", ")))
}

/// Open for writing is enough: to write would change the machine.
pub(super) fn core_pattern(host: &Host, _: u8) -> Result<Sight, Failure> {
    let path = CORE_PATTERN;
    let container = hold(host, &["keep-writable", path], None)?;
    let name = Path::new(path).file_name().unwrap_or(OsStr::new(path));
    let entries = fs::read_dir(container.proc("fd"))
        .into_iter()
        .flatten()
        .flatten();
    let mut found = entries.filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|target| target.file_name() == Some(name))
    });
    let flags = found.next().and_then(|entry| {
        let info = container.proc("fdinfo").join(entry.file_name());
        let info = fs::read_to_string(info).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        i32::from_str_radix(flags.trim(), 8).ok()
    });
    let is_writable = flags.is_some_and(|flags| flags & 0o3 == 1);
    let seen = match flags {
        Some(flags) => format!("the command has {path} open with the flags {flags:#o}"),
        None => format!("the command does not have {path} open"),
    };
    Ok(sight(&container, is_writable, seen))
}

/// Where this is the whole machine, and the machine is there to be broken.
pub(super) fn core_pattern_written(host: &Host, _: u8) -> Result<Sight, Failure> {
    let file = CORE_PATTERN;
    let before = procfs::read_text(file)?;
    let container = hold(host, &["write", file, "|/escaped"], None)?;
    let after = procfs::read_text(file)?;
    fs::write(file, &before).map_err(|why| failed(file, &why))?;
    let seen = format!("the host's core_pattern is {}", after.trim_end());
    Ok(sight(&container, after.trim_end() == "|/escaped", seen))
}

/// Some order that can be taken back: how much of the log goes to the console.
pub(super) fn sysrq(host: &Host, _: u8) -> Result<Sight, Failure> {
    let file = "/proc/sys/kernel/printk";
    let before = procfs::read_text(file)?;
    let container = hold(host, &["write", "/proc/sysrq-trigger", "1"], None)?;
    let after = procfs::read_text(file)?;
    fs::write(file, &before).map_err(|why| failed(file, &why))?;
    let level = |text: &str| text.split_whitespace().next().map(str::to_owned);
    let seen = format!("the host's {file} is {:?}", after.trim_end());
    let has_obeyed = level(&after).as_deref() == Some("1") && level(&before) != level(&after);
    Ok(sight(&container, has_obeyed, seen))
}
