//! Level 18: how much each process may use.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::levels::l08::expect_refusal;
use crate::levels::l18::limit;

pub(super) const CHOICE: Check = Check {
    name: "--ulimit NAME=SOFT[:HARD]: nofile, core and nproc are as asked for, the others as ever",
    step: 0,
    usually: "SOFT is both numbers where HARD is left out, HARD is the second of two; and what \
              was asked for takes the place of the row in LIMITS, which may have lowered too much",
    needs: &[],
    run: limited,
};

const NAMES: [(&str, &str); 3] = [
    ("nofile", "Max open files"),
    ("core", "Max core file size"),
    ("nproc", "Max processes"),
];

fn limited(host: &Host) -> Outcome {
    known(host, &["--ulimit", "nofile=100:200"])?;
    let cases: [&[(&str, u64, u64)]; 5] = [
        &[("nofile=100:200", 100, 200)],
        &[("nofile=100", 100, 100)],
        &[("core=4096:8192", 4096, 8192)],
        &[("nproc=50:60", 50, 60), ("nofile=64:65", 64, 65)],
        &[],
    ];
    let plain = host.run(&["probe", "hold"]).hold()?;
    let of_caller = NAMES.map(|(_, row)| limit(plain.level(), row));
    let usual = NAMES.map(|(_, row)| limit(plain.pid, row));
    plain.end()?;
    // More than the caller may use nobody can be given without CAP_SYS_RESOURCE.
    let may_be = |(value, _, hard): &(&str, u64, u64)| {
        let names = NAMES.iter().zip(&of_caller);
        let mut own = names.filter(|((name, _), _)| value.starts_with(name));
        own.all(|(_, of_caller)| of_caller.as_ref().is_ok_and(|it| it.1 >= *hard))
    };
    for asked in cases.into_iter().filter(|asked| asked.iter().all(may_be)) {
        let invocation = host.run(&["probe", "hold"]);
        let container = asked
            .iter()
            .fold(invocation, |it, (value, ..)| {
                it.option("--ulimit").option(value)
            })
            .hold()?;
        for ((name, row), usual) in NAMES.iter().zip(&usual) {
            let is_it = |value: &str| value.split('=').next() == Some(*name);
            let wanted = asked.iter().find(|(value, ..)| is_it(value));
            let expected = match (wanted, usual) {
                (Some((_, soft, hard)), _) => (*soft, *hard),
                (None, Ok(usual)) => *usual,
                (None, Err(_)) => continue,
            };
            let found = limit(container.pid, row)?;
            if found != expected {
                return Err(Failure::seen(format!("{row}: {} and {}", found.0, found.1))
                    .expected(format!("{} and {}", expected.0, expected.1))
                    .at(container.proc("limits").display().to_string())
                    .usually(CHOICE.usually)
                    .into());
            }
        }
        container.end()?;
    }
    for value in [
        "nofile",
        "nofile=",
        "nofile=few",
        "files=3",
        "nofile=9:3",
        "=3",
    ] {
        let invocation = host.run(&["probe", "exit", "0"]);
        expect_refusal(host, invocation.option("--ulimit").option(value))?;
    }
    Ok(())
}
