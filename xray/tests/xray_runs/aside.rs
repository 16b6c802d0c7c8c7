//! The checks of all levels, while the tracer looks: it changes nothing, and they pass.
//!
//! A check compares a level with the machine on which it has started it, and knows its process.
//! So the level has no host of its own here, and the tracer is not its parent; it is not even in
//! the sandbox of the check, where its process would be seen:
//!
//! ```text
//! trial
//!  ├─ checks judge          in a sandbox: starts what it believes to be the level
//!  │   └─ wrapper           says which process it is, waits until it is traced, and becomes the
//!  │                        level: with its parent, its number, its streams and its signals
//!  └─ server                for each wrapper a tracer
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::Trial;
use linux_sys::{Disposition, Fork, Pid};
use nix::fcntl::{AT_FDCWD, AtFlags};
use serde_json::Value;

use crate::place::program;
use crate::{PROGRAMS, trial};

/// The word that makes this program the server: `aside SOCKET`.
pub(crate) const WORD: &str = "aside";

/// What a wrapper ends with: behind it, where the server listens and what it becomes.
const MARK: &[u8] = b"\nx-ray from aside: ";

/// Checks that cannot pass, each with the reason.
const NOT_UNDER_A_TRACER: [(&str, &str); 2] = [
    (
        "a signal to the level's process reaches the command once",
        "it waits for state T in /proc; a traced process that a signal has stopped is in state t",
    ),
    (
        "when fork, exec or wait fails, the level says so",
        "it refuses each exec: also that by which the wrapper becomes the level",
    ),
];

/// Checks that pass by luck.
const BY_LUCK: [(&str, &str); 1] = [(
    "asked to end before there is a command, the level ends so, and leaves nothing",
    "it stops the level to look at it, and takes state t for stopped: meanwhile the level goes on",
)];

/// Of every level the checks, asked of its solution.
pub(crate) fn trials() -> Vec<Trial> {
    let levels = PROGRAMS.windows(2).enumerate();
    let of_level = levels.map(|(number, pair)| {
        let solution = pair[1].0;
        // One that needs no privilege, one with a process number 1 of its own, and one that does all.
        let extent = match number {
            0 | 6 | 11 => "",
            _ => ", in full",
        };
        trial(&format!("checks_pass::{}{extent}", pair[0].0), move || {
            pass(number, solution)
        })
    });
    of_level.collect()
}

fn pass(number: usize, solution: &str) {
    // Where the sandbox sees it: what is in /tmp it does not.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let socket = directory.path().join("socket");
    let wrapper = wrapper(directory.path(), &socket, solution);
    let mut server = Command::new(std::env::current_exe().unwrap())
        .arg(WORD)
        .arg(&socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(server.stdout.take().unwrap());
    told.read_line(&mut String::new()).unwrap(); // it listens
    let mut reports = judge(number, &wrapper, None);
    for report in &mut reports {
        // Four at once, each some twenty times as slow as by itself: on a machine that is busy,
        // too, the time may be up. So it has another chance, alone; and what was to wait for it.
        let seen = report["seen"].as_str().unwrap_or_default();
        let is_late = seen.starts_with("did not finish") || report["verdict"] == "not-run";
        if is_late && !is_listed(report) {
            println!("again: {report}");
            let name = report["name"].as_str().unwrap_or_default().to_owned();
            *report = judge(number, &wrapper, Some(&name)).remove(0);
        }
    }
    // It ends when all that it follows has.
    drop(server.stdin.take());
    let mut runs = String::new();
    told.read_to_string(&mut runs).unwrap();
    assert!(server.wait().unwrap().success());

    let mut verdicts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for report in reports {
        let verdict = report["verdict"].as_str().unwrap_or("none").to_owned();
        verdicts.entry(verdict).or_default().push(report);
    }
    let named = |verdict: &str| -> BTreeSet<&str> {
        let reports = verdicts.get(verdict).into_iter().flatten();
        reports.filter_map(|it| it["name"].as_str()).collect()
    };
    let passed = named("pass");
    let steps: usize = runs.lines().map(|it| it.parse::<usize>().unwrap()).sum();
    let count: usize = verdicts.values().map(Vec::len).sum();
    println!(
        "level{number:02}: {} of {count} checks pass, in {} runs with {steps} steps",
        passed.len(),
        runs.lines().count()
    );
    for (verdict, reports) in &verdicts {
        for report in reports.iter().filter(|_| verdict != "pass") {
            println!("  {verdict}: {report}");
        }
    }
    let listed: BTreeSet<&str> = NOT_UNDER_A_TRACER.iter().map(|it| it.0).collect();
    let pass_although: Vec<_> = passed.intersection(&listed).collect();
    assert!(
        pass_although.is_empty(),
        "listed, and pass: {pass_although:?}"
    );
    let all = verdicts.values().flatten();
    let failed = all.filter(|it| it["verdict"] != "pass" && it["verdict"] != "skip");
    let failed: BTreeSet<&str> = failed.filter_map(|it| it["name"].as_str()).collect();
    let by_luck: BTreeSet<&str> = BY_LUCK.iter().map(|it| it.0).collect();
    let not_listed: Vec<_> = failed
        .difference(&listed)
        .filter(|it| !by_luck.contains(*it))
        .collect();
    assert!(
        not_listed.is_empty(),
        "fail under the tracer: {not_listed:?}"
    );
    assert!(!passed.is_empty() && steps > passed.len(), "{runs}");
}

fn is_listed(report: &Value) -> bool {
    let mut listed = NOT_UNDER_A_TRACER.iter().chain(&BY_LUCK);
    listed.any(|it| report["name"] == it.0)
}

/// What the level's checks, or one of them, say of a program.
fn judge(number: usize, program: &Path, only: Option<&str>) -> Vec<Value> {
    let mut checks = Command::new(crate::place::program("checks"));
    checks
        .args(["judge", "--alone", "--json", "--level", &number.to_string()])
        .arg("--binary")
        .arg(program)
        .env("RUBBER_DOCKER_TRACED", "1"); // so they have more time
    if let Some(name) = only {
        checks.args(["--only", name]);
    }
    let judged = checks.output().unwrap();
    let text = String::from_utf8_lossy(&judged.stdout);
    let reports: Vec<Value> = text
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert!(!reports.is_empty(), "{}", crate::place::text(&judged));
    reports
}

/// This program under the level's name, and with what it has to know.
fn wrapper(directory: &Path, socket: &Path, solution: &str) -> PathBuf {
    let wrapper = directory.join(solution);
    fs::copy(std::env::current_exe().unwrap(), &wrapper).unwrap();
    let mut end = MARK.to_vec();
    end.extend(socket.as_os_str().as_bytes());
    end.push(b'\n');
    end.extend(program(solution).as_os_str().as_bytes());
    let file = fs::File::options().append(true).open(&wrapper);
    file.unwrap().write_all(&end).unwrap();
    wrapper
}

/// What this program has to know if it is a wrapper: the socket, and the level.
pub(crate) fn known() -> Option<[PathBuf; 2]> {
    const LONGEST: u64 = 4096;
    let mut file = fs::File::open("/proc/self/exe").ok()?;
    let length = file.metadata().ok()?.len();
    std::io::Seek::seek(
        &mut file,
        std::io::SeekFrom::Start(length.saturating_sub(LONGEST)),
    )
    .ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    let at = end.windows(MARK.len()).rposition(|it| it == MARK)?;
    let text = String::from_utf8(end[at + MARK.len()..].to_vec()).ok()?;
    let (socket, level) = text.split_once('\n')?;
    // The words themselves stand in every copy of this program, and no paths behind them.
    socket
        .starts_with('/')
        .then(|| [socket.into(), level.into()])
}

/// Becomes the level, traced.
pub(crate) fn become_level([socket, level]: [PathBuf; 2]) -> ExitCode {
    let ready = || -> std::io::Result<()> {
        let mut server = UnixStream::connect(&socket)?;
        let words = std::env::args_os().map(|it| it.to_string_lossy().into_owned());
        let words = serde_json::json!(words.collect::<Vec<String>>());
        // By its number and its PID namespace the server finds it, who has another number for it.
        let namespace = fs::read_link("/proc/self/ns/pid")?;
        let (pid, namespace) = (std::process::id(), namespace.display());
        writeln!(server, "{pid} {namespace} {words}")?;
        server.read_exact(&mut [0])
    };
    if let Err(why) = ready() {
        eprintln!("the wrapper is not traced: {why}");
        return ExitCode::from(99);
    }
    // As it was: Rust's runtime ignores SIGPIPE.
    let ignored = linux_sys::ignored_at_start();
    for signum in (1..=64).filter(|it| !ignored.contains(*it)) {
        let _ = linux_sys::signal(signum, Disposition::Default);
    }
    let c = |text: &[u8]| CString::new(text).unwrap();
    let words: Vec<CString> = std::env::args_os().map(|it| c(it.as_bytes())).collect();
    let variables = std::env::vars_os()
        .map(|(name, value)| c(&[name.as_bytes(), b"=", value.as_bytes()].concat()));
    let variables: Vec<CString> = variables.collect();
    let path = c(level.as_os_str().as_bytes());
    // Some checks decide about each execve of the level: this one is none of its own.
    let flags = AtFlags::empty();
    let why = nix::unistd::execveat(AT_FDCWD, &path, &words, &variables, flags).unwrap_err();
    eprintln!("the wrapper does not become {}: {why}", level.display());
    ExitCode::from(99)
}

/// The server: for each wrapper a tracer, and on standard output how many steps that has seen.
pub(crate) fn main(words: &[OsString]) -> ExitCode {
    let [socket] = words else {
        return ExitCode::from(2);
    };
    let listener = UnixListener::bind(socket).unwrap();
    println!("listening");
    // It ends when its standard input does.
    let mut tracers = Vec::new();
    loop {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        use std::os::fd::AsFd;
        let stdin = std::io::stdin();
        let mut both = [
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN | PollFlags::POLLHUP),
        ];
        poll(&mut both, PollTimeout::NONE).unwrap();
        if both[0].any().unwrap_or_default() {
            let (wrapper, _) = listener.accept().unwrap();
            match linux_sys::fork().unwrap() {
                Fork::Child => linux_sys::exit(trace(wrapper)),
                Fork::Parent { child } => tracers.push(child),
            }
        } else if both[1].any().unwrap_or_default() {
            break;
        }
    }
    for tracer in tracers {
        let _ = linux_sys::waitpid(tracer, linux_sys::WaitOptions::empty());
    }
    ExitCode::SUCCESS
}

fn trace(wrapper: UnixStream) -> u8 {
    let mut line = String::new();
    BufReader::new(&wrapper).read_line(&mut line).unwrap();
    let mut words = line.splitn(3, ' ');
    let (pid, namespace) = (words.next().unwrap(), words.next().unwrap());
    let words: Vec<OsString> = serde_json::from_str::<Vec<String>>(words.next().unwrap())
        .unwrap()
        .into_iter()
        .map(OsString::from)
        .collect();
    let Some(level) = process_of(pid, namespace) else {
        return 1;
    };
    let seen = xray::host::follow(level, &words, move || drop((&wrapper).write_all(&[1])));
    match seen {
        Ok((steps, _)) => {
            println!("{steps}");
            0
        }
        Err(why) => {
            eprintln!("{why}");
            1
        }
    }
}

/// The process that has this number in that PID namespace.
fn process_of(pid: &str, namespace: &str) -> Option<Pid> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let mut numbers = all.filter_map(|it| it.file_name().to_str()?.parse::<i32>().ok());
    let found = numbers.find(|number| {
        let here = PathBuf::from(format!("/proc/{number}"));
        let is_there =
            fs::read_link(here.join("ns/pid")).is_ok_and(|it| it == Path::new(namespace));
        let status = fs::read_to_string(here.join("status")).unwrap_or_default();
        let row = status.lines().find_map(|it| it.strip_prefix("NSpid:"));
        is_there && row.and_then(|it| it.split_whitespace().last()) == Some(pid)
    });
    found.map(Pid::from_raw)
}
