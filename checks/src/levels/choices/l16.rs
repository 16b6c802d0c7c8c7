//! Level 16: a file that no layer ever has.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::levels::l01::left_in_store;
use crate::procfs;

pub(super) const CHOICE: Check = Check {
    name: "--secret FILE: the command can read it in /run/secrets, in memory, and no layer has it",
    step: 0,
    usually: "the file was copied into the overlay, or bound: its copy belongs on a tmpfs that is \
              mounted for it, and is read-only once it is there",
    needs: &[],
    run: secret,
};

const TEXT: &str = "correct horse battery staple\n";

fn secret(host: &Host) -> Outcome {
    let names = ["password", "key"];
    let files = names.map(|name| host.path(name));
    for file in &files {
        fs::write(file, TEXT).map_err(|why| Failure::unreadable(file, why))?;
    }
    let [first, second] = files.each_ref().map(|file| file.display().to_string());
    known(host, &["--secret", &first])?;
    let command = ["probe", "try", "write", "/run/secrets/new", "then", "hold"];
    let invocation = host.run(&command).option("--keep");
    let invocation = invocation.option("--secret").option(&first);
    let container = invocation.option("--secret").option(&second).hold()?;
    let failure = |seen: String, expected: &str, at: String| {
        Failure::seen(seen)
            .expected(expected)
            .at(at)
            .usually(CHOICE.usually)
    };
    for (name, file) in names.iter().zip(&files) {
        let path = container.inside(&format!("/run/secrets/{name}"));
        let at = path.display().to_string();
        let found = procfs::stat(&path)?;
        if procfs::read_text(&path)? != TEXT {
            return Err(failure(
                "it has another text".into(),
                "a copy of the caller's file",
                at,
            )
            .into());
        }
        if found.mode() & 0o7777 != 0o400 {
            return Err(failure(
                format!("its mode is {:04o}", found.mode() & 0o7777),
                "its mode is 0400",
                at,
            )
            .into());
        }
        if (found.dev(), found.ino()) == procfs::identity(file)? {
            return Err(failure(
                "it is the caller's file itself".into(),
                "a copy of the caller's file",
                at,
            )
            .into());
        }
    }
    let at = container.proc("mountinfo").display().to_string();
    let mounts = container.mounts()?;
    let seen = match procfs::mounted_at(&mounts, "/run/secrets") {
        None => Some("nothing is mounted on /run/secrets".to_owned()),
        Some(mount) if mount.fstype != "tmpfs" => Some(format!("it is a {}", mount.fstype)),
        Some(mount) if !mount.has_option("ro") => Some(format!("it is mounted {}", mount.options)),
        Some(_) => None,
    };
    if let Some(seen) = seen {
        return Err(failure(seen, "/run/secrets is a tmpfs, and read-only", at).into());
    }
    let new = container.inside("/run/secrets/new");
    if new.exists() {
        let at = new.display().to_string();
        return Err(failure(
            "the command has made a file".into(),
            "it cannot be written",
            at,
        )
        .into());
    }
    container.end()?;
    for left in left_in_store(host)? {
        let layer = host.store().join(left).join("upper/run/secrets");
        for name in names {
            let path = layer.join(name);
            if path.exists() {
                let at = path.display().to_string();
                return Err(failure(
                    "the container's own layer has it, and --keep keeps that".into(),
                    "it is gone with the container's memory",
                    at,
                )
                .into());
            }
        }
    }
    Ok(())
}
