//! The container's network: interfaces, addresses, routes and ports of its own.

use given::Error;
use linux_sys::{AF_INET, IFF_UP, SOCK_CLOEXEC, SOCK_DGRAM, siocgifflags, siocsifflags, socket};

/// Switch an interface on. In a new network namespace even the loopback is down,
/// and a program cannot so much as talk to itself.
pub fn bring_up(interface: &str) -> Result<(), Error> {
    // Any socket will do: it only says which network namespace is meant.
    let socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)?;
    let flags = siocgifflags(&socket, interface)?;
    siocsifflags(&socket, interface, flags | IFF_UP)?;
    Ok(())
}
