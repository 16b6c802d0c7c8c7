//! What the measuring programs share: what they build, where they put it, and which
//! machine it was.

pub mod build;
pub mod machine;
pub mod scratch;
