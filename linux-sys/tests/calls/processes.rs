//! fork, clone, exec, wait.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::time::Duration;

use linux_sys::{
    CloneFlags, Errno, Fork, Mode, Pid, WaitOptions, WaitStatus, clone, execve, execvp, exit, fork,
    kill, mkdir, waitid, waitpid,
};

use crate::{Outcome, Skip, Test, fails, in_child, in_private_tmp, start_child};

pub(crate) const TESTS: &[Test] = &[
    (
        "a_child_runs_a_program_and_its_status_comes_back",
        status_comes_back,
    ),
    ("execve_gives_exactly_the_environment", exact_environment),
    ("a_signal_that_ends_a_child_is_told", signal_is_told),
    ("realtime_signals_are_told_too", realtime_is_told),
    ("a_core_dump_is_told", core_dump_is_told),
    ("stops_and_continuations_are_told", stop_and_continue),
    ("waitpid_without_waiting_says_still_running", still_running),
    ("waitpid_goes_on_after_an_interruption", interrupted_wait),
    ("waitid_looks_without_collecting", looking),
    ("waitid_tells_of_signals_and_stops", waitid_signals),
    ("fork_refuses_threads", fork_refuses_threads),
    ("clone_refuses_threads", clone_refuses_threads),
    ("a_thread_that_is_leaving_is_waited_for", leaving_thread),
    (
        "fork_and_clone_refuse_when_threads_cannot_be_counted",
        uncountable,
    ),
    ("clone_refuses_to_share", forbidden_flags),
    (
        "clone_exits_with_the_callbacks_value_and_copies_memory",
        clone_copies,
    ),
    ("clone_makes_a_pid_1", clone_pid_1),
    ("a_panic_in_the_callback_is_125_and_one_line", panic_is_125),
    ("below_the_callbacks_stack_lies_a_guard", guard),
    ("a_nul_byte_is_named", nul_byte),
    ("a_program_that_is_not_there", program_not_there),
    ("a_path_that_may_not_be_searched", unsearchable_path),
    ("a_program_that_may_not_run", program_may_not_run),
    ("a_missing_interpreter", missing_interpreter),
];

fn status_comes_back() -> Outcome {
    let child = in_child(|| drop(execvp("sh", &["sh", "-c", "exit 7"])));
    assert_eq!(child, WaitStatus::Exited(7));
    assert_eq!(in_child(|| exit(255)), WaitStatus::Exited(255));
    Ok(())
}

fn exact_environment() -> Outcome {
    let script = r#"test "$one" = 1 && test -z "$HOME" && exit 3"#;
    let child = in_child(|| drop(execve("/bin/sh", &["sh", "-c", script], &["one=1"])));
    assert_eq!(child, WaitStatus::Exited(3));
    Ok(())
}

/// A child that waits for nothing but signals.
fn sleeper() -> Pid {
    start_child(|| {
        loop {
            std::thread::park();
        }
    })
}

fn ended_by(signal: i32) -> WaitStatus {
    WaitStatus::Signaled {
        signal,
        core_dumped: false,
    }
}

fn signal_is_told() -> Outcome {
    let child = sleeper();
    kill(child, 9).unwrap();
    assert_eq!(waitpid(child, WaitOptions::empty()).unwrap(), ended_by(9));
    Ok(())
}

fn realtime_is_told() -> Outcome {
    for signal in [32, 33, 34, 40, 64] {
        let child = sleeper();
        kill(child, signal).unwrap();
        assert_eq!(
            waitpid(child, WaitOptions::empty()).unwrap(),
            ended_by(signal)
        );
    }
    Ok(())
}

fn core_dump_is_told() -> Outcome {
    in_private_tmp()?;
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.starts_with(['|', '/', '@']) {
        return Err(Skip(format!(
            "cores leave the private directory: {}",
            pattern.trim()
        )));
    }
    let script = "cd /tmp && ulimit -c unlimited 2>/dev/null && kill -QUIT $$";
    let child = in_child(|| drop(execvp("sh", &["sh", "-c", script])));
    if std::fs::read_dir("/tmp").unwrap().next().is_none() {
        return Err(Skip("no core dumps on this machine".to_owned()));
    }
    let signal = 3;
    let core_dumped = true;
    assert_eq!(
        child,
        WaitStatus::Signaled {
            signal,
            core_dumped
        }
    );
    Ok(())
}

fn stop_and_continue() -> Outcome {
    let child = sleeper();
    kill(child, 19).unwrap();
    assert_eq!(
        waitpid(child, WaitOptions::WUNTRACED).unwrap(),
        WaitStatus::Stopped(19)
    );
    kill(child, 18).unwrap();
    assert_eq!(
        waitpid(child, WaitOptions::WCONTINUED).unwrap(),
        WaitStatus::Continued
    );
    kill(child, 9).unwrap();
    assert_eq!(waitpid(child, WaitOptions::empty()).unwrap(), ended_by(9));
    Ok(())
}

fn still_running() -> Outcome {
    let child = sleeper();
    assert_eq!(
        waitpid(child, WaitOptions::WNOHANG).unwrap(),
        WaitStatus::StillRunning
    );
    let look = WaitOptions::WEXITED | WaitOptions::WNOHANG;
    assert_eq!(waitid(child, look).unwrap(), WaitStatus::StillRunning);
    kill(child, 9).unwrap();
    assert_eq!(waitpid(child, WaitOptions::empty()).unwrap(), ended_by(9));
    fails(
        waitpid(child, WaitOptions::empty()),
        Errno::ECHILD,
        "waited for already",
    );
    fails(
        waitid(child, WaitOptions::WEXITED),
        Errno::ECHILD,
        "waited for already",
    );
    Ok(())
}

extern "C" fn nothing(_signal: i32) {}

fn interrupted_wait() -> Outcome {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

    let action = SigAction::new(
        SigHandler::Handler(nothing),
        SaFlags::empty(),
        SigSet::empty(),
    );
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
    let parent = Pid::this();
    let child = start_child(|| {
        // Field 3 of stat: S as soon as the parent sleeps in waitpid.
        let stat = || std::fs::read_to_string(format!("/proc/{parent}/stat")).unwrap();
        for _ in 0..3 {
            while !stat().contains(") S ") {
                std::thread::yield_now();
            }
            kill(parent, 10).unwrap();
        }
        exit(3)
    });
    assert_eq!(
        waitpid(child, WaitOptions::empty()).unwrap(),
        WaitStatus::Exited(3)
    );
    Ok(())
}

fn looking() -> Outcome {
    let child = start_child(|| exit(5));
    let look = WaitOptions::WEXITED | WaitOptions::WNOWAIT;
    assert_eq!(waitid(child, look).unwrap(), WaitStatus::Exited(5));
    assert_eq!(waitid(child, look).unwrap(), WaitStatus::Exited(5));
    assert_eq!(
        waitpid(child, WaitOptions::empty()).unwrap(),
        WaitStatus::Exited(5)
    );
    Ok(())
}

fn waitid_signals() -> Outcome {
    let child = sleeper();
    kill(child, 19).unwrap();
    assert_eq!(
        waitid(child, WaitOptions::WSTOPPED).unwrap(),
        WaitStatus::Stopped(19)
    );
    kill(child, 18).unwrap();
    assert_eq!(
        waitid(child, WaitOptions::WCONTINUED).unwrap(),
        WaitStatus::Continued
    );
    kill(child, 40).unwrap();
    assert_eq!(waitid(child, WaitOptions::WEXITED).unwrap(), ended_by(40));
    fails(
        waitid(child, WaitOptions::WNOHANG),
        Errno::EINVAL,
        "at least one of WEXITED",
    );
    fails(
        waitid(Pid::from_raw(-1), WaitOptions::WEXITED),
        Errno::EINVAL,
        "must be positive",
    );
    Ok(())
}

/// Runs `what` while a second thread is alive.
fn with_a_second_thread(what: impl FnOnce()) {
    let (go, wait) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || wait.recv());
    what();
    drop(go);
    thread.join().unwrap().unwrap_err();
}

fn fork_refuses_threads() -> Outcome {
    with_a_second_thread(|| {
        let result = fork();
        if matches!(result, Ok(Fork::Child)) {
            exit(0)
        }
        fails(result, Errno::EINVAL, "the caller has 2 threads");
    });
    Ok(())
}

fn clone_refuses_threads() -> Outcome {
    with_a_second_thread(|| {
        let result = clone(|| 0, CloneFlags::empty());
        fails(result, Errno::EINVAL, "the caller has 2 threads");
    });
    Ok(())
}

fn leaving_thread() -> Outcome {
    // The kernel takes a thread off its list a moment after join has returned, one
    // time in two thousand late enough to be seen. This one is seen every time.
    std::thread::spawn(|| std::thread::sleep(Duration::from_millis(20)));
    assert_eq!(in_child(|| exit(0)), WaitStatus::Exited(0));
    Ok(())
}

fn uncountable() -> Outcome {
    in_private_tmp()?;
    let nothing = linux_sys::MsFlags::empty();
    linux_sys::mount("tmpfs", "/proc", "tmpfs", nothing, "").unwrap();
    let result = fork();
    if matches!(result, Ok(Fork::Child)) {
        exit(0)
    }
    fails(
        result,
        Errno::EINVAL,
        "could not be counted in /proc/self/task",
    );
    fails(
        clone(|| 0, CloneFlags::empty()),
        Errno::EINVAL,
        "could not be counted",
    );
    Ok(())
}

fn forbidden_flags() -> Outcome {
    let settls = CloneFlags::from_bits_retain(0x8_0000);
    let exit_signal = CloneFlags::from_bits_retain(10);
    let sharing = [
        CloneFlags::CLONE_VM,
        CloneFlags::CLONE_FS,
        CloneFlags::CLONE_FILES,
        CloneFlags::CLONE_SIGHAND | CloneFlags::CLONE_VM,
        CloneFlags::CLONE_VFORK,
        CloneFlags::CLONE_THREAD,
        CloneFlags::CLONE_PARENT,
        CloneFlags::CLONE_VM | CloneFlags::CLONE_NEWUTS,
        settls,
        exit_signal,
    ];
    for flags in sharing {
        fails(clone(|| 0, flags), Errno::EINVAL, "refused");
    }
    fails(
        clone(|| 0, CloneFlags::CLONE_VM),
        Errno::EINVAL,
        "clone(CLONE_VM)",
    );
    fails(clone(|| 0, settls), Errno::EINVAL, "0x80000");
    Ok(())
}

fn clone_copies() -> Outcome {
    let mut number = 1;
    let callback = || {
        number += 41;
        number
    };
    let child = clone(callback, CloneFlags::empty()).unwrap();
    assert_eq!(
        waitpid(child, WaitOptions::empty()).unwrap(),
        WaitStatus::Exited(42)
    );
    assert_eq!(number, 1);
    Ok(())
}

fn clone_pid_1() -> Outcome {
    let flags = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID;
    let is_1 = || u8::from(Pid::this() != Pid::from_raw(1));
    let child = clone(is_1, flags).map_err(|error| Skip(error.to_string()))?;
    assert_eq!(
        waitpid(child, WaitOptions::empty()).unwrap(),
        WaitStatus::Exited(0)
    );
    Ok(())
}

/// What this program does when a test starts it again.
pub(crate) fn panic_in_callback() -> ExitCode {
    let child = clone(|| panic!("on purpose"), CloneFlags::empty()).unwrap();
    match waitpid(child, WaitOptions::empty()).unwrap() {
        WaitStatus::Exited(status) => ExitCode::from(status),
        _ => ExitCode::FAILURE,
    }
}

fn panic_is_125() -> Outcome {
    let program = std::env::current_exe().unwrap();
    let mut again = Command::new(program);
    let output = again
        .arg("--panic-in-callback")
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(125), "{text}");
    assert!(text.ends_with(": on purpose\n"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    Ok(())
}

/// The neighbour of the mapping that `address` is in, just below it: its permissions.
fn neighbour_below(address: usize) -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut below = (0, String::new());
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let number = |hex| usize::from_str_radix(hex, 16).unwrap();
        if (number(start)..number(end)).contains(&address) {
            return (below.0 == number(start)).then_some(below.1);
        }
        below = (number(end), rest[..4].to_owned());
    }
    None
}

fn guard() -> Outcome {
    let callback = || {
        let on_the_stack = 0_u8;
        let below = neighbour_below((&raw const on_the_stack).addr());
        u8::from(below.as_deref() != Some("---p"))
    };
    let child = clone(callback, CloneFlags::empty()).unwrap();
    assert_eq!(
        waitpid(child, WaitOptions::empty()).unwrap(),
        WaitStatus::Exited(0)
    );
    Ok(())
}

fn nul_byte() -> Outcome {
    fails(
        execvp("true", &["true", "a\0b"]),
        Errno::EINVAL,
        "argument 1 contains a NUL byte",
    );
    fails(
        execvp("tr\0ue", &["true"]),
        Errno::EINVAL,
        "the file name contains a NUL byte",
    );
    fails(
        execve("/bin/true", &["true"], &["A=1", "B=\0"]),
        Errno::EINVAL,
        "environment entry 1 contains a NUL byte",
    );
    fails(
        linux_sys::chroot("/a\0b"),
        Errno::EINVAL,
        r#"chroot("/a\0b"): EINVAL"#,
    );
    let mount = linux_sys::mount("a", "b\0", "tmpfs", linux_sys::MsFlags::empty(), "");
    fails(mount, Errno::EINVAL, "argument 2 contains a NUL byte");
    Ok(())
}

fn set_path(path: &str) {
    // SAFETY: no other thread reads the environment: this process has one.
    unsafe { std::env::set_var("PATH", path) };
}

fn unsearchable_path() -> Outcome {
    in_private_tmp()?;
    mkdir("/tmp/mine", Mode::empty()).unwrap();
    set_path("/bin:/tmp/mine");
    // Root may search every directory; so this process gives that power up.
    linux_sys::capset(&linux_sys::Capabilities::default()).unwrap();
    fails(
        execvp("no-such-program", &["x"]),
        Errno::EACCES,
        "one of them may not be searched",
    );
    Ok(())
}

fn program_not_there() -> Outcome {
    set_path("/usr/bin:/bin");
    let nothing: [&str; 0] = [];
    fails(
        execvp("no-such-program", &["x"]),
        Errno::ENOENT,
        "no directory in PATH",
    );
    fails(
        execvp("/no/such/program", &["x"]),
        Errno::ENOENT,
        "no such file inside the root",
    );
    fails(
        execve("/no/such", &["x"], &nothing),
        Errno::ENOENT,
        "no such file inside the root",
    );
    fails(
        execvp("/proc/version/x", &["x"]),
        Errno::ENOTDIR,
        "not a directory",
    );
    let long = "x".repeat(200_000);
    fails(execvp("true", &["true", &long]), Errno::E2BIG, "128 KiB");
    Ok(())
}

fn program_may_not_run() -> Outcome {
    in_private_tmp()?;
    let nothing: [&str; 0] = [];
    std::fs::write("/tmp/text", "neither ELF nor script").unwrap();
    fails(
        execve("/tmp/text", &["x"], &nothing),
        Errno::EACCES,
        "chmod +x",
    );
    std::fs::set_permissions("/tmp/text", std::fs::Permissions::from_mode(0o755)).unwrap();
    fails(
        execve("/tmp/text", &["x"], &nothing),
        Errno::ENOEXEC,
        "not a program for this machine",
    );
    std::os::unix::fs::symlink("/tmp/loop", "/tmp/loop").unwrap();
    fails(execvp("/tmp/loop", &["x"]), Errno::ELOOP, "namei -l");
    fails(execvp("/tmp", &["x"]), Errno::EACCES, "it is a directory");
    Ok(())
}

fn missing_interpreter() -> Outcome {
    in_private_tmp()?;
    std::fs::write("/tmp/script", "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions("/tmp/script", std::fs::Permissions::from_mode(0o755)).unwrap();
    fails(
        execvp("/tmp/script", &["x"]),
        Errno::ENOENT,
        "interpreter in its #! line",
    );
    Ok(())
}
