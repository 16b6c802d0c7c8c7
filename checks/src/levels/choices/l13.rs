//! Level 13: a promise that no exec gives a right.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::procfs;

pub(super) const CHOICE: Check = Check {
    name: "--no-new-privileges: no exec of the command gives it a right, whoever it is",
    step: 0,
    usually: "set_no_new_privs was called for some containers only; it belongs beside the other \
              steps that hold for what comes behind exec",
    needs: &[],
    run: promise,
};

const OPTION: &str = "--no-new-privileges";

fn promise(host: &Host) -> Outcome {
    known(host, &[OPTION])?;
    let cases: [&[&str]; 5] = [
        &[],
        &["--user", "2014:222"],
        &[OPTION],
        &[OPTION, "--user", "2014:222"],
        &[OPTION, "--security-opt", "seccomp=unconfined"],
    ];
    for options in cases {
        let wanted = if options.contains(&OPTION) { "1" } else { "0" };
        let invocation = host.run(&["probe", "hold"]);
        let container = options
            .iter()
            .fold(invocation, |it, word| it.option(word))
            .hold()?;
        let seen = procfs::status(container.pid, "NoNewPrivs")?;
        if seen != wanted {
            let with = match options.is_empty() {
                true => String::new(),
                false => format!(", with {}", options.join(" ")),
            };
            return Err(Failure::seen(format!("NoNewPrivs is {seen}{with}"))
                .expected(format!(
                    "NoNewPrivs is {wanted}: it is for those who ask for it"
                ))
                .at(container.proc("status").display().to_string())
                .into());
        }
        container.end()?;
    }
    Ok(())
}
