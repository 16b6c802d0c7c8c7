//! The five capability sets.

use linux_sys::{
    Capabilities, Capability, CapabilitySet, Errno, Pid, cap_ambient_clear_all, cap_ambient_is_set,
    cap_ambient_lower, cap_ambient_raise, capbset_drop, capbset_read, capget, capset, set_keepcaps,
    set_no_new_privs,
};

use crate::{Outcome, Test, fails, in_private_namespaces, status_line};

pub(crate) const TESTS: &[Test] = &[
    ("names_and_numbers_of_all_capabilities", names),
    ("capget_sees_what_capset_set", round_trip),
    ("permitted_only_loses", only_loses),
    ("the_bounding_set_shrinks", bounding),
    ("the_ambient_set_needs_permitted_and_inheritable", ambient),
    ("no_new_privs_and_keepcaps", promises),
];

fn own() -> Capabilities {
    capget(Pid::from_raw(0)).unwrap()
}

fn names() -> Outcome {
    for (number, capability) in Capability::ALL.iter().enumerate() {
        assert_eq!(usize::from(capability.number()), number);
        assert_eq!(capability.to_string().parse(), Ok(*capability));
        assert!(capability.to_string().starts_with("CAP_"));
    }
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap();
    let last: u8 = last.trim().parse().unwrap();
    if let Some(newest) = Capability::ALL.last() {
        assert!(
            last <= newest.number(),
            "this kernel has capabilities that have no name here"
        );
    }
    assert_eq!("SyS_aDmIn".parse(), Ok(Capability::CAP_SYS_ADMIN));
    let error = "SYS_EVERYTHING".parse::<Capability>().unwrap_err();
    assert!(error.to_string().contains("man 7 capabilities"), "{error}");
    Ok(())
}

fn round_trip() -> Outcome {
    in_private_namespaces()?;
    // One below and one above the border between the two halves.
    let two: CapabilitySet = [Capability::CAP_CHOWN, Capability::CAP_BPF]
        .into_iter()
        .collect();
    let one = CapabilitySet::empty().with(Capability::CAP_BPF);
    let mine = Capabilities {
        effective: one,
        permitted: two,
        inheritable: one,
    };
    capset(&mine).unwrap();
    assert_eq!(own(), mine);
    assert_eq!(status_line("CapEff"), format!("{:016x}", one.bits()));
    assert_eq!(status_line("CapPrm"), format!("{:016x}", two.bits()));
    assert_eq!(status_line("CapInh"), format!("{:016x}", one.bits()));
    Ok(())
}

fn only_loses() -> Outcome {
    in_private_namespaces()?;
    let few = CapabilitySet::empty().with(Capability::CAP_CHOWN);
    let more = few.with(Capability::CAP_KILL);
    capset(&Capabilities {
        effective: few,
        permitted: few,
        ..Default::default()
    })
    .unwrap();
    let greedy = Capabilities {
        effective: few,
        permitted: more,
        ..Default::default()
    };
    fails(
        capset(&greedy),
        Errno::EPERM,
        "permitted: {CAP_CHOWN CAP_KILL}",
    );
    let greedy = Capabilities {
        effective: more,
        permitted: few,
        ..Default::default()
    };
    fails(capset(&greedy), Errno::EPERM, "capset only takes away");
    Ok(())
}

fn bounding() -> Outcome {
    in_private_namespaces()?;
    assert!(capbset_read(Capability::CAP_MKNOD).unwrap());
    capbset_drop(Capability::CAP_MKNOD).unwrap();
    assert!(!capbset_read(Capability::CAP_MKNOD).unwrap());
    let unknown = Capability::from_number(63).unwrap();
    fails(capbset_read(unknown), Errno::EINVAL, "cap_last_cap");
    capset(&Capabilities::default()).unwrap();
    fails(
        capbset_drop(Capability::CAP_CHOWN),
        Errno::EPERM,
        "needs CAP_SETPCAP",
    );
    Ok(())
}

fn ambient() -> Outcome {
    in_private_namespaces()?;
    let chown = Capability::CAP_CHOWN;
    fails(
        cap_ambient_raise(chown),
        Errno::EPERM,
        "both permitted and inheritable",
    );
    let mut mine = own();
    mine.inheritable = mine.inheritable.with(chown);
    capset(&mine).unwrap();
    cap_ambient_raise(chown).unwrap();
    assert!(cap_ambient_is_set(chown).unwrap());
    assert_eq!(status_line("CapAmb"), "0000000000000001");
    cap_ambient_lower(chown).unwrap();
    assert!(!cap_ambient_is_set(chown).unwrap());
    cap_ambient_raise(chown).unwrap();
    cap_ambient_clear_all().unwrap();
    assert_eq!(status_line("CapAmb"), "0000000000000000");
    Ok(())
}

fn promises() -> Outcome {
    assert_eq!(status_line("NoNewPrivs"), "0");
    set_no_new_privs().unwrap();
    assert_eq!(status_line("NoNewPrivs"), "1");
    set_keepcaps(true).unwrap();
    Ok(())
}
