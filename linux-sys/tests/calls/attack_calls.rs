//! What a container has no business with: tracing, handles, the host's keys and keyboard.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use linux_sys::{
    Errno, FileHandle, Mode, Pid, SyscallInfo, TraceEvent, TraceOptions, TraceStatus, add_key,
    keyctl_join_session_keyring, keyctl_search, kill, mkdir, name_to_handle_at, notif_continue,
    notif_fail, notif_recv, open_by_handle_at, ptrace_cont, ptrace_get_syscall_info,
    ptrace_geteventmsg, ptrace_getregset, ptrace_listen, ptrace_seize, ptrace_setoptions,
    ptrace_syscall, rmdir, seccomp_new_listener, setsid, tiocsti, wait_traced,
};
use nix::pty::openpty;

use crate::{Outcome, Skip, Test, fails, start_child};

pub(crate) const TESTS: &[Test] = &[
    ("ptrace_seize_takes_hold_of_a_child", trace),
    ("every_stop_of_a_traced_child_is_told", stops),
    ("a_file_is_opened_by_its_handle", handles),
    ("a_new_session_keyring_has_nothing_of_the_old_one", keys),
    ("tiocsti_types_on_the_controlling_terminal", typing),
    ("a_call_waits_for_an_answer", answers),
];

fn trace() -> Outcome {
    let child = start_child(nix::unistd::pause);
    ptrace_seize(child, TraceOptions::empty()).unwrap();
    let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap();
    assert!(status.contains(&format!("TracerPid:\t{}\n", Pid::this())));
    fails(
        ptrace_seize(child, TraceOptions::empty()),
        Errno::EPERM,
        "traced already",
    );
    kill(child, linux_sys::SIGKILL).unwrap();
    fails(
        ptrace_seize(Pid::from_raw(i32::MAX), TraceOptions::empty()),
        Errno::ESRCH,
        "no such process",
    );
    Ok(())
}

fn stops() -> Outcome {
    // The child stops itself, so that it is traced before it does anything else.
    let child = start_child(|| {
        kill(Pid::this(), 19).unwrap();
        kill(Pid::this(), 10).unwrap();
        let grandchild = start_child(|| linux_sys::exit(3));
        linux_sys::waitpid(grandchild, linux_sys::WaitOptions::empty()).unwrap();
        linux_sys::exit(7)
    });
    let stopped = linux_sys::waitpid(child, linux_sys::WaitOptions::WUNTRACED).unwrap();
    assert_eq!(stopped, linux_sys::WaitStatus::Stopped(19));
    let options = TraceOptions::PTRACE_O_TRACESYSGOOD
        | TraceOptions::PTRACE_O_EXITKILL
        | TraceOptions::PTRACE_O_TRACEFORK
        | TraceOptions::PTRACE_O_TRACECLONE
        | TraceOptions::PTRACE_O_TRACEEXIT;
    ptrace_seize(child, options).unwrap();
    let mut seen = Vec::new();
    loop {
        let (pid, status) = wait_traced().unwrap();
        let next = match status {
            TraceStatus::Exited(7) if pid == child => break,
            TraceStatus::Exited(_) | TraceStatus::Signaled(_) => continue,
            TraceStatus::GroupStop(signal) => {
                assert_eq!(signal, 19);
                ptrace_listen(pid).unwrap();
                kill(pid, 18).unwrap();
                seen.push("stopped");
                continue;
            }
            TraceStatus::Signal(10) => {
                seen.push("signal");
                0 // held back: it would end the child
            }
            TraceStatus::Signal(signal) => signal,
            TraceStatus::Syscall => {
                let registers = ptrace_getregset(pid).unwrap();
                assert_ne!(registers.program_counter, 0);
                let info = ptrace_get_syscall_info(pid).unwrap();
                if let SyscallInfo::Entry { number, arguments } = info
                    && number == libc::SYS_exit_group as u64
                    && pid == child
                {
                    assert_eq!(arguments[0], 7);
                    seen.push("exit_group");
                }
                0
            }
            TraceStatus::Event(TraceEvent::Fork | TraceEvent::Clone) => {
                let grandchild = ptrace_geteventmsg(pid).unwrap();
                assert!(grandchild > 1 && grandchild != u64::from(pid.as_raw() as u32));
                seen.push("child");
                0
            }
            TraceStatus::Event(TraceEvent::Exit) if pid == child => {
                assert_eq!(ptrace_geteventmsg(pid).unwrap(), 7 << 8);
                ptrace_setoptions(pid, TraceOptions::PTRACE_O_EXITKILL).unwrap();
                ptrace_cont(pid, 0).unwrap();
                seen.push("exit");
                continue;
            }
            TraceStatus::Event(_) => 0,
        };
        ptrace_syscall(pid, next).unwrap();
    }
    assert_eq!(seen, ["stopped", "signal", "child", "exit_group", "exit"]);
    fails(ptrace_cont(child, 0), Errno::ESRCH, "no such process");
    fails(wait_traced(), Errno::ECHILD, "no such child");
    Ok(())
}

fn handles() -> Outcome {
    let own = fs::read_link("/proc/self/exe").unwrap();
    let handle = match name_to_handle_at(&own) {
        Err(error) if error.errno() == Errno::EOPNOTSUPP => return Err(Skip(error.to_string())),
        other => other.unwrap(),
    };
    fails(name_to_handle_at("/none"), Errno::ENOENT, "no file");
    let directory = File::open(own.parent().unwrap()).unwrap();
    let opened = match open_by_handle_at(&directory, &handle) {
        Err(error) if error.errno() == Errno::EPERM => return Err(Skip(error.to_string())),
        other => File::from(other.unwrap()),
    };
    let (seen, expected) = (opened.metadata().unwrap(), fs::metadata(&own).unwrap());
    assert_eq!((seen.dev(), seen.ino()), (expected.dev(), expected.ino()));
    let too_long = FileHandle {
        bytes: vec![0; 129],
        ..handle
    };
    fails(
        open_by_handle_at(&directory, &too_long),
        Errno::EINVAL,
        "128 bytes",
    );
    Ok(())
}

fn keys() -> Outcome {
    match keyctl_join_session_keyring() {
        Err(error) if error.errno() == Errno::ENOSYS => return Err(Skip(error.to_string())),
        other => assert!(other.unwrap() > 0),
    }
    let key = add_key("door", b"open sesame").unwrap();
    assert_eq!(keyctl_search("door").unwrap(), key);
    fails(add_key("door", b""), Errno::EINVAL, "1 byte at least");
    fails(add_key("do\0or", b"x"), Errno::EINVAL, "NUL");
    keyctl_join_session_keyring().unwrap();
    fails(keyctl_search("door"), Errno::ENOKEY, "no key of this name");
    Ok(())
}

fn typing() -> Outcome {
    let pair = openpty(None, None).unwrap();
    let name = fs::read_link(format!("/proc/self/fd/{}", pair.slave.as_raw_fd())).unwrap();
    // A session leader that has no terminal yet gets the first one that it opens.
    setsid().unwrap();
    let mut terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(name)
        .unwrap();
    let zero = File::open("/dev/zero").unwrap();
    fails(tiocsti(&zero, b'x'), Errno::ENOTTY, "no terminal");
    for byte in b"typed\n" {
        match tiocsti(&terminal, *byte) {
            Err(error) if error.errno() == Errno::EIO => return Err(Skip(error.to_string())),
            other => other.unwrap(),
        }
    }
    let mut line = [0; 16];
    let count = terminal.read(&mut line).unwrap();
    assert_eq!(&line[..count], b"typed\n");
    // When the other end is closed, the kernel sends SIGHUP to the session's leader: to us.
    std::mem::forget(pair.master);
    Ok(())
}

/// In a thread: the filter is its own, and ends with it.
fn answers() -> Outcome {
    let directory = std::env::temp_dir().join(format!("linux-sys-{}", Pid::this()));
    // Machines differ in which of these makes a directory.
    let calls = [libc::SYS_mkdirat, MKDIR];
    let (tell, told) = std::sync::mpsc::channel();
    let name = directory.clone();
    let watched = std::thread::spawn(move || {
        tell.send(seccomp_new_listener(&calls)).unwrap();
        [0o700, 0o750].map(|mode| mkdir(&name, Mode::from_bits_truncate(mode)))
    });
    let listener = match told.recv().unwrap() {
        Err(error) if matches!(error.errno(), Errno::EACCES | Errno::EBUSY) => {
            watched.join().unwrap().into_iter().for_each(drop);
            let _ = rmdir(&directory);
            return Err(Skip(error.to_string()));
        }
        listener => listener.unwrap(),
    };
    let first = notif_recv(&listener).unwrap();
    assert!(first.arguments.contains(&0o700), "{first:?}");
    notif_fail(&listener, first.id, Errno::EDQUOT).unwrap();
    let second = notif_recv(&listener).unwrap();
    assert!(second.arguments.contains(&0o750), "{second:?}");
    notif_continue(&listener, second.id).unwrap();
    let [refused, made] = watched.join().unwrap();
    assert_eq!(refused.unwrap_err().errno(), Errno::EDQUOT);
    made.unwrap();
    rmdir(&directory).unwrap();
    // The thread has had its answer, and has ended.
    fails(
        notif_continue(&listener, second.id),
        Errno::ENOENT,
        "waits for this answer",
    );
    fails(
        seccomp_new_listener(&[0; 201]),
        Errno::EINVAL,
        "fewer calls",
    );
    Ok(())
}

#[cfg(target_arch = "x86_64")]
const MKDIR: i64 = libc::SYS_mkdir;
#[cfg(not(target_arch = "x86_64"))]
const MKDIR: i64 = libc::SYS_mkdirat;
