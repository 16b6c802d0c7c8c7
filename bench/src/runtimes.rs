//! Which runtimes are measured, and with which command lines.

use std::path::{Path, PathBuf};

use given::{Error, Hierarchy, Version};

use crate::scratch::Scratch;
use crate::{oci, sid};

/// A runtime that is measured.
pub struct Runtime {
    /// Its name in the table.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// A part of rd, in a table of its own.
    pub is_step: bool,
}

/// What each step of Part II adds: a program that has it, and the options that ask for it. Each
/// program is the one before with one level more; see [`bench::build::STEPS`].
const STEPS: [(&str, &str, &str); 11] = [
    ("Part I", "complete", ""),
    ("+ masked paths", "level13", ""),
    ("+ read-only root", "level13", "--read-only"),
    ("+ system calls", "level14", ""),
    ("+ two limits", "level15", "--pids-limit 64 --cpus 1"),
    ("+ devices", "level16", ""),
    ("+ a volume", "level17", "--volume {volume}:/mnt:ro"),
    ("+ a tmpfs", "level17", "--tmpfs /srv:size=1m"),
    ("+ a sealed copy", "level18", ""),
    ("+ a session", "level19", ""),
    // What level 20 is given: root needs no copy.
    ("a mount in place of the copy", "level20", ""),
];

/// All of them, the baseline first: the ratios are to it.
pub fn all(scratch: &Scratch, groups: &[Hierarchy]) -> Result<Vec<Runtime>, Error> {
    let (images, store) = (scratch.join("images"), scratch.join("containers"));
    images::create_store(&store)?;
    // rd's own image, made of this machine's programs, and unpacked once, for every runtime.
    let tree = images::find(&images, "base")?.unpacked(&store)?;
    let volume = scratch.join("volume");
    std::fs::create_dir(&volume)?;
    for place in ["mnt", "srv"] {
        std::fs::create_dir_all(tree.join(place))?;
    }
    oci::bundle(&scratch.join("crun"), &tree, "crun")?;
    oci::bundle(&scratch.join("runc"), &tree, "runc")?;
    oci::hardened(&scratch.join("hardened"), &tree, "hardened", &volume)?;

    let shown = |path: &Path| path.display().to_string();
    let unified = groups.iter().find(|it| it.version == Version::V2);
    let mut baseline = vec![
        shown(&scratch.join("baseline")),
        shown(&store),
        shown(&tree),
        unified.map_or("-".into(), |it| shown(&it.parent)),
    ];
    baseline.extend(groups.iter().map(|group| shown(&group.parent)));
    baseline.push("/usr/bin/true".into());

    let rd = |program: &str, store: &Path, options: &str| {
        words(&format!(
            "{} run --image-dir {} --container-dir {} {} -- true",
            shown(&scratch.join(program)),
            images.display(),
            store.display(),
            options.replace("{volume}", &shown(&volume)),
        ))
    };
    let oci = |program: &Path, bundle: &str| {
        let (state, directory) = (scratch.join("memory/state"), scratch.join(bundle));
        let (program, state) = (program.display(), state.display());
        let directory = directory.display();
        words(&format!(
            "{program} --root {state} run --bundle {directory} {bundle}"
        ))
    };
    let bwrap = format!(
        "bwrap --unshare-all --hostname bwrap --die-with-parent --bind {} / --proc /proc \
         --dev /dev --ro-bind /sys /sys --cap-drop ALL true",
        tree.display()
    );
    // rd's directories in memory, as those of bubblewrap are. On a disk they go through
    // the file system's journal, behind what other processes write.
    let memory: PathBuf = scratch.join("memory/containers");
    let every_option = STEPS.map(|(_, _, options)| options).join(" ");
    let (crun, runc) = (Path::new("crun"), Path::new("runc"));

    let runtime = |name: &str, command| Runtime {
        name: name.into(),
        command,
        is_step: false,
    };
    let mut all = vec![
        runtime("baseline", baseline),
        runtime("rd, static", rd("rd-static", &store, "")),
        runtime("rd", rd("rd", &store, "")),
        runtime("rd, in memory", rd("rd-static", &memory, "")),
        runtime("bubblewrap", words(&bwrap)),
        runtime("crun", oci(crun, "crun")),
        runtime("runc", oci(runc, "runc")),
        runtime("rd, hardened", rd("rd", &store, &every_option)),
        runtime(
            "rd, hardened, in memory",
            rd("rd-static", &memory, &every_option),
        ),
    ];
    all.push(runtime(
        "to level 16, in memory",
        // No later level has an option among these.
        rd("volumes-static", &memory, &every_option),
    ));
    if let Some(crun) = sid::crun(scratch) {
        let hardened = format!("{}, hardened", crun.name);
        all.push(runtime(&crun.name, oci(&crun.program, "crun")));
        all.push(runtime(&hardened, oci(&crun.program, "hardened")));
    }
    let mut options = String::new();
    for (name, program, more) in STEPS {
        options = format!("{options} {more}");
        all.push(Runtime {
            name: name.into(),
            command: rd(program, &store, &options),
            is_step: true,
        });
    }
    Ok(all)
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
