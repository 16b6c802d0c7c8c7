//! Names for what the kernel and the runtime number: the same in each run.
//!
//! A pid, an inode, the number of a mount or a container's id is another one each time. Here
//! each gets a name when it is first seen, and what is seen first is the same in each run.

use std::collections::HashMap;

/// The kinds of namespaces, as they are called in `/proc/PID/ns`.
pub(crate) const KINDS: [&str; 7] = ["mnt", "uts", "pid", "ipc", "net", "cgroup", "user"];

/// What has a name, and which.
#[derive(Default)]
pub(crate) struct Names {
    processes: HashMap<i32, String>,
    born: usize,
    /// By kind and inode.
    namespaces: HashMap<(String, String), String>,
    counted: HashMap<&'static str, usize>,
    /// By namespace and number.
    mounts: HashMap<(String, u32), String>,
    mounted: usize,
    /// Peer groups, pipes, sockets, hexadecimal ids: by their own words.
    others: HashMap<String, String>,
}

impl Names {
    /// A process that is new: `p1` is the level's.
    pub(crate) fn birth(&mut self, pid: i32) -> String {
        self.born += 1;
        let name = format!("p{}", self.born);
        self.processes.insert(pid, name.clone());
        name
    }

    /// A process that has ended: its number may come again.
    pub(crate) fn death(&mut self, pid: i32) {
        self.processes.remove(&pid);
    }

    /// A process's name.
    pub(crate) fn process(&self, pid: i32) -> Option<&str> {
        self.processes.get(&pid).map(String::as_str)
    }

    /// The namespaces of the host.
    pub(crate) fn host_namespace(&mut self, kind: &str, inode: &str) {
        let key = (kind.to_owned(), inode.to_owned());
        self.namespaces.insert(key, "host".to_owned());
    }

    /// A namespace: `host`, or `mnt-1`.
    pub(crate) fn namespace(&mut self, kind: &'static str, inode: &str) -> String {
        let key = (kind.to_owned(), inode.to_owned());
        if let Some(name) = self.namespaces.get(&key) {
            return name.clone();
        }
        let name = format!("{kind}-{}", self.count(kind));
        self.namespaces.insert(key, name.clone());
        name
    }

    /// Forgets the mounts of a namespace that are gone: their numbers may come again.
    pub(crate) fn keep_mounts(&mut self, namespace: &str, numbers: &[u32]) {
        self.mounts
            .retain(|(of, number), _| of != namespace || numbers.contains(number));
    }

    /// A mount: `m001`, so that an order by name is the order in which they were first seen.
    pub(crate) fn mount(&mut self, namespace: &str, number: u32) -> String {
        let mounted = &mut self.mounted;
        let name = self.mounts.entry((namespace.to_owned(), number));
        let name = name.or_insert_with(|| {
            *mounted += 1;
            format!("m{mounted:03}")
        });
        name.clone()
    }

    /// The name of a mount that has one.
    pub(crate) fn known_mount(&self, namespace: &str, number: u32) -> Option<&String> {
        self.mounts.get(&(namespace.to_owned(), number))
    }

    /// `shared:1 master:2`: the peer groups get names.
    pub(crate) fn propagation(&mut self, fields: &str) -> String {
        let words: Vec<String> = fields
            .split_whitespace()
            .map(|field| match field.split_once(':') {
                Some((how, group)) => {
                    let group = self.other("group", &format!("group {group}"));
                    format!("{how}:{group}")
                }
                None => field.to_owned(),
            })
            .collect();
        match words.is_empty() {
            true => "private".to_owned(),
            false => words.join(" "),
        }
    }

    fn other(&mut self, kind: &'static str, words: &str) -> String {
        if let Some(name) = self.others.get(words) {
            return name.clone();
        }
        let name = format!("{kind}-{}", self.count(kind));
        self.others.insert(words.to_owned(), name.clone());
        name
    }

    fn count(&mut self, kind: &'static str) -> usize {
        let counted = self.counted.entry(kind).or_default();
        *counted += 1;
        *counted
    }

    /// An unpacked image is called after its archive's bytes and times: `.images/base-133b400-...`.
    fn images(&mut self, text: String) -> String {
        const BEFORE: &str = "/.images/";
        let mut parts = text.split(BEFORE);
        let mut renamed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let is_end = |it: char| !it.is_alphanumeric() && !matches!(it, '-' | '_' | '.');
            let end = part.find(is_end).unwrap_or(part.len());
            let name = match end {
                0 => String::new(),
                _ => self.other("image", &format!("image {}", &part[..end])),
            };
            renamed += &format!("{BEFORE}{name}{}", &part[end..]);
        }
        renamed
    }

    /// A text in which ids are replaced: hexadecimal words of twelve digits, which containers
    /// have, and longer ones, which digests are; `pipe:[4711]`; and pids below `/proc`.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let text = match text.split_once(":[") {
            Some(("pipe", _)) => return self.other("pipe", text),
            Some(("socket", _)) => return self.other("socket", text),
            Some((kind, inode)) if KINDS.contains(&kind) => {
                let kind = KINDS.into_iter().find(|it| *it == kind).unwrap_or("mnt");
                return self.namespace(kind, inode.trim_end_matches(']'));
            }
            Some((kind, _)) if kind.starts_with("anon_inode") => kind.to_owned(),
            _ => text.to_owned(),
        };
        let text = self.images(text);
        let mut renamed = String::new();
        let mut word = String::new();
        for char in text.chars().chain([' ']) {
            if char.is_ascii_alphanumeric() {
                word.push(char);
                continue;
            }
            let is_id = word.len() >= 12
                && word
                    .bytes()
                    .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
            match (is_id, word.len()) {
                (true, 12) => renamed += &self.other("container", &word),
                (true, _) => renamed += &self.other("digest", &word),
                (false, _) if renamed.ends_with("/proc/") => match word.parse() {
                    Ok(pid) => renamed += self.process(pid).unwrap_or("PID"),
                    Err(_) => renamed += &word,
                },
                (false, _) => renamed += &word,
            }
            word.clear();
            renamed.push(char);
        }
        renamed.pop(); // the blank that ended the last word
        renamed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_named_in_the_order_of_their_coming() {
        let mut names = Names::default();
        let path = "\"/c/0123456789ab/rootfs\"";
        assert_eq!(names.text(path), "\"/c/container-1/rootfs\"");
        assert_eq!(
            names.text("0123456789ac 0123456789ab"),
            "container-2 container-1"
        );
        assert_eq!(names.text("pipe:[12]"), "pipe-1");
        assert_eq!(names.text("uts:[12]"), "uts-1");
        assert_eq!(names.text("/images/0123456789abcdef0"), "/images/digest-1");
        assert_eq!(names.text("shadows and words"), "shadows and words");
        let image = "\"/c/.images/base-133b400-6b0c39db.1546b824-9a213e\"";
        assert_eq!(names.text(image), "\"/c/.images/image-1\"");
        let layers = "lowerdir=/c/.images/base-133b400-6b0c39db.1546b824-9a213e/x,upperdir=/u";
        assert_eq!(
            names.text(layers),
            "lowerdir=/c/.images/image-1/x,upperdir=/u"
        );
        assert_eq!(names.text("/c/.images/"), "/c/.images/");
        assert_eq!(
            names.propagation("shared:12 master:3"),
            "shared:group-1 master:group-2"
        );
        assert_eq!(names.propagation(""), "private");
    }

    #[test]
    fn a_number_that_comes_again_is_another_one() {
        let mut names = Names::default();
        names.host_namespace("mnt", "1");
        assert_eq!(names.namespace("mnt", "1"), "host");
        assert_eq!(names.namespace("mnt", "2"), "mnt-1");
        assert_eq!(names.mount("host", 7), "m001");
        assert_eq!(names.mount("mnt-1", 7), "m002");
        names.keep_mounts("host", &[]);
        assert_eq!(names.mount("host", 7), "m003");
        assert_eq!(names.mount("mnt-1", 7), "m002");
        assert_eq!(names.birth(70), "p1");
        assert_eq!(
            names.text("/proc/70/mem /proc/71/mem"),
            "/proc/p1/mem /proc/PID/mem"
        );
        names.death(70);
        assert_eq!(names.birth(70), "p2");
    }
}
