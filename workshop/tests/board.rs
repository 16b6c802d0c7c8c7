//! The learner's side of the class board: what is sent, when, and to whom; and that a board that
//! is away, or is none, costs nothing but a sentence.
//!
//! The boards here are listeners that answer as they are told. As root nothing is sent, so these
//! learners are nobody where the tests are root's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use expectrl::process::unix::{PtyStream, UnixProcess};
use expectrl::{Eof, Expect, Session};
use fixture::{Fixture, Run};
use serde_json::Value;

const HANGS: Duration = Duration::from_secs(60);

/// The user who is nobody.
const NOBODY: u32 = 65534;

const YES: &str = "HTTP/1.1 204 No Content\r\nRubber-Docker-Board: 1\r\n\r\n";

/// A board that answers each question with the next of its answers, and then with the last.
struct Board {
    address: String,
    questions: Receiver<String>,
}

impl Board {
    fn new(answers: &[&str]) -> Board {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/k7m2-9xqd", listener.local_addr().unwrap());
        let mut answers: Vec<String> = answers.iter().map(|it| it.to_string()).collect();
        let (sender, questions) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let question = answer(stream.unwrap(), &answers[0]);
                if answers.len() > 1 {
                    answers.remove(0);
                }
                if sender.send(question).is_err() {
                    return;
                }
            }
        });
        Board { address, questions }
    }

    /// The next question, as it came.
    fn question(&self) -> String {
        self.questions.recv_timeout(HANGS).unwrap()
    }

    /// What was sent with it.
    fn message(&self) -> Value {
        serde_json::from_str(self.question().split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }

    fn was_not_asked(&self) {
        assert_eq!(self.questions.try_recv().ok(), None);
    }
}

/// Reads a question to its end, and answers it.
fn answer(mut stream: TcpStream, answer: &str) -> String {
    let mut question = String::new();
    let length = |question: &str| -> Option<usize> {
        let (head, _) = question.split_once("\r\n\r\n")?;
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("Content-Length: "))?;
        Some(head.len() + 4 + length.parse::<usize>().unwrap())
    };
    let mut piece = [0; 4096];
    while length(&question).is_none_or(|length| question.len() < length) {
        let count = stream.read(&mut piece).unwrap();
        assert_ne!(count, 0, "half a question: {question}");
        question += std::str::from_utf8(&piece[..count]).unwrap();
    }
    let _ = stream.write_all(answer.as_bytes());
    question
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A checkout of an ordinary user. Its cargo only says what was built; its checks say what is in
/// the file `verdicts`.
struct Learner(Fixture);

impl Learner {
    fn new() -> Learner {
        let fixture = Fixture::new();
        let root = fixture.root.display();
        for (path, text) in [
            (
                "cargo",
                format!(
                    "#!/bin/sh\nif [ -e broken ]; then exit 1; fi\nfor name in level00 level01 checks; do\n\
                     echo \"{{\\\"executable\\\":\\\"{root}/bin/$name\\\"}}\"\ndone\n"
                ),
            ),
            ("bin/level00", "#!/bin/sh\n".to_owned()),
            ("bin/level01", "#!/bin/sh\n".to_owned()),
            (
                "bin/checks",
                "#!/bin/sh\ncat verdicts\n! grep -q fail verdicts\n".to_owned(),
            ),
        ] {
            fixture.write(path, &text);
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(fixture.path(path), mode).unwrap();
        }
        // Where the companion itself is, that user may not be let in. By cp, and the scripts once
        // more: a file that we have open to write could be inherited by a program that another
        // test starts at that moment, and would be "busy" until that has gone.
        let copies = "cp \"$0\" companion && for file; do cp -p $file new && mv new $file; done";
        let scripts = [
            ".cargo/as-root",
            "cargo",
            "bin/level00",
            "bin/level01",
            "bin/checks",
        ];
        let words = [
            &["-ec", copies, env!("CARGO_BIN_EXE_workshop")][..],
            &scripts,
        ]
        .concat();
        fixture.run("sh", &words);
        let learner = Learner(fixture);
        learner.step_two_fails();
        learner.0.solve("00", 1);
        if is_root() {
            let above = learner.0.root.parent().unwrap();
            let mut chown = Command::new("chown");
            let chown = chown.args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(above);
            assert!(chown.status().unwrap().success());
        }
        learner
    }

    fn step_two_fails(&self) {
        self.verdicts(&["pass", "fail"]);
    }

    fn verdicts(&self, words: &[&str]) {
        let line = |(index, verdict): (usize, &&str)| {
            let step = index + 1;
            format!(
                "{{\"level\":0,\"name\":\"step {step}\",\"verdict\":\"{verdict}\",\
                 \"step\":\"TODO(00) {step}\",\"lesson\":\"there\"}}\n"
            )
        };
        let lines: String = words.iter().enumerate().map(line).collect();
        self.0.write("verdicts", &lines);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.as_we_are(words);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn as_we_are(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.0.path("companion"));
        command
            .args(words)
            .current_dir(&self.0.root)
            .env("CARGO", self.0.path("cargo"))
            .env("HOME", &self.0.root)
            .stdin(Stdio::null());
        command
    }

    /// At a terminal, which is opened as root and handed on.
    fn terminal(&self, words: &[&str]) -> Session<UnixProcess, PtyStream> {
        let mut command = Command::new("setpriv");
        if is_root() {
            let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
            command.args([&user, &group, "--clear-groups"]);
        }
        command
            .arg(self.0.path("companion"))
            .args(words)
            .current_dir(&self.0.root)
            .env("CARGO", self.0.path("cargo"))
            .env("HOME", &self.0.root)
            .env("TERM", "xterm");
        let mut session = Session::spawn(command).unwrap();
        session.get_process_mut().set_window_size(100, 24).unwrap();
        session.set_expect_timeout(Some(HANGS));
        session
    }

    fn run(&self, words: &[&str]) -> Run {
        let run = fixture::of(self.command(words).output().unwrap());
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }

    fn says(&self, words: &[&str]) -> String {
        let run = self.run(words);
        assert_eq!(run.status, 0, "{words:?}: {}{}", run.out, run.err);
        run.out
    }

    fn joined(board: &Board) -> Learner {
        let learner = Learner::new();
        learner.says(&["join", &board.address, "--yes"]);
        board.question();
        learner
    }

    fn kept(&self) -> std::path::PathBuf {
        self.0.path(".workshop/board")
    }

    /// Two words of a check that fails, as all do here that are not said to pass.
    fn check(&self) -> Run {
        let run = self.run(&["check", "00"]);
        assert!(matches!(run.status, 0 | 1), "{}{}", run.out, run.err);
        run
    }
}

#[test]
fn nothing_is_sent_before_a_yes() {
    let board = Board::new(&[YES]);
    let learner = Learner::new();
    let run = learner.run(&["join", &board.address, "--name", "Ann"]);
    assert_eq!(run.status, 1, "{}", run.out);
    let said = run.err.replace('\n', " ");
    assert!(
        said.contains("nothing was sent: there is no terminal to ask at"),
        "{said}"
    );
    assert!(said.contains("say it with --yes"), "{said}");
    for line in [
        "name           Ann",
        "level          00: not checked as it is",
        "hand           down",
    ] {
        assert!(run.out.contains(line), "{line} in {}", run.out);
    }
    assert!(!learner.kept().exists());
    board.was_not_asked();
}

#[test]
fn at_a_terminal_it_asks() {
    let board = Board::new(&[YES]);
    let learner = Learner::new();
    for (typed, joins) in [("", false), ("n", false), ("y", true)] {
        let mut session = learner.terminal(&["join", &board.address]);
        session.expect("May it be sent? [y/N] ").unwrap();
        session.send_line(typed).unwrap();
        let rest = session.expect(Eof).unwrap();
        let rest = String::from_utf8_lossy(rest.as_bytes()).into_owned();
        assert_eq!(
            rest.contains("You have joined."),
            joins,
            "{typed:?}: {rest}"
        );
        assert_eq!(learner.kept().exists(), joins);
        if !joins {
            board.was_not_asked();
        }
    }
    board.question();
}

#[test]
fn what_is_shown_is_what_is_sent_and_it_names_nobody() {
    let board = Board::new(&[YES]);
    let learner = Learner::new();
    let mut join = learner.command(&["join", &board.address, "--yes"]);
    // A proxy that would take it.
    let proxy = Board::new(&[YES]);
    for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"] {
        join.env(variable, &proxy.address);
    }
    let run = fixture::of(join.output().unwrap());
    assert_eq!(run.status, 0, "{}", run.err);
    let question = board.question();
    proxy.was_not_asked();
    assert!(
        question.starts_with("POST /seat HTTP/1.1\r\n"),
        "{question}"
    );
    let body = question.split("\r\n\r\n").nth(1).unwrap();
    let sent: Value = serde_json::from_str(body).unwrap();
    let fields: Vec<&String> = sent.as_object().unwrap().keys().collect();
    let all = [
        "code", "failing", "hand", "level", "name", "secret", "seat", "steps", "told",
    ];
    assert_eq!(fields.len(), all.len());
    assert!(
        fields.iter().all(|it| all.contains(&it.as_str())),
        "{fields:?}"
    );
    let seat = sent["seat"].as_str().unwrap();
    let shown = format!(
        "seat           {}-{}, drawn at random",
        &seat[..4],
        &seat[4..]
    );
    assert!(run.out.contains(&shown), "{shown} in {}", run.out);
    assert_eq!(sent["name"], Value::Null);
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    for private in [
        host.as_str(),
        learner.0.root.to_str().unwrap(),
        "nobody",
        "fn main",
    ] {
        assert!(!question.contains(private), "{private} in {question}");
    }
    // Only the learner may read what proves the seat to be theirs.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&learner.kept().join("seat")), 0o600);
    assert_eq!(mode(&learner.kept()), 0o700);
    // Another machine made of the same image is another learner.
    let other = Learner::joined(&board);
    let seat = |it: &Learner| fs::read_to_string(it.kept().join("seat")).unwrap();
    let line = |it: &Learner, word: &str| {
        seat(it)
            .lines()
            .find(|line| line.starts_with(word))
            .unwrap()
            .to_owned()
    };
    for word in ["seat ", "secret "] {
        assert_ne!(line(&learner, word), line(&other, word));
    }
}

#[test]
fn each_refusal_is_a_sentence_and_nothing_is_kept() {
    let ours = |status: &str| format!("HTTP/1.1 {status}\r\nRubber-Docker-Board: 1\r\n\r\n");
    for (answer, why) in [
        (ours("403 Forbidden"), "knows no class with this code"),
        (ours("409 Conflict"), "has this seat already"),
        (
            ours("429 Too Many Requests"),
            "was asked too often from here",
        ),
        (ours("503 Service Unavailable"), "has no seat left"),
        (ours("400 Bad Request"), "did not take it (status 400)"),
        (
            ours("204 x").replace(": 1", ": 2"),
            "speaks version 2, and this companion version 1",
        ),
        (
            ours("204 x").replace(": 1", ": 0"),
            "the board's is the older one",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n".to_owned(),
            "In a network that wants you to log in first",
        ),
        (
            "220 mail.example ESMTP\r\n".to_owned(),
            "what answers there is no class board",
        ),
    ] {
        let board = Board::new(&[&answer]);
        let learner = Learner::new();
        let run = learner.run(&["join", &board.address, "--yes"]);
        assert_eq!(run.status, 1, "{answer}");
        let said = run.err.replace('\n', " ");
        assert!(
            said.contains("you have not joined http://127.0.0.1:"),
            "{said}"
        );
        assert!(said.contains(why), "{why} in {said}");
        assert!(!learner.kept().exists());
    }
    // And where nobody listens, or the address is none.
    let learner = Learner::new();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let address = format!("http://{closed}/k7m2-9xqd");
    let run = learner.run(&["join", &address, "--yes"]);
    assert!(
        run.err
            .replace('\n', " ")
            .contains("no class board answers there"),
        "{}",
        run.err
    );
    let run = learner.run(&["join", "https://1.2.3.4:7070/k7m2-9xqd", "--yes"]);
    assert!(
        run.err.replace('\n', " ").contains("boards speak http"),
        "{}",
        run.err
    );
    let run = learner.run(&["join", &address, "--yes", "--name", "a\u{202e}b"]);
    assert!(run.err.contains("is no name for the board"), "{}", run.err);
    assert!(!run.err.contains('\u{202e}'));
}

#[test]
fn a_seat_that_somebody_else_has_drawn_is_drawn_again() {
    let taken = "HTTP/1.1 409 Conflict\r\nRubber-Docker-Board: 1\r\n\r\n";
    let board = Board::new(&[taken, YES]);
    let learner = Learner::new();
    learner.says(&["join", &board.address, "--yes"]);
    let (first, second) = (board.message(), board.message());
    assert_ne!(first["seat"], second["seat"]);
    let kept = fs::read_to_string(learner.kept().join("seat")).unwrap();
    assert!(
        kept.contains(&format!("\nseat {}\n", second["seat"].as_str().unwrap())),
        "{kept}"
    );
}

#[test]
fn a_check_tells_how_far_the_learner_is() {
    let board = Board::new(&[YES]);
    let learner = Learner::joined(&board);
    learner.check();
    let sent = board.message();
    assert_eq!(
        (&sent["level"], &sent["told"]),
        (&"00".into(), &"fails".into())
    );
    assert_eq!(
        (&sent["steps"], &sent["failing"]),
        (&"pf".into(), &"00.2".into())
    );
    learner.verdicts(&["pass", "pass"]);
    assert_eq!(learner.check().status, 0);
    let sent = board.message();
    assert_eq!(
        (&sent["told"], &sent["steps"]),
        (&"done".into(), &"pp".into())
    );
    assert_eq!(sent["failing"], Value::Null);
    // What does not compile is told as well; what could not be looked at says nothing.
    learner.verdicts(&["skip", "skip"]);
    learner.run(&["check", "00"]);
    learner.0.write("broken", "");
    learner.check();
    assert_eq!(board.message()["told"], "not-built");
    board.was_not_asked();
}

#[test]
fn a_hand_goes_up_and_down() {
    let board = Board::new(&[YES]);
    let learner = Learner::new();
    let run = learner.run(&["hand"]);
    assert_eq!(run.status, 1);
    assert!(
        run.err
            .replace('\n', " ")
            .contains("you have no seat at a class board"),
        "{}",
        run.err
    );
    let learner = Learner::joined(&board);
    assert_eq!(
        learner.says(&["hand"]),
        "Your hand is up. The same again lowers it.\n"
    );
    assert_eq!(board.message()["hand"], true);
    // It stays up through a check.
    learner.check();
    assert_eq!(board.message()["hand"], true);
    assert_eq!(learner.says(&["hand"]), "Your hand is down.\n");
    assert_eq!(board.message()["hand"], false);
}

#[test]
fn a_watch_has_a_key_for_it_once_one_has_joined() {
    let board = Board::new(&[YES]);
    let learner = Learner::new();
    let mut session = learner.terminal(&["watch", "00"]);
    let footer = session.expect("q quit").unwrap();
    let seen = String::from_utf8_lossy(footer.as_bytes()).into_owned();
    assert!(!seen.contains("raise hand"), "{seen}");
    session.send("q").unwrap();
    session.expect(Eof).unwrap();
    learner.says(&["join", &board.address, "--yes"]);
    board.question();
    let mut session = learner.terminal(&["watch", "00"]);
    let footer = session.expect("q quit").unwrap();
    let seen = String::from_utf8_lossy(footer.as_bytes()).into_owned();
    assert!(seen.contains("r raise hand"), "{seen}");
    // What the check at the beginning has to tell is told by a process that nobody waits for,
    // and it tells what holds when it comes to it. So the hand goes up after that.
    assert_eq!(board.message()["hand"], false);
    session.send("r").unwrap();
    session.expect("Your hand is up").unwrap();
    assert_eq!(board.message()["hand"], true);
    session.send("q").unwrap();
    session.expect(Eof).unwrap();
}

#[test]
fn whoever_leaves_is_forgotten_there_and_here() {
    let board = Board::new(&[YES]);
    let learner = Learner::joined(&board);
    assert!(learner.says(&["leave"]).contains("You have left."));
    assert!(board.question().starts_with("POST /leave HTTP/1.1\r\n"));
    assert!(!learner.kept().exists());
    learner.check();
    learner.says(&["tell-board"]);
    board.was_not_asked();
    assert_eq!(learner.run(&["leave"]).status, 1);
    // A board that is away cannot be asked; here it is forgotten all the same.
    let learner = Learner::joined(&board);
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    move_to(&learner, &closed.to_string());
    let run = learner.run(&["leave"]);
    assert_eq!(run.status, 1);
    let said = run.err.replace('\n', " ");
    assert!(
        said.contains("this checkout has forgotten your seat"),
        "{said}"
    );
    assert!(!learner.kept().exists());
}

/// The board of the seat has gone, or is another one now.
fn move_to(learner: &Learner, place: &str) {
    let path = learner.kept().join("seat");
    let text = fs::read_to_string(&path).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("board "))
        .unwrap();
    let text = text.replace(line, &format!("board http://{place}/k7m29xqd"));
    fs::write(&path, text).unwrap();
}

#[test]
fn a_board_that_is_away_is_mentioned_once() {
    let board = Board::new(&[YES]);
    let learner = Learner::joined(&board);
    let place = board.address.split('/').nth(2).unwrap().to_owned();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    move_to(&learner, &closed.to_string());
    let mentions = |run: &Run| {
        run.err
            .replace('\n', " ")
            .contains("class board was not told of the check before")
    };
    // A process of its own sends; to have it end before we go on, it is run here as well.
    let mut seen = Vec::new();
    for _ in 0..4 {
        let run = learner.check();
        assert_eq!(run.status, 1, "the check's own status stays");
        seen.push(mentions(&run));
        learner.says(&["tell-board"]);
    }
    assert_eq!(seen, [false, true, false, false]);
    move_to(&learner, &place);
    learner.says(&["tell-board"]);
    assert_eq!(board.message()["told"], "fails");
    move_to(&learner, &closed.to_string());
    learner.says(&["tell-board"]);
    assert!(mentions(&learner.check()), "it was back, and is away again");
}

#[test]
fn a_seat_that_cannot_be_read_is_no_reason_for_a_check_to_fail() {
    let board = Board::new(&[YES]);
    let learner = Learner::joined(&board);
    fs::write(learner.kept().join("seat"), "half a se").unwrap();
    learner.verdicts(&["pass", "pass"]);
    let run = learner.check();
    assert_eq!(run.status, 0);
    assert!(
        run.err
            .replace('\n', " ")
            .contains("is not a seat as `join` writes it"),
        "{}",
        run.err
    );
    board.was_not_asked();
}

#[test]
fn as_root_nothing_is_sent() {
    if !is_root() {
        return;
    }
    let board = Board::new(&[YES]);
    let learner = Learner::joined(&board);
    for words in [
        &["join", &board.address, "--yes"][..],
        &["hand"],
        &["leave"],
    ] {
        let run = fixture::of(learner.as_we_are(words).output().unwrap());
        assert_eq!(run.status, 1, "{words:?}");
        assert!(
            run.err
                .replace('\n', " ")
                .contains("nothing is sent as root"),
            "{}",
            run.err
        );
    }
    for words in [&["check", "00"][..], &["tell-board"]] {
        learner.as_we_are(words).output().unwrap();
    }
    board.was_not_asked();
    assert!(learner.kept().exists());
}

/// Wants a network that drops what is sent to this address, as `.ci/board.sh` makes one.
const DROPS: &str = "10.99.0.5:7070";

#[test]
#[ignore = "needs a network that drops packets: .ci/board.sh"]
fn a_check_is_no_slower_where_the_board_does_not_answer() {
    let address = DROPS.parse().unwrap();
    let tried = TcpStream::connect_timeout(&address, Duration::from_millis(300));
    assert_eq!(
        tried.unwrap_err().kind(),
        std::io::ErrorKind::TimedOut,
        "nothing drops them here"
    );
    let board = Board::new(&[YES]);
    let (alone, joined) = (Learner::new(), Learner::joined(&board));
    move_to(&joined, DROPS);
    let took = |learner: &Learner| {
        let begin = Instant::now();
        learner.check();
        begin.elapsed()
    };
    // In turns, and each first as often as second: whatever else the machine does meets both.
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..30 {
        let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
        for who in order {
            times[who].push(took([&alone, &joined][who]));
        }
    }
    let [alone, joined] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    println!("median of a check: {alone:?} alone, {joined:?} with a board that does not answer");
    assert!(
        joined < alone * 5 / 4,
        "{joined:?} with a board, {alone:?} without"
    );
    board.was_not_asked();
}
