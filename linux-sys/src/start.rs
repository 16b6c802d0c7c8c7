//! What this process was started with, seen before anything could change it.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::SignalSet;
use crate::signal::{KernelSigaction, SET_SIZE};

/// Bit N-1: signal N was ignored when this program began.
static IGNORED: AtomicU64 = AtomicU64::new(0);

// SAFETY: a section of pointers to functions, which the C library's start-up code calls
// one by one before `main`, on the only thread there is (elf(5)). Ours uses nothing that
// Rust's runtime sets up: system calls, numbers, and an atomic.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = look;

extern "C" fn look() {
    let ignored = (1..=64).filter(|signum| is_ignored(*signum));
    let set: SignalSet = ignored.collect();
    IGNORED.store(set.bits(), Ordering::Relaxed);
}

fn is_ignored(signum: i32) -> bool {
    let mut action = MaybeUninit::<KernelSigaction>::zeroed();
    // SAFETY: asks only (the new action is null); the old one is written to a structure
    // of the kernel's layout that lives across the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signum,
            std::ptr::null::<KernelSigaction>(),
            action.as_mut_ptr(),
            SET_SIZE,
        )
    };
    // SAFETY: all numbers, for which the zeros that it began with are a value.
    let action = unsafe { action.assume_init() };
    done == 0 && action.handler == libc::SIG_IGN
}

/// The signals that were ignored when this program was started, as its caller left them.
///
/// exec keeps an ignored signal ignored (that is how nohup(1) works), so the caller has
/// asked for it. In `main` it is too late to look: Rust's runtime has ignored SIGPIPE by
/// then, whatever it was before. So a function that runs before `main` looks.
///
/// Without 32 and 33: the C library keeps them for itself, and its `posix_spawn` leaves
/// them ignored in the programs that it starts, though no caller has asked for that.
///
/// # Example
///
/// ```
/// let ignored = linux_sys::ignored_at_start();
/// println!("the program that started this one ignores {ignored}");
/// assert!(!ignored.contains(9), "no process can ignore SIGKILL");
/// ```
///
/// Manual page: execve(2), signal(7). Given code, from level 00.
pub fn ignored_at_start() -> SignalSet {
    SignalSet::from_bits(IGNORED.load(Ordering::Relaxed))
        .without(32)
        .without(33)
}
