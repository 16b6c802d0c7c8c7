//! Level 15: one more device.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use super::known::known;
use crate::check::Check;
use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::host::Host;

pub(super) const CHOICE: Check = Check {
    name: "--device PATH: the container has that device of the host's, and no other one more",
    step: 0,
    usually: "the node in /dev and the rule are two things: one without the other is of no use. The \
              rule has the node's own numbers",
    needs: &[],
    run: device,
};

/// A device of every machine, which is in no container's /dev: the kernel's log.
const PATH: &str = "/dev/kmsg";
/// Its numbers, 1 and 11, as stat(2) tells them.
const KMSG: u64 = linux_sys::makedev(1, 11);

fn device(host: &Host) -> Outcome {
    known(host, &["--device", PATH])?;
    let asked = ["--device", PATH];
    let container = hold(host, &["keep-writable", PATH], &asked)?;
    if open_devices(&container) != [KMSG] {
        let failure = Failure::seen(format!(
            "the command does not have {PATH} open, with --device {PATH}"
        ));
        return Err(failure
            .expected("the node is in /dev, and it opens")
            .at(container.proc("fd").display().to_string())
            .into());
    }
    container.end()?;

    // No other opens because of it, and it itself only where it was asked for.
    let may_make = ["--cap-add", "MKNOD"];
    for (numbers, options) in [
        (["10", "237"], [asked, may_make].concat()),
        (["1", "11"], may_make.to_vec()),
    ] {
        let words = ["device", numbers[0], numbers[1], "/dev"];
        let container = hold(host, &words, &options)?;
        if !open_devices(&container).is_empty() {
            let device = numbers.join(":");
            let failure = Failure::seen(format!("{device} opens, with {}", options.join(" ")));
            return Err(failure
                .expected("one rule more allows one device more, to those who ask for it")
                .at(container.proc("fd").display().to_string())
                .into());
        }
        container.end()?;
    }
    Ok(())
}

fn hold<'a>(host: &'a Host, words: &[&str], options: &[&str]) -> Result<Container<'a>, Failure> {
    let command = [&["probe", "try"], words, &["then", "hold"]].concat();
    let invocation = options
        .iter()
        .fold(host.run(&command), |it, word| it.option(word));
    invocation.hold().map_err(|why| why.usually(CHOICE.usually))
}

/// The devices that the command has opened itself, by their numbers.
fn open_devices(container: &Container) -> Vec<u64> {
    let entries = fs::read_dir(container.proc("fd"))
        .into_iter()
        .flatten()
        .flatten();
    let own = entries.filter(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .parse()
            .is_ok_and(|fd: u32| fd > 2)
    });
    let files = own.filter_map(|entry| fs::metadata(entry.path()).ok());
    let devices = files.filter(|file| file.file_type().is_char_device());
    devices.map(|file| file.rdev()).collect()
}
