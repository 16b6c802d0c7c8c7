//! The capability sets: what root may do in the container.

use given::{CapabilityName, Error};
use linux_sys::{Capability, CapabilitySet};

/// What a container has unless it is asked for more or less: Docker's list without
/// MKNOD. Docker can allow MKNOD since it has a list of allowed devices as well;
/// without one, mknod of a disk is the way to everything.
const DEFAULT: [Capability; 13] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_FOWNER,
    Capability::CAP_FSETID,
    Capability::CAP_KILL,
    Capability::CAP_SETGID,
    Capability::CAP_SETUID,
    Capability::CAP_SETPCAP,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_NET_RAW,
    Capability::CAP_SYS_CHROOT,
    Capability::CAP_AUDIT_WRITE,
    Capability::CAP_SETFCAP,
];

/// Given: the usual ones with --cap-add and --cap-drop. A single name outdoes ALL.
pub fn kept(add: &[CapabilityName], drop: &[CapabilityName]) -> CapabilitySet {
    Capability::ALL
        .iter()
        .copied()
        .filter(|capability| {
            let named =
                |names: &[CapabilityName]| names.contains(&CapabilityName::One(*capability));
            let all = |names: &[CapabilityName]| names.contains(&CapabilityName::All);
            let usual = DEFAULT.contains(capability) && !all(drop);
            (usual || all(add) || named(add)) && !named(drop)
        })
        .collect()
}

/// While we are still root: drop everything but `kept` from the bounding set, out of
/// which an exec by root fills the others.
pub fn drop_bounding(kept: CapabilitySet) -> Result<(), Error> {
    // TODO(11) 1. capbset_drop what is in the bounding set and not in `kept`.
    let _ = kept;
    // END TODO(11)
    Ok(())
}

/// When the user is who it should be: give up what is left beyond `kept`.
pub fn drop_capabilities(kept: CapabilitySet) -> Result<(), Error> {
    // TODO(11) 2. Clear the ambient set: it survives an exec by any user.
    // TODO(11) 3. capset: effective and permitted no more than `kept`, inheritable empty.
    let _ = kept;
    // END TODO(11)
    Ok(())
}
