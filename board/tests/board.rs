//! A board as the program that it is, asked over sockets: what it lets in, what it shows to
//! whom, and what becomes of it when it is started again, flooded or lied to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const BOARD: &str = env!("CARGO_BIN_EXE_board");

/// What has not come by then never will.
const HANGS: Duration = Duration::from_secs(60);

/// A board that runs until it is dropped.
struct Board {
    child: Child,
    out: BufReader<ChildStdout>,
    port: u16,
    code: String,
    token: String,
    /// The line to start it again with.
    again: String,
}

impl Board {
    fn start(words: &[&str]) -> Board {
        let mut child = Command::new(BOARD)
            .args(words)
            .args((!words.contains(&"--port")).then_some("--port=0"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = || {
            let mut line = String::new();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "it has ended");
            line
        };
        let mut awaits = |what: &str| loop {
            if let Some((_, rest)) = line().split_once(what) {
                return rest.trim().to_owned();
            }
        };
        let join = awaits("cargo workshop join http://");
        let (place, code) = join.split_once('/').unwrap();
        let port = place.rsplit_once(':').unwrap().1.parse().unwrap();
        let token = awaits("/instructor#");
        let again = awaits("cargo workshop board ");
        awaits("Ctrl-C ends the class");
        let code = code.to_owned();
        Board {
            child,
            out,
            port,
            code,
            token,
            again,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(HANGS)).unwrap();
        stream
    }

    /// Sends this as it is, and reads all that comes.
    fn says(&self, text: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn post(&self, path: &str, body: &str) -> String {
        let length = body.len();
        self.says(&format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}",
            self.port
        ))
    }

    fn get(&self, path: &str) -> String {
        self.says(&format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    }

    /// The status, or 0 of a connection that was hung up: others of before may still count.
    fn connect_and_ask(&self, path: &str) -> u16 {
        let mut stream = self.connect();
        let question = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        let mut answer = String::new();
        let asked = stream
            .write_all(question.as_bytes())
            .and_then(|()| stream.read_to_string(&mut answer));
        match asked {
            Ok(_) if !answer.is_empty() => status(&answer),
            _ => 0,
        }
    }

    fn tell(&self, seat: &Value) -> u16 {
        status(&self.post("/seat", &seat.to_string()))
    }

    /// A seat with this number.
    fn seat(&self, number: &str, name: &str) -> Value {
        json!({ "code": self.code, "seat": number, "secret": "0123456789abcdef".to_owned() + number,
            "name": name, "hand": false, "level": "02", "told": "fails", "steps": "pf",
            "failing": "02.2" })
    }

    fn look(&self, secret: &str) -> Look {
        let mut stream = self.connect();
        let question = format!(
            "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n\r\n"
        );
        stream.write_all(question.as_bytes()).unwrap();
        Look(BufReader::new(stream))
    }

    fn end(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(kill.unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code().unwrap(), rest)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Snapshots as they come.
struct Look(BufReader<TcpStream>);

impl Look {
    fn next(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.0.read_line(&mut line).unwrap(),
                0,
                "the stream has ended"
            );
            if let Some(event) = line.strip_prefix("data: ") {
                return serde_json::from_str(event).unwrap();
            }
        }
    }

    /// The first snapshot for which that holds.
    fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let shown = self.next();
            if holds(&shown) {
                return shown;
            }
        }
    }
}

fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).unwrap_or_default();
    status.parse().unwrap_or_else(|_| panic!("{answer:?}"))
}

fn refused(words: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = Command::new(BOARD).args(words).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    (status.code().unwrap(), said)
}

#[test]
fn a_seat_is_seen_by_the_instructor_and_counted_on_the_wall() {
    let board = Board::start(&[]);
    let (mut wall, mut instructor) = (board.look(&board.code), board.look(&board.token));
    assert_eq!(wall.next()["seats"], 0);
    assert_eq!(board.tell(&board.seat("aaaaaaaa", "Ann")), 204);
    let shown = instructor.until(|it| it["seats"] == 1);
    assert_eq!(shown["all"][0]["name"], "Ann");
    assert_eq!(shown["places"][0]["place"], "02.2");
    let shown = wall.until(|it| it["seats"] == 1);
    assert_eq!(shown["levels"][0]["failing"], 1);
    let text = shown.to_string();
    assert!(
        !text.contains("Ann") && !text.contains("aaaaaaaa"),
        "{text}"
    );
    // The state that was told last is the state.
    let mut done = board.seat("aaaaaaaa", "Ann");
    done["told"] = "done".into();
    done["failing"] = Value::Null;
    assert_eq!(board.tell(&done), 204);
    wall.until(|it| it["levels"][0]["done"] == 1);
    // Another secret changes nothing and deletes nothing.
    let mut thief = done.clone();
    thief["secret"] = "fedcba9876543210".into();
    assert_eq!(board.tell(&thief), 409);
    assert_eq!(status(&board.post("/leave", &thief.to_string())), 409);
    assert_eq!(status(&board.post("/leave", &done.to_string())), 204);
    assert_eq!(instructor.until(|it| it["seats"] == 0)["all"], json!([]));
}

#[test]
fn a_board_that_is_started_again_has_each_seat_after_its_next_message() {
    let first = Board::start(&[]);
    let port = first.port.to_string();
    let seat = first.seat("aaaaaaaa", "Ann");
    assert_eq!(first.tell(&seat), 204);
    let code = first.code.clone();
    let (status, _) = first.end();
    assert_eq!(status, 0);
    let second = Board::start(&["--port", &port, "--code", &code]);
    assert_eq!(second.code, code);
    assert_eq!(second.tell(&seat), 204);
    let shown = second.look(&second.token).until(|it| it["seats"] == 1);
    assert_eq!(shown["all"][0]["failing"], "02.2");
    second.end();
    // Without the code it is another class.
    let third = Board::start(&["--port", &port]);
    assert_eq!(third.tell(&seat), 403);
}

#[test]
fn the_line_to_start_it_again_has_every_option() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("day one.txt");
    let file = file.to_str().unwrap();
    let words = ["--seats", "40", "--name", "board.example.org"];
    let board = Board::start(&[&words[..], &["--minutes", file]].concat());
    let (port, code) = (board.port, board.code.clone());
    let others = format!("--name board.example.org --seats 40 --minutes '{file}'");
    assert_eq!(board.again, format!("--port {port} --code {code} {others}"));
    let board = Board::start(&[]);
    let (port, code) = (board.port, board.code.clone());
    assert_eq!(board.again, format!("--port {port} --code {code}"));
}

#[test]
fn who_guesses_is_slowed_and_a_known_seat_goes_on() {
    let board = Board::start(&[]);
    let known = board.seat("aaaaaaaa", "Ann");
    assert_eq!(board.tell(&known), 204);
    let mut wrong = board.seat("bbbbbbbb", "Bob");
    wrong["code"] = "00000000".into();
    let answers: Vec<u16> = (0..12).map(|_| board.tell(&wrong)).collect();
    assert_eq!(answers[..10], [403; 10]);
    assert_eq!(answers[10..], [429; 2]);
    // Also with the right one, or one could go on to guess.
    assert_eq!(board.tell(&board.seat("cccccccc", "Cem")), 429);
    let mut line = String::new();
    board.look(&board.token).0.read_line(&mut line).unwrap();
    assert_eq!(status(&line), 429);
    assert_eq!(board.tell(&known), 204);
}

#[test]
fn what_is_shown_takes_the_code_or_the_token() {
    let board = Board::start(&[]);
    for said in ["", "00000000", "csmj0g8z5c3a9qgry6p0yqsv2v"] {
        let mut line = String::new();
        board.look(said).0.read_line(&mut line).unwrap();
        assert_eq!(status(&line), 403, "{said}");
    }
    assert_eq!(status(&board.get("/events")), 403);
    let shown = board.look(&board.code.to_uppercase()).next();
    assert_eq!(shown.get("all"), None, "the wall has no seats");
    // The page is the same with any code: it tells nobody which is right.
    let page = |path: &str| board.get(path).split("\r\n\r\n").nth(1).unwrap().to_owned();
    assert_eq!(page("/00000000"), page(&format!("/{}", board.code)));
    assert!(!page("/instructor").contains(&board.token));
    assert_eq!(status(&board.get("/a/b")), 404);
    assert_eq!(status(&board.get(&format!("/{}", "a".repeat(17)))), 404);
}

#[test]
fn a_question_for_another_host_is_not_answered() {
    let board = Board::start(&["--name", "board.example.org"]);
    let of = |host: &str| status(&board.says(&format!("GET / HTTP/1.1\r\n{host}\r\n\r\n")));
    for host in [
        "Host: 192.168.1.5:7070",
        "Host: [::1]:80",
        "Host: board.example.org:7070",
    ] {
        assert_eq!(of(host), 200, "{host}");
    }
    for host in [
        "Host: evil.example",
        "Host: 127.0.0.1.evil.example",
        "Host: ",
        "X-Host: 1.2.3.4",
    ] {
        assert_eq!(of(host), 421, "{host}");
    }
    let message = board.seat("aaaaaaaa", "Ann").to_string();
    let answer = board.says(&format!(
        "POST /seat HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{message}",
        message.len()
    ));
    assert_eq!(status(&answer), 421);
}

#[test]
fn every_answer_has_the_headers_that_keep_a_page_safe() {
    let board = Board::start(&[]);
    for answer in [
        board.get("/"),
        board.get("/board.js"),
        board.get("/board.css"),
        board.get("/health"),
        board.get("/no/such/page"),
        board.says("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        board.post("/seat", "{}"),
    ] {
        let head = answer
            .split("\r\n\r\n")
            .next()
            .unwrap()
            .to_ascii_lowercase();
        for header in [
            "rubber-docker-board: 1",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "content-security-policy: default-src 'none'; script-src 'self';",
        ] {
            assert!(
                head.contains(&format!("\r\n{header}")),
                "{header} in {head}"
            );
        }
        assert!(
            !head.contains("unsafe") && !head.contains("access-control"),
            "{head}"
        );
    }
    // And the page keeps to it.
    let page = board.get("/");
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onload="));
    let scripts: Vec<&str> = page.split("<script").skip(1).collect();
    assert!(
        scripts.iter().all(|it| it.starts_with(" src=\"/")),
        "{scripts:?}"
    );
}

#[test]
fn what_is_no_message_is_refused() {
    let board = Board::start(&[]);
    let good = board.seat("aaaaaaaa", "Ann");
    assert_eq!(status(&board.post("/seat", "")), 400);
    assert_eq!(status(&board.post("/seat", &"[".repeat(1500))), 400);
    assert_eq!(status(&board.post("/seat", &" ".repeat(4000))), 413);
    for name in ["a\u{202e}b", "a\u{7}", "\u{200b}", &"x".repeat(33)] {
        let mut bad = good.clone();
        bad["name"] = name.into();
        let answer = board.post("/seat", &bad.to_string());
        assert_eq!(status(&answer), 400, "{name:?}");
        assert!(
            answer.ends_with("does not understand this message: name.\n"),
            "{answer}"
        );
    }
    // A form of a page from elsewhere can send this kind.
    let text = good.to_string();
    let plain = board.says(&format!(
        "POST /seat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n{text}",
        text.len()
    ));
    assert_eq!(status(&plain), 415);
    assert_eq!(status(&board.get("/seat")), 405);
    assert_eq!(board.look(&board.token).next()["seats"], 0);
}

#[test]
fn there_are_so_many_seats_and_no_more() {
    let board = Board::start(&["--seats", "1"]);
    assert_eq!(board.tell(&board.seat("aaaaaaaa", "Ann")), 204);
    assert_eq!(board.tell(&board.seat("bbbbbbbb", "Bob")), 503);
    assert_eq!(board.tell(&board.seat("aaaaaaaa", "Ann")), 204);
}

#[test]
fn a_flood_harms_those_behind_its_address_and_nobody_else() {
    let board = Board::start(&[]);
    let flood: Vec<TcpStream> = (0..200).map(|_| board.connect()).collect();
    let is_hung_up = |mut stream: &TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        match stream.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    };
    // Whatever it is that says so, those that are one too many are hung up on at once: a later
    // connection is not accepted before them.
    assert_eq!(status(&neighbour(board.port)), 204);
    assert_eq!(flood.iter().filter(|it| is_hung_up(it)).count(), 40);
    drop(flood);
    // One address may ask so often, and another one may ask all the same.
    let answers = (0..500).map(|_| board.connect_and_ask("/health"));
    let answers: Vec<u16> = answers.collect();
    assert!(
        answers.contains(&204) && answers.contains(&429),
        "{answers:?}"
    );
    assert_eq!(status(&neighbour(board.port)), 204);
}

/// What the board answers to another address of this machine: all of 127.0.0.0/8 are.
fn neighbour(port: u16) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let connecting = async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).unwrap();
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        socket.connect(to).await.unwrap().into_std().unwrap()
    };
    let mut stream = runtime.block_on(connecting);
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(HANGS)).unwrap();
    let question = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    stream.write_all(question.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_question_that_never_ends_is_ended() {
    let board = Board::start(&[]);
    let mut begun = board.connect();
    begun.write_all(b"GET / HTTP/1.1\r\nHost: 127").unwrap();
    let mut body = board.connect();
    let head = "POST /seat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{";
    body.write_all(head.as_bytes()).unwrap();
    let mut long = board.connect();
    // It may be closed before all of it is written.
    let _ = long.write_all(format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(100_000)).as_bytes());
    let _ = long.shutdown(Shutdown::Write);
    let began = Instant::now();
    for mut stream in [begun, body, long] {
        // Its end, in whichever way.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
    }
    assert!(began.elapsed() < HANGS);
    assert_eq!(status(&board.get("/health")), 204);
}

#[test]
fn at_the_end_there_are_minutes_and_nobodys_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("minutes.txt");
    let words = ["--minutes", file.to_str().unwrap()];
    for _ in 0..2 {
        let board = Board::start(&words);
        let mut seat = board.seat("aaaaaaaa", "Ann");
        for told in ["begun", "fails", "done"] {
            seat["told"] = told.into();
            assert_eq!(board.tell(&seat), 204);
        }
        let (status, said) = board.end();
        assert_eq!(status, 0);
        assert!(said.starts_with("1 levels' minutes added to "), "{said}");
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, ["02 1", "02 1"]);
    assert!(
        !text.contains("Ann") && !text.contains("aaaaaaaa"),
        "{text}"
    );
}

#[test]
fn what_cannot_begin_says_why_and_what_to_do() {
    let board = Board::start(&[]);
    let port = board.port.to_string();
    let (status, said) = refused(&["--port", &port]);
    assert_eq!(status, 1);
    assert!(
        said.contains(&format!("cannot listen on port {port}")),
        "{said}"
    );
    assert!(
        said.contains("If another board is running, end it"),
        "{said}"
    );
    let (status, said) = refused(&["--code", "short"]);
    assert_ne!(status, 0);
    assert!(said.contains("eight letters"), "{said}");
    let (_, said) = refused(&["--name", "board:7070"]);
    assert!(said.contains("without a port"), "{said}");
    let (status, said) = refused(&["--plan", "/nowhere/plan.json"]);
    assert_eq!(status, 1);
    assert!(said.contains("schedule.mjs full"), "{said}");
    let (status, said) = refused(&["--minutes", "/proc/none/minutes"]);
    assert_eq!(status, 1);
    assert!(said.contains("cannot write /proc/none/minutes"), "{said}");
}
