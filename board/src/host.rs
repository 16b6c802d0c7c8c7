//! Which names we answer to. A page from elsewhere may let its own name point to this machine,
//! and would then be taken for us by a browser (DNS rebinding): so a question must be for an
//! address, or for a name that the instructor has given.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The names that the instructor has given.
#[derive(Debug, Default)]
pub(crate) struct Names(pub(crate) Vec<String>);

impl Names {
    /// Whether a question for this host is for us.
    pub(crate) fn are_ours(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else {
            return false;
        };
        if let Some(inner) = name.strip_prefix('[') {
            let inner = inner.strip_suffix(']').unwrap_or_default();
            return inner.parse::<Ipv6Addr>().is_ok();
        }
        let is_told = |told: &String| told.eq_ignore_ascii_case(name);
        // Nobody else's name server is asked for `localhost`.
        name.parse::<Ipv4Addr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.0.iter().any(is_told)
    }
}

/// A host without its port; `None` if that is none.
fn without_port(host: &str) -> Option<&str> {
    let end = host.rfind(']').map_or(0, |end| end + 1);
    match host[end..].split_once(':') {
        None => Some(host),
        Some((name, port)) => {
            let is_port = port.parse::<u16>().is_ok();
            is_port.then(|| &host[..end + name.len()])
        }
    }
}

/// A name on the command line.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    match !text.is_empty() && text.len() <= 253 && text.bytes().all(is_part) {
        true => Ok(text.to_owned()),
        false => Err("a name of a machine, without a port: board.example.org".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_given_names_are_ours_and_nothing_else_is() {
        let names = Names(vec!["board.example.org".to_owned()]);
        for host in [
            "192.168.1.5:7070",
            "192.168.1.5",
            "[fd00::5]:7070",
            "[::1]",
            "localhost:7070",
            "Board.Example.org:7070",
        ] {
            assert!(names.are_ours(host), "{host}");
        }
        for host in [
            "",
            "evil.example:7070",
            "board.example.org.evil.example",
            "192.168.1.5.evil.example",
            "[fd00::5",
            "[evil.example]:7070",
            "fd00::5",
            "1.2.3.4:7070:7070",
            "1.2.3.4:x",
            "evil.example@1.2.3.4",
        ] {
            assert!(!names.are_ours(host), "{host}");
        }
        assert!(name("board.example.org").is_ok());
        assert!(name("board:7070").is_err() && name("").is_err());
    }
}
