//! A level whose system calls a check decides about, as a supervisor of seccomp_unotify(2):
//! chosen ones wait until the check has let them go on, or has had them fail.
//!
//! So a mistake that shows by luck (what if a signal comes just here? what if the kernel refuses
//! this call?) shows every time. The level's program, its parent and its signals are as they
//! would be; all that it could see is `Seccomp: 2` in `/proc/self/status`.
//!
//! A process waits in such a call as in any other that sleeps: a signal that it does not block
//! interrupts the call, and a signal that kills the process does so there.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc;

use linux_sys::{Errno, Notification, Pid, notif_continue, notif_fail, notif_recv};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::calls::Call;
use crate::finding::{Failure, Finding};
use crate::host::{Ended, Invocation, Run};
use crate::ordinary;
use crate::procfs;

/// A level's process whose chosen calls wait for an answer.
pub(crate) struct Supervised<'a> {
    // Closed before the run ends, which waits for all that is left.
    listener: OwnedFd,
    run: Run<'a>,
    /// The level's process.
    process: OwnedFd,
    /// Calls that arrived while the check waited for something else.
    arrived: VecDeque<Call>,
}

/// What happens next.
pub(crate) enum Event {
    /// One of the chosen calls waits for its answer.
    Call(Call),
    /// The level's process has ended.
    Ended,
    /// Nothing so far.
    Nothing,
}

impl<'a> Supervised<'a> {
    /// Starts the level's program; all that it and its children do of these calls waits.
    pub(crate) fn start(
        invocation: Invocation<'a>,
        calls: &[i64],
    ) -> Result<Supervised<'a>, Finding> {
        let mut listening = Err(None);
        let run = invocation.start_by(|command| {
            listening = spawn(command, calls);
            match &mut listening {
                Ok((_, _, child)) => child.take().ok_or_else(|| io::ErrorKind::NotFound.into()),
                Err(_) => Err(io::Error::other("it cannot be supervised")),
            }
        });
        let (listener, arrived, _) = match listening {
            Ok(listening) => listening,
            // Another program's filter, or a kernel without them: not the level's fault.
            Err(Some(why)) => return Err(Finding::Skip(format!("no calls can be stopped: {why}"))),
            Err(None) => return Err(run.err().unwrap_or_else(|| Failure::seen("")).into()),
        };
        let run = run?;
        let process = linux_sys::pidfd_open(Pid::from_raw(run.pid()))
            .map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
        Ok(Supervised {
            run,
            listener,
            process,
            arrived,
        })
    }

    /// The level's process.
    pub(crate) fn level(&self) -> i32 {
        self.run.pid()
    }

    /// Waits for the next call, or for the end of the level's process.
    pub(crate) fn next(&mut self) -> Result<Event, Failure> {
        self.run
            .host
            .waiting(&format!("`{}` to go on, or to end", self.run.line()));
        loop {
            match self.look(PollTimeout::NONE)? {
                Event::Nothing => {}
                event => return Ok(event),
            }
        }
    }

    /// The same, but does not wait longer than a moment.
    pub(crate) fn glance(&mut self) -> Result<Event, Failure> {
        self.look(PollTimeout::from(2u8))
    }

    fn look(&mut self, patience: PollTimeout) -> Result<Event, Failure> {
        if let Some(call) = self.arrived.pop_front() {
            return Ok(Event::Call(call));
        }
        let failed = |why: &dyn std::fmt::Display| {
            Failure::seen(format!("the level's calls cannot be waited for: {why}")).elsewhere()
        };
        let (is_calling, has_ended) = {
            let mut both = [
                PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.process.as_fd(), PollFlags::POLLIN),
            ];
            poll(&mut both, patience).map_err(|why| failed(&why))?;
            let is_in = |fd: &PollFd| {
                let events = fd.revents();
                events.is_some_and(|events| events.contains(PollFlags::POLLIN))
            };
            (is_in(&both[0]), is_in(&both[1]))
        };
        if is_calling {
            // None if its process has been killed meanwhile.
            return Ok(receive(&self.listener)
                .map_err(|why| failed(&why))?
                .map_or(Event::Nothing, Event::Call));
        }
        Ok(match has_ended {
            true => Event::Ended,
            false => Event::Nothing,
        })
    }

    /// Lets a call go on. One whose process has been killed meanwhile needs no answer.
    pub(crate) fn go_on(&self, call: &Call) {
        let _ = notif_continue(&self.listener, call.id);
    }

    /// Has a call fail, without the kernel having made it.
    pub(crate) fn refuse(&self, call: &Call, errno: Errno) {
        let _ = notif_fail(&self.listener, call.id, errno);
    }

    /// Lets everything go on until the level's process has ended.
    pub(crate) fn end(self) -> Result<Ended, Failure> {
        self.let_end()?.end()
    }

    /// The same, with what it wrote to its standard output.
    pub(crate) fn end_with_output(self) -> Result<(Ended, String), Failure> {
        self.let_end()?.end_with_output()
    }

    fn let_end(mut self) -> Result<Run<'a>, Failure> {
        self.run.release();
        while let Event::Call(call) = self.next()? {
            self.go_on(&call);
        }
        let Supervised { run, listener, .. } = self;
        // Who is left waits for no answer: its call fails, and it ends (seccomp_unotify(2)).
        drop(listener);
        Ok(run)
    }
}

/// The next call; none if there is none any more.
fn receive(listener: &OwnedFd) -> Result<Option<Call>, linux_sys::Error> {
    match notif_recv(listener) {
        Ok(found) => Ok(Some(Call::read(&found))),
        Err(why) if matches!(why.errno(), Errno::ENOENT | Errno::EINTR) => Ok(None),
        Err(why) => Err(why),
    }
}

type Listening = (OwnedFd, VecDeque<Call>, Option<Child>);

/// Starts a program under a filter. A filter is a thread's own, and inherited by what the
/// thread starts: so a thread is made for it, and is gone when the program has begun.
///
/// The error is the filter's, if it is: then nothing was started.
fn spawn(command: &mut Command, calls: &[i64]) -> Result<Listening, Option<linux_sys::Error>> {
    // What std::process makes of its own accord before the program is there.
    let calls: Vec<i64> = [&[libc::SYS_execve], calls].concat();
    // Another program may come before it, which makes its caller an ordinary user.
    let mut execs = ordinary::programs(command);
    let (tell, told) = mpsc::channel();
    let (ours, theirs) = UnixStream::pair().map_err(|_| None)?;
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let listener = linux_sys::seccomp_new_listener(&calls);
            let is_there = listener.is_ok();
            let thread = nix::unistd::gettid();
            let _ = tell.send((listener, thread));
            let child = is_there.then(|| command.spawn());
            // Seen by the other side, whatever has become of it.
            drop(theirs);
            child
        });
        let (listener, thread_id) = told.recv().map_err(|_| None)?;
        let listener = listener.map_err(Some)?;
        let mut arrived = VecDeque::new();
        let mut let_on = |call: Call, execs: &mut usize| {
            // Those of the thread, and of its child before it is the level's program.
            if *execs == 0 && call.pid != thread_id.as_raw() {
                arrived.push_back(call);
                return;
            }
            *execs -= usize::from(call.number == libc::SYS_execve && *execs > 0);
            let _ = notif_continue(&listener, call.id);
        };
        // Its last calls come after its last line: the C library's, when a thread ends.
        let of_thread = PathBuf::from(format!("/proc/self/task/{thread_id}"));
        while of_thread.exists() {
            let mut both = [
                PollFd::new(listener.as_fd(), PollFlags::POLLIN),
                PollFd::new(ours.as_fd(), PollFlags::POLLIN),
            ];
            let is_ending = poll(&mut both[1..], PollTimeout::ZERO).is_ok_and(|count| count > 0);
            let _ = match is_ending {
                true => poll(&mut both[..1], PollTimeout::from(1u8)),
                false => poll(&mut both, PollTimeout::NONE),
            };
            let is_calling = both[0]
                .revents()
                .is_some_and(|it| it.contains(PollFlags::POLLIN));
            if !is_calling {
                continue;
            }
            if let Ok(Some(call)) = receive(&listener) {
                let_on(call, &mut execs);
            }
        }
        let child = thread.join().ok().flatten();
        let mut child = child.and_then(Result::ok);
        while execs > 0 && child.as_mut().is_some_and(is_running) {
            let mut one = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
            let is_calling = poll(&mut one, PollTimeout::from(2u8)).is_ok_and(|count| count > 0);
            if is_calling && let Ok(Some(call)) = receive(&listener) {
                let_on(call, &mut execs);
            }
        }
        Ok((listener, arrived, child))
    })
}

fn is_running(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

impl Call {
    fn read(found: &Notification) -> Call {
        Call::new(found.id, found.pid.as_raw(), found.call, found.arguments)
    }
}

/// The number of the system call that a process sleeps in, if it does (proc_pid_syscall(5)).
pub(crate) fn sleeps_in(pid: i32) -> Option<i64> {
    if procfs::state(pid) != Some('S') {
        return None;
    }
    let text = procfs::read_text(procfs::path(pid, "syscall")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}
