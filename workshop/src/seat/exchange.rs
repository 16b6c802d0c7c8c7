//! One question to a board, and its answer: HTTP/1.1 over a socket, in plain text, within a
//! second for everything. Proxies in the environment are not asked: a board is in this room.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::address::Address;
use super::refusal::{Refusal, VERSION};

/// The header that only a board gives, in small letters. A network that wants its guests to
/// log in answers everything, but not with this.
const HEADER: &str = "rubber-docker-board";

/// For everything: the name, the connection, the question and the answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// The longest that the head of an answer may be.
const HEAD: usize = 8192;

/// What a board can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// This is the state of a seat.
    Seat,
    /// Forget a seat.
    Leave,
}

impl Question {
    fn path(self) -> &'static str {
        match self {
            Question::Seat => "/seat",
            Question::Leave => "/leave",
        }
    }
}

/// Asks a board. Looking up a name knows no limit of time, so a thread does all of it; if that
/// takes too long, nobody waits for it.
pub(crate) fn ask(board: &Address, question: Question, message: String) -> Result<(), Refusal> {
    let (sender, answer) = mpsc::channel();
    let end = Instant::now() + PATIENCE;
    let board = board.clone();
    thread::spawn(move || {
        // Whoever has asked may have gone.
        let _ = sender.send(exchange(&board, question, &message, end));
    });
    match answer.recv_timeout(PATIENCE) {
        Ok(answer) => answer,
        Err(_) => Err(Refusal::Away(TOO_LONG.to_owned())),
    }
}

const TOO_LONG: &str = "nothing has come within a second";

fn exchange(
    board: &Address,
    question: Question,
    message: &str,
    end: Instant,
) -> Result<(), Refusal> {
    let text = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nRubber-Docker-Board: {VERSION}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{message}",
        question.path(),
        board.place(),
        message.len()
    );
    let away = |error: io::Error| {
        Refusal::Away(match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => TOO_LONG.to_owned(),
            _ => error.to_string(),
        })
    };
    let mut stream = connect(board, end).map_err(away)?;
    stream
        .set_write_timeout(Some(left(end).map_err(away)?))
        .and_then(|()| stream.write_all(text.as_bytes()))
        .map_err(away)?;
    understood(&head(&mut stream, end).map_err(away)?)
}

/// What is left of the time. No timeout of a socket may be zero.
fn left(end: Instant) -> io::Result<Duration> {
    match end.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

fn connect(board: &Address, end: Instant) -> io::Result<TcpStream> {
    let host = board.host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = (host, board.port).to_socket_addrs()?.collect();
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for (index, address) in addresses.iter().enumerate() {
        let share = left(end)? / u32::try_from(addresses.len() - index).unwrap_or(1);
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The answer up to the empty line: what is behind it is for people with a browser.
fn head(stream: &mut TcpStream, end: Instant) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while head.len() < HEAD && !head.windows(4).any(|it| it == b"\r\n\r\n") {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => head.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

/// What an answer says, if it is one of a board's.
fn understood(head: &[u8]) -> Result<(), Refusal> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5));
    let status: Option<u16> = status.and_then(|status| status.parse().ok());
    let version = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case(HEADER);
        is_it.then(|| value.trim().parse::<u32>().ok()).flatten()
    });
    match (status, version) {
        (Some(status), Some(VERSION)) => Refusal::of_status(status).map_or(Ok(()), Err),
        (Some(_), Some(theirs)) => Err(Refusal::OtherVersion(theirs)),
        _ => Err(Refusal::NoBoard),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_answer_is_judged_by_its_status_and_by_the_header_that_only_a_board_gives() {
        let ours = |status: &str| format!("HTTP/1.1 {status}\r\nRubber-Docker-Board: 1\r\n\r\n");
        for (answer, refusal) in [
            (ours("204 No Content"), None),
            (ours("200 OK"), None),
            (ours("403 Forbidden"), Some(Refusal::WrongCode)),
            (ours("409 Conflict"), Some(Refusal::Taken)),
            (ours("429 Too Many Requests"), Some(Refusal::TooOften)),
            (ours("503 Service Unavailable"), Some(Refusal::Full)),
            (ours("400 Bad Request"), Some(Refusal::Other(400))),
            (
                "HTTP/1.1 403 no\r\nrubber-docker-board:  2 \r\n\r\n".to_owned(),
                Some(Refusal::OtherVersion(2)),
            ),
            // A network that wants its guests to log in.
            (
                "HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n".to_owned(),
                Some(Refusal::NoBoard),
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nRubber-Docker-Board: 1".to_owned(),
                Some(Refusal::NoBoard),
            ),
            (
                "HTTP/1.1 200 OK\r\nRubber-Docker-Board: x\r\n\r\n".to_owned(),
                Some(Refusal::NoBoard),
            ),
            ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), Some(Refusal::NoBoard)),
            ("HTTP/1.1 2é".to_owned(), Some(Refusal::NoBoard)),
            (String::new(), Some(Refusal::NoBoard)),
        ] {
            assert_eq!(understood(answer.as_bytes()).err(), refusal, "{answer:?}");
        }
    }

    /// A listener, and the address of a board there.
    fn somewhere() -> (TcpListener, Address) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/k7m2-9xqd", listener.local_addr().unwrap());
        (listener, Address::parse(&address).unwrap())
    }

    #[test]
    fn the_question_is_one_of_http_and_an_answer_in_pieces_is_one_answer() {
        let (listener, board) = somewhere();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = vec![0; 4096];
            let mut count = 0;
            while !question[..count].ends_with(b"{\"a\":1}") {
                count += stream.read(&mut question[count..]).unwrap();
            }
            for piece in [
                "HTTP/1.1 204 No Co",
                "ntent\r\nRubber-Docker-Bo",
                "ard: 1\r\n\r",
                "\n",
            ] {
                stream.write_all(piece.as_bytes()).unwrap();
                stream.flush().unwrap();
            }
            String::from_utf8(question[..count].to_vec()).unwrap()
        });
        assert_eq!(ask(&board, Question::Leave, "{\"a\":1}".to_owned()), Ok(()));
        let question = server.join().unwrap();
        assert!(
            question.starts_with("POST /leave HTTP/1.1\r\n"),
            "{question}"
        );
        let host = format!("\r\nHost: {}\r\n", board.place());
        assert!(question.contains(&host), "{question}");
        assert!(question.contains("\r\nContent-Length: 7\r\n"), "{question}");
    }

    #[test]
    fn nothing_takes_longer_than_the_patience() {
        // Accepted by the kernel, and never answered.
        let (silent, board) = somewhere();
        let begin = Instant::now();
        let asked = ask(&board, Question::Seat, String::new());
        assert_eq!(asked, Err(Refusal::Away(TOO_LONG.to_owned())));
        assert!(begin.elapsed() >= PATIENCE);
        drop(silent);
        // And one that is not there at all says so at once.
        let Err(Refusal::Away(why)) = ask(&board, Question::Seat, String::new()) else {
            panic!("nobody is there");
        };
        assert!(why.contains("refused"), "{why}");
    }

    #[test]
    fn an_answer_without_an_end_is_not_read_to_it() {
        let (listener, board) = somewhere();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Until the other side has had enough.
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        });
        assert_eq!(
            ask(&board, Question::Seat, String::new()),
            Err(Refusal::NoBoard)
        );
        server.join().unwrap();
    }
}
