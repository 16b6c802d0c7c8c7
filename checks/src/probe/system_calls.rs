//! System calls that a filter is to refuse, and what the command must be able to do all the
//! same.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use linux_sys::{CloneFlags, Fork, WaitOptions};

use super::failure::Failure;
use super::privileged;

/// Makes a ring of orders, which is a descriptor, and leaves it open.
pub(super) fn ring() -> Result<(), Failure> {
    std::mem::forget(linux_sys::io_uring_setup(8)?);
    println!("made an io_uring, and left open");
    Ok(())
}

/// Takes all keys off the session keyring.
pub(super) fn forget_keys() -> Result<(), Failure> {
    linux_sys::keyctl_clear()?;
    println!("the session keyring is empty");
    Ok(())
}

/// A child that is root of a user namespace, by a call whose flags no filter sees; and goes on
/// when that has mounted something.
pub(super) fn heir() -> Result<(), Failure> {
    let (mut ours, mut theirs) = UnixStream::pair()?;
    match linux_sys::clone3(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)? {
        Fork::Child => {
            drop(ours);
            if let Err(why) = privileged::mount("ramfs", Path::new("/tmp")) {
                super::failure::say(&why);
            }
            let _ = theirs.write_all(b"\n");
            drop(theirs);
            loop {
                nix::unistd::pause();
            }
        }
        Fork::Parent { child } => {
            drop(theirs);
            ours.read_exact(&mut [0])?;
            println!("{child} has user and mount namespaces of its own");
            Ok(())
        }
    }
}

/// A child that does nothing, in a user namespace of its own.
pub(super) fn newborn() -> Result<(), Failure> {
    let pause = || -> u8 {
        loop {
            nix::unistd::pause();
        }
    };
    let child = linux_sys::clone(pause, CloneFlags::CLONE_NEWUSER)?;
    println!("{child} has a user namespace of its own");
    Ok(())
}

/// A child as of fork, by the newer call.
pub(super) fn twin() -> Result<(), Failure> {
    match linux_sys::clone3(CloneFlags::empty())? {
        Fork::Child => linux_sys::exit(0),
        Fork::Parent { child } => {
            linux_sys::waitpid(child, WaitOptions::empty())?;
            Ok(())
        }
    }
}

/// A thread that does nothing. The C library makes it by clone3, and by clone where there is none.
pub(super) fn thread() -> Result<(), Failure> {
    std::thread::Builder::new().spawn(|| {
        loop {
            std::thread::park();
        }
    })?;
    println!("started a thread");
    Ok(())
}

/// A call of the future.
pub(super) fn newer() -> Result<(), Failure> {
    Err(linux_sys::no_such_call().into())
}

/// A call of 32-bit programs.
pub(super) fn i386() -> Result<(), Failure> {
    println!("{}, by the 32-bit table", linux_sys::getpid_of_i386()?);
    Ok(())
}

/// A call of x32's.
pub(super) fn x32() -> Result<(), Failure> {
    println!("{}, by the table of x32", linux_sys::getpid_of_x32()?);
    Ok(())
}
