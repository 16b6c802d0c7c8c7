//! Who the command runs as: user, group, supplementary groups.

use given::{Error, User};
use linux_sys::{setgid, setgroups, setuid};

/// Become the user that was asked for, with no group of the caller's left.
pub fn become_user(user: Option<User>) -> Result<(), Error> {
    // Also if the user stays root: these are the caller's groups, and
    // `disk` or `docker` is as good as root. Given: in a user namespace with one user they
    // cannot be given up, since a file may be closed to a group and open to all others.
    if given::may_set_groups()? {
        setgroups(&[])?;
    }
    if let Some(user) = user {
        // They are root's pipes, and /dev/stdout is opened by name. After setuid we could
        // not give them away.
        given::hand_over_streams(user.uid);
        // The group while we may still choose it, the user last: after setuid we
        // have no right to change anything any more (credentials(7)).
        setgid(user.gid)?;
        setuid(user.uid)?;
    }
    Ok(())
}
