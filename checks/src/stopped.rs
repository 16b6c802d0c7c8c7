//! What to say of a level that has stopped before its command, going by what it wrote.
//!
//! A text that sends the reader to "the error above" must find advice there: `linux-sys`
//! gives it with each errno that it knows. Where there is none, the text says what there
//! is instead.

/// What it usually means, with these words of the level's as the last thing seen.
pub(crate) fn usually(errors: &str) -> &'static str {
    let lines = || errors.lines();
    if lines().any(has_advice) {
        return "a step failed before the command was started: the error above names the call, \
                its reason, and what to do";
    }
    if lines().any(names_a_page) {
        return "a step failed before the command was started: the error above names the call \
                and its errno; what that means for the call is in its manual page, under ERRORS";
    }
    if lines().any(|line| line.contains("panicked at ")) {
        return "the program panicked before the command was started, by an unwrap, an expect or \
                an index: `?` in its place hands the error on, with what to do about it";
    }
    match errors.trim().is_empty() {
        true => {
            "a step failed before the command was started, and its error was not told: the child \
             ends by `given::exit(contain(..))`, and the parent hands errors on by `?`"
        }
        false => "a step failed before the command was started: what the level wrote is above",
    }
}

/// `mount("a", "b", ...): ENOENT (No such file or directory): what to do; man 2 mount`
fn has_advice(line: &str) -> bool {
    let Some((error, _)) = line.rsplit_once("; man ") else {
        return false;
    };
    let Some((_, after_arguments)) = error.split_once("): E") else {
        return false;
    };
    after_arguments.contains("): ")
}

/// The same without the advice.
fn names_a_page(line: &str) -> bool {
    line.contains("): E") && line.contains("; man ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use linux_sys::{Errno, MsFlags};

    fn said(error: impl std::fmt::Display) -> &'static str {
        usually(&format!(
            "level02: {error}\nlevel02: 3 exited with status 125"
        ))
    }

    #[test]
    fn an_error_above_that_is_said_to_have_advice_has_it() {
        let made = [
            linux_sys::chroot("/no such directory").err(),
            linux_sys::mount("", "/\0", "", MsFlags::empty(), "").err(),
        ];
        for error in made.into_iter().flatten() {
            assert!(error.explanation().is_some(), "{error}");
            assert!(said(&error).ends_with("what to do"), "{}", said(&error));
        }
    }

    #[test]
    fn where_the_table_has_none_the_manual_is_named() {
        let error = "chdir(\"/x): y\"): EXDEV (Invalid cross-device link); man 2 chdir";
        assert!(said(error).ends_with("under ERRORS"), "{}", said(error));
    }

    #[test]
    fn no_advice_is_promised_of_what_is_no_call() {
        let panic = "thread 'main' (3) panicked at src/container.rs:3:5:\nnot yet";
        assert!(said(panic).contains("panicked"));
        assert!(usually("").contains("given::exit"));
        assert!(said("image not found").ends_with("is above"));
    }

    /// The calls by which a check names the step are known to the table, errno and all.
    #[test]
    fn what_is_blamed_on_a_step_by_its_errno_is_explained() {
        let errnos = [
            ("EINVAL", Errno::EINVAL),
            ("EPERM", Errno::EPERM),
            ("ENOENT", Errno::ENOENT),
            ("EBUSY", Errno::EBUSY),
            ("EEXIST", Errno::EEXIST),
        ];
        for (call, errno, _) in crate::LEVELS.iter().flat_map(|level| level.calls) {
            let Some((name, arguments)) = call.split_once('(') else {
                continue;
            };
            // What is not an errno is another word of the error.
            let Some((_, errno)) = errnos.iter().find(|(text, _)| text == errno) else {
                continue;
            };
            let explained = linux_sys::explain_traced(name, arguments, *errno);
            assert!(explained.is_some(), "{call} {errno} is not explained");
        }
    }
}
