//! Level 00: where a caller finds the command's number.

use std::fs;

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use sandbox::wait::await_that;

pub(super) const CHOICE: Check = Check {
    name: "--pid-file FILE: while the command runs, its number is in FILE",
    step: 0,
    usually: "the number of another process was written: `std::process::id()` is the number of \
              whoever asks",
    needs: &[],
    run: pid_file,
};

fn pid_file(host: &Host) -> Outcome {
    let file = host.path("number");
    let name = file.display().to_string();
    known(host, &["--pid-file", &name])?;
    let invocation = host.run(&["probe", "hold"]);
    let container = invocation.option("--pid-file").option(&name).hold()?;
    // The parent may write it as well as the child, and may do so when the command runs already.
    await_that(|| fs::metadata(&file).is_ok_and(|it| it.len() > 0));
    let number = container.pid.to_string();
    let found = fs::read_to_string(&file);
    let failure = match &found {
        Ok(text) if text.trim() == number => return Ok(()),
        Ok(text) if text.trim() == container.level().to_string() => Failure::seen(format!(
            "{} is in it, which is the level's own process",
            text.trim()
        )),
        Ok(text) => Failure::seen(format!("{text:?} is in it")),
        Err(why) => Failure::seen(format!("it cannot be read: {why}")).usually(
            "nothing was written, or to another file: what FILE is called stands in `options`",
        ),
    };
    Err(failure
        .expected(format!("{number}, the command's number, and nothing else"))
        .at(name)
        .into())
}
