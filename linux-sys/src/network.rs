//! Network interfaces: socket and the two ioctls that switch an interface on.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use crate::error::{Shown, plain, quoted};
use crate::explain::Case;
use crate::{Error, Result};

pub use libc::{AF_INET, AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM};

/// The interface is switched on (netdevice(7)).
pub const IFF_UP: i16 = libc::IFF_UP as i16;

/// Makes a socket.
///
/// A socket belongs to the network namespace in which it was made, and stays
/// there: it is how the calls below know which namespace's interface is meant.
///
/// # Arguments
///
/// * `domain`: the kind of network, [`AF_INET`] for example.
/// * `kind`: [`SOCK_DGRAM`] or [`SOCK_STREAM`], with [`SOCK_CLOEXEC`] so that exec closes it.
/// * `protocol`: 0 for the usual one.
///
/// # Errors
///
/// * `EAFNOSUPPORT`: this kernel has no such network.
/// * `EMFILE`: too many open files.
///
/// # Example
///
/// ```
/// use linux_sys::{AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, siocgifflags, socket};
///
/// let socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)?;
/// let loopback = siocgifflags(&socket, "lo")?;
/// println!("the loopback's flags are {loopback:#x}");
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: socket(2). Level 07.
pub fn socket(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: three numbers; the kernel checks them.
    let fd = Errno::result(unsafe { libc::socket(domain, kind, protocol) }).map_err(|errno| {
        Error::new(
            "socket",
            Case::Any,
            errno,
            &[plain(domain), plain(kind), plain(protocol)],
        )
    })?;
    // SAFETY: the kernel just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Reads an interface's flags.
///
/// # Arguments
///
/// * `socket`: any socket of the network namespace that the interface is in.
/// * `interface`: its name, 15 bytes at most, such as `lo`.
///
/// # Errors
///
/// * `ENODEV`: there is no such interface in the socket's namespace.
/// * `EINVAL`: the name is too long.
///
/// The example is at [`socket`].
///
/// Manual page: netdevice(7), `SIOCGIFFLAGS`. Level 07.
pub fn siocgifflags(socket: impl AsFd, interface: &str) -> Result<i16> {
    let shown = [plain("SIOCGIFFLAGS"), quoted(interface)];
    let mut request = request(interface, &shown)?;
    // SAFETY: `request` is the ifreq that this ioctl reads the name from and
    // writes the flags into, and lives across the call.
    let done = unsafe {
        libc::ioctl(
            socket.as_fd().as_raw_fd(),
            libc::SIOCGIFFLAGS as _,
            &raw mut request,
        )
    };
    Errno::result(done).map_err(|errno| Error::new("ioctl", Case::Any, errno, &shown))?;
    // SAFETY: the ioctl has succeeded, so the union holds the flags.
    Ok(unsafe { request.ifr_ifru.ifru_flags })
}

/// Writes an interface's flags.
///
/// # Arguments
///
/// * `socket`: any socket of the network namespace that the interface is in.
/// * `interface`: its name, 15 bytes at most.
/// * `flags`: all of them; read them first and change the one that is meant.
///
/// # Errors
///
/// * `EPERM`: it needs CAP_NET_ADMIN in the user namespace that owns the network namespace.
/// * `ENODEV`: there is no such interface in the socket's namespace.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{AF_INET, IFF_UP, SOCK_DGRAM, siocgifflags, siocsifflags, socket};
///
/// let socket = socket(AF_INET, SOCK_DGRAM, 0)?;
/// let flags = siocgifflags(&socket, "lo")?;
/// siocsifflags(&socket, "lo", flags | IFF_UP)?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: netdevice(7), `SIOCSIFFLAGS`. Level 07.
pub fn siocsifflags(socket: impl AsFd, interface: &str, flags: i16) -> Result<()> {
    let shown = [
        plain("SIOCSIFFLAGS"),
        quoted(interface),
        plain(format_args!("{flags:#x}")),
    ];
    let mut request = request(interface, &shown)?;
    request.ifr_ifru.ifru_flags = flags;
    // SAFETY: `request` is the ifreq that this ioctl reads, and lives across the call.
    let done = unsafe {
        libc::ioctl(
            socket.as_fd().as_raw_fd(),
            libc::SIOCSIFFLAGS as _,
            &raw const request,
        )
    };
    Errno::result(done)
        .map(drop)
        .map_err(|errno| Error::new("ioctl", Case::Any, errno, &shown))
}

/// An empty request about `interface`.
fn request(interface: &str, shown: &[Shown]) -> Result<libc::ifreq> {
    // SAFETY: ifreq is a name and a union of numbers; zero is a value of it.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // One byte is left for the NUL at the end.
    if interface.is_empty() || interface.len() >= request.ifr_name.len() {
        let why = "an interface's name has 1 to 15 bytes";
        return Err(Error::refused("ioctl", Errno::EINVAL, shown, why));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(request)
}
