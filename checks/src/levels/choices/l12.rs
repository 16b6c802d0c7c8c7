//! Level 12: paths that the caller wants covered as well.

use std::fs;
use std::os::unix::fs::FileTypeExt;

use super::known::known;
use crate::check::Check;
use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::levels::l12::hidden;

pub(super) const CHOICE: Check = Check {
    name: "--mask PATH: that path is covered as well, each time that it is given",
    step: 0,
    usually: "not each of the paths was handed to `hide`; or they were covered before `enter`, where \
              they are the host's",
    needs: &[],
    run: mask,
};

/// What each container of the checks has: a file of the image, a directory of it with that file
/// in it, and a file of the kernel's that no list names.
const CASES: [&[&str]; 2] = [&["/etc/odd", "/proc/stat"], &["/proc/stat", "/etc"]];

fn mask(host: &Host) -> Outcome {
    known(host, &["--mask", "/etc/odd"])?;
    for paths in CASES {
        let with: Vec<String> = paths.iter().map(|it| format!("--mask {it}")).collect();
        let with = format!(", with {}", with.join(" "));
        let invocation = paths.iter().fold(host.run(&["probe", "hold"]), |it, path| {
            it.option("--mask").option(path)
        });
        let container = invocation.hold()?;
        if let Some(path) = paths.iter().find(|path| !is_empty(&container, path)) {
            return Err(Failure::seen(format!("{path} is not empty{with}"))
                .expected(
                    "an empty file lies over each file, an empty directory over each directory",
                )
                .at(container.inside(path).display().to_string())
                .into());
        }
        hidden(&container, &with)?;
        container.end()?;
    }
    Ok(())
}

fn is_empty(container: &Container, path: &str) -> bool {
    let inside = container.inside(path);
    let Ok(file) = fs::symlink_metadata(&inside) else {
        return false;
    };
    if file.is_dir() {
        return fs::read_dir(&inside).is_ok_and(|mut entries| entries.next().is_none());
    }
    // A file of proc's has a size of 0, whatever can be read of it.
    file.file_type().is_char_device() || fs::read(&inside).is_ok_and(|bytes| bytes.is_empty())
}
