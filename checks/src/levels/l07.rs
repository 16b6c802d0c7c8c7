//! Level 07: a network of its own, in which it can at least talk to itself.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::PathBuf;

use linux_sys::{AF_INET, CloneFlags, IFF_UP, SOCK_CLOEXEC, SOCK_DGRAM, siocgifflags};

use super::l00::IN_A_CHILD;
use super::l01::ROOT_IS_IMAGE;
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::host::{Ended, Host};
use crate::sides::machine;
use crate::{namespace, procfs};

const LOOPBACK_IS_UP: &str = "the container's loopback is up";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 7,
    checks: &[
        Check {
            name: "the command has a network namespace of its own",
            step: 1,
            usually: "CLONE_NEWNET is missing among the child's new namespaces",
            needs: &[IN_A_CHILD],
            run: own_namespace,
        },
        Check {
            name: "the host's abstract sockets are out of reach",
            step: 1,
            usually: "the command is in the host's network namespace, to which the names of \
                      abstract sockets belong (CVE-2020-15257)",
            needs: &[ROOT_IS_IMAGE],
            run: abstract_socket,
        },
        Check {
            name: "the host's own ports at 127.0.0.1 are out of reach",
            step: 1,
            usually: "the command is in the host's network namespace, and its 127.0.0.1 is the \
                      host's",
            needs: &[ROOT_IS_IMAGE],
            run: port,
        },
        Check {
            name: LOOPBACK_IS_UP,
            step: 2,
            usually: "IFF_UP was not written back with siocsifflags: in a new network namespace \
                      even the loopback is down; or the socket was made before the namespace, \
                      and says another one",
            needs: &[],
            run: loopback_is_up,
        },
        Check {
            name: "/sys shows the container's network",
            step: 1,
            usually: "/sys was mounted before the network namespace was made: a sysfs shows the \
                      one that its mounter was in",
            needs: &[LOOPBACK_IS_UP, ROOT_IS_IMAGE],
            run: sys_is_its_own,
        },
        Check {
            name: "the command can connect to itself at 127.0.0.1",
            step: 2,
            usually: "the loopback is not up, so that it has no address and no route",
            needs: &[LOOPBACK_IS_UP, ROOT_IS_IMAGE],
            run: connects_to_itself,
        },
        refusals::check(
            "a container without a network of its own does not run",
            2,
            refused_calls,
        ),
    ],
    calls: &[
        ("clone(", "CLONE_NEWNET", 1),
        ("socket(", "", 2),
        ("ioctl(SIOC", "", 2),
    ],
};

fn own_namespace(host: &Host) -> Outcome {
    namespace::expect_own(&host.run(&["probe", "hold"]).hold()?, "net", "network")?;
    // Whatever the command is.
    namespace::expect_own(&host.shell().hold_shell()?, "net", "network")
}

/// The flags of this process's own loopback.
fn flags() -> linux_sys::Result<i16> {
    siocgifflags(
        linux_sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)?,
        "lo",
    )
}

/// Switches the sandbox's loopback on or off.
pub(super) fn switch_host_loopback(up: bool) -> Result<(), Failure> {
    machine::switch_loopback(up).map_err(|why| host_failed(&why))
}

/// The sandbox itself is not as it should be.
fn host_failed(why: &dyn std::fmt::Display) -> Failure {
    Failure::seen(format!("the check's own network failed: {why}"))
        .usually("this says nothing about the level")
        .elsewhere()
}

/// The command has tried to connect to the host: whether it has is what the host's
/// own socket says.
fn expect_no_guest<T>(accepted: io::Result<T>, ended: &Ended, to: &str) -> Outcome {
    let expected = format!("a connection from inside to {to} fails");
    match accepted {
        Ok(_) => Err(Failure::seen("the host has got a connection")
            .expected(expected)
            .at(format!("accept at {to}, on the host"))
            .into()),
        // It must have tried: the probe ends with 1 if it could not connect.
        Err(why) if why.kind() == io::ErrorKind::WouldBlock && ended.code() == Some(1) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::WouldBlock => Err(ended
            .wrong_status()
            .expected(format!("{expected}, and the probe ends with status 1"))
            .into()),
        Err(why) => Err(host_failed(&why).into()),
    }
}

fn abstract_socket(host: &Host) -> Outcome {
    let name = "rubber-docker-host";
    let listen = || -> io::Result<UnixListener> {
        let address = SocketAddr::from_abstract_name(name)?;
        let listener = UnixListener::bind_addr(&address)?;
        listener.set_nonblocking(true)?;
        // From the host the socket can be reached.
        drop(UnixStream::connect_addr(&address)?);
        listener.accept()?;
        Ok(listener)
    };
    let listener = listen().map_err(|why| host_failed(&why))?;
    let name = format!("@{name}");
    let ended = host.run(&["probe", "connect", &name]).finish()?;
    expect_no_guest(listener.accept(), &ended, &name)
}

fn port(host: &Host) -> Outcome {
    switch_host_loopback(true)?;
    let listen = || -> io::Result<(TcpListener, String)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        drop(TcpStream::connect(address)?);
        listener.accept()?;
        listener.set_nonblocking(true)?;
        Ok((listener, address.to_string()))
    };
    let (listener, address) = listen().map_err(|why| host_failed(&why))?;
    let ended = host.run(&["probe", "connect", &address]).finish()?;
    expect_no_guest(listener.accept(), &ended, &address)
}

fn loopback_is_up(host: &Host) -> Outcome {
    // So that it shows if it is the host's that is brought up.
    switch_host_loopback(false)?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let found = namespace::look_into(container.pid, CloneFlags::CLONE_NEWNET, || match flags() {
        Ok(flags) if flags & IFF_UP != 0 => String::new(),
        Ok(flags) => format!("its flags are {flags:#x}, without IFF_UP, {IFF_UP:#x}"),
        Err(why) => why.to_string(),
    })?;
    if found.is_empty() {
        return Ok(());
    }
    let failure = Failure::seen(found)
        .expected("the interface lo in the container's network namespace is up")
        .at(format!(
            "ioctl(SIOCGIFFLAGS) after setns to {}",
            container.proc("ns/net").display()
        ));
    Err(match flags().is_ok_and(|flags| flags & IFF_UP != 0) {
        true => failure.usually(
            "the host's loopback was brought up instead: the parent did it, or a socket that was \
             made before the namespace",
        ),
        false => failure,
    }
    .into())
}

fn sys_is_its_own(host: &Host) -> Outcome {
    // So that the two can be told apart: the host's is down.
    switch_host_loopback(false)?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let (path, shown) = loopback_in_sys(&container)?;
    if shown & IFF_UP != 0 {
        return Ok(());
    }
    Err(
        Failure::seen(format!("lo is down in it, with the flags {shown:#x}"))
            .expected("the container's /sys shows its lo, which is up, and not the host's")
            .at(path.display().to_string())
            .into(),
    )
}

/// What the container's /sys says of its loopback: the file, and the flags in it.
fn loopback_in_sys(container: &Container) -> Result<(PathBuf, i16), Failure> {
    let path = container.inside("sys/class/net/lo/flags");
    let text = procfs::read_text(&path)?;
    let shown = text.trim().trim_start_matches("0x");
    let shown = i16::from_str_radix(shown, 16)
        .map_err(|why| Failure::unreadable(&path, format!("{text:?}: {why}")))?;
    Ok((path, shown))
}

/// Whether the network in the container's /sys has its loopback up.
pub(super) fn shows_a_loopback_that_is_up(container: &Container) -> Result<bool, Failure> {
    let (_, shown) = loopback_in_sys(container)?;
    Ok(shown & IFF_UP != 0)
}

fn connects_to_itself(host: &Host) -> Outcome {
    let expected = "a connection from the container's 127.0.0.1 to itself";
    let container = host.run(&["probe", "loopback", "then", "hold"]).hold();
    let container = container.map_err(|failure| {
        failure
            .expected(expected)
            .usually("the loopback is up but has no address, or no route leads to it")
    })?;
    // Of the network namespace that this process is in (proc_pid_net(5)).
    let path = container.proc("net/tcp");
    let table = procfs::read_text(&path)?;
    if table.lines().any(is_connection_to_itself) {
        return Ok(());
    }
    Err(Failure::seen(format!(
        "there are {} sockets, and none is connected",
        table.lines().count().saturating_sub(1)
    ))
    .expected(expected)
    .at(path.display().to_string())
    .into())
}

/// `0: 0100007F:9C40 0100007F:8235 01 ...`: from, to, and 1 for an established connection.
fn is_connection_to_itself(line: &str) -> bool {
    let mut fields = line.split_whitespace().skip(1);
    let mut address = || fields.next()?.split_once(':').map(|(address, _)| address);
    let (from, to) = (address(), address());
    from.is_some() && from == to && fields.next() == Some("01")
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 7, &[])
}
