//! What the measuring programs share: what they build, where they put it, which machine
//! it was, and who tidies up.

pub mod apart;
pub mod build;
pub mod drawing;
pub mod machine;
pub mod scratch;
