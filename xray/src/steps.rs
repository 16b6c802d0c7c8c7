//! Steps: what a call has changed, and which calls are one step.

use std::collections::BTreeMap;
use std::path::PathBuf;

use linux_sys::{Pid, explain_traced};
use serde_json::{Map, Value, json};

use crate::calls::{Call, Kind};
use crate::difference;
use crate::lines::Line;
use crate::names::Names;
use crate::snapshot::Host;

/// Of calls in a row that are one step, so many names are kept.
const MOST_NAMES: usize = 16;

/// What the tracer hears of on its way; it is written down by another process, which outlives
/// this one.
pub(crate) trait Listener {
    /// A step is complete.
    fn step(&mut self, step: Value);
    /// A control group was made, which has to be gone in the end.
    fn group(&mut self, path: &str);
    /// How many processes have become the command, and live.
    fn commands(&mut self, count: usize);
    /// A signal has stopped the level, as Ctrl-Z does.
    fn stopped(&mut self, signal: i32);
}

/// A process that steps: its number, and its name.
pub(crate) type Who<'a> = (Pid, &'a str);

/// What has been seen so far.
pub(crate) struct Steps<'a> {
    names: Names,
    host: Host,
    /// The last views, by name.
    views: BTreeMap<String, Value>,
    /// The processes of the run, as the host has them.
    living: BTreeMap<String, Value>,
    groups: Vec<PathBuf>,
    /// The last step, if the next one may belong to it.
    open: Option<Open>,
    count: usize,
    looks: usize,
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
    /// What each of the calls that made these names was given.
    each: Vec<Value>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(listener: &'a mut dyn Listener) -> Steps<'a> {
        let mut names = Names::default();
        let host = Host::of_ours(&mut names);
        Steps {
            names,
            host,
            views: BTreeMap::new(),
            living: BTreeMap::new(),
            groups: Vec::new(),
            open: None,
            count: 0,
            looks: 0,
            listener,
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How often the kernel was asked.
    pub(crate) fn looks(&self) -> usize {
        self.looks
    }

    /// A new process: its name.
    pub(crate) fn birth(&mut self, pid: Pid, parent: Option<&str>) -> String {
        let name = self.names.birth(pid.as_raw());
        let parent = parent.unwrap_or("host");
        self.living
            .insert(name.clone(), json!({ "parent": parent }));
        name
    }

    /// A process is another program now.
    pub(crate) fn exec(&mut self, name: &str, words: &str) {
        if let Some(process) = self.living.get_mut(name) {
            process["program"] = self.names.text(words).into();
        }
    }

    /// A process ends. `false` if that was told before.
    pub(crate) fn end(&mut self, name: &str) -> bool {
        self.living.remove(name).is_some()
    }

    /// It is gone, and its number may come again.
    pub(crate) fn forget(&mut self, pid: Pid) {
        self.names.death(pid.as_raw());
    }

    /// The processes that are there.
    pub(crate) fn living(&self) -> Vec<&String> {
        self.living.keys().collect()
    }

    /// A signal has stopped the level.
    pub(crate) fn stopped(&mut self, signal: i32) {
        self.listener.stopped(signal);
    }

    /// How many processes have become the command.
    pub(crate) fn commands(&mut self, count: usize) {
        self.listener.commands(count);
    }

    /// A step is complete: what it has changed, and where it stands in the level.
    pub(crate) fn step(
        &mut self,
        (pid, who): Who,
        call: Call,
        lines: Vec<Line>,
        result: Result<i64, i32>,
        child: Option<Who>,
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
        self.count += 1;
        let mut step = Map::new();
        let all = call.arguments.join(", ");
        let arguments = call.arguments.iter().map(|it| self.argument(&call, it));
        let arguments: Vec<String> = arguments.collect::<Vec<_>>();
        step.insert("who".to_owned(), who.into());
        step.insert("call".to_owned(), call.name.into());
        step.insert("arguments".to_owned(), arguments.clone().into());
        if let Err(errno) = result {
            let errno = linux_sys::Errno::from_raw(errno);
            let mut error = json!({"errno": format!("{errno:?}"), "words": errno.desc()});
            if let Some(why) = explain_traced(call.name, &all, errno) {
                error["why"] = why.into();
            }
            step.insert("error".to_owned(), error);
        }
        if let Some((_, born)) = child {
            step.insert("born".to_owned(), born.into());
            // A child begins as a copy of its parent.
            let copy = self.views.get(who).cloned().unwrap_or_default();
            self.views.insert(born.to_owned(), copy);
        }
        if !lines.is_empty() {
            let rows = lines
                .iter()
                .map(|it| json!({"file": it.file, "line": it.line, "function": it.function}));
            step.insert("lines".to_owned(), rows.collect());
        }
        let unseen = call.name == "prctl" && call.arguments.first().is_some_and(|it| is_unseen(it));
        let mut changes = self.look(&[Some((pid, who)), child]);
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
                each: vec![json!([call.name, arguments])],
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
        let mut arguments = || -> Vec<String> {
            let arguments = call.arguments.iter().map(|it| self.names.text(it));
            arguments.collect()
        };
        if !open.removes && open.names.len() < MOST_NAMES {
            open.names.extend(names);
            open.each.push(json!([call.name, arguments()]));
        }
        if open.removes {
            // The last one is what all the others were in. The order of those is the disk's.
            open.step.insert("arguments".to_owned(), arguments().into());
            open.step.insert("call".to_owned(), call.name.into());
        }
        true
    }

    /// The last step is complete.
    pub(crate) fn close(&mut self) {
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
                open.step.insert("each".to_owned(), open.each.into());
            }
        }
        self.listener.step(open.step.into());
    }

    /// What has changed since the last look, on the host and in these processes.
    fn look(&mut self, processes: &[Option<Who>]) -> Map<String, Value> {
        let mut changes = Map::new();
        self.looks += 1 + processes.iter().flatten().count();
        let host = self.host.view(&mut self.names, &self.living, &self.groups);
        self.compare("host".to_owned(), host, &mut changes);
        for (pid, name) in processes.iter().flatten() {
            let view = self.host.process(*pid, &mut self.names);
            // It is gone, or as good as that.
            if view["namespaces"].as_object().is_none_or(Map::is_empty) {
                continue;
            }
            self.compare((*name).to_owned(), view, &mut changes);
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
