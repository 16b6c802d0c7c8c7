//! Names of images: what may be one.

use crate::error::{Error, Result};

/// With the longest ending, and with the key of the cache, a name must still be a file name.
const LONGEST: usize = 128;

/// Checks that `name` can only ever name a file in the image directory.
pub(crate) fn check(name: &str) -> Result<()> {
    let refuse = |why: &str| {
        Err(Error::new(format!(
            "{name:?} is no name of an image: {why}; a name is made of letters, digits, `.`, `_` and `-`, and starts with \
             a letter or a digit, as in `debian` or `alpine-3.20`"
        )))
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() {
        refuse("it is empty")
    } else if name.contains('/') {
        refuse(
            "it contains `/`, and images are looked up by name, not by path (put the archive into the image directory)",
        )
    } else if name.contains('\0') {
        refuse("it contains a NUL byte")
    } else if !name.bytes().all(plain) {
        refuse("it contains a character that may mean something else to a shell or a file system")
    } else if !name.as_bytes()[0].is_ascii_alphanumeric() {
        refuse("it starts with a sign")
    } else if name.len() > LONGEST {
        refuse(&format!("it is longer than {LONGEST} characters"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use rstest::rstest;

    #[rstest]
    #[case::plain("base")]
    #[case::with_dots_and_dashes("alpine-3.20_x86")]
    #[case::of_one_letter("a")]
    #[case::starting_with_a_digit("9front")]
    fn a_name_is_accepted(#[case] name: &str) {
        assert!(check(name).is_ok());
    }

    #[rstest]
    #[case::empty("")]
    #[case::a_path("a/b")]
    #[case::an_absolute_path("/etc/passwd")]
    #[case::upwards("..")]
    #[case::upwards_and_down("../base")]
    #[case::hidden(".images")]
    #[case::an_option("-i")]
    #[case::with_nul("a\0b")]
    #[case::with_newline("a\nb")]
    #[case::with_space("a b")]
    #[case::with_umlaut("ä")]
    fn a_name_is_refused_with_a_reason(#[case] name: &str) {
        let text = check(name)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            text.contains("is no name of an image") && text.contains("as in `debian`"),
            "{text}"
        );
    }

    #[test]
    fn a_name_of_a_thousand_characters_is_refused() {
        assert!(check(&"x".repeat(1000)).is_err());
    }
}
