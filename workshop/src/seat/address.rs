//! Where a board is, and the code of its class: `http://192.168.1.5:7070/k7m2-9xqd`.

use std::fmt;
use std::fs::File;
use std::io::Read;

use crate::Result;

/// The letters of a code: digits and small letters without i, l, o and u, so that no two of
/// them look the same on a wall. Five bits each.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many letters a code has: 40 bits.
pub(crate) const CODE: usize = 8;

/// A board, and the class there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// `192.168.1.5`, `[fd00::5]` or a name.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// In small letters, without a dash.
    pub(crate) code: String,
}

impl Address {
    /// What the instructor has shown; or a sentence that says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Address> {
        let wrong = |why: &str| -> crate::Error {
            let text = given::printable(text);
            format!(
                "`{text}` is no address of a class board: {why}. It looks like \
                 http://192.168.1.5:7070/k7m2-9xqd; the instructor shows it on the wall"
            )
            .into()
        };
        if text.starts_with("https:") {
            return Err(wrong("it begins with https, and boards speak http"));
        }
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let Some((place, code)) = rest.split_once('/') else {
            return Err(wrong("the class's code is missing, behind a `/`"));
        };
        let Some((host, port)) = place.rsplit_once(':') else {
            return Err(wrong("the port is missing, behind a `:`"));
        };
        let is_of_a_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        let bare = match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(is_of_a_host),
        };
        if !bare {
            return Err(wrong("what stands before the port is no address"));
        }
        let port = match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return Err(wrong("the port is a number from 1 to 65535")),
        };
        let Some(code) = code_of(code.trim_end_matches('/')) else {
            return Err(wrong(
                "the code has eight letters and digits, with a dash in the middle or without",
            ));
        };
        Ok(Address {
            host: host.to_owned(),
            port,
            code,
        })
    }

    /// `192.168.1.5:7070`: where it is, without the code.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "http://{}/{}", self.place(), self.code)
    }
}

/// A code as it may be typed. What looks like another letter counts as that.
fn code_of(word: &str) -> Option<String> {
    let mut code = String::new();
    for letter in word.chars().filter(|letter| *letter != '-') {
        let letter = match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            letter => letter,
        };
        let is_known = u8::try_from(letter).is_ok_and(|byte| LETTERS.contains(&byte));
        code.push(Some(letter).filter(|_| is_known)?);
    }
    (code.len() == CODE).then_some(code)
}

/// So many letters, drawn at random: for a seat's number and its secret.
pub(crate) fn random_letters(count: usize) -> Result<String> {
    let mut bytes = vec![0; count];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| format!("cannot draw a number from /dev/urandom: {error}"))?;
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    Ok(bytes.into_iter().map(letter).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn what_the_wall_shows_is_understood() {
        for (text, host, port) in [
            ("http://192.168.1.5:7070/k7m2-9xqd", "192.168.1.5", 7070),
            ("192.168.1.5:7070/K7M29XQD/", "192.168.1.5", 7070),
            ("http://[fd00::5]:80/k7m29xqd", "[fd00::5]", 80),
            ("http://board.example:7070/k7m2-9xqd", "board.example", 7070),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(
                (address.host.as_str(), address.port),
                (host, port),
                "{text}"
            );
            assert_eq!(address.code, "k7m29xqd", "{text}");
            assert_eq!(Address::parse(&address.to_string()).unwrap(), address);
        }
        // On a wall O and 0 look the same.
        let typed = Address::parse("http://1.2.3.4:5/oiL0-1111").unwrap();
        assert_eq!(typed.code, "01101111");
    }

    #[test]
    fn each_mistake_has_its_sentence() {
        for (text, why) in [
            ("https://1.2.3.4:7070/k7m2-9xqd", "boards speak http"),
            ("http://1.2.3.4:7070", "the class's code is missing"),
            ("", "the class's code is missing"),
            ("http://1.2.3.4/k7m2-9xqd", "the port is missing"),
            ("http://1.2.3.4:0/k7m2-9xqd", "a number from 1"),
            ("http://1.2.3.4:70700/k7m2-9xqd", "a number from 1"),
            ("http://1.2.3.4:7070/k7m2-9xq", "eight letters"),
            ("http://1.2.3.4:7070/k7m2-9xqu", "eight letters"),
            ("http://1.2.3.4:7070/k7m2-9xqd/more", "eight letters"),
            ("http://:7070/k7m2-9xqd", "no address"),
            ("http://[::1:7070/k7m2-9xqd", "no address"),
            ("http://a@1.2.3.4:7070/k7m2-9xqd", "no address"),
            ("http://a\r\nb:7070/k7m2-9xqd", "no address"),
            ("http://\u{202e}:7070/k7m2-9xqd", "no address"),
        ] {
            let said = Address::parse(text).unwrap_err().to_string();
            assert!(said.contains(why), "{text:?}: {said}");
            assert!(said.contains("http://192.168.1.5:7070/k7m2-9xqd"), "{said}");
            assert!(!said.contains(['\r', '\n', '\u{202e}']), "{said:?}");
        }
    }

    #[test]
    fn random_letters_are_of_the_code_and_never_the_same() {
        let drawn = random_letters(CODE).unwrap();
        assert_eq!(code_of(&drawn), Some(drawn.clone()));
        assert_ne!(random_letters(26).unwrap(), random_letters(26).unwrap());
    }
}
