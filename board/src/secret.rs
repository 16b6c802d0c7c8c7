//! The class's code, the instructor's token, and how they are compared.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;

use curriculum::Error;

/// Digits and small letters without i, l, o and u. Five bits each.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Letters of a code: 40 bits. Guessing is slowed, see `bucket.rs`: ten tries at once and
/// then one in ten seconds from an address: half of all codes take a thousand machines 174 years.
const CODE: usize = 8;

/// Letters of a token: 130 bits.
const TOKEN: usize = 26;

/// Something that must be known to be let in.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new_code() -> Result<Secret, Error> {
        drawn(CODE)
    }

    pub(crate) fn new_token() -> Result<Secret, Error> {
        drawn(TOKEN)
    }

    /// Whether somebody has said it. How long that takes tells nothing of where they differ.
    pub(crate) fn is(&self, said: &str) -> bool {
        same(&self.0, said)
    }

    /// As it stands in an address.
    pub(crate) fn shown(&self) -> String {
        match (self.0.len(), self.0.split_at_checked(CODE / 2)) {
            (CODE, Some((one, two))) => format!("{one}-{two}"),
            _ => self.0.clone(),
        }
    }
}

/// Whether two texts are the same, in a time that depends on their lengths alone.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let pairs = one.bytes().zip(other.bytes());
    let differs = pairs.fold(0, |differs, (one, other)| {
        black_box(differs | (one ^ other))
    });
    one.len() == other.len() && differs == 0
}

/// A code as it may be typed.
pub(crate) fn code(text: &str) -> Result<Secret, String> {
    let code = normal(text);
    let is_one = code.len() == CODE && code.bytes().all(|byte| LETTERS.contains(&byte));
    match is_one {
        true => Ok(Secret(code)),
        false => Err(
            "a code has eight letters and digits, as the board has shown it: \
                      k7m2-9xqd"
                .to_owned(),
        ),
    }
}

/// In small letters, without dashes; what looks like another letter counts as that.
pub(crate) fn normal(code: &str) -> String {
    let letters = code.chars().filter(|letter| *letter != '-').map(|letter| {
        match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            letter => letter,
        }
    });
    letters.collect()
}

fn drawn(count: usize) -> Result<Secret, Error> {
    let mut bytes = vec![0; count];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| format!("cannot draw a number from /dev/urandom: {error}"))?;
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    Ok(Secret(bytes.into_iter().map(letter).collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn a_code_has_forty_bits_and_is_understood_as_it_is_typed() {
        assert!(u64::pow(LETTERS.len() as u64, CODE as u32) >= 1 << 40);
        for text in ["k7m2-9xqd", "K7M29XQD"] {
            assert!(code(text).unwrap().is("k7m29xqd"), "{text}");
        }
        assert!(code("oil0-1111").unwrap().is("01101111"));
        for text in ["", "k7m2-9xq", "k7m2-9xqu", "k7m2-9xqdd", "k7m2 9xqd"] {
            assert!(code(text).is_err(), "{text}");
        }
        let drawn = Secret::new_code().unwrap();
        assert!(code(&drawn.shown()).unwrap().is(&drawn.0));
        assert!(!drawn.is(&Secret::new_code().unwrap().0));
        assert_eq!(Secret::new_token().unwrap().shown().len(), TOKEN);
    }

    #[test]
    fn texts_are_the_same_or_not() {
        assert!(same("", "") && same("abc", "abc"));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("", "a"));
    }
}
