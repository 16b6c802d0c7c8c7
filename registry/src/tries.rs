//! Asking again, where that may help.
//!
//! A registry that is busy says so (429, 503), and says in `Retry-After` when to come
//! back. A connection can break in the middle, and the next one may not. Everything else
//! stays as it is however often we ask, and is told at once.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::sleep;

use crate::exchange::{Failure, Why};

/// How often we ask again. Each time, the pause is twice as long.
const AGAIN: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(500);

pub(crate) struct Tries {
    patience: Duration,
    left: u32,
}

impl Tries {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            left: AGAIN,
        }
    }

    /// Waits until it is time to ask again. Gives the failure back if there is no use in
    /// it, or if it would take longer than we are told to wait for an answer.
    pub(crate) async fn again(&mut self, failure: Failure) -> Result<(), Failure> {
        let pause = match &failure.why {
            Why::Refused {
                status: 429 | 502..=504,
                wait,
                ..
            } => wait.unwrap_or(self.pause()),
            // Not when there never was one: no program listens, no such host, a wrong certificate.
            Why::Broke(error) if error.is_request() && !error.is_connect() => self.pause(),
            // There is less than was asked for: then all of it.
            Why::Refused { status: 416, .. } => Duration::ZERO,
            Why::Broke(error) if error.is_decode() || error.is_body() => self.pause(),
            _ => return Err(failure),
        };
        if self.left == 0 || pause > self.patience {
            return Err(failure);
        }
        self.left -= 1;
        // On a terminal alone, as the bar is.
        let note = ProgressBar::new_spinner().with_message(format!(
            "{} {}; asking again in {} seconds",
            failure.at,
            match failure.why {
                Why::Refused { status, .. } => format!("answers {status}"),
                _ => "has broken off".into(),
            },
            pause.as_secs_f32()
        ));
        note.tick();
        sleep(pause).await;
        note.finish_and_clear();
        Ok(())
    }

    fn pause(&self) -> Duration {
        FIRST_PAUSE * 2_u32.pow(AGAIN - self.left)
    }
}
