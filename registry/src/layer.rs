//! Downloading a layer: as often as it takes, as long as there is progress.

use std::fs::File;

use given::Error;
use indicatif::ProgressBar;

use crate::coming::Coming;
use crate::exchange::{Failure, Why, piece};
use crate::manifest::Expected;
use crate::pace::Pace;
use crate::remote::Remote;
use crate::tries::Tries;

/// An attempt that brings as much was worth it, and more of them may follow.
const PROGRESS: u64 = 1 << 20;

impl Remote {
    /// Downloads a layer, or what `file` lacks of it. Then it is what the manifest promises.
    pub(crate) async fn layer(
        &mut self,
        what: &str,
        layer: &Expected,
        file: &mut File,
        bar: &ProgressBar,
    ) -> Result<(), Undone> {
        let mut coming = Coming::new(layer, file)?;
        let patience = self.session.exchange.patience;
        let mut tries = Tries::new(patience);
        let mut most = coming.size;
        while coming.size < layer.size {
            let Err(stopped) = self.rest(what, layer, &mut coming, bar).await else {
                break;
            };
            let failure = match stopped {
                Stopped::For(error) => return Err(error.into()),
                Stopped::ByNetwork(failure) => failure,
            };
            // A line that breaks now and then brings a large layer nevertheless.
            if coming.size >= most + PROGRESS {
                tries = Tries::new(patience);
                most = coming.size;
                // A connection that has brought this much and then falls silent may be dead.
                if matches!(failure.why, Why::Slow(_)) {
                    continue;
                }
            }
            if out_of_range(&failure) && coming.size > 0 {
                coming.start_over()?;
            }
            tries.again(failure).await.map_err(|failure| Undone {
                error: self.asked.explain(what, &failure),
                goes_on: true,
            })?;
        }
        self.check_size(what, layer.size, coming.size)?;
        let found = coming.found;
        let seen = coming.digest();
        if seen == layer.digest {
            return Ok(());
        }
        if found == 0 {
            return Err(self.asked.other_digest(what, &layer.digest, &seen).into());
        }
        // What an earlier attempt has left may be what is wrong: once more, from nothing.
        file.set_len(0)?;
        Box::pin(self.layer(what, layer, file, bar)).await
    }

    /// What is missing of a layer, as far as one answer brings it.
    async fn rest(
        &mut self,
        what: &str,
        layer: &Expected,
        coming: &mut Coming<'_>,
        bar: &ProgressBar,
    ) -> Result<(), Stopped> {
        let mut answer = self.session.blob(&layer.digest, coming.size).await?;
        if let Err(size) = coming.begin(&answer)? {
            return Err(self.other_size(what, layer.size, size).into());
        }
        let mut pace = Pace::new(self.session.exchange.patience);
        while let Some(bytes) = piece(&mut answer, pace.due())
            .await
            .map_err(|failure| slow(failure, &pace))?
        {
            let bytes = bytes.as_ref();
            let size = coming.size + bytes.len() as u64;
            // At once, and not when the disk is full of it.
            if size > layer.size {
                return Err(self.other_size(what, layer.size, size).into());
            }
            coming.write(what, bytes)?;
            pace.came(bytes.len() as u64);
            bar.set_position(size);
        }
        Ok(self.check_size(what, layer.size, coming.size)?)
    }
}

/// A layer that is late has a pace at which it came.
fn slow(failure: Failure, pace: &Pace) -> Failure {
    match failure.why {
        Why::Late => Failure {
            why: Why::Slow(pace.bytes()),
            ..failure
        },
        _ => failure,
    }
}

/// That the registry has nothing from that byte on.
fn out_of_range(failure: &Failure) -> bool {
    matches!(failure.why, Why::Refused { status: 416, .. })
}

/// Why a layer is not there.
pub(crate) struct Undone {
    pub(crate) error: Error,
    /// Whether what is there of it is good, as far as we know.
    pub(crate) goes_on: bool,
}

impl<E: Into<Error>> From<E> for Undone {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            goes_on: false,
        }
    }
}

/// Why no more of a layer comes.
enum Stopped {
    ByNetwork(Failure),
    For(Error),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::ByNetwork(failure)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::For(error)
    }
}
