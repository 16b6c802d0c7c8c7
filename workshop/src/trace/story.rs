//! Which calls matter, and in which chapters they are told: one for each time that another
//! process goes on.

use std::collections::HashSet;

use linux_sys::{Errno, explain_traced};

use super::line::{Call, Event, Line, parse};
use super::words::meaning;
use crate::screen::{BOLD, DIM, RED, indent, paint, width, wrap};

/// The story of a trace, line by line; empty if there is none.
pub(super) fn tell(program: &str, trace: &str) -> Vec<String> {
    let lines = parse(trace);
    let Some(parent) = lines.first().map(|line| line.process) else {
        return Vec::new();
    };
    let mut story = Story {
        program: program.to_owned(),
        parent,
        speaker: None,
        commands: HashSet::new(),
        helpers: HashSet::new(),
        container: container(trace),
        group: Vec::new(),
        told: Vec::new(),
    };
    if let Some(directory) = &story.container {
        let id = directory.rsplit('/').next().unwrap_or_default();
        let text = format!(
            "$C stands for {directory}, the container's directory; \
             $G for rubber-docker/{id}, the name of its control groups."
        );
        story
            .told
            .push(format!("\n{}", paint(DIM, wrap(&text, width()))));
    }
    // The first call of all is the exec that makes strace's child the level.
    for (index, line) in lines.iter().enumerate().skip(1) {
        story.line(line, &lines[index + 1..]);
    }
    story.end_group();
    story.told
}

/// The container's directory: its name is twelve hexadecimal digits.
fn container(trace: &str) -> Option<String> {
    let is_id = |name: &str| name.len() == 12 && name.bytes().all(|it| it.is_ascii_hexdigit());
    let mut paths = trace.split('"').filter(|path| path.starts_with('/'));
    paths.find_map(|path| {
        let is_group = path.contains("/rubber-docker/") && path.contains("cgroup");
        let (parent, name) = path.rsplit_once('/')?;
        (is_id(name) && !is_group).then(|| format!("{parent}/{name}"))
    })
}

struct Story {
    program: String,
    parent: u32,
    /// The process whose chapter it is.
    speaker: Option<u32>,
    /// Who has become the command: what they do is not the container's making.
    commands: HashSet<u32>,
    /// Who helps to prepare: the tools that make an image, for example.
    helpers: HashSet<u32>,
    container: Option<String>,
    /// Calls of one kind in a row.
    group: Vec<Call>,
    told: Vec<String>,
}

impl Story {
    fn line(&mut self, line: &Line, rest: &[Line]) {
        if self.helpers.contains(&line.process) {
            return;
        }
        match &line.event {
            // Shares its memory until exec, as no container does: the C library's way to
            // start a tool.
            Event::Call(call) if call.arguments.contains("CLONE_VM|CLONE_VFORK") => {
                let child = call.result.iter().copied().map(u32::try_from);
                self.helpers.extend(child.flatten());
            }
            Event::Call(call) if !self.commands.contains(&line.process) => {
                if self.matters(line.process, call, rest) {
                    self.chapter(line.process);
                    self.call(call);
                }
                if call.name == "execve" && call.result.is_ok() {
                    self.commands.insert(line.process);
                }
            }
            // A child of the command is the command's own affair too.
            Event::Call(call) => {
                if let ("clone" | "clone3" | "fork" | "vfork", Ok(child)) =
                    (call.name.as_str(), &call.result)
                {
                    self.commands.extend(u32::try_from(*child));
                }
            }
            Event::End(how) => {
                if self.speaker == Some(line.process) || line.process == self.parent {
                    self.chapter(line.process);
                    self.end_group();
                    self.told.push(format!("  {how}"));
                }
            }
        }
    }

    /// Whether a call belongs into the story.
    fn matters(&self, process: u32, call: &Call, rest: &[Line]) -> bool {
        let has = |word: &str| call.arguments.contains(word);
        let errno = call.result.as_ref().err().map(String::as_str);
        match call.name.as_str() {
            // To be there already is what was wanted.
            "mkdir" | "mkdirat" if errno == Some("EEXIST") => false,
            // Unpacking an image makes hundreds.
            "mkdir" | "mkdirat" | "symlink" | "symlinkat" | "mknod" | "mknodat"
                if process == self.parent =>
            {
                has("/cgroup") || self.depth(call) == Some(1)
            }
            "mkdir" | "mkdirat" => errno.is_some(),
            "unlinkat" | "rmdir" if process == self.parent => has("/cgroup"),
            "unlinkat" => has("AT_REMOVEDIR"),
            "ioctl" => has("SIOCSIFFLAGS") || (has("SIOC") && errno.is_some()),
            "write" => has("/cgroup"),
            "prctl" => !has("PR_CAPBSET_READ") && meaning(call).is_some(),
            "wait4" | "waitid" => {
                let child = call.result.iter().copied().map(u32::try_from);
                let is_helper = child.flatten().any(|child| self.helpers.contains(&child));
                !has("WNOHANG") && errno.is_none() && !is_helper
            }
            "execve" => errno.is_none() || !self.is_tried_again(process, rest),
            _ => meaning(call).is_some(),
        }
    }

    /// How many names below the container's directory the call's last path is.
    fn depth(&self, call: &Call) -> Option<usize> {
        let directory = self.container.as_ref()?;
        let path = call
            .arguments
            .split('"')
            .rfind(|part| part.starts_with('/'))?;
        let below = path.strip_prefix(directory.as_str())?;
        Some(below.matches('/').count().max(1))
    }

    /// execvp tries each directory of PATH; the last try is the one that counts.
    fn is_tried_again(&self, process: u32, rest: &[Line]) -> bool {
        let mut later = rest.iter().filter(|line| line.process == process);
        matches!(later.next().map(|line| &line.event),
            Some(Event::Call(call)) if call.name == "execve")
    }

    fn chapter(&mut self, process: u32) {
        if self.speaker.replace(process) == Some(process) {
            return;
        }
        self.end_group();
        let who = match process == self.parent {
            true => format!("{}, process {process}", self.program),
            false => format!("its child, process {process}"),
        };
        self.told.push(format!("\n{}", paint(BOLD, who)));
    }

    fn call(&mut self, call: &Call) {
        let is_of_kind = |first: &Call| {
            let repeats = ["mknod", "mknodat", "symlink", "symlinkat", "prctl"];
            repeats.contains(&first.name.as_str())
                && first.name == call.name
                && meaning(first) == meaning(call)
                && call.result.is_ok()
        };
        if !self.group.first().is_some_and(is_of_kind) {
            self.end_group();
        }
        self.group.push(call.clone());
        if call.result.is_err() {
            self.end_group();
        }
    }

    /// Tells the calls that were held back: the first one, and how many there were.
    fn end_group(&mut self) {
        let group = std::mem::take(&mut self.group);
        let Some(first) = group.first() else { return };
        let arguments = self.arguments(first);
        let times = match group.len() {
            1 => String::new(),
            times => format!("   and {} more like it", times - 1),
        };
        let shown = shorten(
            &format!("{}({arguments})", first.name),
            width().saturating_sub(4 + times.len()),
        );
        match &first.result {
            Ok(_) => {
                let text = meaning(first).unwrap_or_default();
                let call = format!("  {shown}{times}");
                // Beside it, if there is room.
                if call.len() < 40 && text.len() <= width().saturating_sub(40) {
                    self.told.push(format!("{call:<40}{}", paint(DIM, text)));
                } else {
                    self.told.push(call);
                    self.told.push(paint(
                        DIM,
                        indent(&wrap(&text, width().saturating_sub(6)), 6),
                    ));
                }
            }
            Err(errno) => {
                self.told.push(paint(RED, format!("  {shown}")));
                let mut known = (1..=133).map(Errno::from_raw);
                let number = known.find(|it| format!("{it:?}") == *errno);
                let why = number.and_then(|it| explain_traced(&first.name, &first.arguments, it));
                let words = number.map_or("", |it| it.desc());
                let text = format!("{errno} ({words}): {}", why.unwrap_or("see its man page"));
                self.told.push(paint(
                    RED,
                    indent(&wrap(&text, width().saturating_sub(6)), 6),
                ));
            }
        }
    }
}

impl Story {
    /// The arguments of a call, as far as they say something.
    fn arguments(&self, call: &Call) -> String {
        if matches!(call.name.as_str(), "clone" | "clone3" | "fork" | "vfork") {
            let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
            let words = call.arguments.split(|char| !is_part(char));
            let new: Vec<&str> = words.filter(|it| it.starts_with("CLONE_NEW")).collect();
            return new.join("|");
        }
        let mut arguments = call.arguments.replace("AT_FDCWD", "");
        if let Some(directory) = &self.container {
            let id = directory.rsplit('/').next().unwrap_or_default();
            arguments = arguments.replace(directory.as_str(), "$C");
            arguments = arguments.replace(&format!("rubber-docker/{id}"), "$G");
        }
        // The environment is only an address.
        let arguments = match (call.name.as_str(), arguments.rsplit_once(", 0x")) {
            ("execve", Some((before, _))) => before.to_owned(),
            _ => arguments,
        };
        without_descriptors(&arguments)
    }
}

/// strace shows behind a descriptor what it is: `5</sys/fs/cgroup/x>`. The name alone says
/// more, and the working directory that a path begins at says nothing.
fn without_descriptors(arguments: &str) -> String {
    let mut shown = String::new();
    for (index, part) in arguments.split(", ").enumerate() {
        let inner = part.split_once('<').and_then(|(before, rest)| {
            let path = rest.strip_suffix('>')?;
            before
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then_some((before, path))
        });
        let part = match inner {
            Some(("", _)) => continue,
            Some((_, path)) => path,
            None => part,
        };
        if index > 0 && !shown.is_empty() {
            shown += ", ";
        }
        shown += part;
    }
    shown
}

fn shorten(text: &str, width: usize) -> String {
    match text.chars().count() <= width {
        true => text.to_owned(),
        false => text.chars().take(width - 4).collect::<String>() + "...)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = r#"10 execve("./level05", ["./level05", "run", "sh"], 0x1 /* 3 vars */) = 0
10 mkdir("/c", 0700) = -1 EEXIST (File exists)
10 mkdir("/c/0123456789ab", 0755) = 0
10 mkdir("/c/0123456789ab/rootfs/usr", 0755) = 0
10 clone(child_stack=NULL, flags=CLONE_NEWNS|SIGCHLD) = 11
10 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD}, 88) = 9
9 execve("/bin/ldd", ["ldd"], 0x1 /* 3 vars */) = 0
10 wait4(9, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 9
11 mknodat(AT_FDCWD</x>, "/c/0123456789ab/dev/null", S_IFCHR|0666, makedev(0x1, 0x3)) = 0
11 mknodat(AT_FDCWD</x>, "/c/0123456789ab/dev/zero", S_IFCHR|0666, makedev(0x1, 0x5)) = 0
11 write(5</sys/fs/cgroup/x/cgroup.procs>, "0", 1) = 1
11 pivot_root("/c/0123456789ab", "/c/0123456789ab/old") = -1 EINVAL (Invalid argument)
11 execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = -1 ENOENT (No such file or directory)
11 execve("/usr/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
11 mount("x", "/y", "proc", 0, NULL) = 0
11 clone(child_stack=NULL, flags=SIGCHLD) = 12
12 chdir("/tmp") = 0
12 +++ exited with 0 +++
11 +++ exited with 3 +++
10 wait4(11, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 11
10 +++ exited with 3 +++
"#;

    fn told() -> String {
        let story = tell("level05", TRACE).join("\n");
        anstream::adapter::strip_str(&story).to_string()
    }

    #[test]
    fn the_making_is_told_and_the_commands_own_calls_are_not() {
        let told = told();
        for expected in [
            "$C stands for /c/0123456789ab, the",
            "level05, process 10\n  mkdir(\"$C\", 0755)",
            "the child is process 11, with its own: mounts",
            "its child, process 11\n  mknodat(\"$C/dev/null\"",
            "and 1 more like it",
            "write(/sys/fs/cgroup/x/cgroup.procs, \"0\", 1)",
            "execve(\"/usr/bin/sh\", [\"sh\"])",
            "exited with 3\n\nlevel05, process 10\n  wait4(11",
        ] {
            assert!(told.contains(expected), "{expected} is not in:\n{told}");
        }
        for unexpected in [
            "rootfs/usr",
            "EEXIST",
            "\"/bin/sh\"",
            "\"/y\"",
            "/tmp",
            "process 12",
        ] {
            assert!(!told.contains(unexpected), "{unexpected} is in:\n{told}");
        }
        let widest = told.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= 80), "{told}");
    }

    #[test]
    fn a_call_that_fails_is_explained() {
        let told = told().replace("\n      ", " ");
        let meaning = explain_traced("pivot_root", "", Errno::EINVAL).unwrap_or_default();
        let expected = format!("EINVAL (Invalid argument): {meaning}");
        assert!(told.contains(&expected), "{expected} is not in:\n{told}");
    }
}
