//! What a line of the table is.

use nix::errno::Errno;

/// What a call was about, where its errno alone does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// Whatever it was about. A call's other cases fall back on this one.
    Any,
    /// exec of a name that is looked for in `PATH`.
    Name,
    /// exec of a path.
    Path,
    /// A new user namespace is among what was asked for.
    NewUser,
    /// mount: `MS_REMOUNT`.
    Remount,
    /// mount: `MS_BIND`.
    Bind,
    /// mount: `MS_PRIVATE`, `MS_SHARED`, `MS_SLAVE` or `MS_UNBINDABLE`.
    Propagation,
    /// mount: `MS_MOVE`.
    Move,
    /// mount: a new overlay.
    Overlay,
    /// seccomp: a filter that decides by itself.
    Filter,
    /// bpf: a program and the group that it is for.
    Attach,
    /// fcntl: seals that are put on a file.
    AddSeals,
    /// prctl: the signal at the parent's death.
    DeathSignal,
    /// prctl: keeping capabilities across setuid.
    KeepCapabilities,
    /// prctl: the bounding set.
    BoundingSet,
    /// prctl: the ambient set.
    AmbientSet,
}

/// A system call and what its errors mean.
pub(super) struct Call {
    pub(super) name: &'static str,
    /// The section of its man page; the page has the call's name, or is `page`.
    pub(super) section: u8,
    pub(super) page: &'static str,
    pub(super) meanings: &'static [Meaning],
}

pub(super) type Meaning = (Case, Errno, &'static str);

/// A call whose man page is in section 2 under its own name, as most are.
pub(super) const fn call(name: &'static str, meanings: &'static [Meaning]) -> Call {
    Call {
        name,
        section: 2,
        page: name,
        meanings,
    }
}
