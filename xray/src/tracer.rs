//! The tracer: stops a level at each of its steps, and looks.
//!
//! The level's processes are followed until one becomes the command, which then runs as without
//! us: only its end is waited for. A newborn is held until its parent's clone has returned, and
//! then until its parent sleeps, or ends: so the order is the same in each run.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use linux_sys::{
    Error, Pid, SyscallInfo, TraceEvent, TraceOptions, TraceStatus, ptrace_cont,
    ptrace_get_syscall_info, ptrace_geteventmsg, ptrace_getregset, ptrace_listen,
    ptrace_setoptions, ptrace_syscall, wait_traced,
};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use serde_json::{Value, json};

use crate::calls::{self, Call, Kind};
use crate::cost::Cost;
use crate::lines::{Image, Line, Lines};
use crate::memory::{Memory, quoted};
use crate::steps::{Listener, Steps};

/// More steps than any run of a level has: one that makes calls without end is ended there.
const MOST_STEPS: usize = 2000;
/// More processes than any level has.
const MOST_PROCESSES: usize = 64;
const LOOK_AGAIN: Duration = Duration::from_micros(50);

/// Of which events of the level's own processes we hear.
pub(crate) fn everything() -> TraceOptions {
    TraceOptions::PTRACE_O_EXITKILL
        | TraceOptions::PTRACE_O_TRACESYSGOOD
        | TraceOptions::PTRACE_O_TRACECLONE
        | TraceOptions::PTRACE_O_TRACEFORK
        | TraceOptions::PTRACE_O_TRACEVFORK
        | TraceOptions::PTRACE_O_TRACEEXEC
        | TraceOptions::PTRACE_O_TRACEEXIT
}

/// A traced process.
struct Process {
    name: String,
    /// The call that it is in, and the lines that have led there.
    inside: Option<(Call, Vec<Line>)>,
    image: Option<Image>,
    /// It is the level's own program, and its calls are looked at.
    is_followed: bool,
    /// It has become the command.
    is_command: bool,
    /// A child whose birth has been told, and not seen yet.
    child: Option<Pid>,
}

/// A run of a level.
pub(crate) struct Tracer<'a> {
    first: Pid,
    /// Its exec, until that has happened.
    begins_with: Option<Call>,
    /// Its program, once it has one.
    program: Option<File>,
    processes: HashMap<Pid, Process>,
    /// Newborns that have stopped, and whose parents' calls have not returned.
    held: HashSet<Pid>,
    /// Parents whose clone has returned, and whose children have not stopped yet.
    waiting: HashMap<Pid, Pid>,
    /// Parents that go on alone until they sleep, and their children, which are held so long.
    ahead: HashMap<Pid, Pid>,
    lines: Lines,
    steps: Steps<'a>,
    cost: Cost,
}

impl<'a> Tracer<'a> {
    /// Of a process that was seized, and has not begun.
    pub(crate) fn new(
        first: Pid,
        words: &[OsString],
        listener: &'a mut dyn Listener,
    ) -> Tracer<'a> {
        let shown: Vec<String> = words.iter().map(|it| quoted(it.as_bytes())).collect();
        let begins_with = Call {
            name: "execve",
            arguments: vec![shown[0].clone(), calls::list(&shown)],
            kind: Kind::Exec,
        };
        let mut tracer = Tracer {
            first,
            begins_with: Some(begins_with),
            program: None,
            processes: HashMap::new(),
            held: HashSet::new(),
            waiting: HashMap::new(),
            ahead: HashMap::new(),
            lines: Lines::default(),
            steps: Steps::new(listener),
            cost: Cost::default(),
        };
        tracer.birth(first, None, true);
        tracer
    }

    /// Until the level's own process has ended: how it has, or why it was not waited for; and
    /// what it has cost.
    pub(crate) fn run(&mut self) -> Result<(Value, Cost), Error> {
        let begins = Instant::now();
        let end = loop {
            let (pid, status) = self.wait()?;
            let stopped = Instant::now();
            let end = self.stop(pid, status);
            self.cost.stops += 1;
            self.cost.still += stopped.elapsed();
            if let Some(end) = end {
                break end;
            }
            if self.steps.count() > MOST_STEPS {
                break json!({"cut": format!("the level has made more than {MOST_STEPS} steps")});
            }
            if self.processes.len() > MOST_PROCESSES {
                let why = format!("the level has more than {MOST_PROCESSES} processes");
                break json!({"cut": why});
            }
        };
        self.steps.close();
        self.cost.whole = begins.elapsed();
        self.cost.looks = self.steps.looks();
        Ok((end, self.cost))
    }

    /// Until all that it follows has ended as well. When the tracer ends, they do.
    pub(crate) fn outlive(&mut self) -> Result<(), Error> {
        loop {
            match self.wait() {
                Ok((pid, status)) => drop(self.stop(pid, status)),
                Err(error) if error.errno() == linux_sys::Errno::ECHILD => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Until a process has stopped. Of one that falls asleep nobody is told, so as long as a child
    /// is held for that we look: a parent takes less than a millisecond to get there.
    fn wait(&mut self) -> Result<(Pid, TraceStatus), Error> {
        while !self.ahead.is_empty() && !has_one_stopped() {
            let asleep = self.ahead.keys().copied().find(|it| is_asleep(*it));
            match asleep {
                Some(parent) => self.let_child_go(parent),
                None => thread::sleep(LOOK_AGAIN),
            }
        }
        wait_traced()
    }

    fn stop(&mut self, pid: Pid, status: TraceStatus) -> Option<Value> {
        match status {
            TraceStatus::Exited(_) | TraceStatus::Signaled(_) => return self.ended(pid, status),
            TraceStatus::Syscall => self.syscall(pid),
            TraceStatus::Event(event) => self.event(pid, event),
            TraceStatus::GroupStop(signal) => {
                // As without us: it stays until a SIGCONT comes.
                let _ = ptrace_listen(pid);
                if pid == self.first {
                    self.steps.stopped(signal);
                }
            }
            TraceStatus::Signal(signal) => self.go_on(pid, signal),
        }
        None
    }

    /// A process may be killed at any time: then there is nothing to let go on, and wait tells.
    fn go_on(&self, pid: Pid, signal: i32) {
        let is_followed = self.processes.get(&pid).is_some_and(|it| it.is_followed);
        let _ = match is_followed {
            true => ptrace_syscall(pid, signal),
            false => ptrace_cont(pid, signal),
        };
    }

    fn birth(&mut self, pid: Pid, parent: Option<Pid>, is_followed: bool) {
        // Helpers and threads have no name: how many there are is not the container's making.
        let parent = parent.and_then(|it| self.processes.get(&it));
        let name = match is_followed {
            true => self.steps.birth(pid, parent.map(|it| it.name.as_str())),
            false => String::new(),
        };
        let process = Process {
            name,
            inside: None,
            image: None,
            is_followed,
            is_command: false,
            child: None,
        };
        self.processes.insert(pid, process);
    }

    fn event(&mut self, pid: Pid, event: TraceEvent) {
        match event {
            TraceEvent::Fork | TraceEvent::Clone | TraceEvent::Vfork => self.has_child(pid, event),
            TraceEvent::Exec => self.exec(pid),
            TraceEvent::Exit => self.exits(pid),
            TraceEvent::Stop if !self.processes.contains_key(&pid) => {
                // New: whose it is, and whether it is held, its parent's event tells.
                self.held.insert(pid);
                let parent = self.waiting.iter().find(|(_, child)| **child == pid);
                if let Some(parent) = parent.map(|(parent, _)| *parent) {
                    self.waiting.remove(&parent);
                    self.born(parent, pid);
                }
                return;
            }
            TraceEvent::Stop | TraceEvent::Other(_) => {}
        }
        self.go_on(pid, 0);
    }

    fn has_child(&mut self, pid: Pid, event: TraceEvent) {
        let child = ptrace_geteventmsg(pid).unwrap_or_default();
        let child = Pid::from_raw(i32::try_from(child).unwrap_or_default());
        let call = self.processes.get(&pid).and_then(|it| it.inside.as_ref());
        let is_aside = match call.map(|(call, _)| &call.kind) {
            Some(Kind::Birth {
                is_helper,
                is_thread,
            }) => *is_helper || *is_thread,
            _ => event == TraceEvent::Vfork,
        };
        if is_aside {
            self.birth(child, Some(pid), false);
            if self.held.remove(&child) {
                self.let_alone(child);
            }
        } else if let Some(process) = self.processes.get_mut(&pid) {
            process.child = Some(child);
        }
    }

    /// A helper, a thread, the command: from here on it runs as without us.
    fn let_alone(&self, pid: Pid) {
        let _ = ptrace_setoptions(pid, TraceOptions::PTRACE_O_EXITKILL);
        let _ = ptrace_cont(pid, 0);
    }

    fn syscall(&mut self, pid: Pid) {
        match ptrace_get_syscall_info(pid) {
            Ok(SyscallInfo::Entry { number, arguments }) => self.begins(pid, number, &arguments),
            Ok(SyscallInfo::Exit(result)) => {
                let is_over = self.returns(pid, result.map_err(|errno| errno as i32));
                if !is_over {
                    return;
                }
            }
            _ => {}
        }
        self.go_on(pid, 0);
    }

    fn begins(&mut self, pid: Pid, number: u64, arguments: &[u64; 6]) {
        let Some(process) = self.processes.get_mut(&pid) else {
            return;
        };
        let memory = Memory::of(pid);
        let Some(call) = calls::decode(number, arguments, &memory) else {
            return;
        };
        let image = process.image.get_or_insert_with(|| Image::of(pid));
        let lines = match ptrace_getregset(pid) {
            Ok(registers) => self.lines.of(image, &memory, &registers),
            _ => Vec::new(),
        };
        process.inside = Some((call, lines));
    }

    /// Whether the process may go on.
    fn returns(&mut self, pid: Pid, result: Result<i64, i32>) -> bool {
        let Some(process) = self.processes.get_mut(&pid) else {
            return true;
        };
        if let Some(child) = process.child.take() {
            if self.held.contains(&child) {
                self.born(pid, child);
            } else {
                // It stays where it is until its child is there.
                self.waiting.insert(pid, child);
            }
            return false;
        }
        let Some((call, lines)) = process.inside.take() else {
            return true;
        };
        let is_aside = matches!(
            call.kind,
            Kind::Birth {
                is_helper: true,
                ..
            } | Kind::Birth {
                is_thread: true,
                ..
            }
        );
        // To be there already is what was wanted.
        let is_there = result == Err(libc::EEXIST) && call.name.starts_with("mkdir");
        if (!is_aside || result.is_err()) && !is_there {
            self.step(pid, call, lines, result, None);
        }
        true
    }

    /// Parent and child have both stopped: the parent's clone is a step.
    fn born(&mut self, parent: Pid, child: Pid) {
        self.held.remove(&child);
        self.birth(child, Some(parent), true);
        let inside = self
            .processes
            .get_mut(&parent)
            .and_then(|it| it.inside.take());
        if let Some((call, lines)) = inside {
            self.step(parent, call, lines, Ok(0), Some(child));
        }
        if let Some(before) = self.ahead.insert(parent, child) {
            self.go_on(before, 0);
        }
        self.go_on(parent, 0);
    }

    /// From here on a child runs beside its parent.
    fn let_child_go(&mut self, parent: Pid) {
        if let Some(child) = self.ahead.remove(&parent) {
            self.go_on(child, 0);
        }
    }

    fn exec(&mut self, pid: Pid) {
        let Some(process) = self.processes.get_mut(&pid).filter(|it| it.is_followed) else {
            return;
        };
        // Until its first exec the level is a copy of ours, which does not stop at calls.
        let begins = (pid == self.first)
            .then(|| self.begins_with.take())
            .flatten();
        let program = File::open(format!("/proc/{pid}/exe")).ok();
        let is_level = match begins.is_some() {
            true => {
                self.program = program;
                true
            }
            // One that becomes itself once more, as runc does out of memory that it has sealed.
            false => is_the_same(self.program.as_ref(), program.as_ref()),
        };
        let inside = begins
            .map(|call| (call, Vec::new()))
            .or(process.inside.take());
        process.image = None;
        if let Some((call, lines)) = inside {
            let command = call.arguments.get(1).cloned().unwrap_or_default();
            self.steps.exec(&self.processes[&pid].name, &command);
            self.step(pid, call, lines, Ok(0), None);
        }
        if !is_level {
            let options = TraceOptions::PTRACE_O_EXITKILL | TraceOptions::PTRACE_O_TRACEEXIT;
            let _ = ptrace_setoptions(pid, options);
            if let Some(process) = self.processes.get_mut(&pid) {
                process.is_followed = false;
                process.is_command = true;
            }
            self.count_commands();
        }
    }

    fn count_commands(&mut self) {
        let commands = self.processes.values().filter(|it| it.is_command);
        self.steps.commands(commands.count());
    }

    /// It is about to end, and all that it has is there still.
    fn exits(&mut self, pid: Pid) {
        let status = ptrace_geteventmsg(pid).unwrap_or_default();
        let status = TraceStatus::decode(i32::try_from(status).unwrap_or_default());
        self.tell_end(pid, status);
    }

    fn tell_end(&mut self, pid: Pid, status: TraceStatus) {
        let Some(process) = self.processes.get_mut(&pid) else {
            return;
        };
        if process.name.is_empty() || !self.steps.end(&process.name) {
            return; // told already
        }
        let call = Call {
            name: "exit",
            arguments: vec![how(status)],
            kind: Kind::Other,
        };
        process.inside = None;
        self.step(pid, call, Vec::new(), Ok(0), None);
    }

    fn ended(&mut self, pid: Pid, status: TraceStatus) -> Option<Value> {
        // A SIGKILL leaves no time for the event before.
        self.tell_end(pid, status);
        self.let_child_go(pid);
        if self.processes.remove(&pid).is_some() {
            self.steps.forget(pid);
            self.count_commands();
        }
        if pid != self.first {
            return None;
        }
        let left = self.steps.living();
        let end = match status {
            TraceStatus::Signaled(signal) => json!({"signal": signal}),
            TraceStatus::Exited(status) => json!({"status": status}),
            _ => json!({}),
        };
        let mut end = end;
        if !left.is_empty() {
            end["left"] = json!(left);
        }
        Some(end)
    }

    fn step(
        &mut self,
        pid: Pid,
        call: Call,
        lines: Vec<Line>,
        result: Result<i64, i32>,
        child: Option<Pid>,
    ) {
        let who = |pid| Some((pid, self.processes.get(&pid)?.name.as_str()));
        if let Some(stepping) = who(pid) {
            let child = child.and_then(who);
            self.steps.step(stepping, call, lines, result, child);
        }
    }
}

/// Whether there is something to be told of a process, which stays to be told.
fn has_one_stopped() -> bool {
    let now = WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
    let flags = now | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL;
    // An error is one that waiting shows as well.
    waitid(Id::All, flags) != Ok(WaitStatus::StillAlive)
}

/// Whether a process waits for something.
fn is_asleep(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Its state stands behind its name, which may have any letters (proc_pid_stat(5)).
    let state = stat.rsplit(") ").next();
    state.is_some_and(|it| it.starts_with('S'))
}

/// Whether two files have the same bytes.
fn is_the_same(one: Option<&File>, other: Option<&File>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return false;
    };
    let length = |file: &File| file.metadata().map_or(0, |it| it.len());
    let whole = |file: &File| {
        let mut bytes = vec![0; usize::try_from(length(file)).unwrap_or_default()];
        file.read_exact_at(&mut bytes, 0).ok().map(|()| bytes)
    };
    length(one) == length(other) && whole(one).is_some_and(|it| Some(it) == whole(other))
}

/// How a process has ended.
fn how(status: TraceStatus) -> String {
    match status {
        TraceStatus::Exited(status) => status.to_string(),
        TraceStatus::Signaled(signal) => linux_sys::signal_name(signal).to_string(),
        other => format!("{other:?}"),
    }
}
