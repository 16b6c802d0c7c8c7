//! What is printed at the start: how learners join, where the pages are, and whether they can be
//! reached at all.

use std::io::{IsTerminal, Write};
use std::net::IpAddr;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::addresses::{self, Own};
use crate::state::Board;

/// A line on standard output. A reader that has gone away is no failure.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Sentences, as wide as the terminal.
fn prose(text: &str) {
    match given::wrap::width(std::io::stdout()) {
        Some(width) => say(&given::wrap::wrap(text, width, 0)),
        None => say(text),
    }
}

/// Says everything. The server must be running: it is asked by each address. `others` are the
/// options that it was started with, beside port and code.
pub(crate) async fn announce(board: &Board, port: u16, others: &str) {
    let own = addresses::all(port).await;
    let reached = own.iter().filter(|it| it.fault.is_none());
    let names = board
        .names
        .0
        .iter()
        .map(|name| format!("http://{name}:{port}"));
    let mut bases: Vec<String> = names
        .chain(reached.map(|it| base(it.address, port)))
        .collect();
    if bases.is_empty() {
        // A machine without a network can still show it to itself.
        bases.push(format!("http://127.0.0.1:{port}"));
    }
    let code = board.code();
    let addresses: Vec<String> = bases.iter().map(|base| format!("{base}/{code}")).collect();
    board.set_join(addresses.clone());
    say("The class board is running. On their machines, learners type:\n");
    say(&format!("    cargo workshop join {}\n", addresses[0]));
    if let Some(picture) = picture(&addresses[0]) {
        say(&picture);
    }
    say("Pages for a browser:\n");
    say(&format!("    for the wall    {}", addresses[0]));
    let token = board.token();
    say(&format!(
        "    for you alone   http://127.0.0.1:{port}/instructor#{token}"
    ));
    say(&format!(
        "    or              {}/instructor#{token}\n",
        bases[0]
    ));
    say("This machine's addresses:\n");
    for it in &own {
        say(&format!("    {}", line(it)));
    }
    say("");
    prose(&advice(&own, port));
    say(&format!(
        "If you have to start it again in the middle of the class:\n\n    cargo workshop board \
         --port {port} --code {code}{others}\n\nCtrl-C ends the class, and the board forgets it."
    ));
    let _ = std::io::stdout().flush();
}

fn base(address: IpAddr, port: u16) -> String {
    match address {
        IpAddr::V4(address) => format!("http://{address}:{port}"),
        IpAddr::V6(address) => format!("http://[{address}]:{port}"),
    }
}

fn line(own: &Own) -> String {
    match &own.fault {
        None => format!("{:<40} answers", own.address),
        Some(why) => format!("{:<40} does not answer: {why}", own.address),
    }
}

fn advice(own: &[Own], port: u16) -> String {
    let no_address = "This machine has no address in a network, so no other can reach it. Connect \
                      it to the room's, and start the board again.\n"
        .to_owned();
    let filter = format!(
        "A packet filter of this machine seems to stand before port {port}. Open it: `sudo ufw \
         allow {port}/tcp`, `sudo firewall-cmd --add-port={port}/tcp`. In a virtual machine or \
         WSL, let the host hand the port on, or start the board on the host.\n"
    );
    let other = format!(
        "From here it can be reached. Whether others can, only another machine can tell: open \
         the page for the wall on a telephone in the room's network. If that does not come, a \
         packet filter of this machine stands before port {port}, or the network keeps its \
         guests apart.\n"
    );
    match own {
        [] => no_address,
        own if own.iter().all(|it| it.fault.is_some()) => filter,
        _ => other,
    }
}

/// The address for telephones. At a terminal it is black on white, whatever the terminal is:
/// not every reader takes the other way round.
fn picture(address: &str) -> Option<String> {
    let code = QrCode::new(address.as_bytes()).ok()?;
    let picture = code.render::<Dense1x2>().build();
    if !std::io::stdout().is_terminal() {
        return Some(picture);
    }
    let line = |line: &str| format!("{BLACK_ON_WHITE}{line}{RESET}\n");
    Some(picture.lines().map(line).collect())
}

/// By numbers that no theme changes (xterm's 256 colours).
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn what_to_do_depends_on_who_answers() {
        let own = |fault: Option<&str>| Own {
            address: "192.168.1.5".parse().unwrap(),
            fault: fault.map(str::to_owned),
        };
        assert!(advice(&[], 7070).contains("no address"));
        assert!(advice(&[own(Some("no"))], 7070).contains("ufw allow 7070/tcp"));
        let reached = advice(&[own(Some("no")), own(None)], 7070);
        assert!(reached.contains("on a telephone"), "{reached}");
        assert_eq!(base("fd00::5".parse().unwrap(), 1), "http://[fd00::5]:1");
    }

    #[test]
    fn the_picture_has_a_line_for_two_rows() {
        let picture = picture("http://192.168.1.5:7070/k7m2-9xqd").unwrap();
        let rows = picture.lines().count();
        let columns = picture.lines().next().unwrap().chars().count();
        assert!(
            rows <= 20 && columns.abs_diff(2 * rows) <= 1,
            "{rows} {columns}"
        );
    }
}
