//! The program that checks run inside a container: one verb for each thing that a
//! check, or a learner at a "Break it" section, wants done.
//!
//! It is the checks' own executable under the name `probe`, so that it exists
//! wherever checks run, whatever tools an image has. What it prints is for people:
//! no check believes it.

mod attack_calls;
mod escape;
mod failure;
mod network;
mod privileged;
mod share;
mod system_calls;
mod terminal;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::ExitCode;

use linux_sys::{Errno, Fork, How, Mode, Pid, SFlag, SignalSet, WaitOptions};

use crate::names;
pub(crate) use attack_calls::STAIN;
use failure::{Failure, say};

const USAGE: &str = "\
probe: does one thing inside a container, for those who look from outside.

  probe VERB [ARGUMENT]... [then VERB [ARGUMENT]...]...

  hold [STATUS]                say `ready`, wait for the end of standard input, exit STATUS
  exit STATUS                  exit at once
  signal N                     send signal N to myself
  catch                        say `ready`, then name each signal that arrives, until the
                               end of standard input; open one more file for each of them
  start VERB [ARGUMENT]...     do that in a child, and go on at once
  pause                        wait for ever
  connect IP:PORT|@NAME        connect to a port, or to an abstract unix socket
  loopback                     connect to myself at 127.0.0.1
  hog MEGABYTES                take so much memory, and write to all of it
  try VERB [ARGUMENT]...       do that; whether it works or not, go on
  mount FSTYPE DIRECTORY       mount a new file system there
  hostname NAME                call the machine NAME
  breakout [FILE]              leave chroot by a directory above it; then make FILE there,
                               or without one list what is at /
  list [DIRECTORY]             list a directory, / unless told otherwise
  open PATH                    open PATH for reading
  write PATH [TEXT]            write TEXT and a line's end to PATH
  mknod PATH b|c MAJOR MINOR   make a device node and open it
  fds                          list my open files
  keep PATH | keep-writable PATH   open PATH for reading or for writing, and leave it open
  kill PID                     end a process; all of my group: 0; everybody: -1
  enter NAMESPACE              enter a mount namespace: /proc/PID/ns/mnt
  unqueue NAME                 remove the POSIX message queue NAME
  switch-off INTERFACE         switch a network interface off
  group NAME                   mount the control groups at /tmp, make NAME at their top
  lift                         mount the control groups at /tmp, lift the limit of memory
  hoard MEGABYTES              take so much memory, and keep it
  device MAJOR MINOR DIRECTORY...  make a character device in the first of the directories
                               where it can be opened, and leave it open
  remount DIRECTORY            make what is mounted there writable
  leave                        mount the control groups at /tmp, move to their top
  root                         become root again
  trace PID                    take hold of a process, as a debugger does
  poke /proc/PID/mem ADDRESS TEXT   write TEXT into a process's memory
  handle KIND:BYTES DIRECTORY...    open a file by its handle, on the file system of a directory,
                               and leave it open
  key NAME                     put a key on the session keyring
  type LINE                    type LINE on the terminal that I was started from
  spoil                        leave terminal and standard streams in a bad state
  own-users                    move into user and mount namespaces of my own
  own-groups                   the same, and into a cgroup namespace of my own
  grip                         mount the control groups at /tmp, open what kills and freezes my
                               own, by their names here, and leave it open
  knob PATH                    open PATH below /proc/sys for writing, and leave it open, by a
                               remount, an unmount or a new proc at /tmp, if it takes one
  orphans N                    say `ready`; at the end of standard input leave N processes behind
                               that end without a parent of their own, and stay
  orphan                       do not die with the parent
  overwrite PATH               open PATH for writing, once no process runs it, and leave it open
  stain PATH                   the same, and write over what it begins with
  stay VERB [ARGUMENT]...      do that, whether it works or not, and wait for ever
  crowd N                      start N processes that do nothing
  burn MILLISECONDS            compute until so much of a processor's time is used up
  as UID                       become the user UID, for good
  watch N                      make N inotify instances, and keep them
  queue N                      send myself N signals, and do not take them
  subgroup NAME                mount the control groups of version 2 at /tmp, make NAME in my
                               own, and move there
  opens FILE b|c MAJOR MINOR   make such a node and open it for reading, for writing and for
                               both; write to FILE what came of each
  pipes N                      make N pipes of a megabyte, and keep them
  keys N                       put N keys on the session keyring
  fill MEGABYTES FILE          write so much to FILE
  litter N DIRECTORY           make N empty files in DIRECTORY/litter
  ring                         make an io_uring, and keep it
  forget-keys                  take all keys off the session keyring
  heir                         make a child in user and mount namespaces of its own, by clone3;
                               it mounts a ramfs on /tmp, and stays
  newborn                      make a child in a user namespace of its own, by clone
  twin                         make a child by clone3, in no new namespace, and wait for it
  thread                       start a thread that does nothing
  newer                        make the call of a number that no kernel has
  i386                         ask for my number by the table of 32-bit programs
  x32                          the same by x32's
  status VERB [ARGUMENT]...    do that, and exit with the number of its error, or 0
  replace DIRECTORY            remove an empty directory, and make it anew
  unmount-root                 unmount /, and so make its file system read-only
  shorten PATH                 open PATH and make it empty
";

/// Runs the probe with this process's arguments.
pub(crate) fn main() -> ExitCode {
    // A level may get argv[0] wrong: left out, or there twice. Then there is a check to
    // tell that, and for it the probe must hold all the same.
    let name = |word: &OsString| Some(Path::new(word).file_name()?.to_str()?.to_owned());
    let is_name = |word: &OsString| name(word).is_some_and(|it| names::is_program(&it));
    let words: Vec<OsString> = std::env::args_os().skip_while(is_name).collect();
    if words.is_empty() {
        return match io::stdout().write_all(USAGE.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    for steps in words.split(|word| word == "then") {
        if let Err(why) = run(steps) {
            say(&why);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(words: &[OsString]) -> Result<(), Failure> {
    let text = |index: usize| words.get(index).map(|word| word.to_string_lossy());
    let verb = text(0).unwrap_or_default();
    let argument = |index: usize| {
        words
            .get(index)
            .ok_or_else(|| format!("`{verb}` needs one more argument\n\n{USAGE}"))
    };
    let number = |index: usize| -> Result<u32, Failure> {
        let word = argument(index)?.to_string_lossy();
        word.parse()
            .map_err(|why| format!("{verb} {word}: {why}").into())
    };
    match &*verb {
        "hold" => {
            ready()?;
            io::stdin().read_to_end(&mut Vec::new())?;
            match words.get(1) {
                Some(_) => std::process::exit((number(1)? & 0xff).cast_signed()),
                None => Ok(()),
            }
        }
        "exit" => std::process::exit((number(1)? & 0xff).cast_signed()),
        "signal" => Ok(linux_sys::kill(Pid::this(), number(1)?.cast_signed())?),
        "catch" => catch(),
        "start" => match linux_sys::fork()? {
            Fork::Child => linux_sys::exit(u8::from(run(&words[1..]).is_err())),
            Fork::Parent { .. } => Ok(()),
        },
        "pause" => pause(),
        "stay" => {
            if let Err(why) = run(&words[1..]) {
                say(&why);
            }
            pause()
        }
        "hog" => privileged::hog(number(1)?),
        "try" => {
            if let Err(why) = run(&words[1..]) {
                say(&why);
            }
            Ok(())
        }
        "mount" => privileged::mount(&argument(1)?.to_string_lossy(), Path::new(argument(2)?)),
        "hostname" => privileged::hostname(argument(1)?),
        "connect" => network::connect(argument(1)?),
        "loopback" => network::loopback(),
        "breakout" => breakout(words.get(1).map(Path::new)),
        "list" => list(words.get(1).map_or(Path::new("/"), Path::new)),
        "open" => open(Path::new(argument(1)?)),
        "write" => write(Path::new(argument(1)?), &text(2).unwrap_or_default()),
        "mknod" => {
            let kind = node(argument(2)?)?;
            let device = linux_sys::makedev(number(3)?.into(), number(4)?.into());
            let path = Path::new(argument(1)?);
            linux_sys::mknod(path, kind, Mode::from_bits_truncate(0o600), device)?;
            open(path)
        }
        "fds" => fds(),
        "keep" => escape::keep(Path::new(argument(1)?), false),
        "keep-writable" => escape::keep(Path::new(argument(1)?), true),
        "kill" => escape::kill(match &*argument(1)?.to_string_lossy() {
            "-1" => -1,
            _ => number(1)?.cast_signed(),
        }),
        "enter" => escape::enter(Path::new(argument(1)?)),
        "unqueue" => escape::unqueue(argument(1)?),
        "switch-off" => escape::switch_off(&argument(1)?.to_string_lossy()),
        "group" => escape::group(argument(1)?),
        "lift" => escape::lift(),
        "hoard" => {
            escape::hoard(number(1)?);
            Ok(())
        }
        "device" => escape::device(number(1)?, number(2)?, &words[3..]),
        "subgroup" => escape::subgroup(argument(1)?),
        "opens" => {
            let number = linux_sys::makedev(number(3)?.into(), number(4)?.into());
            escape::opens(Path::new(argument(1)?), node(argument(2)?)?, number)
        }
        "remount" => escape::remount(Path::new(argument(1)?)),
        "leave" => escape::leave(),
        "root" => escape::root(),
        "trace" => attack_calls::trace(number(1)?),
        "poke" => {
            let address = argument(2)?.to_string_lossy().parse();
            let address = address.map_err(|why| format!("poke: the address: {why}"))?;
            attack_calls::poke(Path::new(argument(1)?), address, argument(3)?)
        }
        "handle" => attack_calls::handle(&argument(1)?.to_string_lossy(), &words[2..]),
        "key" => attack_calls::key(argument(1)?),
        "type" => attack_calls::type_line(argument(1)?),
        "spoil" => terminal::spoil(),
        "own-users" => attack_calls::own_users(),
        "own-groups" => attack_calls::own_groups(),
        "knob" => attack_calls::knob(Path::new(argument(1)?)),
        "grip" => escape::grip(),
        "orphan" => attack_calls::orphan(),
        "orphans" => orphans(number(1)?),
        "overwrite" => attack_calls::overwrite(Path::new(argument(1)?)),
        "stain" => attack_calls::stain(Path::new(argument(1)?)),
        "crowd" => attack_calls::crowd(number(1)?),
        "burn" => attack_calls::burn(number(1)?),
        "as" => share::become_user(number(1)?),
        "watch" => share::watch(number(1)?),
        "queue" => share::queue(number(1)?),
        "pipes" => share::pipes(number(1)?),
        "keys" => share::keys(number(1)?),
        "fill" => share::fill(number(1)?, Path::new(argument(2)?)),
        "litter" => share::litter(number(1)?, Path::new(argument(2)?)),
        "ring" => system_calls::ring(),
        "forget-keys" => system_calls::forget_keys(),
        "heir" => system_calls::heir(),
        "newborn" => system_calls::newborn(),
        "twin" => system_calls::twin(),
        "thread" => system_calls::thread(),
        "newer" => system_calls::newer(),
        "i386" => system_calls::i386(),
        "x32" => system_calls::x32(),
        "status" => match run(&words[1..]) {
            Ok(()) => std::process::exit(0),
            Err(why) => std::process::exit(match why.downcast_ref::<linux_sys::Error>() {
                Some(why) => {
                    say(&why);
                    why.errno() as i32
                }
                None => return Err(why),
            }),
        },
        "replace" => {
            let path = Path::new(argument(1)?);
            linux_sys::rmdir(path)?;
            Ok(linux_sys::mkdir(path, Mode::from_bits_truncate(0o755))?)
        }
        "unmount-root" => share::unmount_root(),
        "shorten" => share::shorten(Path::new(argument(1)?)),
        other => Err(format!("there is no verb `{other}`\n\n{USAGE}").into()),
    }
}

/// The kind of a device node.
fn node(word: &OsStr) -> Result<SFlag, Failure> {
    match &*word.to_string_lossy() {
        "b" => Ok(SFlag::S_IFBLK),
        "c" => Ok(SFlag::S_IFCHR),
        other => Err(format!("mknod: {other} is neither b nor c").into()),
    }
}

/// Does nothing any more.
fn pause() -> ! {
    loop {
        nix::unistd::pause();
    }
}

/// Leaves processes behind that end without a parent of their own.
fn orphans(number: u32) -> Result<(), Failure> {
    let leave = || -> Result<(), Failure> {
        match linux_sys::fork()? {
            Fork::Child => {
                // Its child ends with it, and has another parent then.
                let _ = linux_sys::fork();
                linux_sys::exit(0)
            }
            Fork::Parent { child } => {
                linux_sys::waitpid(child, WaitOptions::empty())?;
                Ok(())
            }
        }
    };
    ready()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    for _ in 0..number {
        leave()?;
    }
    pause()
}

fn ready() -> io::Result<()> {
    io::stdout().write_all(b"ready\n")
}

fn catch() -> Result<(), Failure> {
    // Held back, no signal is lost and none needs a handler; and even PID 1 of a PID
    // namespace, to whom the kernel does not deliver what it does not handle, gets
    // these.
    linux_sys::sigprocmask(How::Block, &SignalSet::all())?;
    // A process that has unshared its PID namespace gets no thread (clone(2)). Then only a
    // signal ends it; what it was started for is true all the same.
    let _ = std::thread::Builder::new().spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        linux_sys::exit(0)
    });
    ready()?;
    let mut caught: Vec<OwnedFd> = Vec::new();
    loop {
        if let Some(signal) = linux_sys::sigtimedwait(&SignalSet::all(), None)? {
            // A check counts these in /proc/PID/fd: no other process can add to them.
            caught.push(File::open("/")?.into());
            println!("{}", linux_sys::signal_name(signal.signal));
        }
    }
}

fn breakout(marker: Option<&Path>) -> Result<(), Failure> {
    // A root directory is only where the kernel stops at "..". Move it below the
    // current directory, and nothing stops us any more on the way up.
    linux_sys::chdir("/")?;
    let below = match linux_sys::mkdir("breakout", Mode::from_bits_truncate(0o700)) {
        // Any directory will do that is not the current one.
        Err(why) if why.errno() == Errno::EROFS => "proc",
        Err(why) if why.errno() != Errno::EEXIST => return Err(why.into()),
        _ => "breakout",
    };
    linux_sys::chroot(below)?;
    let here = || fs::metadata(".").map(|it| (it.dev(), it.ino()));
    let mut at = here()?;
    loop {
        linux_sys::chdir("..")?;
        let above = here()?;
        if above == at {
            break;
        }
        at = above;
    }
    linux_sys::chroot(".")?;
    match marker {
        Some(marker) => write(marker, "A process has left its container."),
        None => list(Path::new("/")),
    }
}

fn list(directory: &Path) -> Result<(), Failure> {
    let named = |why| format!("{}: {why}", directory.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(named)? {
        names.push(
            entry
                .map_err(named)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    println!("{}", names.join("\n"));
    Ok(())
}

fn open(path: &Path) -> Result<(), Failure> {
    // Without O_NONBLOCK the open of a FIFO or a terminal line waits for its peer.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path);
    opened.map_err(|why| format!("open {}: {why}", path.display()))?;
    println!("opened {}", path.display());
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, format!("{text}\n"))
        .map_err(|why| format!("write {}: {why}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

fn fds() -> Result<(), Failure> {
    let own = "/proc/self/fd";
    for entry in fs::read_dir(own).map_err(|why| format!("{own}: {why}"))? {
        let entry = entry?;
        // A descriptor that was closed since readdir leads nowhere.
        if let Ok(target) = fs::read_link(entry.path()) {
            println!(
                "{} -> {}",
                entry.file_name().to_string_lossy(),
                target.display()
            );
        }
    }
    Ok(())
}
