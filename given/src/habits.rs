//! What people type who know Docker. Each of it works here, or is answered by a sentence.

use std::ffi::OsString;

/// Options of Docker's `run`, and what is true of them here.
const OPTIONS: [(&[&str], &str); 9] = [
    (
        &["-it", "-ti", "-t", "--tty", "--interactive"],
        "the command has your terminal in any case, so leave it out; `-i NAME` chooses the image",
    ),
    (
        &["--rm"],
        "a container is removed when its command has ended, so leave `--rm` out. `--keep` keeps it",
    ),
    (
        &["-d", "--detach"],
        "a container runs in the foreground here; a shell puts it into the background with `&`",
    ),
    (
        &["--name"],
        "a container's name is made up for each run, and tells it from all others",
    ),
    (
        &["-p", "--publish", "-P"],
        "no port of a container can be reached from outside here",
    ),
    (
        &["-v", "--volume", "--mount"],
        "no directory of the host can be shown to a container here",
    ),
    (
        &["-w", "--workdir"],
        "the command starts in `/`, or where its image says from level 05 on; for another \
         directory: run sh -c 'cd DIR && exec COMMAND'",
    ),
    (
        &["--entrypoint"],
        "the command is what you write behind the options, and nothing of the image's is put before it",
    ),
    (
        &["--privileged"],
        "nothing lifts all the limits at once here; from level 11 on there is `--cap-add ALL`",
    ),
];

/// Whether `-it` is meant as Docker's: for us it would name the image `t`.
pub(crate) fn is_a_terminal_asked_for(arguments: &[OsString]) -> bool {
    options(arguments).any(|word| word == "-it")
}

/// A sentence about the first option of Docker's among ours, if there is one.
pub(crate) fn sentence(arguments: &[OsString]) -> Option<String> {
    options(arguments).find_map(|word| {
        let name = word.split('=').next().unwrap_or_default();
        let (_, text) = OPTIONS.iter().find(|(names, _)| names.contains(&name))?;
        Some(format!("{name} is an option of Docker's: {text}"))
    })
}

/// The words between `run` and the command that look like options. A value that an option
/// takes looks like the command, so that nothing behind it is seen: a sentence is missing
/// then, and nothing is misunderstood.
fn options(arguments: &[OsString]) -> impl Iterator<Item = &str> {
    arguments
        .iter()
        .skip_while(|word| *word != "run")
        .skip(1)
        .map_while(|word| word.to_str())
        .take_while(|word| word.starts_with('-') && *word != "--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn an_option_of_dockers_gets_a_sentence() {
        for (line, part) in [
            ("rd run --rm alpine ls", "--keep"),
            ("rd run -it bash", "your terminal in any case"),
            ("rd run --keep -ti bash", "your terminal in any case"),
            ("rd run --name=web sh", "made up for each run"),
            ("rd run -d sh", "with `&`"),
        ] {
            let told = sentence(&arguments(line)).unwrap_or_default();
            assert!(told.contains(part), "{line}: {told}");
        }
    }

    #[test]
    fn i_and_t_in_one_word_are_no_image() {
        // In two they are: `-i t` is the image `t`.
        assert!(is_a_terminal_asked_for(&arguments("rd run -it bash")));
        assert!(is_a_terminal_asked_for(&arguments(
            "rd run --keep -it bash"
        )));
        assert!(!is_a_terminal_asked_for(&arguments("rd run -i t bash")));
    }

    #[test]
    fn what_belongs_to_the_command_gets_none() {
        for line in [
            "rd run ls --rm",
            "rd run -- ls -it",
            "rd run --keep docker run -it bash",
            "rd",
        ] {
            assert_eq!(sentence(&arguments(line)), None, "{line}");
            assert!(!is_a_terminal_asked_for(&arguments(line)), "{line}");
        }
    }
}
