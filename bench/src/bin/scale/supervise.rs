//! A thousand containers, and nothing left of them, however this ends.
//!
//! The child that measures is PID 1 of a PID namespace. When it ends, by itself or by a
//! signal, the kernel kills every process in that: parents, containers, tar. Its parent
//! outside, which only waits, then removes what processes leave: directories and groups.

use std::fs;
use std::time::Duration;

use bench::scratch::{Scratch, tops};
use given::Error;
use linux_sys::{
    CloneFlags, How, MsFlags, SIGKILL, SignalSet, WaitOptions, WaitStatus, clone, mount,
    set_pdeathsig, sigprocmask, waitpid,
};

/// Run `measure` as that PID 1. The number is our exit status.
pub fn run(measure: impl FnOnce(&Scratch) -> Result<(), Error>) -> Result<u8, Error> {
    let scratch = Scratch::new()?;
    let parent = given::this_process()?;
    given::block_signals()?;
    let namespaces = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS;
    let child = clone(
        || match set_up(&parent).and_then(|()| measure(&scratch)) {
            Ok(()) => 0,
            Err(error) => {
                given::log(&error.to_string());
                1
            }
        },
        namespaces,
    )?;
    given::forward_signals(child)?;
    let status = match waitpid(child, WaitOptions::empty())? {
        WaitStatus::Exited(status) => status,
        _ => 1,
    };
    remove_groups(&scratch)?;
    scratch.remove()?;
    Ok(status)
}

fn set_up(parent: &given::Parent) -> Result<(), Error> {
    set_pdeathsig(SIGKILL)?;
    given::check_parent_alive(parent)?;
    sigprocmask(How::SetMask, &SignalSet::empty())?;
    mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;
    mount("proc", "/proc", "proc", MsFlags::empty(), "")?;
    Ok(())
}

/// A parent that was killed leaves its container's directory, and a group of that name.
fn remove_groups(scratch: &Scratch) -> Result<(), Error> {
    for entry in fs::read_dir(scratch.join("containers"))
        .into_iter()
        .flatten()
    {
        let name = entry?.file_name();
        for top in tops()? {
            let group = top.join("rubber-docker").join(&name);
            // The last process has been killed, and is still on its way out of its group.
            for _ in 0..100 {
                if !group.is_dir() || fs::remove_dir(&group).is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    Ok(())
}
