//! What the bytes of an archive are read from.

use std::io::BufReader;

use crate::progress::Watched;

/// A file, read in large pieces, while the progress bar watches how far it is.
pub(crate) type Source = BufReader<Watched>;
