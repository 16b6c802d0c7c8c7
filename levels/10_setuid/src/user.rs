//! Who the command runs as: user, group, supplementary groups.

use given::{Error, User};

/// Become the user that was asked for, with no group of the caller's left.
pub fn become_user(user: Option<User>) -> Result<(), Error> {
    // TODO(10) 1. Give up the supplementary groups, also if the user stays root.
    // TODO(10) 2. Then the group, then the user. Why in this order?
    // TODO(10) 3. Before either: hand over the standard streams, where they may be.
    let _ = user;
    // END TODO(10)
    Ok(())
}
