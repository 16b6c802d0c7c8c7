//! isolate: Part I, done. You built it, now it is your library.
//!
//! These are the files that the levels have filled, one kernel concept in each, and the
//! program beside them, `complete`, uses them from here. So may yours.
//!
//! | room | holds | begun in level |
//! |---|---|---|
//! | [`rootfs`] | the container's root: its directory, the image, the overlay, the removal | 01 |
//! | [`mounts`] | `/proc`, `/sys` and `/dev`, the device nodes, the way into the root | 01 |
//! | [`network`] | the loopback | 07 |
//! | [`cgroup`] | what it gets of processor and memory | 08 |
//! | [`user`] | who it is | 10 |
//! | [`capabilities`] | what it may do | 11 |
//!
//! Every function takes values: a path, a user, a set of capabilities, a row for a limit. None
//! knows a command line, and none is the container. What is done, and in which order, is said
//! in one place, `contain` in a `src/container.rs`, and that each program writes for itself.

pub mod capabilities;
pub mod cgroup;
pub mod mounts;
pub mod network;
pub mod rootfs;
pub mod user;
