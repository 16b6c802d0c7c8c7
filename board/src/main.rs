//! The board of a class: it shows the instructor who needs help, and the wall how far the class
//! is. Started by `cargo workshop board`; learners take a seat with `cargo workshop join`.
//!
//! # A map of the house
//!
//! | file | holds |
//! |---|---|
//! | `secret.rs` | the class's code, the instructor's token, and how they are compared |
//! | `message.rs` | what a seat sends, and what of it is taken |
//! | `bucket.rs` | how often something may happen: for a seat, for an address |
//! | `class.rs` | the seats, and what becomes of a message |
//! | `pace.rs` | how long levels take, without whose minutes they were |
//! | `lessons.rs` | what the lessons and the helper's card say of a step |
//! | `plan.rs` | the plan of the day, as `npm run schedule` has it |
//! | `shown.rs` | the class as the wall sees it, and as the instructor does |
//! | `host.rs` | which names we answer to |
//! | `state.rs` | what all connections share |
//! | `routes.rs` | questions and answers |
//! | `events.rs` | the stream of what is shown |
//! | `serve.rs` | connections, and the limits to them |
//! | `addresses.rs` | the addresses of this machine, and whether we answer there |
//! | `announce.rs` | what is printed at the start |
//! | `page/` | the one page: HTML, CSS and JavaScript, without a library |
//!
//! # Who may do what
//!
//! Whoever has the class's code may take a seat and see the wall, which has no names. Whoever has
//! the token that was printed at the start sees the seats. A message must have the secret with
//! which its seat was taken. After a restart with the same code each seat is there again as soon
//! as it sends its next message, which always has everything in it.
//!
//! Everything is in memory, and forgotten at the end. Only `--minutes FILE` writes something:
//! how long levels have taken, in an order that does not tell by whom.

#![forbid(unsafe_code)]

mod addresses;
mod announce;
mod bucket;
mod class;
mod events;
mod host;
mod lessons;
mod message;
mod pace;
mod plan;
mod routes;
mod secret;
mod serve;
mod shown;
mod state;

use std::future::poll_fn;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::Poll;

use clap::Parser;
use curriculum::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::class::Class;
use crate::host::Names;
use crate::lessons::Lessons;
use crate::plan::Plan;
use crate::secret::Secret;
use crate::state::Board;

/// How many seats there are, if nobody says so.
const SEATS: u16 = 200;

/// Show the instructor of a class who needs help, and the wall how far the class is
#[derive(Parser)]
#[command(
    name = "cargo workshop board",
    bin_name = "cargo workshop board",
    max_term_width = 80,
    after_help = "\
Learners join by the address that is printed. Nothing is kept: Ctrl-C ends the
class. If the board must be started again in the middle of one, give it the code
that it had, and the same port; the seats come back with the learners' next
checks.

Examples:
  cargo workshop board
  cargo workshop board --code k7m2-9xqd --minutes minutes.txt"
)]
struct CommandLine {
    /// The port to listen on; 0 is any that is free
    #[arg(long, default_value_t = 7070)]
    port: u16,

    /// The class's code from before, for a board that is started again
    #[arg(long, value_parser = secret::code)]
    code: Option<Secret>,

    /// A name that this machine has in the room's network, beside its addresses
    #[arg(long = "name", value_name = "NAME", value_parser = host::name)]
    names: Vec<String>,

    /// How many seats there are
    #[arg(long, default_value_t = SEATS, value_parser = clap::value_parser!(u16).range(1..=2000))]
    seats: u16,

    /// The plan of the day: what `node slides/schedule.mjs full --json` has printed
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,

    /// At the end, add to this file how many minutes the levels took, without whose
    #[arg(long, value_name = "FILE")]
    minutes: Option<PathBuf>,
}

impl CommandLine {
    /// The options to start this board with once more, but for port and code. Only what is
    /// another than usual, and each with a space before it.
    fn others(&self) -> String {
        let mut text = String::new();
        let mut add = |option: &str, value: &str| {
            text += &format!(" {option} {}", given::shell_word(value));
        };
        for name in &self.names {
            add("--name", name);
        }
        if self.seats != SEATS {
            add("--seats", &self.seats.to_string());
        }
        for (option, file) in [("--plan", &self.plan), ("--minutes", &self.minutes)] {
            if let Some(file) = file {
                add(option, &file.to_string_lossy());
            }
        }
        text
    }
}

fn main() -> ExitCode {
    let words = match CommandLine::try_parse() {
        Ok(words) => words,
        Err(error) => {
            // A reader that has gone away is no failure.
            let _ = given::print_usage(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            given::log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(words: CommandLine) -> Result<(), Error> {
    if let Some(file) = &words.minutes {
        pace::can_be_written(file)?;
    }
    let others = words.others();
    let plan = words.plan.as_deref().map(Plan::read).transpose()?;
    let lessons = Lessons::read(&curriculum::levels::workspace_root()?)?;
    let code = match words.code {
        Some(code) => code,
        None => Secret::new_code()?,
    };
    let board = Arc::new(Board::new(
        code,
        Secret::new_token()?,
        Names(words.names),
        Class::new(usize::from(words.seats)),
        lessons,
        plan,
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot wait for connections: {error}"))?;
    runtime.block_on(until_the_end(&board, words.port, &others))?;
    // Connections that are still open end with it.
    runtime.shutdown_background();
    if let Some(file) = &words.minutes {
        let pace = board.class().pace().clone();
        let count = pace.add_to(file)?;
        announce::say(&format!(
            "{count} levels' minutes added to {}",
            file.display()
        ));
    }
    Ok(())
}

/// Serves until Ctrl-C or a kind kill.
async fn until_the_end(board: &Arc<Board>, port: u16, others: &str) -> Result<(), Error> {
    let mut ends = Vec::new();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        ends.push(signal(kind)?);
    }
    let listener = listen(port).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(serve::serve(listener, Arc::clone(board)));
    announce::announce(board, port, others).await;
    poll_fn(
        |context| match ends.iter_mut().any(|end| end.poll_recv(context).is_ready()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        },
    )
    .await;
    Ok(())
}

/// On all addresses, of IPv6 as well where the machine has it.
async fn listen(port: u16) -> Result<TcpListener, Error> {
    let listener = match TcpListener::bind(("::", port)).await {
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(("0.0.0.0", port)).await
        }
        listener => listener,
    };
    listener.map_err(|error| {
        format!(
            "cannot listen on port {port}: {error}. If another board is running, end it; or take \
             another port with --port, but then the learners' seats are at the old one"
        )
        .into()
    })
}
