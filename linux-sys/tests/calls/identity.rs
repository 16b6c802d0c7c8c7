//! Users and groups; sessions and terminals.

use linux_sys::{Errno, Gid, Uid, setgid, setgroups, setresgid, setresuid, setuid, tcgetpgrp};

use crate::{Outcome, Test, fails, in_private_namespaces, needs_root, status_line};

pub(crate) const TESTS: &[Test] = &[
    ("groups_then_group_then_user", give_up_root),
    ("the_three_users_can_differ", three_users),
    (
        "a_user_namespace_limits_who_one_can_become",
        in_user_namespace,
    ),
    ("a_pipe_is_no_terminal", no_terminal),
];

fn give_up_root() -> Outcome {
    needs_root()?;
    setgroups(&[Gid::from_raw(222), Gid::from_raw(333)]).unwrap();
    setgid(Gid::from_raw(222)).unwrap();
    setuid(Uid::from_raw(2014)).unwrap();
    assert_eq!(status_line("Uid"), "2014\t2014\t2014\t2014");
    assert_eq!(status_line("Gid"), "222\t222\t222\t222");
    assert_eq!(status_line("Groups"), "222 333");
    // And there is no way back.
    fails(setuid(Uid::from_raw(0)), Errno::EPERM, "setuid(0)");
    fails(setgid(Gid::from_raw(0)), Errno::EPERM, "before setuid");
    fails(
        setgroups(&[Gid::from_raw(0)]),
        Errno::EPERM,
        "setgroups([0])",
    );
    Ok(())
}

fn three_users() -> Outcome {
    needs_root()?;
    setresgid(Gid::from_raw(1), Gid::from_raw(2), Gid::from_raw(3)).unwrap();
    setresuid(Uid::from_raw(4), Uid::from_raw(5), Uid::from_raw(6)).unwrap();
    assert!(status_line("Gid").starts_with("1\t2\t3"));
    assert!(status_line("Uid").starts_with("4\t5\t6"));
    fails(
        setresuid(Uid::from_raw(7), Uid::from_raw(7), Uid::from_raw(7)),
        Errno::EPERM,
        "setresuid(7, 7, 7)",
    );
    Ok(())
}

fn in_user_namespace() -> Outcome {
    in_private_namespaces()?;
    fails(setuid(Uid::from_raw(2014)), Errno::EINVAL, "uid_map");
    fails(setgid(Gid::from_raw(222)), Errno::EINVAL, "gid_map");
    fails(setgroups(&[]), Errno::EPERM, "must not say deny");
    Ok(())
}

fn no_terminal() -> Outcome {
    let (read, _write) = std::io::pipe().unwrap();
    fails(
        tcgetpgrp(&read),
        Errno::ENOTTY,
        "not this process's controlling terminal",
    );
    Ok(())
}
