//! Level 10: users by name.

use std::path::Path;

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::probe_image::{add_file, rebuild};
use crate::{names, procfs};

pub(super) const CHOICE: Check = Check {
    name: "--user NAME: the command is the user that the container's /etc/passwd calls so",
    step: 0,
    usually: "the name was looked up in the host's list, or only its user was taken and not its group",
    needs: &[],
    run: by_name,
};

fn by_name(host: &Host) -> Outcome {
    known(host, &["--user", "nobody"])?;
    // A name that the host has with other numbers, and one that it has not.
    let name = names::work();
    let users = format!(
        "root:x:0:0::/root:/bin/sh\nnobody:x:4711:4712::/:/bin/sh\n{name}:x:2014:222::/tmp:/bin/sh\n"
    );
    host.add_changed_image("users", |archive| {
        rebuild(
            archive,
            |path| path != Path::new("etc/passwd"),
            |tar| add_file(tar, Path::new("etc/passwd"), 0o644, &users),
        )
    })?;
    for (user, uid, gid) in [("nobody", "4711", "4712"), (name, "2014", "222")] {
        let invocation = host.run(&["probe", "hold"]).image("users");
        let container = invocation.option("--user").option(user).hold()?;
        for (key, wanted) in [("Uid", uid), ("Gid", gid)] {
            let found = procfs::status(container.pid, key)?;
            if found.split_whitespace().all(|number| number == wanted) {
                continue;
            }
            let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
            let failure = Failure::seen(format!("{key}: {found}, with --user {user}"))
                .expected(format!(
                    "{key}: {wanted}, as the image's /etc/passwd has it"
                ))
                .at(container.proc("status").display().to_string());
            return Err(match key {
                "Gid" => failure.usually(
                    "the user was found and the group was not taken from its line: that is the fourth \
                     field of it",
                ),
                _ => failure,
            }
            .into());
        }
        container.end()?;
    }
    Ok(())
}
