//! The stream of what is shown: server-sent events, each of them a whole snapshot. A page that
//! was away asks again and has everything.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as Pieces, Frame};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};

use crate::state::{Board, Viewer};

/// Sixty learners who save at once are one snapshot, or two.
const TOGETHER: Duration = Duration::from_millis(150);

/// A page that hears nothing for longer knows that we are gone.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A page that takes nothing for so long is gone.
const TAKEN: Duration = Duration::from_secs(20);

/// The stream for a viewer; `place` is one of those that there are.
pub(crate) fn stream(board: Arc<Board>, viewer: Viewer, place: OwnedSemaphorePermit) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let _place = place;
        let mut changes = board.changes();
        loop {
            changes.mark_unchanged();
            let event = format!("data: {}\n\n", board.shown(viewer));
            if !send(&sender, event).await {
                return;
            }
            sleep(TOGETHER).await;
            while timeout(HEARTBEAT, changes.changed()).await.is_err() {
                if !send(&sender, ": still here\n\n".to_owned()).await {
                    return;
                }
            }
        }
    });
    Body::new(Events(receiver))
}

/// Whether the page is still there.
async fn send(sender: &mpsc::Sender<Bytes>, event: String) -> bool {
    let sent = timeout(TAKEN, sender.send(event.into())).await;
    matches!(sent, Ok(Ok(())))
}

struct Events(mpsc::Receiver<Bytes>);

impl Pieces for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = self.0.poll_recv(context);
        event.map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
