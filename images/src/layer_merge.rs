//! Layers on top of each other: what becomes of each path.
//!
//! This is the tree that would be on the disk if the layers were unpacked one over
//! the other, without the disk. As there, a file and its names are two things: a
//! hard link is a second name, and replacing one name leaves the other alone. And as
//! there, paths lead through symbolic links: where `/lib` is a link to `/usr/lib`, a
//! later layer's `lib/x` is `usr/lib/x`. No link leads out, as there is no outside.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::error::shown;
use crate::members::{Kind, Member};
use crate::rooted_path::{Split, split};
use crate::unpack_error::{NO_IMAGE, UnpackError, bad_path, check_link};

/// Which member of its layer, counted from 0.
pub(crate) type Ordinal = u64;

/// Names, targets and attributes are kept in memory; more than this is no image.
const MEMORY: usize = 512 << 20;
/// Directories in directories. Linux allows 2047, by the longest path that it takes.
const DEPTH: usize = 1000;
/// As many links on one path as Linux follows.
const LINKS: usize = 40;
/// The longest path that Linux takes.
const PATH: usize = 4095;

const ROOT: usize = 0;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Notes of aufs to itself, which is where whiteouts come from.
const NOTES: &[u8] = b".wh..wh.";

/// A file of whatever kind.
struct Inode {
    what: What,
    /// `None` for a directory that no member describes.
    member: Option<Member>,
}

enum What {
    Directory {
        names: BTreeMap<Vec<u8>, Name>,
        /// The layer that has hidden what lower ones have in here.
        hidden_by: Option<usize>,
    },
    /// The layer and the member in which its contents are.
    File(usize, Ordinal),
    /// A symbolic link, a FIFO; a device, which is never made.
    Other(Kind),
}

#[derive(Clone, Copy)]
struct Name {
    inode: usize,
    /// The layer that has this name last. A whiteout hides the names of lower ones.
    layer: usize,
}

/// The layers so far.
pub(crate) struct LayerMerge {
    inodes: Vec<Inode>,
    layer: usize,
    ordinal: Ordinal,
    memory: usize,
}

/// What is to be written.
pub(crate) struct Plan {
    /// Directories, symbolic links, FIFOs; each directory before what is in it.
    pub(crate) made_of_nothing: Vec<(Vec<u8>, Member)>,
    /// For each layer: the members whose contents are wanted, and under which path.
    pub(crate) contents: Vec<HashMap<Ordinal, Vec<u8>>>,
    /// Further names: path, and the path of the first name.
    pub(crate) more_names: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Plan {
    /// Whether nothing is left but the root itself.
    pub(crate) fn is_empty(&self) -> bool {
        self.made_of_nothing.iter().all(|(path, _)| path.is_empty())
            && self.contents.iter().all(HashMap::is_empty)
    }
}

impl Default for LayerMerge {
    fn default() -> Self {
        Self {
            inodes: vec![Inode {
                what: empty_directory(),
                member: None,
            }],
            layer: 0,
            ordinal: 0,
            memory: 0,
        }
    }
}

fn empty_directory() -> What {
    What::Directory {
        names: BTreeMap::new(),
        hidden_by: None,
    }
}

fn no_image(cause: String) -> UnpackError {
    UnpackError {
        cause,
        advice: NO_IMAGE.into(),
    }
}

impl LayerMerge {
    /// From here on members are those of this layer.
    pub(crate) fn begin(&mut self, layer: usize) {
        (self.layer, self.ordinal) = (layer, 0);
    }

    /// The next member of the layer.
    pub(crate) fn member(&mut self, member: Member) -> Result<(), UnpackError> {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        if member.kind == Kind::Remark {
            return Ok(());
        }
        self.remember(member.path.len() + member.link.len() + 200)?;
        for (name, value) in &member.xattrs {
            self.remember(name.len() + value.len())?;
        }
        let place =
            split(&member.path).map_err(|bad| bad_path("the path of", &member.path, &bad))?;
        let Some(place) = place else {
            return self.root(member);
        };
        check_link(&member)?;
        let Split { parent, name } = &place;
        let name = name.as_encoded_bytes();
        if parent
            .split(|&byte| byte == b'/')
            .any(|part| part.starts_with(NOTES))
        {
            return Ok(());
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            self.whiteout(parent, name, hidden, &member)
        } else if member.kind == Kind::HardLink {
            self.hard_link(&member, parent, name)
        } else {
            self.put(member, ordinal, parent, name)
        }
    }

    fn remember(&mut self, bytes: usize) -> Result<(), UnpackError> {
        self.memory += bytes;
        if self.memory <= MEMORY {
            return Ok(());
        }
        Err(no_image(format!(
            "names and attributes take more than {MEMORY} bytes, which is where we stop"
        )))
    }

    /// `./` says what the root looks like.
    fn root(&mut self, member: Member) -> Result<(), UnpackError> {
        if member.kind != Kind::Directory {
            return Err(no_image(format!(
                "the root of the image is a {:?}, and must be a directory",
                member.kind
            )));
        }
        self.inodes[ROOT].member = Some(member);
        Ok(())
    }

    fn whiteout(
        &mut self,
        parent: &[u8],
        name: &[u8],
        hidden: &[u8],
        member: &Member,
    ) -> Result<(), UnpackError> {
        let Some(directory) = self.find(parent, false, member)? else {
            return Ok(());
        };
        if name == OPAQUE {
            self.hide_in(directory);
            return Ok(());
        }
        let Some(&there) = self.names(directory).and_then(|names| names.get(hidden)) else {
            return Ok(());
        };
        // A name that this very layer has stays; a directory of its own keeps what is new in it.
        let stays = match self.names(there.inode) {
            Some(_) => !self.hide_in(there.inode) || there.layer == self.layer,
            None => there.layer == self.layer,
        };
        if !stays && let Some(names) = self.names_mut(directory) {
            names.remove(hidden);
        }
        Ok(())
    }

    /// Hides what lower layers have in a directory. True if nothing is left in it.
    fn hide_in(&mut self, directory: usize) -> bool {
        let layer = self.layer;
        let What::Directory { names, hidden_by } = &mut self.inodes[directory].what else {
            return false;
        };
        if *hidden_by == Some(layer) {
            return names.is_empty();
        }
        *hidden_by = Some(layer);
        let all = std::mem::take(names);
        let left: BTreeMap<_, _> = all
            .into_iter()
            .filter(|(_, name)| {
                let is_directory = self.names(name.inode).is_some();
                // Whether the directory itself is new or not: what is old in it goes.
                let emptied = !is_directory || self.hide_in(name.inode);
                name.layer == layer || !emptied
            })
            .collect();
        let empty = left.is_empty();
        if let Some(names) = self.names_mut(directory) {
            *names = left;
        }
        empty
    }

    fn put(
        &mut self,
        member: Member,
        ordinal: Ordinal,
        parent: &[u8],
        name: &[u8],
    ) -> Result<(), UnpackError> {
        let Some(directory) = self.find(parent, true, &member)? else {
            return Ok(());
        };
        let layer = self.layer;
        let there = self
            .names(directory)
            .and_then(|names| names.get(name))
            .copied();
        if member.kind == Kind::Directory
            && let Some(there) = there
            && self.names(there.inode).is_some()
        {
            // It looks different from now on, and what is in it stays.
            self.inodes[there.inode].member = Some(member);
            self.name(directory, name, there.inode);
            return Ok(());
        }
        let what = match member.kind {
            Kind::Directory => empty_directory(),
            Kind::File => What::File(layer, ordinal),
            kind => What::Other(kind),
        };
        // Of a file with contents, the second reading has the description at hand.
        let member = (member.kind != Kind::File).then_some(member);
        self.inodes.push(Inode { what, member });
        self.name(directory, name, self.inodes.len() - 1);
        Ok(())
    }

    fn hard_link(
        &mut self,
        member: &Member,
        parent: &[u8],
        name: &[u8],
    ) -> Result<(), UnpackError> {
        let missing = |why: &str| {
            no_image(format!(
                "member {:?} is a hard link to {:?}, {why}",
                shown(&member.path),
                shown(&member.link)
            ))
        };
        let target = split(&member.link)
            .map_err(|bad| bad_path("the target of the hard link", &member.path, &bad))?
            .ok_or_else(|| missing("which is the root"))?;
        let inode = self
            .find(&target.parent, false, member)?
            .and_then(|directory| self.names(directory))
            .and_then(|names| names.get(target.name.as_encoded_bytes()))
            .map(|name| name.inode)
            .ok_or_else(|| missing("which neither this layer nor one below it has"))?;
        if self.names(inode).is_some() {
            return Err(missing("which is a directory"));
        }
        if let Some(directory) = self.find(parent, true, member)? {
            self.name(directory, name, inode);
        }
        Ok(())
    }

    /// Gives a file a name; the file that had it before loses it.
    fn name(&mut self, directory: usize, name: &[u8], inode: usize) {
        let layer = self.layer;
        if let Some(names) = self.names_mut(directory) {
            names.insert(name.to_vec(), Name { inode, layer });
        }
    }

    fn names(&self, inode: usize) -> Option<&BTreeMap<Vec<u8>, Name>> {
        match &self.inodes[inode].what {
            What::Directory { names, .. } => Some(names),
            _ => None,
        }
    }

    fn names_mut(&mut self, inode: usize) -> Option<&mut BTreeMap<Vec<u8>, Name>> {
        match &mut self.inodes[inode].what {
            What::Directory { names, .. } => Some(names),
            _ => None,
        }
    }

    /// Walks to a directory, through links; what is missing is made if `make`.
    fn find(
        &mut self,
        path: &[u8],
        make: bool,
        member: &Member,
    ) -> Result<Option<usize>, UnpackError> {
        let refused = |why: &str| no_image(format!("member {:?} lies {why}", shown(&member.path)));
        let mut way = vec![ROOT];
        let mut ahead: VecDeque<Vec<u8>> = parts(path).collect();
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            if part == b".." {
                // Above the root is the root.
                way.truncate(1.max(way.len() - 1));
                continue;
            }
            let here = *way.last().unwrap_or(&ROOT);
            let next = match self.names(here).and_then(|names| names.get(&part)) {
                Some(name) => name.inode,
                None if make => {
                    if way.len() > DEPTH {
                        return Err(refused("deeper than Linux allows"));
                    }
                    self.remember(part.len() + 200)?;
                    self.inodes.push(Inode {
                        what: empty_directory(),
                        member: None,
                    });
                    let made = self.inodes.len() - 1;
                    self.name(here, &part, made);
                    made
                }
                None => return Ok(None),
            };
            match (&self.inodes[next].what, &self.inodes[next].member) {
                (What::Directory { .. }, _) => way.push(next),
                (What::Other(Kind::Symlink), Some(link)) => {
                    links += 1;
                    if links > LINKS {
                        return Err(refused("behind links that lead in a circle"));
                    }
                    if link.link.starts_with(b"/") {
                        way.truncate(1);
                    }
                    for part in parts(&link.link).collect::<Vec<_>>().into_iter().rev() {
                        ahead.push_front(part);
                    }
                }
                _ if make => return Err(refused("behind something that is not a directory")),
                _ => return Ok(None),
            }
        }
        Ok(way.pop())
    }

    /// What is to be written, in the end.
    pub(crate) fn plan(mut self) -> Result<Plan, String> {
        let mut plan = Plan {
            made_of_nothing: Vec::new(),
            contents: vec![HashMap::new(); self.layer + 1],
            more_names: Vec::new(),
        };
        if let Some(root) = self.inodes[ROOT].member.take() {
            plan.made_of_nothing.push((Vec::new(), root));
        }
        let mut first_names: HashMap<usize, Vec<u8>> = HashMap::new();
        let mut ahead = vec![(Vec::new(), ROOT)];
        while let Some((path, inode)) = ahead.pop() {
            if path.len() > PATH {
                return Err(format!("{:?} is longer than Linux allows", shown(&path)));
            }
            if inode != ROOT {
                if let Some(first) = first_names.get(&inode) {
                    plan.more_names.push((path, first.clone()));
                    continue;
                }
                let member = self.inodes[inode].member.take();
                match &self.inodes[inode].what {
                    What::Other(Kind::Device) => continue,
                    What::File(layer, ordinal) => {
                        plan.contents[*layer].insert(*ordinal, path.clone());
                    }
                    _ => plan
                        .made_of_nothing
                        .push((path.clone(), member.unwrap_or_else(plain_directory))),
                }
                if self.names(inode).is_none() {
                    first_names.insert(inode, path);
                    continue;
                }
            }
            // Taken from the end, so that the first name comes first.
            for (name, entry) in self.names(inode).into_iter().flatten().rev() {
                let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
                ahead.push(([path.as_slice(), slash, name].concat(), entry.inode));
            }
        }
        Ok(plan)
    }
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
}

/// A directory that no layer describes.
fn plain_directory() -> Member {
    Member {
        path: Vec::new(),
        kind: Kind::Directory,
        link: Vec::new(),
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: (0, 0),
        xattrs: Vec::new(),
        sparse: None,
    }
}
