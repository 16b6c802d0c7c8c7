//! rd's list of system calls in the words of an OCI runtime.
//!
//! The names are those of the list itself, so that both runtimes allow the same calls.

use given::Error;
use linux_sys::{CapabilitySet, Errno};
use serde_json::{Value, json};

/// The text of the list: names are in it, and nowhere in the program.
const LIST: &str = include_str!("../../given/src/seccomp/list.rs");

/// What the list has by number alone (linux's syscall.tbl).
const NEWER: [&str; 15] = [
    "cachestat",
    "fchmodat2",
    "futex_requeue",
    "futex_wait",
    "futex_wake",
    "getxattrat",
    "io_pgetevents",
    "listmount",
    "listxattrat",
    "map_shadow_stack",
    "mseal",
    "removexattrat",
    "setxattrat",
    "statmount",
    "uretprobe",
];

/// The same answers as `harden::seccomp::filter`'s for who has `kept`, the usual capabilities.
pub fn profile(kept: CapabilitySet) -> Result<Value, Error> {
    let names = names();
    let numbers = given::seccomp::numbers(kept);
    if names.len() != numbers.len() {
        let (names, numbers) = (names.len(), numbers.len());
        return Err(format!("rd's list has {numbers} calls, and {names} names").into());
    }
    let special = ["clone", "socket", "personality"];
    let plain: Vec<&str> = names
        .into_iter()
        .filter(|name| !special.contains(name))
        .collect();

    let allow = |names: &[&str], arguments: Value| json!({ "names": names, "action": "SCMP_ACT_ALLOW", "args": arguments });
    let equal = |value: u32| json!([{ "index": 0, "value": value, "op": "SCMP_CMP_EQ" }]);
    let lacking = [
        "clone3",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
    ];
    let mut calls = vec![
        allow(&plain, json!([])),
        // All of clone's flags that make a namespace (as in Docker's list).
        allow(
            &["clone"],
            json!([{ "index": 0, "value": 0x7e02_0000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }]),
        ),
        json!({ "names": lacking, "action": "SCMP_ACT_ERRNO", "errnoRet": Errno::ENOSYS as i32 }),
    ];
    for family in given::seccomp::socket_families() {
        calls.push(allow(&["socket"], equal(family)));
    }
    for personality in given::seccomp::personalities() {
        calls.push(allow(&["personality"], equal(personality)));
    }
    Ok(json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": Errno::EPERM as i32,
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": calls,
    }))
}

/// On x86-64: everybody's calls, and the one for CAP_SYS_CHROOT.
fn names() -> Vec<&'static str> {
    let begin = LIST.find("const EVERYWHERE").unwrap_or(0);
    let end = LIST.find("target_arch = \"aarch64\"").unwrap_or(LIST.len());
    let words = LIST[begin..end].split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let named = words.filter_map(|word| word.strip_prefix("SYS_"));
    named.chain(NEWER).chain(["chroot"]).collect()
}
