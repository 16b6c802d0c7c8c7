//! The bar that is shown while a big archive is read.
//!
//! The thread that reads draws it, and never one of its own: our callers fork
//! when the unpacking is done, and a process with a second thread must not. It
//! stays away where no user would see it (standard error is not a terminal) and
//! where the user would have no time to (most images unpack in a blink).

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long we may be silent before the user wonders.
const A_MOMENT: Duration = Duration::from_millis(300);

/// A file that shows how much of it has been read.
#[derive(Debug)]
pub(crate) struct Watched {
    file: File,
    name: String,
    size: u64,
    read: u64,
    since: Instant,
    bar: Bar,
}

#[derive(Debug)]
enum Bar {
    TooEarly,
    Unwanted,
    Shown(ProgressBar),
}

impl Watched {
    pub(crate) fn new(file: File, name: &str, size: u64) -> Self {
        let since = Instant::now();
        Self {
            file,
            name: name.to_owned(),
            size,
            read: 0,
            since,
            bar: Bar::TooEarly,
        }
    }

    fn show(&mut self) {
        match &self.bar {
            Bar::Unwanted => {}
            Bar::Shown(bar) => bar.set_position(self.read),
            Bar::TooEarly if self.since.elapsed() < A_MOMENT => {}
            Bar::TooEarly if !io::stderr().is_terminal() => self.bar = Bar::Unwanted,
            Bar::TooEarly => {
                let bar =
                    ProgressBar::with_draw_target(Some(self.size), ProgressDrawTarget::stderr());
                if let Ok(style) = ProgressStyle::with_template(
                    "unpacking {msg} {wide_bar} {binary_bytes} of {binary_total_bytes}",
                ) {
                    bar.set_style(style);
                }
                bar.set_message(self.name.clone());
                bar.set_position(self.read);
                self.bar = Bar::Shown(bar);
            }
        }
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        self.show();
        Ok(count)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Bar::Shown(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
