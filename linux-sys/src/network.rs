//! Network interfaces: socket, the two ioctls that switch an interface on, and their addresses.

use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The interface's name.
    pub interface: String,
    /// Of IPv4 or IPv6.
    pub address: IpAddr,
    /// How many of its bits are the network's.
    pub prefix: u32,
}

/// The addresses of all interfaces of the caller's network namespace, in the kernel's order.
///
/// # Errors
///
/// * `EMFILE`: too many open files; the C library asks by a socket.
///
/// # Example
///
/// ```
/// for found in linux_sys::getifaddrs()? {
///     println!("{}: {}/{}", found.interface, found.address, found.prefix);
/// }
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: getifaddrs(3). X-ray.
pub fn getifaddrs() -> Result<Vec<InterfaceAddress>> {
    let mut first = std::ptr::null_mut();
    // SAFETY: the call writes one pointer to where `first` is.
    let done = unsafe { libc::getifaddrs(&raw mut first) };
    Errno::result(done).map_err(|errno| Error::new("getifaddrs", Case::Any, errno, &[]))?;
    let mut found = Vec::new();
    let mut next = first;
    // SAFETY: a list that ends with a null pointer; each is valid until freeifaddrs, below.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: null, or an address of the family that it says, in full.
        let (address, mask) = unsafe { (ip_of(entry.ifa_addr), ip_of(entry.ifa_netmask)) };
        if let Some(address) = address {
            // SAFETY: a name that ends with a NUL, of the same list.
            let name = unsafe { CStr::from_ptr(entry.ifa_name) };
            found.push(InterfaceAddress {
                interface: name.to_string_lossy().into_owned(),
                address,
                prefix: mask.map_or(0, ones),
            });
        }
    }
    // SAFETY: the call above has made this list, and nothing of it is kept.
    unsafe { libc::freeifaddrs(first) };
    Ok(found)
}

/// # Safety
///
/// `at` is null, or points to an address that is as long as its family says.
unsafe fn ip_of(at: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: as the caller says; every address begins with its family.
    let family = unsafe { at.as_ref() }?.sa_family;
    match i32::from(family) {
        AF_INET => {
            // SAFETY: of this family, and so of its length.
            let address = unsafe { at.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes()).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let address = unsafe { at.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None, // the card's own
    }
}

fn ones(mask: IpAddr) -> u32 {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    }
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
