//! What the host shares with its neighbours by name or number: its own name, variables, queues,
//! sockets, interfaces, keys, and the terminal.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use linux_sys::{AF_INET, Errno, IFF_UP, MsFlags, SOCK_CLOEXEC, SOCK_DGRAM};
use nix::pty::openpty;

use super::{Sight, failed, hold, sight, since};
use crate::container::Container;
use crate::finding::Failure;
use crate::host::Host;
use crate::procfs;
use sandbox::wait::await_that;

pub(crate) fn hostname(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["hostname", "escaped"], None)?;
    let name = procfs::read_text("/proc/sys/kernel/hostname")?;
    let name = name.trim_end();
    Ok(sight(
        &container,
        name == "escaped",
        format!("the host is called {name}"),
    ))
}

pub(crate) fn secret(host: &Host, _: u8) -> Result<Sight, Failure> {
    inherited(host, "AWS_SECRET_ACCESS_KEY", "not for everybody")
}

pub(crate) fn preload(host: &Host, _: u8) -> Result<Sight, Failure> {
    inherited(host, "LD_PRELOAD", "/nowhere.so")
}

/// Whether the command has this variable, which the level's process has.
fn inherited(host: &Host, name: &str, value: &str) -> Result<Sight, Failure> {
    let run = host.run(&["probe", "hold"]).variable(name, value);
    let container = run.hold()?;
    let file = container.proc("environ");
    let variable = format!("{name}={value}");
    let environment = procfs::read(&file)?;
    let is_there = environment
        .split(|byte| *byte == 0)
        .any(|it| it == variable.as_bytes());
    let seen = if is_there { "is" } else { "is not" };
    Ok(sight(
        &container,
        is_there,
        format!("{name} {seen} in {}", file.display()),
    ))
}

pub(crate) fn message_queue(host: &Host, _: u8) -> Result<Sight, Failure> {
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

pub(crate) fn abstract_socket(host: &Host, _: u8) -> Result<Sight, Failure> {
    let name = "rubber-docker-escape";
    let listener = SocketAddr::from_abstract_name(name)
        .and_then(|address| UnixListener::bind_addr(&address))
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|why| failed("a socket of the host's", &why))?;
    let container = hold(host, &["connect", &format!("@{name}")], None)?;
    Ok(connected(&container, listener.accept().is_ok()))
}

pub(crate) fn host_port(host: &Host, _: u8) -> Result<Sight, Failure> {
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
    let who = if worked { "a process" } else { "no process" };
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

pub(crate) fn switch_off(host: &Host, _: u8) -> Result<Sight, Failure> {
    bring_up_lo()?;
    let container = hold(host, &["switch-off", "lo"], None)?;
    let flags = flags_of_lo().map_err(|why| failed("the host's loopback", &why))?;
    let is_off = flags & IFF_UP == 0;
    let how = if is_off { "off" } else { "on" };
    Ok(sight(&container, is_off, format!("the host's lo is {how}")))
}

/// A process inherits its session keyring like an open file, and no namespace but that of
/// users separates it (keyrings(7)).
pub(crate) fn key(host: &Host, _: u8) -> Result<Sight, Failure> {
    added_key(host, None)
}

const UNFILTERED: &str = "--security-opt=seccomp=unconfined";

pub(crate) fn key_without_filter(host: &Host, solution: u8) -> Result<Sight, Failure> {
    added_key(host, since(13, solution, UNFILTERED))
}

fn added_key(host: &Host, option: Option<&'static str>) -> Result<Sight, Failure> {
    // The machine's own stays as it was.
    linux_sys::keyctl_join_session_keyring().map_err(|why| failed("the host's keyring", &why))?;
    let container = hold(host, &["key", "escaped"], option)?;
    let found = match linux_sys::keyctl_search("escaped") {
        Ok(_) => true,
        Err(why) if why.errno() == Errno::ENOKEY => false,
        Err(why) => return Err(failed("the host's keyring", &why)),
    };
    let what = if found { "a" } else { "no" };
    let seen = format!("the caller's session keyring has {what} key from the container");
    Ok(sight(&container, found, seen))
}

/// Who shares a ring may also empty it.
pub(crate) fn forget_keys(host: &Host, _: u8) -> Result<Sight, Failure> {
    emptied_ring(host, None)
}

pub(crate) fn forget_keys_without_filter(host: &Host, solution: u8) -> Result<Sight, Failure> {
    emptied_ring(host, since(13, solution, UNFILTERED))
}

fn emptied_ring(host: &Host, option: Option<&'static str>) -> Result<Sight, Failure> {
    // The machine's own stays as it was.
    linux_sys::keyctl_join_session_keyring()
        .and_then(|_| linux_sys::add_key("the-callers", b"open sesame"))
        .map_err(|why| failed("the host's keyring", &why))?;
    let container = hold(host, &["forget-keys"], option)?;
    let is_gone = match linux_sys::keyctl_search("the-callers") {
        Ok(_) => false,
        Err(why) if why.errno() == Errno::ENOKEY => true,
        Err(why) => return Err(failed("the host's keyring", &why)),
    };
    let seen = if is_gone { "is gone" } else { "is still there" };
    let seen = format!("the caller's key {seen}");
    Ok(sight(&container, is_gone, seen))
}

/// The caller's terminal, as the caller's shell reads it when the container has ended. It is the
/// level's standard input, as usual.
pub(crate) fn typing(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let pair = openpty(None, None).map_err(|why| failed("a terminal", &why))?;
    let name = fs::read_link(format!("/proc/self/fd/{}", pair.slave.as_raw_fd()));
    // We lead a session without a terminal: the first one that we open is ours.
    let terminal = name.and_then(|name| {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(nix::libc::O_NONBLOCK);
        options.open(name)
    });
    let mut terminal: File = terminal.map_err(|why| failed("the caller's terminal", &why))?;
    let input = pair
        .slave
        .try_clone()
        .map_err(|why| failed("the caller's terminal", &why))?;
    // Nothing of it reads there: what is typed is for the caller to read.
    let run = host
        .run(&["probe", "try", "type", "escaped", "then", "pause"])
        .stdin(File::from(input));
    let run = match since(18, solution, "-t") {
        Some(option) => run.option(option),
        None => run,
    }
    .start()?;
    let (mut line, mut count) = ([0; 64], 0);
    await_that(|| {
        // Nothing to read is an error, and what we want to know.
        count = terminal.read(&mut line).unwrap_or(0);
        count > 0 || run.errors().contains("probe: ")
    });
    let line = String::from_utf8_lossy(&line[..count]);
    Ok(Sight {
        worked: line == "escaped\n",
        seen: format!("the caller's terminal has {:?} to read", line.trim_end()),
        said: run.errors(),
    })
}
