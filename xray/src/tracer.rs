//! The tracer: stops a level at each of its steps, and looks.
//!
//! The level's processes are followed until one becomes the command, which then runs as without
//! us: only its end is waited for. A newborn is held until its parent's clone has returned, so
//! that the order is the same in each run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use linux_sys::{
    Error, Pid, SyscallInfo, TraceEvent, TraceOptions, TraceStatus, explain_traced, ptrace_cont,
    ptrace_get_syscall_info, ptrace_geteventmsg, ptrace_getregset, ptrace_listen,
    ptrace_setoptions, ptrace_syscall, wait_traced,
};
use serde_json::{Map, Value, json};

use crate::calls::{self, Call, Kind};
use crate::difference;
use crate::lines::{Image, Line, Lines};
use crate::memory::Memory;
use crate::names::Names;
use crate::snapshot::Host;

/// More steps than any run of a level has: one that makes calls without end is ended there.
const MOST_STEPS: usize = 2000;
/// More processes than any level has.
const MOST_PROCESSES: usize = 64;
/// Of calls in a row that are one step, so many names are kept.
const MOST_NAMES: usize = 16;

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

/// What the tracer hears of on its way; it is written down by another process, which outlives
/// this one.
pub(crate) trait Listener {
    /// A step is complete.
    fn step(&mut self, step: Value);
    /// A control group was made, which has to be gone in the end.
    fn group(&mut self, path: &str);
    /// How many processes have become the command, and live.
    fn commands(&mut self, count: usize);
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
    processes: HashMap<Pid, Process>,
    /// Newborns that have stopped, and whose parents' calls have not returned.
    held: HashSet<Pid>,
    /// Parents whose clone has returned, and whose children have not stopped yet.
    waiting: HashMap<Pid, Pid>,
    names: Names,
    lines: Lines,
    host: Host,
    /// The last views, by name.
    views: BTreeMap<String, Value>,
    living: BTreeMap<String, Value>,
    groups: Vec<PathBuf>,
    /// The last step, if the next one may belong to it.
    open: Option<Open>,
    steps: usize,
    listener: &'a mut dyn Listener,
}

/// A step that may take in more calls of its kind.
struct Open {
    step: Map<String, Value>,
    who: Pid,
    lines: Vec<Line>,
    removes: bool,
    exec_failed: bool,
    calls: BTreeMap<String, usize>,
    names: Vec<String>,
}

impl<'a> Tracer<'a> {
    /// Of a process that was seized, and has not begun.
    pub(crate) fn new(
        first: Pid,
        words: &[OsString],
        listener: &'a mut dyn Listener,
    ) -> Tracer<'a> {
        let mut names = Names::default();
        let host = Host::of_ours(&mut names);
        let shown: Vec<String> = words
            .iter()
            .map(|it| calls::quoted(it.as_bytes()))
            .collect();
        let begins_with = Call {
            name: "execve",
            arguments: vec![shown[0].clone(), calls::list(&shown)],
            kind: Kind::Exec,
        };
        let mut tracer = Tracer {
            first,
            begins_with: Some(begins_with),
            processes: HashMap::new(),
            held: HashSet::new(),
            waiting: HashMap::new(),
            names,
            lines: Lines::default(),
            host,
            views: BTreeMap::new(),
            living: BTreeMap::new(),
            groups: Vec::new(),
            open: None,
            steps: 0,
            listener,
        };
        tracer.birth(first, None, true);
        tracer
    }

    /// Until the level's own process has ended: how it has. Or why it was not waited for.
    pub(crate) fn run(mut self) -> Result<Value, Error> {
        let end = loop {
            let (pid, status) = wait_traced()?;
            if let Some(end) = self.stop(pid, status) {
                break end;
            }
            if self.steps > MOST_STEPS {
                break json!({"cut": format!("the level has made more than {MOST_STEPS} steps")});
            }
            if self.processes.len() > MOST_PROCESSES {
                let why = format!("the level has more than {MOST_PROCESSES} processes");
                break json!({"cut": why});
            }
        };
        self.close();
        Ok(end)
    }

    fn stop(&mut self, pid: Pid, status: TraceStatus) -> Option<Value> {
        match status {
            TraceStatus::Exited(_) | TraceStatus::Signaled(_) => return self.ended(pid, status),
            TraceStatus::Syscall => self.syscall(pid),
            TraceStatus::Event(event) => self.event(pid, event),
            TraceStatus::GroupStop(_) => {
                // As without us: it stays until a SIGCONT comes.
                let _ = ptrace_listen(pid);
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
        let name = match is_followed {
            true => self.names.birth(pid.as_raw()),
            false => String::new(),
        };
        if is_followed {
            let parent = parent.and_then(|it| self.processes.get(&it));
            let parent = parent.map_or("host", |it| &it.name);
            self.living.insert(name.clone(), json!({"parent": parent}));
        }
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
        self.go_on(parent, 0);
        self.go_on(child, 0);
    }

    fn exec(&mut self, pid: Pid) {
        let Some(process) = self.processes.get_mut(&pid).filter(|it| it.is_followed) else {
            return;
        };
        // Until its first exec the level is a copy of ours, which does not stop at calls.
        let begins = (pid == self.first)
            .then(|| self.begins_with.take())
            .flatten();
        let is_level = begins.is_some();
        let inside = begins
            .map(|call| (call, Vec::new()))
            .or(process.inside.take());
        process.image = None;
        if let Some((call, lines)) = inside {
            let command = call.arguments.get(1).cloned().unwrap_or_default();
            let living = self.living.get_mut(&self.processes[&pid].name);
            if let Some(living) = living {
                living["program"] = self.names.text(&command).into();
            }
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
        self.listener.commands(commands.count());
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
        if process.name.is_empty() || self.living.remove(&process.name).is_none() {
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
        if self.processes.remove(&pid).is_some() {
            self.names.death(pid.as_raw());
            self.count_commands();
        }
        if pid != self.first {
            return None;
        }
        let left: Vec<&String> = self.living.keys().collect();
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

    /// A step is complete: what it has changed, and where it stands in the level.
    fn step(
        &mut self,
        pid: Pid,
        call: Call,
        lines: Vec<Line>,
        result: Result<i64, i32>,
        child: Option<Pid>,
    ) {
        if self.goes_with_the_last(pid, &call, &lines, result) {
            return;
        }
        self.close();
        if let (Kind::Makes(path), Ok(_)) = (&call.kind, result)
            && path.starts_with("/sys/fs/cgroup")
        {
            self.groups.push(path.into());
            self.listener.group(path);
        }
        self.steps += 1;
        let mut step = Map::new();
        let who = self.processes.get(&pid).map(|it| it.name.clone());
        let who = who.unwrap_or_default();
        let all = call.arguments.join(", ");
        let arguments = call.arguments.iter().map(|it| self.argument(&call, it));
        let arguments: Vec<String> = arguments.collect::<Vec<_>>();
        step.insert("who".to_owned(), who.clone().into());
        step.insert("call".to_owned(), call.name.into());
        step.insert("arguments".to_owned(), arguments.into());
        if let Err(errno) = result {
            let errno = linux_sys::Errno::from_raw(errno);
            let mut error = json!({"errno": format!("{errno:?}"), "words": errno.desc()});
            if let Some(why) = explain_traced(call.name, &all, errno) {
                error["why"] = why.into();
            }
            step.insert("error".to_owned(), error);
        }
        if let Some(child) = child.and_then(|it| self.processes.get(&it)) {
            let born = child.name.clone();
            step.insert("born".to_owned(), born.clone().into());
            // A child begins as a copy of its parent.
            let copy = self.views.get(&who).cloned().unwrap_or_default();
            self.views.insert(born, copy);
        }
        if !lines.is_empty() {
            let rows = lines
                .iter()
                .map(|it| json!({"file": it.file, "line": it.line, "function": it.function}));
            step.insert("lines".to_owned(), rows.collect());
        }
        let unseen = call.name == "prctl" && call.arguments.first().is_some_and(|it| is_unseen(it));
        let mut changes = self.look(&[Some(pid), child]);
        if unseen && result.is_ok() {
            step.insert("unseen".to_owned(), true.into());
        }
        if !changes.is_empty() {
            changes.sort_keys();
            step.insert("view".to_owned(), changes.into());
        }
        let removes = matches!(call.kind, Kind::Removes(_));
        let exec_failed = call.kind == Kind::Exec && result.is_err();
        let is_group = all.contains("/sys/fs/cgroup");
        let opens = match &call.kind {
            Kind::Makes(_) => result.is_ok(),
            Kind::Removes(_) => result.is_ok() || is_not_yet(result),
            _ => false,
        };
        if (opens && !is_group) || exec_failed {
            let names = self.short_name(&call);
            self.open = Some(Open {
                step,
                who: pid,
                lines,
                removes,
                exec_failed,
                calls: BTreeMap::from([(call.name.to_owned(), 1)]),
                names,
            });
        } else {
            self.listener.step(step.into());
        }
    }

    /// An argument with names instead of numbers.
    fn argument(&mut self, call: &Call, argument: &str) -> String {
        let is_pid = call.name == "write" && call.arguments[0].ends_with("cgroup.procs");
        let number = argument.trim_matches(['"', '\\', 'n']).parse().ok();
        match number.filter(|number| is_pid && *number != 0) {
            Some(pid) => format!("{:?}", self.names.process(pid).unwrap_or("PID")),
            None => self.names.text(argument),
        }
    }

    fn short_name(&mut self, call: &Call) -> Vec<String> {
        match &call.kind {
            Kind::Makes(path) => vec![self.names.text(path)],
            _ => Vec::new(),
        }
    }

    /// Whether a call belongs to the step before it: another name in a directory, made or
    /// removed by the same line of the level; the next directory of PATH.
    fn goes_with_the_last(
        &mut self,
        pid: Pid,
        call: &Call,
        lines: &[Line],
        result: Result<i64, i32>,
    ) -> bool {
        let names = match self.open.is_some() {
            true => self.short_name(call),
            false => return false,
        };
        let Some(open) = &mut self.open else {
            return false;
        };
        if open.who != pid || open.lines != lines {
            return false;
        }
        let is_next_try = open.exec_failed && call.kind == Kind::Exec && result.is_err();
        let is_next_name = match &call.kind {
            Kind::Makes(path) => {
                !open.removes && result.is_ok() && !path.starts_with("/sys/fs/cgroup")
            }
            Kind::Removes(path) => {
                open.removes
                    && (result.is_ok() || is_not_yet(result))
                    && !path.starts_with("/sys/fs/cgroup")
            }
            _ => false,
        };
        if !is_next_try && (open.exec_failed || !is_next_name) {
            return false;
        }
        if open.removes && result.is_err() {
            return true; // what is in it goes first
        }
        if open.removes && open.step.remove("error").is_some() {
            open.calls.clear();
        }
        *open.calls.entry(call.name.to_owned()).or_default() += 1;
        if open.names.len() < MOST_NAMES {
            open.names.extend(names);
        }
        if open.removes {
            // The last one is what all the others were in. The order of those is the disk's.
            let arguments = call.arguments.iter().map(|it| self.names.text(it));
            let arguments: Vec<String> = arguments.collect();
            open.step.insert("arguments".to_owned(), arguments.into());
            open.step.insert("call".to_owned(), call.name.into());
        }
        true
    }

    /// The last step is complete.
    fn close(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        let count: usize = open.calls.values().sum();
        if count > 1 {
            open.step.insert("times".to_owned(), count.into());
            if !open.exec_failed {
                open.step.insert("calls".to_owned(), json!(open.calls));
            }
            if !open.names.is_empty() {
                open.step.insert("names".to_owned(), json!(open.names));
            }
        }
        self.listener.step(open.step.into());
    }

    /// What has changed since the last look, on the host and in these processes.
    fn look(&mut self, processes: &[Option<Pid>]) -> Map<String, Value> {
        let mut changes = Map::new();
        let host = self.host.view(&mut self.names, &self.living, &self.groups);
        self.compare("host".to_owned(), host, &mut changes);
        for pid in processes.iter().flatten() {
            let Some(process) = self.processes.get(pid) else {
                continue;
            };
            let name = process.name.clone();
            let view = self.host.process(*pid, &mut self.names);
            // It is gone, or as good as that.
            if view["namespaces"].as_object().is_none_or(Map::is_empty) {
                continue;
            }
            self.compare(name, view, &mut changes);
        }
        changes
    }

    fn compare(&mut self, name: String, view: Value, changes: &mut Map<String, Value>) {
        let before = self.views.entry(name.clone()).or_default();
        let change = difference::between(before, &view);
        *before = view;
        changes.extend(change.map(|change| (name, change)));
    }
}

/// A tree is removed by trying: what was a directory, or had something in it, comes later.
fn is_not_yet(result: Result<i64, i32>) -> bool {
    matches!(result, Err(libc::EISDIR | libc::ENOTEMPTY))
}

/// Options of prctl that change what no file in `/proc` shows.
fn is_unseen(option: &str) -> bool {
    [
        "PR_SET_PDEATHSIG",
        "PR_SET_KEEPCAPS",
        "PR_SET_DUMPABLE",
        "PR_SET_CHILD_SUBREAPER",
    ]
    .contains(&option)
}

/// How a process has ended.
fn how(status: TraceStatus) -> String {
    match status {
        TraceStatus::Exited(status) => status.to_string(),
        TraceStatus::Signaled(signal) => linux_sys::signal_name(signal).to_string(),
        other => format!("{other:?}"),
    }
}
