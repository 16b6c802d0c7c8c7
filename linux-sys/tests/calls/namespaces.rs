//! unshare, setns, sethostname.

use std::fs::{self, File};

use linux_sys::{CloneFlags, sethostname, setns, unshare};

use crate::{Outcome, Test, in_private_namespaces};

pub(crate) const TESTS: &[Test] = &[
    (
        "unshare_makes_a_new_namespace_and_setns_goes_back",
        there_and_back,
    ),
    ("sethostname_names_only_this_namespace", hostname),
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
