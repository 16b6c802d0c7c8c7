//! unshare, setns, sethostname; the network's loopback.

use std::fs::{self, File};

use linux_sys::{
    AF_INET, Capabilities, CloneFlags, Errno, IFF_UP, InterfaceAddress, SOCK_DGRAM, capset,
    getifaddrs, sethostname, setns, siocgifflags, siocsifflags, socket, unshare,
};

use crate::{Outcome, Test, fails, in_private_namespaces};

pub(crate) const TESTS: &[Test] = &[
    (
        "unshare_makes_a_new_namespace_and_setns_goes_back",
        there_and_back,
    ),
    ("sethostname_names_only_this_namespace", hostname),
    ("the_loopback_of_a_new_network_can_be_switched_on", loopback),
];

fn uts() -> std::path::PathBuf {
    fs::read_link("/proc/self/ns/uts").unwrap()
}

fn there_and_back() -> Outcome {
    in_private_namespaces()?;
    unshare(CloneFlags::CLONE_NEWUTS).unwrap();
    let first = uts();
    let door = File::open("/proc/self/ns/uts").unwrap();
    unshare(CloneFlags::CLONE_NEWUTS).unwrap();
    assert_ne!(uts(), first);
    setns(&door, CloneFlags::CLONE_NEWUTS).unwrap();
    assert_eq!(uts(), first);
    Ok(())
}

fn hostname() -> Outcome {
    in_private_namespaces()?;
    let name = || fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let machine = name();
    unshare(CloneFlags::CLONE_NEWUTS).unwrap();
    assert_eq!(name(), machine);
    sethostname("linux-sys-test").unwrap();
    assert_eq!(name(), "linux-sys-test\n");
    Ok(())
}

fn loopback() -> Outcome {
    in_private_namespaces()?;
    let outside = socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    let inside = socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    let flags = siocgifflags(&inside, "lo").unwrap();
    assert_eq!(flags & IFF_UP, 0);
    assert_eq!(getifaddrs().unwrap(), []);
    siocsifflags(&inside, "lo", flags | IFF_UP).unwrap();
    assert_ne!(siocgifflags(&inside, "lo").unwrap() & IFF_UP, 0);
    let found = getifaddrs().unwrap();
    let of_lo = |it: &InterfaceAddress| (it.interface == "lo").then_some((it.address, it.prefix));
    let found: Vec<_> = found.iter().filter_map(of_lo).collect();
    assert_eq!(found[0], ("127.0.0.1".parse().unwrap(), 8));
    // A machine may have no IPv6.
    assert!(
        found[1..]
            .iter()
            .all(|it| *it == ("::1".parse().unwrap(), 128))
    );

    fails(
        siocgifflags(&inside, "no0"),
        Errno::ENODEV,
        "make the socket after unshare",
    );
    fails(
        siocgifflags(&inside, "sixteen-is-toomuch"),
        Errno::EINVAL,
        "1 to 15 bytes",
    );
    let file = File::open("/proc/self/status").unwrap();
    fails(siocgifflags(&file, "lo"), Errno::ENOTTY, "not a socket");
    fails(
        socket(AF_INET, 77, 0),
        Errno::EINVAL,
        "no such kind of socket",
    );
    // A socket of the machine's own network, over which this user namespace has no power.
    let up = siocgifflags(&outside, "lo").unwrap();
    fails(
        siocsifflags(&outside, "lo", up),
        Errno::EPERM,
        "needs CAP_NET_ADMIN",
    );
    capset(&Capabilities::default()).unwrap();
    fails(
        siocsifflags(&inside, "lo", flags),
        Errno::EPERM,
        "needs CAP_NET_ADMIN",
    );
    Ok(())
}
