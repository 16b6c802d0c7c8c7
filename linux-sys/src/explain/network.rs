//! Network interfaces: socket, and the ioctls on one.

use Case::Any;
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, call};

pub(super) const CALLS: &[Call] = &[
    call(
        "socket",
        &[
            (Any, EACCES, NOT_RAW),
            (
                Any,
                EAFNOSUPPORT,
                "this kernel has no such kind of network: it was built without it, or the module \
                 is not loaded",
            ),
            (
                Any,
                EINVAL,
                "no such kind of socket, or flags besides SOCK_CLOEXEC and SOCK_NONBLOCK",
            ),
            (Any, EPERM, NOT_RAW),
        ],
    ),
    // The ioctls of interfaces have a page of their own.
    Call {
        name: "ioctl",
        section: 7,
        page: "netdevice",
        meanings: &[
            (
                Any,
                ENODEV,
                "no such interface in the network namespace that the socket was made in (`ip \
                 link` shows them): make the socket after unshare or clone, not before",
            ),
            (
                Any,
                ENOTTY,
                "that descriptor is not a socket, so it has no interfaces to ask",
            ),
            (
                Any,
                EPERM,
                "changing an interface needs CAP_NET_ADMIN in the user namespace that owns this \
                 network namespace: run as root, and do it before capabilities are dropped",
            ),
        ],
    },
];

const NOT_RAW: &str = "this kind of socket needs CAP_NET_RAW: run as root, before capabilities are \
     dropped";
