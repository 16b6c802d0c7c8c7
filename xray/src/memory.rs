//! The memory of a stopped process, and what its descriptors are.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;

use linux_sys::Pid;

/// fcntl.h: the working directory, where a call takes a directory's descriptor.
pub(crate) const AT_FDCWD: u64 = (-100_i64).cast_unsigned();
/// As long as the kernel takes paths.
const LONGEST: usize = 4096;

/// A process's memory, read through `/proc/PID/mem`, which a tracer may.
pub(crate) struct Memory {
    pid: Pid,
    file: Option<File>,
}

impl Memory {
    pub(crate) fn of(pid: Pid) -> Memory {
        let file = File::open(format!("/proc/{pid}/mem")).ok();
        Memory { pid, file }
    }

    /// So many bytes, or none of them.
    pub(crate) fn bytes(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file
            .as_ref()?
            .read_exact_at(&mut bytes, address)
            .ok()?;
        Some(bytes)
    }

    /// 64 bits.
    pub(crate) fn number(&self, address: u64) -> Option<u64> {
        let bytes = self.bytes(address, 8)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }

    /// A text that ends with a NUL; `NULL` for none.
    pub(crate) fn text(&self, address: u64) -> String {
        if address == 0 {
            return "NULL".to_owned();
        }
        match self.string(address) {
            Some(bytes) => quoted(&bytes),
            None => format!("{address:#x}"),
        }
    }

    fn string(&self, address: u64) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut chunk = [0; 256];
        while text.len() < LONGEST {
            let from = address + text.len() as u64;
            // Not across the end of a page: the next one may not be there.
            let room = (4096 - from % 4096).min(256) as usize;
            self.file
                .as_ref()?
                .read_exact_at(&mut chunk[..room], from)
                .ok()?;
            if let Some(end) = chunk[..room].iter().position(|byte| *byte == 0) {
                text.extend(&chunk[..end]);
                return Some(text);
            }
            text.extend(&chunk[..room]);
        }
        Some(text)
    }

    /// A text of this length.
    pub(crate) fn counted(&self, address: u64, length: u64) -> String {
        let length = usize::try_from(length).unwrap_or_default().min(LONGEST);
        match self.bytes(address, length) {
            Some(bytes) => quoted(&bytes),
            None => format!("{address:#x}"),
        }
    }

    /// A list of addresses of texts, which ends with a NULL.
    pub(crate) fn texts(&self, address: u64) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(next) = self.number(address + texts.len() as u64 * 8) {
            if next == 0 {
                break;
            }
            if texts.len() == 16 {
                texts.push("...".to_owned());
                break;
            }
            texts.push(self.text(next));
        }
        texts
    }

    /// A list of so many ids.
    pub(crate) fn ids(&self, address: u64, count: u64) -> Vec<String> {
        let count = usize::try_from(count).unwrap_or_default().min(64);
        let bytes = self.bytes(address, count * 4).unwrap_or_default();
        let four = bytes.chunks_exact(4);
        let ids = four.map(|four| u32::from_ne_bytes(four.try_into().unwrap_or_default()));
        ids.map(|id| id.to_string()).collect()
    }

    /// A path that begins at a directory's descriptor, as it is given to mkdirat and its like.
    pub(crate) fn path(&self, directory: u64, address: u64) -> String {
        let path = self.string(address).unwrap_or_default();
        if path.starts_with(b"/") || directory as u32 == AT_FDCWD as u32 {
            return quoted(&path);
        }
        let directory = self.descriptor(directory);
        let mut whole = directory.into_bytes();
        if !path.is_empty() {
            whole.push(b'/');
            whole.extend(path);
        }
        quoted(&whole)
    }

    /// What a descriptor is.
    pub(crate) fn descriptor(&self, descriptor: u64) -> String {
        let descriptor = descriptor as u32;
        match std::fs::read_link(format!("/proc/{}/fd/{descriptor}", self.pid)) {
            Ok(what) => String::from_utf8_lossy(what.as_os_str().as_bytes()).into_owned(),
            Err(_) => descriptor.to_string(),
        }
    }

    /// A path as the process means it, from its working directory on.
    pub(crate) fn plain(&self, path: &str) -> String {
        let path = unquoted(path);
        if path.starts_with('/') {
            return path;
        }
        let cwd = std::fs::read_link(format!("/proc/{}/cwd", self.pid)).unwrap_or_default();
        format!("{}/{path}", cwd.display())
    }
}

/// A path's text, without the quotes.
fn unquoted(path: &str) -> String {
    path.trim_matches('"').to_owned()
}

/// A text as it is shown: quoted.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    format!("{:?}", OsStr::from_bytes(bytes))
}
