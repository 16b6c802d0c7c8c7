//! The capability sets: what root may do in the container.

use given::{CapabilityName, Error};
use linux_sys::{
    Capabilities, Capability, CapabilitySet, Pid, cap_ambient_clear_all, capbset_drop,
    capbset_read, capget, capset,
};

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
    for capability in Capability::ALL.iter().copied() {
        // An error here means that this kernel is older than the capability.
        let bounded = capbset_read(capability).unwrap_or(false);
        if bounded && !kept.contains(capability) {
            capbset_drop(capability)?;
        }
    }
    Ok(())
}

/// When the user is who it should be: give up what is left beyond `kept`.
pub fn drop_capabilities(kept: CapabilitySet) -> Result<(), Error> {
    // The ambient set survives an exec by any user: our caller may have one.
    cap_ambient_clear_all()?;

    // The command cannot keep what we do not have ourselves. As a user who is not
    // root we have nothing left, and this changes nothing.
    let have = capget(Pid::from_raw(0))?.permitted;
    let keep = kept
        .iter()
        .filter(|capability| have.contains(*capability))
        .collect();
    // Inheritable stays empty: a file with capabilities would hand them out
    // (CVE-2022-24769).
    let inheritable = CapabilitySet::empty();
    capset(&Capabilities {
        effective: keep,
        permitted: keep,
        inheritable,
    })?;
    Ok(())
}
