//! A level that needs no root: what is different before its first step.
//!
//! From level 20 on `run` makes a user namespace where its caller is an ordinary user, or
//! root who asks for it with `--userns`. Then the container lives elsewhere: where this user may
//! write, and not among the containers of another map, since what was unpacked under one map
//! belongs to users whom the other does not have. All of that is decided here, before the
//! command line is read for good; to the level it looks as if its caller had typed it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use linux_sys::{Mode, umask};
use nix::unistd::{AccessFlags, User, access, geteuid};

use crate::Error;
use crate::cgroup::own;
use crate::directories::{CONTAINERS, IMAGES};
use crate::id_map::{AS_ROOT, IdMap, MapWriter, choose};

/// The option by which a level is known that can do without root.
const OPTION: &str = "userns";

/// Decided once, for as long as the process lives.
static DECIDED: OnceLock<Decided> = OnceLock::new();

#[derive(Debug)]
struct Decided {
    map: IdMap,
    /// In the place of the container directory, and of the image directory, if there is another.
    store: Option<PathBuf>,
    images: Option<PathBuf>,
}

/// A directory of the command line, and whether its caller has typed it. What a variable or the
/// default says may be root's, as on a machine that was prepared for a class.
struct Named<'a> {
    path: &'a Path,
    is_typed: bool,
}

impl Decided {
    /// For the ordinary user whose own data is in `data`.
    fn for_user(map: IdMap, data: &Path, store: &Named, images: &Named, image: &str) -> Decided {
        let data = data.join("rubber-docker");
        let is_ours = |directory: &Path| {
            let above = directory.ancestors().skip(1).find(|it| it.exists());
            above.is_some_and(|it| access(it, AccessFlags::W_OK).is_ok())
        };
        let needs_own =
            !store.is_typed && (store.path == Path::new(CONTAINERS) || !is_ours(store.path));
        // Images are only read, if they are there. What is not has to be made.
        let own = data.join("images");
        let is_there = |directory: &Path| images::is_readable(directory, image);
        let may_make = |it: &Path| it != Path::new(IMAGES) && access(it, AccessFlags::W_OK).is_ok();
        let images_are_own = !images.is_typed
            && (is_there(&own) || !is_there(images.path) && !may_make(images.path));
        Decided {
            map,
            store: needs_own.then(|| data.join("containers")),
            images: images_are_own.then_some(own),
        }
    }

    fn for_root(map: IdMap) -> Decided {
        Decided {
            map,
            store: None,
            images: None,
        }
    }
}

/// The map of the user namespace that the container is to be in; none if it is to be in ours.
///
/// # Arguments
///
/// * `is_asked_for`: by `--userns`. An ordinary user is not asked: without a namespace of its
///   own, nothing of a container can be made.
pub fn id_map(is_asked_for: bool) -> Result<Option<IdMap>, Error> {
    match DECIDED.get() {
        Some(decided) => Ok(Some(decided.map.clone())),
        None if is_asked_for || !geteuid().is_root() => choose().map(Some),
        None => Ok(None),
    }
}

/// The map that this user's containers have now, for a program that looks after what they leave
/// behind; and where that is: of these directories what belongs to it.
///
/// For root these are the containers that were started with `--userns`.
pub fn own_directories(
    containers: &Path,
    images: &Path,
) -> Result<(IdMap, PathBuf, PathBuf), Error> {
    let map = choose()?;
    let named = |path| Named {
        path,
        is_typed: false,
    };
    let decided = DECIDED.get_or_init(|| match map.writer {
        MapWriter::Root => Decided::for_root(map),
        _ => Decided::for_user(map, &own_data(), &named(containers), &named(images), ""),
    });
    let store = store_for(containers);
    Ok((decided.map.clone(), store, images_for(images.to_owned())))
}

fn own_data() -> PathBuf {
    data_directory(
        std::env::var_os("XDG_DATA_HOME"),
        std::env::var_os("HOME"),
        User::from_uid(geteuid()).ok().flatten().map(|it| it.dir),
    )
}

/// The command that removes what a container has left.
pub(crate) fn cleaner() -> &'static str {
    match DECIDED.get() {
        Some(decided) if decided.map.writer != MapWriter::Root => "cargo workshop clean --own",
        _ => "cargo workshop clean",
    }
}

/// Whether there is going to be a user namespace that is not there yet.
pub(crate) fn is_decided() -> bool {
    DECIDED.get().is_some()
}

/// Whether a verb knows about user namespaces.
pub(crate) fn is_known_to(verb: &Command) -> bool {
    verb.get_arguments().any(|it| it.get_id() == OPTION)
}

/// Decide, and make ready what only we can who are not in that namespace yet. `true` if
/// directories mean something else from here on.
pub(crate) fn begin(matches: &ArgMatches) -> Result<bool, Error> {
    let Some((_, verb)) = matches.subcommand() else {
        return Ok(false);
    };
    let flag = |name| verb.try_get_one::<bool>(name).ok().flatten().copied();
    let Some(is_asked_for) = flag(OPTION) else {
        return Ok(false);
    };
    let is_root = geteuid().is_root();
    if !is_root && flag("as_root") == Some(true) {
        return Err(format!(
            "--as-root is for cargo, which starts this through .cargo/as-root: {AS_ROOT}. Here, put sudo before it"
        )
        .into());
    }
    if is_root && !is_asked_for {
        return Ok(false);
    }
    let map = choose()?;
    let directory = |name| verb.try_get_one::<PathBuf>(name).ok().flatten();
    let named = |name| Named {
        path: directory(name).map_or(Path::new(""), PathBuf::as_path),
        is_typed: verb.value_source(name) == Some(ValueSource::CommandLine),
    };
    let name = verb.try_get_one::<String>("image_name").ok().flatten();
    let image = name.map_or("", |name| name.as_str());
    let (store, images) = (named("container_dir"), named("image_dir"));
    let decided = DECIDED.get_or_init(|| match map.writer {
        MapWriter::Root => Decided::for_root(map),
        _ => Decided::for_user(map, &own_data(), &store, &images, image),
    });
    let (user, group) = decided.map.root();
    match decided.map.writer {
        // What root alone may do, before it is not root any more.
        MapWriter::Root => {
            own::delegate(user, group)?;
            if let Some(store) = directory("container_dir") {
                // What is made above it, that user is going to walk through, whatever our umask.
                let before = umask(Mode::from_bits_truncate(0o022));
                let made = images::create_store_for(&store_for(store), user, group);
                umask(before);
                made?;
            }
            // What is not there yet could not be made from inside.
            if let (Some(images), Some(name)) = (directory("image_dir"), name) {
                images::find(images, name)?;
            }
        }
        MapWriter::Programs | MapWriter::User => {
            own::look_for_delegated();
            // From inside, all that is not ours is nobody's. So the way is looked at here.
            if let Some(store) = directory("container_dir") {
                images::create_store(&store_for(store))?;
            }
        }
    }
    Ok(true)
}

/// Where the container's directory is looked for: each map has a store of its own.
pub(crate) fn store_for(directory: &Path) -> PathBuf {
    let Some(Decided { map, store, .. }) = DECIDED.get() else {
        return directory.to_owned();
    };
    let directory = store.as_deref().unwrap_or(directory);
    let mut name = directory.file_name().unwrap_or_default().to_owned();
    name.push("-");
    name.push(map.name());
    directory.with_file_name(name)
}

/// Where images are looked for.
pub(crate) fn images_for(directory: PathBuf) -> PathBuf {
    let own = DECIDED.get().and_then(|decided| decided.images.clone());
    own.unwrap_or(directory)
}

/// Where a user's own data is (the XDG Base Directory Specification): a path that does not begin
/// with `/` counts as none.
fn data_directory(
    data: Option<OsString>,
    home: Option<OsString>,
    listed: Option<PathBuf>,
) -> PathBuf {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|it| it.is_absolute());
    let home = absolute(home).or(listed);
    absolute(data)
        .or_else(|| home.map(|home| home.join(".local/share")))
        // An account without a home.
        .unwrap_or_else(|| format!("/var/tmp/rubber-docker-{}", geteuid()).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn data_is_where_the_variables_say_or_at_home() {
        let found = |data: &str, home: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| OsString::from(text));
            data_directory(some(data), some(home), Some("/home/listed".into()))
        };
        assert_eq!(found("/data", "/home/anna"), Path::new("/data"));
        assert_eq!(
            found("", "/home/anna"),
            Path::new("/home/anna/.local/share")
        );
        assert_eq!(found("data", ""), Path::new("/home/listed/.local/share"));
        assert_eq!(found("", "anna"), Path::new("/home/listed/.local/share"));
        let without = data_directory(None, None, None);
        assert!(without.starts_with("/var/tmp"), "{without:?}");
    }

    #[test]
    fn what_is_typed_is_meant_and_what_is_usual_is_root_s() {
        let data = tempfile::tempdir().unwrap();
        let decided = |store: &str, images: &str, is_typed| {
            let map = IdMap {
                writer: MapWriter::User,
                users: Vec::new(),
                groups: Vec::new(),
            };
            let named = |path| Named {
                path: Path::new(path),
                is_typed,
            };
            let (store, images) = (named(store), named(images));
            // No machine has an image of this name.
            let image = "given-tests-of-its-directories";
            let decided = Decided::for_user(map, data.path(), &store, &images, image);
            (decided.store, decided.images)
        };
        let own = data.path().join("rubber-docker");
        let both = (Some(own.join("containers")), Some(own.join("images")));
        assert_eq!(decided(CONTAINERS, IMAGES, false), both);
        assert_eq!(decided(CONTAINERS, IMAGES, true), (None, None));
        let theirs = data.path().join("theirs");
        std::fs::create_dir(&theirs).unwrap();
        let theirs = theirs.to_str().unwrap();
        assert_eq!(decided(theirs, theirs, false), (None, None));
        // An image of their own is the one that is meant.
        std::fs::create_dir_all(own.join("images")).unwrap();
        let archive = own.join("images/given-tests-of-its-directories.tar");
        std::fs::write(archive, "").unwrap();
        assert_eq!(decided(theirs, theirs, false), (None, both.1));
    }

    #[test]
    fn without_a_namespace_the_directories_are_as_they_were() {
        assert_eq!(store_for(Path::new("/a/b")), Path::new("/a/b"));
        assert_eq!(images_for("/a/b".into()), Path::new("/a/b"));
    }
}
