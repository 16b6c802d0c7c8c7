//! Ways out by calls that reach for what is another process's: its life, its memory,
//! its files, its keys and its keyboard.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use linux_sys::{
    CloneFlags, FileHandle, Fork, MntFlags, MountAttr, MountAttrFlags, MsFlags, Pid, TraceOptions,
    WaitOptions, mount_setattr,
};

use super::escape::{SPOT, keep, named};
use super::failure::Failure;

/// Takes hold of a process, as a debugger does.
pub(super) fn trace(pid: u32) -> Result<(), Failure> {
    linux_sys::ptrace_seize(Pid::from_raw(pid.cast_signed()), TraceOptions::empty())?;
    println!("traces {pid}");
    Ok(())
}

/// Writes into a process's memory, which is a file: `/proc/PID/mem`.
pub(super) fn poke(memory: &Path, address: u64, text: &OsStr) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).open(memory);
    opened
        .and_then(|file| file.write_all_at(text.as_encoded_bytes(), address))
        .map_err(|why| named(memory, &why))?;
    println!("wrote to {} at {address}", memory.display());
    Ok(())
}

/// Opens a file by its handle, KIND:BYTES in hexadecimal digits, beside the first of the
/// directories that is on the right file system, and leaves it open.
pub(super) fn handle(text: &str, directories: &[impl AsRef<Path>]) -> Result<(), Failure> {
    let handle = parse(text).ok_or("a handle is KIND:BYTES, in hexadecimal digits")?;
    let mut refused: Failure = "`handle` needs a directory".into();
    for directory in directories {
        let path = directory.as_ref();
        let beside = File::open(path).map_err(|why| named(path, &why))?;
        match linux_sys::open_by_handle_at(&beside, &handle) {
            Ok(file) => {
                std::mem::forget(file);
                println!("opened it beside {}, and left open", path.display());
                return Ok(());
            }
            Err(why) => refused = why.into(),
        }
    }
    Err(refused)
}

fn parse(text: &str) -> Option<FileHandle> {
    let (kind, digits) = text.split_once(':')?;
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some(FileHandle {
        kind: i32::from_str_radix(kind, 16).ok()?,
        bytes: (0..digits.len())
            .step_by(2)
            .map(byte)
            .collect::<Option<_>>()?,
    })
}

/// Puts a key on the session keyring.
pub(super) fn key(name: &OsStr) -> Result<(), Failure> {
    let key = linux_sys::add_key(name, b"from a container")?;
    println!("added {} as key {key}", name.display());
    Ok(())
}

/// Types a line on the terminal of the session, or if it has none on standard input.
pub(super) fn type_line(line: &OsStr) -> Result<(), Failure> {
    let terminal = match File::open("/dev/tty") {
        Ok(terminal) => terminal.into(),
        Err(_) => io::stdin().as_fd().try_clone_to_owned()?,
    };
    for byte in line.as_encoded_bytes().iter().chain(b"\n") {
        linux_sys::tiocsti(&terminal, *byte)?;
    }
    println!("typed {}", line.display());
    Ok(())
}

/// Moves into a new user namespace, with a mount namespace that belongs to it: there the
/// caller has all capabilities.
pub(super) fn own_users() -> Result<(), Failure> {
    linux_sys::unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
    println!("in a user namespace of one's own");
    Ok(())
}

/// There the caller may mount the hierarchies; their root is then the caller's present group.
pub(super) fn own_groups() -> Result<(), Failure> {
    linux_sys::unshare(
        CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWCGROUP,
    )?;
    println!("in user and cgroup namespaces of one's own");
    Ok(())
}

/// Opens a file below /proc/sys for writing, and leaves it open. If what is mounted there does
/// not let it, it makes that writable, takes it away, or mounts a proc that nothing covers.
pub(super) fn knob(file: &Path) -> Result<(), Failure> {
    let covered = "/proc/sys";
    let again = MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    if keep(file, true).is_ok() {
        return Ok(());
    }
    let writable = linux_sys::mount("", covered, "", again | inert, "");
    if writable.is_ok() && keep(file, true).is_ok() {
        return Ok(());
    }
    let away = linux_sys::umount2(covered, MntFlags::MNT_DETACH);
    if away.is_ok() && keep(file, true).is_ok() {
        return Ok(());
    }
    // A proc belongs to a PID namespace, and who has the right to mount it to the same user
    // namespace as that: so to a new one, whose first process mounts it in our mount namespace.
    linux_sys::unshare(CloneFlags::CLONE_NEWPID)?;
    match linux_sys::fork()? {
        Fork::Child => {
            let mounted = linux_sys::mount("proc", SPOT, "proc", inert, "");
            if let Err(why) = &mounted {
                super::failure::say(&why);
            }
            linux_sys::exit(u8::from(mounted.is_err()))
        }
        Fork::Parent { child } => linux_sys::waitpid(child, WaitOptions::empty())?,
    };
    let below = file.strip_prefix("/proc").unwrap_or(file);
    keep(&Path::new(SPOT).join(below), true)
}

/// Takes back the wish to die with the parent.
pub(super) fn orphan() -> Result<(), Failure> {
    linux_sys::set_pdeathsig(0)?;
    println!("will go on without a parent");
    Ok(())
}

/// Opens for writing the program that the parent ran, and leaves it open.
pub(super) fn overwrite(program: &Path) -> Result<(), Failure> {
    std::mem::forget(when_it_rests(program)?);
    println!("opened {} for writing, and left open", program.display());
    Ok(())
}

/// Writes over the beginning of the program that the parent ran.
pub(super) fn stain(program: &Path) -> Result<(), Failure> {
    let file = when_it_rests(program)?;
    file.write_all_at(STAIN, 0)
        .map_err(|why| named(program, &why))?;
    println!("wrote to {}", program.display());
    Ok(())
}

/// What a program begins with that was written over.
pub(crate) const STAIN: &[u8] = b"#!/own";

/// A program, opened for writing. The kernel refuses as long as a process runs it (ETXTBSY): its
/// parent is ended from outside, or comes to its end by itself.
///
/// Is it found by a mount that is read-only, this asks for that to be otherwise, first of all.
/// Whether it may is not asked: what counts is whether the file opens.
fn when_it_rests(program: &Path) -> Result<File, Failure> {
    let writable = MountAttr {
        clear: MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    let _ = mount_setattr(program, false, writable);
    let started = Instant::now();
    loop {
        match OpenOptions::new().write(true).open(program) {
            Err(why)
                if why.kind() == io::ErrorKind::ExecutableFileBusy
                    && started.elapsed() < Duration::from_secs(2) =>
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            opened => return opened.map_err(|why| named(program, &why)),
        }
    }
}

/// Uses up so much of a processor's time, by the kernel's count and not by the clock.
pub(super) fn burn(milliseconds: u32) -> Result<(), Failure> {
    // Nanoseconds on a processor, nanoseconds of waiting for one, turns
    // (Documentation/scheduler/sched-stats.rst).
    let place = Path::new("/proc/self/schedstat");
    let wanted = u64::from(milliseconds) * 1_000_000;
    loop {
        let text = std::fs::read_to_string(place).map_err(|why| named(place, &why))?;
        let used = text.split(' ').next().and_then(|used| used.parse().ok());
        if used.is_none_or(|used: u64| used >= wanted) {
            break;
        }
    }
    println!("used {milliseconds} ms of a processor");
    Ok(())
}

/// Starts so many processes, which do nothing.
pub(super) fn crowd(number: u32) -> Result<(), Failure> {
    for _ in 0..number {
        if let Fork::Child = linux_sys::fork()? {
            loop {
                nix::unistd::pause();
            }
        }
    }
    println!("started {number} processes");
    Ok(())
}
