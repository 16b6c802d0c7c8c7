//! How far rd goes: many containers, big images.
//!
//!   cargo run --release -p bench --bin scale
//!
//! Measures the start of the 1st, the 100th and the 1000th container while the others
//! run, what an idle one takes of memory, a start from an image of 1 GB beside one from
//! `base`, and unpacking beside tar and umoci. Prints the tables of the book's page
//! scale.md, and writes `bench/scale.json` and the page's pictures.
//!
//!   scale --quick --rd target/debug/rd --into DIRECTORY
//!
//! is the short form for CI: fewer of everything, the program as it is, and an error
//! where the shape does not hold.
//!
//! The machine is left as it was, but for packages and a Debian in ~/.cache: see
//! `supervise.rs`. What it costs others meanwhile: half of two processors, some 3 GB of
//! memory and of disk, and the machine's caches, which are dropped now and then.

mod arguments;
mod big_image;
mod crowd;
mod debian;
mod disk;
mod memory;
mod numbers;
mod picture;
mod starts;
mod supervise;
mod unpack;
mod verdict;
mod warm;

use std::process::ExitCode;

use bench::scratch::{Scratch, write};
use bench::{build, machine};
use given::Error;
use serde_json::json;

use arguments::{Arguments, Task};
use crowd::Place;

fn main() -> ExitCode {
    let done = match arguments::parse() {
        Ok(Task::Unpack { images, name, into }) => images::find(&images, &name)
            .and_then(|image| image.unpack_into(&into))
            .map_err(Error::from)
            .map(|()| 0),
        Ok(Task::Measure(arguments)) => supervise::run(|scratch| measure(scratch, &arguments)),
        Err(error) => Err(error),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            given::log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn measure(scratch: &Scratch, arguments: &Arguments) -> Result<(), Error> {
    let sizes = arguments.sizes();
    machine::install(&unpack::NEEDED)?;
    match &arguments.rd {
        Some(rd) => {
            for name in ["rd", "rd-static"] {
                std::fs::copy(rd, scratch.join(name))
                    .map_err(|error| format!("cannot copy {}: {error}", rd.display()))?;
            }
        }
        None => build::rd(scratch)?,
    }
    let place = Place::new(scratch)?;
    let (starts, memory) = starts::measure(&place, &sizes)?;
    let warm = warm::measure(&place, &sizes)?;
    let unpack = unpack::measure(scratch, &sizes)?;

    let machine = machine::describe();
    println!("{machine}");
    for table in [starts.table(), memory.table(), unpack.table(), warm.table()] {
        println!("\n{table}");
    }
    let all = json!({
        "machine": machine,
        "starts": starts.json(),
        "memory": memory.json(),
        "unpack": unpack.json(),
        "warm": warm.json(),
    });
    write(&arguments.json(), &format!("{all:#}\n"))?;
    for (name, picture) in [
        ("scale-start.svg", picture::starts(&starts)),
        ("scale-unpack.svg", picture::unpack(&unpack)),
    ] {
        write(&arguments.pictures().join(name), &picture)?;
    }
    match arguments.quick {
        true => verdict::shape(&starts, &unpack, &warm),
        false => Ok(()),
    }
}
