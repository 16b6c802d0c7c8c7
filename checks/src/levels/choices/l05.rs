//! Level 05: a name of the caller's choice.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::levels::l01::left_in_store;
use crate::levels::l05::container_name;
use crate::{names, procfs};

pub(super) const CHOICE: Check = Check {
    name: "--hostname NAME: the container's machine is called NAME",
    step: 0,
    usually: "sethostname still gets the container's id. What the command finds in HOSTNAME is \
              another matter",
    needs: &[],
    run: hostname,
};

fn hostname(host: &Host) -> Outcome {
    let wanted = names::work();
    known(host, &["--hostname", wanted])?;
    let asked = || {
        host.run(&["probe", "hold"])
            .option("--hostname")
            .option(wanted)
    };
    let container = asked().hold()?;
    let found = container_name(&container)?;
    if found != wanted {
        return Err(Failure::seen(format!("it is called {found:?}"))
            .expected(format!("the hostname is {wanted:?}"))
            .at(format!("setns to {}", container.proc("ns/uts").display()))
            .into());
    }
    let directories = left_in_store(host)?;
    if directories.iter().any(|name| name == wanted) {
        return Err(Failure::seen(format!("its directory is called {wanted:?}, too"))
            .expected("the container's directory is called by its id, which is new for each run")
            .at(procfs::few(directories, 3))
            .usually(
                "the name was made the container's id: two containers of one name could not run at \
                 the same time, and a name with a `/` in it would be a path",
            )
            .into());
    }
    Ok(())
}
