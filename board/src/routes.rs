//! Questions and answers.
//!
//! | question | answer |
//! |---|---|
//! | `GET /CODE`, `GET /instructor`, `GET /` | the one page; it asks for `/events` by itself |
//! | `GET /events` | what is shown, for whom the code or the token allows |
//! | `POST /seat` | a seat tells its state |
//! | `POST /leave` | a seat is given back |
//! | `GET /health` | that this is a board |

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::class::Refused;
use crate::events;
use crate::message::{LONGEST, Message};
use crate::state::{Board, Closed};

/// How we speak. The companion compares it with its own.
pub(crate) const VERSION: &str = "1";

/// The header that tells a board from everything else that answers.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("rubber-docker-board");

const HTML: &str = include_str!("page/index.html");
const CSS: &str = include_str!("page/board.css");
const SCRIPT: &str = include_str!("page/board.js");

/// No script or style but ours, nothing from elsewhere, and no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(5);

/// How many pages may look on at the same time.
const PAGES: usize = 64;

/// Who asks, as the connection has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

#[derive(Clone)]
struct Shared {
    board: Arc<Board>,
    pages: Arc<Semaphore>,
}

/// Everything that we answer.
pub(crate) fn routes(board: Arc<Board>) -> Router {
    let shared = Shared {
        board,
        pages: Arc::new(Semaphore::new(PAGES)),
    };
    Router::new()
        .route("/", get(page))
        .route("/instructor", get(page))
        .route("/board.css", get(|| async { text("text/css", CSS) }))
        .route(
            "/board.js",
            get(|| async { text("text/javascript", SCRIPT) }),
        )
        .route("/health", get(|| async { StatusCode::NO_CONTENT }))
        .route("/events", get(see))
        .route("/seat", post(tell))
        .route("/leave", post(leave))
        .route("/{code}", get(page_of_class))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is no such page here.\n") })
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

/// What holds for every question and every answer.
async fn guard(
    State(shared): State<Shared>,
    Extension(Peer(from)): Extension<Peer>,
    question: Request,
    next: Next,
) -> Response<Body> {
    let mut answer = match refused(&shared.board, from, &question) {
        Some(refused) => refused.into_response(),
        None => next.run(question).await,
    };
    let headers = answer.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(HEADER, VERSION);
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    answer
}

fn refused(board: &Board, from: IpAddr, question: &Request) -> Option<(StatusCode, &'static str)> {
    let host = question.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let is_ours = host.is_some_and(|host| board.names.are_ours(host));
    match () {
        () if !board.may_ask(from) => Some((
            StatusCode::TOO_MANY_REQUESTS,
            "Too many questions have come from your address. Wait for a moment.\n",
        )),
        () if !is_ours => Some((
            StatusCode::MISDIRECTED_REQUEST,
            "The board answers to its addresses alone, and to the names that it was given with \
             --name.\n",
        )),
        () => None,
    }
}

fn text(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let kind = match kind {
        "text/css" => "text/css; charset=utf-8",
        "text/javascript" => "text/javascript; charset=utf-8",
        _ => "text/html; charset=utf-8",
    };
    ([(header::CONTENT_TYPE, kind)], text)
}

async fn page() -> impl IntoResponse {
    text("text/html", HTML)
}

/// The same page for any code: whether it is the right one shows when it asks for events.
async fn page_of_class(Path(code): Path<String>) -> Response<Body> {
    match code.len() <= 16 {
        true => page().await.into_response(),
        false => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn see(
    State(shared): State<Shared>,
    Extension(Peer(from)): Extension<Peer>,
    headers: HeaderMap,
) -> Response<Body> {
    let said = headers.get(header::AUTHORIZATION);
    let said = said.and_then(|said| said.to_str().ok()?.strip_prefix("Bearer "));
    let viewer = match shared.board.viewer(from, said.unwrap_or_default()) {
        Ok(viewer) => viewer,
        Err(closed) => return closed_to(closed),
    };
    let Ok(place) = shared.pages.try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many pages look on.\n").into_response();
    };
    let stream = events::stream(shared.board, viewer, place);
    ([(header::CONTENT_TYPE, "text/event-stream")], stream).into_response()
}

async fn tell(
    State(shared): State<Shared>,
    Extension(Peer(from)): Extension<Peer>,
    question: Request,
) -> Response<Body> {
    let board = shared.board;
    let message = match message(&board, from, question).await {
        Ok(message) => message,
        Err(refused) => return refused,
    };
    let told = board.class().tell(message, board.now());
    outcome(&board, told)
}

async fn leave(
    State(shared): State<Shared>,
    Extension(Peer(from)): Extension<Peer>,
    question: Request,
) -> Response<Body> {
    let board = shared.board;
    let message = match message(&board, from, question).await {
        Ok(message) => message,
        Err(refused) => return refused,
    };
    let left = board.class().leave(&message);
    outcome(&board, left)
}

/// A message with the right code.
async fn message(
    board: &Board,
    from: IpAddr,
    question: Request,
) -> Result<Message, Response<Body>> {
    // A page from elsewhere cannot send this kind without asking us first.
    let kind = question.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "application/json") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
    }
    let body = match timeout(BODY, to_bytes(question.into_body(), LONGEST)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
        Err(_) => return Err(StatusCode::REQUEST_TIMEOUT.into_response()),
    };
    let message = Message::parse(&body).map_err(|field| {
        let why = format!("The board does not understand this message: {field}.\n");
        (StatusCode::BAD_REQUEST, why).into_response()
    })?;
    match board.is_ours(from, &message) {
        Ok(()) => Ok(message),
        Err(closed) => Err(closed_to(closed)),
    }
}

fn outcome(board: &Board, outcome: Result<(), Refused>) -> Response<Body> {
    let (status, why) = match outcome {
        Ok(()) => {
            board.changed();
            return StatusCode::NO_CONTENT.into_response();
        }
        Err(Refused::Taken) => (StatusCode::CONFLICT, "The seat is somebody else's.\n"),
        Err(Refused::Full) => (StatusCode::SERVICE_UNAVAILABLE, "There is no seat left.\n"),
        Err(Refused::TooOften) => (StatusCode::TOO_MANY_REQUESTS, "Too often.\n"),
    };
    (status, why).into_response()
}

fn closed_to(closed: Closed) -> Response<Body> {
    match closed {
        Closed::Wrong => (
            StatusCode::FORBIDDEN,
            "That is not the code of this class.\n",
        ),
        Closed::Slowed => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong codes have come from your address. Wait for a minute.\n",
        ),
    }
    .into_response()
}
