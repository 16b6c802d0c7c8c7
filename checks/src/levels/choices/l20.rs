//! Level 20: the same number inside.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::levels::l20::{Ordinary, map};
use crate::ordinary::USER;
use crate::procfs;

pub(super) const CHOICE: Check = Check {
    name: "--keep-id: the command has the number of who has started it, inside as outside",
    step: 0,
    usually: "the map's line begins with that number in the place of 0, and nobody becomes 0: the \
              capabilities come with the namespace, and not with the number",
    needs: &[],
    run: keeps,
};

fn keeps(host: &Host) -> Outcome {
    known(host, &["--keep-id"])?;
    let user = Ordinary::new(host)?;
    let container = user.run(&["probe", "hold"]).option("--keep-id").hold()?;
    let found = map(container.pid, "uid_map")?;
    if !found.contains(&[USER, USER, 1]) {
        return Err(Failure::seen(format!("the map is {found:?}"))
            .expected(format!("a line {USER} {USER} 1"))
            .at(container.proc("uid_map").display().to_string())
            .usually(CHOICE.usually)
            .into());
    }
    let uid = procfs::status(container.pid, "Uid")?;
    let is_user = uid.split_whitespace().all(|it| it == USER.to_string());
    let effective = procfs::status(container.pid, "CapEff")?;
    if !is_user || effective.bytes().any(|digit| digit != b'0') {
        return Err(Failure::seen(format!("Uid is {uid}, CapEff {effective}"))
            .expected(format!("{USER}, who is not root, and so has no capability"))
            .at(container.proc("status").display().to_string())
            .usually(CHOICE.usually)
            .into());
    }
    container.end()?;
    // Without the option, root as ever.
    let container = user.run(&["probe", "hold"]).hold()?;
    let found = map(container.pid, "uid_map")?;
    if found.first() != Some(&[0, USER, 1]) {
        return Err(
            Failure::seen(format!("without the option the map is {found:?}"))
                .expected(format!("0 {USER} 1"))
                .at(container.proc("uid_map").display().to_string())
                .into(),
        );
    }
    container.end()?;
    Ok(())
}
