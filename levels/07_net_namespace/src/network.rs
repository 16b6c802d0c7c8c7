//! The container's network: interfaces, addresses, routes and ports of its own.

use given::Error;

/// Switch an interface on. In a new network namespace even the loopback is down,
/// and a program cannot so much as talk to itself.
pub fn bring_up(interface: &str) -> Result<(), Error> {
    // TODO(07) 2. Read the interface's flags, add IFF_UP, write them back (netdevice(7)).
    let _ = interface;
    // END TODO(07)
    Ok(())
}
