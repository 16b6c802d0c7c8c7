//! Root file systems: found, made, unpacked and removed. Never downloaded.
//!
//! A container needs a root, and the lessons are not about archives, so this
//! crate hands one over. What it promises is what a runtime needs to promise:
//! an archive may come from an attacker, and whatever it says, nothing outside the
//! directory that it is unpacked into is touched; what is half unpacked is
//! never used; what is removed is the container and not the machine.
//!
//! # A map of the house
//!
//! | file | holds |
//! |---|---|
//! | `image.rs` | an image: looked up by name, unpacked |
//! | `name.rs` | what may be a name; `look_alike.rs` helps a user who asked for what is no image |
//! | `base.rs` | the image `base`, made of this machine's own programs |
//! | `layout.rs` | a root file system on paper, and how it becomes a tar |
//! | `libraries.rs` | which shared libraries a program needs; [`elf`] reads its header |
//! | `archive.rs` | from a file to the stream of a tar: plain, xz; `gzip.rs` and `zstd.rs` help |
//! | `members.rs` | from that stream to members; `header.rs`, `pax.rs` and `sparse.rs` help |
//! | `limits.rs` | how much an archive may ask for |
//! | `unpack.rs` | from members to files; `directories.rs` and `xattrs.rs` help, `unpack_error.rs` says what went wrong |
//! | `rooted_path.rs` | paths inside a tree that is not to be trusted |
//! | `cache.rs` | each image unpacked once, for all containers |
//! | `lock.rs` | one process fills, the others wait |
//! | `saved.rs` | what `docker save` writes: an image in an archive; `root.rs` tells it from a root |
//! | `import.rs` | from such an archive, or that of a root, to one of ours |
//! | `interrupt.rs` | asked to end in the middle of it |
//! | `layers.rs` | from the layers of a registry to one archive; `layer_merge.rs` decides, `writer.rs` writes |
//! | `image_dir.rs` | the image directory: what is in it, what goes in and out; `in_use.rs` helps |
//! | `remove.rs` | removing a tree, and nothing but that tree |
//! | `store.rs` | the directory that containers live in; `way.rs` looks who could exchange it |
//! | `id_map.rs` | which users there are, in a user namespace |
//! | `progress.rs` | the bar for big images |
//! | `config.rs` | what an image says of its command; `users.rs` finds its user |
//! | `error.rs` | what went wrong, and what to do |
//!
//! # What is left out
//!
//! Layers, when a container starts: an image is one archive, and layers are merged
//! before they become one. Devices in archives: the runtime makes the
//! few that a container needs. Archives compressed with bzip2: compress them anew.
//!
//! # Threads
//!
//! None is started, not even for the progress bar. The levels fork when an image
//! has been unpacked, and a process with a second thread must not.

#![forbid(unsafe_code)]

mod archive;
mod base;
mod cache;
mod config;
mod directories;
pub mod elf;
mod error;
mod gzip;
mod header;
mod id_map;
mod image;
mod image_dir;
mod import;
mod in_use;
mod interrupt;
mod layer_merge;
mod layers;
mod layout;
mod libraries;
mod limits;
mod lock;
mod look_alike;
mod members;
mod name;
mod pax;
mod progress;
mod remove;
mod root;
mod rooted_path;
mod saved;
mod source;
mod sparse;
mod store;
mod unpack;
mod unpack_error;
mod users;
mod way;
mod writer;
mod xattrs;
mod zstd;

pub use cache::{remove_partial, remove_partial_archives};
pub use config::Config;
pub use error::{Error, Result};
pub use image::{Image, find, is_readable};
pub use image_dir::{Listed, Removed, check_name, list, may_put, put, remove};
pub use import::import;
pub use layers::merge_layers;
pub use layout::{tar_of_loaded_programs, tar_of_programs};
pub use remove::remove_tree;
pub use store::{check_store_for_root, create_store, create_store_for, find_store};
