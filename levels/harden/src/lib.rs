//! harden: Part II so far. What closes the doors that isolation leaves open.
//!
//! These are the files that its levels have filled, one subject in each. The program beside
//! them, `rd`, uses them from here, and those of Part I from the library `isolate`.
//!
//! | room | holds | begun in level |
//! |---|---|---|
//! | [`masks`] | what of `/proc` and `/sys` may not be written, or not even read | 12 |
//! | [`seccomp`] | which system calls there are | 13 |
//! | [`controllers`] | how many processes, how much time, how fast to the disk | 14 |
//! | [`devices`] | which devices open | 15 |
//! | [`volumes`] | what it is shown of the host, and what it gets in memory | 16 |
//! | [`sealed`] | this program, which no container can write to | 17 |
//! | [`session`] | its session, terminal and keys, and what each process may use | 18 |
//! | [`init`] | a number 1 that is not the command | 19 |
//! | [`user_namespace`] | a root who is nobody on the host | 20 |
//!
//! Three rooms of Part I came back with level 20, and replace those of `isolate`: [`mounts`],
//! [`rootfs`] and [`user`].
//!
//! As in `isolate`, every function takes values, and none knows a command line.

pub mod controllers;
pub mod devices;
pub mod init;
pub mod masks;
pub mod mounts;
pub mod rootfs;
pub mod sealed;
pub mod seccomp;
pub mod session;
pub mod user;
pub mod user_namespace;
pub mod volumes;
