//! Connections, and the limits to them: how many, for how long, and how much they may say before
//! we have looked at it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::bucket::neighbour;
use crate::routes::{Peer, routes};
use crate::state::Board;

/// How many there are at a time.
const ALL: usize = 512;

/// From one address: sixty learners may sit behind one.
const OF_AN_ADDRESS: usize = 160;

/// How long the head of a question may take.
const HEAD: Duration = Duration::from_secs(5);

/// The longest head, in bytes.
const LONGEST: usize = 16 * 1024;

/// How long a connection may live: longer than a day of teaching, since a page looks on through
/// one. A page that has lost its connection makes another.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// Accepts until the program ends.
pub(crate) async fn serve(listener: TcpListener, board: Arc<Board>) {
    let routes = routes(board);
    let all = Arc::new(Semaphore::new(ALL));
    let each = Arc::new(Counts::default());
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // No descriptor is left, or the other side has gone already: it may be better
                // in a moment, and until then this must not take the whole processor.
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Who is one too many is hung up on.
        let Ok(place) = Arc::clone(&all).try_acquire_owned() else {
            continue;
        };
        let from = from.ip().to_canonical();
        let Some(own) = Counts::enter(&each, neighbour(from)) else {
            continue;
        };
        let service = TowerToHyperService::new(routes.clone().layer(Extension(Peer(from))));
        tokio::spawn(async move {
            let _places = (place, own);
            let _ = timeout(LIFE, answer(stream, service)).await;
        });
    }
}

/// One question, one answer: then the connection is closed.
async fn answer<Service>(stream: TcpStream, service: Service)
where
    Service: hyper::service::HttpService<
            hyper::body::Incoming,
            ResBody = axum::body::Body,
            Error = std::convert::Infallible,
            Future: Send,
        >,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(LONGEST)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever is wrong with it is the other side's.
    let _ = connection.await;
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Counts(Mutex<HashMap<IpAddr, usize>>);

impl Counts {
    fn enter(counts: &Arc<Counts>, from: IpAddr) -> Option<Count> {
        let mut all = counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(from).or_default();
        if *count >= OF_AN_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Count {
            counts: Arc::clone(counts),
            from,
        })
    }
}

/// A connection of an address, for as long as this lives.
struct Count {
    counts: Arc<Counts>,
    from: IpAddr,
}

impl Drop for Count {
    fn drop(&mut self) {
        let mut all = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.from);
            }
        }
    }
}
