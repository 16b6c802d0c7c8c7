// Where examples and tests may try things: a process of their own, in namespaces
// of its own. What they mount, rename and drop is gone when the process ends, and
// none of it needs root: in its own user namespace every user is root, over nothing
// but what belongs to it. (A file for `include!` as well as `mod`, hence no `//!`.)

/// Moves the calling process into its own user and mount namespaces, and `more`;
/// the sentence of the failure says why this machine does not allow it.
#[allow(dead_code, reason = "each of those who include this uses a part of it")]
pub(crate) fn enter(more: linux_sys::CloneFlags) -> Result<(), String> {
    use linux_sys::{CloneFlags, unshare};

    let (uid, gid) = (ids::effective_uid(), ids::effective_gid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | more)
        .map_err(|error| error.to_string())?;
    // user_namespaces(7): without the right to choose groups, giving up setgroups
    // comes before the map.
    let write = |file: &str, text: String| {
        std::fs::write(format!("/proc/self/{file}"), text)
            .map_err(|error| format!("/proc/self/{file} cannot be written: {error}"))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {uid} 1"))?;
    write("gid_map", format!("0 {gid} 1"))?;
    // Some distributions let everyone have a user namespace, and then leave its
    // root without any power.
    linux_sys::mount(
        "none",
        "/",
        "",
        linux_sys::MsFlags::MS_REC | linux_sys::MsFlags::MS_PRIVATE,
        "",
    )
    .map_err(|error| error.to_string())
}

/// Runs an example of the documentation.
#[allow(dead_code, reason = "each of those who include this uses a part of it")]
pub(crate) fn in_private_namespaces(example: fn() -> linux_sys::Result<()>) {
    use linux_sys::{CloneFlags, Fork, WaitOptions, WaitStatus, exit, fork, waitpid};

    let child = match fork().expect("an example has one thread") {
        Fork::Parent { child } => child,
        Fork::Child => exit(
            match enter(CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC) {
                Err(why) => {
                    println!("not tried, as this machine gives no private namespaces: {why}");
                    0
                }
                Ok(()) => match std::panic::catch_unwind(example) {
                    Ok(Ok(())) => 0,
                    Ok(Err(error)) => {
                        println!("{error}");
                        1
                    }
                    Err(_panic) => 1,
                },
            },
        ),
    };
    let status = waitpid(child, WaitOptions::empty()).expect("it is our child");
    assert_eq!(status, WaitStatus::Exited(0));
}

mod ids {
    use std::os::unix::fs::MetadataExt;

    // Who we are, without a further dependency for examples: the owner of our own /proc entry.
    pub(super) fn effective_uid() -> u32 {
        std::fs::metadata("/proc/self").map_or(0, |us| us.uid())
    }

    pub(super) fn effective_gid() -> u32 {
        std::fs::metadata("/proc/self").map_or(0, |us| us.gid())
    }
}
