//! Flag types that nix does not have.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of named bits, used like nix's: `A | B`, `contains`, `bits`.
macro_rules! flags {
    ($(#[$doc:meta])* $type:ident { $($(#[$flag_doc:meta])* $flag:ident = $value:expr;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $type(u32);

        impl $type {
            $($(#[$flag_doc])* pub const $flag: $type = $type($value);)*

            /// No flag at all.
            pub const fn empty() -> $type {
                $type(0)
            }

            /// The number that the kernel is given.
            pub const fn bits(self) -> u32 {
                self.0
            }

            /// Whether all of `other` are among these.
            pub const fn contains(self, other: $type) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl BitOr for $type {
            type Output = $type;
            fn bitor(self, other: $type) -> $type {
                $type(self.0 | other.0)
            }
        }

        impl BitOrAssign for $type {
            fn bitor_assign(&mut self, other: $type) {
                self.0 |= other.0;
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let all = [$(($type::$flag, stringify!($flag))),*];
                let names: Vec<&str> =
                    all.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| *name).collect();
                f.write_str(if names.is_empty() { "0".to_owned() } else { names.join("|") }.as_str())
            }
        }
    };
}

flags! {
    /// How [`close_range`](crate::close_range) closes.
    CloseRangeFlags {
        /// Do not close now: mark them, so that exec closes them.
        CLOSE_RANGE_CLOEXEC = libc::CLOSE_RANGE_CLOEXEC;
        /// Stop sharing the descriptor table with others first.
        CLOSE_RANGE_UNSHARE = libc::CLOSE_RANGE_UNSHARE;
    }
}

flags! {
    /// What [`mount_setattr`](crate::mount_setattr) can switch on and off.
    MountAttrFlags {
        /// Nothing can be written through this mount.
        MOUNT_ATTR_RDONLY = libc::MOUNT_ATTR_RDONLY as u32;
        /// Set-user-ID bits and file capabilities have no effect.
        MOUNT_ATTR_NOSUID = libc::MOUNT_ATTR_NOSUID as u32;
        /// Device nodes cannot be opened.
        MOUNT_ATTR_NODEV = libc::MOUNT_ATTR_NODEV as u32;
        /// Programs cannot be executed.
        MOUNT_ATTR_NOEXEC = libc::MOUNT_ATTR_NOEXEC as u32;
    }
}

flags! {
    /// How [`open_tree`](crate::open_tree) takes hold of a tree of mounts.
    OpenTreeFlags {
        /// A copy, which is mounted nowhere yet.
        OPEN_TREE_CLONE = libc::OPEN_TREE_CLONE;
        /// The descriptor does not survive exec.
        OPEN_TREE_CLOEXEC = libc::OPEN_TREE_CLOEXEC;
        /// With what is mounted below.
        AT_RECURSIVE = libc::AT_RECURSIVE.cast_unsigned();
    }
}

flags! {
    /// Of which events a tracer hears, in [`ptrace_seize`](crate::ptrace_seize).
    TraceOptions {
        /// The traced process is killed when its tracer ends.
        PTRACE_O_EXITKILL = libc::PTRACE_O_EXITKILL.cast_unsigned();
        /// Stops at system calls can be told from those of a SIGTRAP.
        PTRACE_O_TRACESYSGOOD = libc::PTRACE_O_TRACESYSGOOD.cast_unsigned();
        /// fork; the child is traced as well.
        PTRACE_O_TRACEFORK = libc::PTRACE_O_TRACEFORK.cast_unsigned();
        /// vfork; likewise.
        PTRACE_O_TRACEVFORK = libc::PTRACE_O_TRACEVFORK.cast_unsigned();
        /// clone; likewise.
        PTRACE_O_TRACECLONE = libc::PTRACE_O_TRACECLONE.cast_unsigned();
        /// A successful exec.
        PTRACE_O_TRACEEXEC = libc::PTRACE_O_TRACEEXEC.cast_unsigned();
        /// The end, before anything is taken away.
        PTRACE_O_TRACEEXIT = libc::PTRACE_O_TRACEEXIT.cast_unsigned();
    }
}

flags! {
    /// How [`memfd_create`](crate::memfd_create) makes a file.
    MemfdFlags {
        /// Closed by an exec.
        MFD_CLOEXEC = libc::MFD_CLOEXEC;
        /// It takes seals.
        MFD_ALLOW_SEALING = libc::MFD_ALLOW_SEALING;
        /// It may be run, whatever `vm.memfd_noexec` says (Linux 6.3).
        MFD_EXEC = libc::MFD_EXEC;
    }
}
