//! Which runtimes are measured, and with which command lines.

use std::path::{Path, PathBuf};

use given::Error;

use crate::oci;
use crate::scratch::Scratch;

/// A runtime that is measured.
pub struct Runtime {
    /// Its name in the table.
    pub name: &'static str,
    /// Program and arguments.
    pub command: Vec<String>,
}

/// All of them, the baseline first: the ratios are to it.
pub fn all(scratch: &Scratch, groups: &[PathBuf]) -> Result<Vec<Runtime>, Error> {
    let (images, store) = (scratch.join("images"), scratch.join("containers"));
    images::create_store(&store)?;
    // rd's own image, made of this machine's programs, and unpacked once, for every runtime.
    let tree = images::find(&images, "base")?.unpacked(&store)?;
    oci::bundle(&scratch.join("crun"), &tree, "crun")?;
    oci::bundle(&scratch.join("runc"), &tree, "runc")?;

    let shown = |path: &Path| path.display().to_string();
    let mut baseline = vec![
        shown(&scratch.join("baseline")),
        shown(&store),
        shown(&tree),
    ];
    baseline.extend(groups.iter().map(|group| shown(group)));
    baseline.push("/usr/bin/true".into());

    let rd = |program: &str, store: &Path| {
        let dirs = format!(
            "--image-dir {} --container-dir {}",
            images.display(),
            store.display()
        );
        words(&format!(
            "{} run {dirs} -- true",
            shown(&scratch.join(program))
        ))
    };
    let oci = |program: &str| {
        let (state, bundle) = (scratch.join("memory/state"), scratch.join(program));
        let (state, bundle) = (state.display(), bundle.display());
        words(&format!(
            "{program} --root {state} run --bundle {bundle} {program}"
        ))
    };
    let bwrap = format!(
        "bwrap --unshare-all --hostname bwrap --die-with-parent --bind {} / --proc /proc \
         --dev /dev --ro-bind /sys /sys --cap-drop ALL true",
        tree.display()
    );
    let runtime = |name, command| Runtime { name, command };
    Ok(vec![
        runtime("baseline", baseline),
        runtime("rd, static", rd("rd-static", &store)),
        runtime("rd", rd("rd", &store)),
        // rd's directories in memory, as those of bubblewrap are. On a disk they go through
        // the file system's journal, behind what other processes write.
        runtime(
            "rd, in memory",
            rd("rd-static", &scratch.join("memory/containers")),
        ),
        runtime("bubblewrap", words(&bwrap)),
        runtime("crun", oci("crun")),
        runtime("runc", oci("runc")),
    ])
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
