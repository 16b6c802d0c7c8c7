//! Dispositions, masks, waiting for signals, pidfds, death with the parent.

use std::io::Read;
use std::time::{Duration, Instant};

use linux_sys::{
    Disposition, Errno, How, Pid, SI_USER, SignalSet, WaitOptions, WaitStatus, exit, kill,
    pidfd_open, pidfd_send_signal, set_pdeathsig, signal, sigprocmask, sigtimedwait, waitpid,
};

use crate::{Outcome, Test, fails, start_child, status_line};

pub(crate) const TESTS: &[Test] = &[
    ("all_64_signals_can_be_blocked_and_ignored", all_signals),
    ("sigprocmask_returns_the_former_mask", masks),
    ("sigtimedwait_takes_one_signal_at_a_time", wait_for_signals),
    ("sigtimedwait_tells_of_a_child", wait_for_child),
    (
        "sigtimedwait_keeps_its_time_when_stopped_and_continued",
        stopped_wait,
    ),
    ("a_pidfd_reaches_its_process_and_nobody_else", pidfd),
    ("the_death_signal_comes_when_the_parent_dies", death_signal),
];

fn all_signals() -> Outcome {
    // All but SIGKILL (9) and SIGSTOP (19).
    let all_but_two = "fffffffffffbfeff";
    sigprocmask(How::SetMask, &SignalSet::all()).unwrap();
    assert_eq!(status_line("SigBlk"), all_but_two);
    sigprocmask(How::SetMask, &SignalSet::empty()).unwrap();
    assert_eq!(status_line("SigBlk"), "0000000000000000");

    for signum in 1..=64 {
        let result = signal(signum, Disposition::Ignore);
        match signum {
            9 | 19 => fails(result, Errno::EINVAL, "SIGKILL or SIGSTOP"),
            _ => result.unwrap(),
        }
    }
    assert_eq!(status_line("SigIgn"), all_but_two);
    (1..=64).for_each(|signum| drop(signal(signum, Disposition::Default)));
    assert_eq!(status_line("SigIgn"), "0000000000000000");
    fails(
        signal(65, Disposition::Ignore),
        Errno::EINVAL,
        "signal(65, SIG_IGN)",
    );
    Ok(())
}

fn masks() -> Outcome {
    let both = SignalSet::empty().with(10).with(64);
    let start = sigprocmask(How::SetMask, &both).unwrap();
    assert_eq!(
        sigprocmask(How::Unblock, &SignalSet::empty().with(10)).unwrap(),
        both
    );
    assert_eq!(
        sigprocmask(How::Block, &start).unwrap(),
        SignalSet::empty().with(64)
    );
    Ok(())
}

fn wait_for_signals() -> Outcome {
    let set = SignalSet::empty().with(10).with(40);
    sigprocmask(How::Block, &set).unwrap();
    assert_eq!(sigtimedwait(&set, Some(Duration::ZERO)).unwrap(), None);
    kill(Pid::this(), 40).unwrap();
    kill(Pid::this(), 10).unwrap();
    for expected in [10, 40] {
        let info = sigtimedwait(&set, None).unwrap().unwrap();
        assert_eq!(
            (info.signal, info.code, info.pid),
            (expected, SI_USER, Pid::this())
        );
        assert!(!info.sent_by_kernel());
    }
    let started = Instant::now();
    assert_eq!(
        sigtimedwait(&set, Some(Duration::from_millis(30))).unwrap(),
        None
    );
    assert!(started.elapsed() >= Duration::from_millis(30));
    Ok(())
}

fn wait_for_child() -> Outcome {
    let set = SignalSet::empty().with(17);
    sigprocmask(How::Block, &set).unwrap();
    let child = start_child(|| exit(6));
    let info = sigtimedwait(&set, None).unwrap().unwrap();
    assert_eq!((info.signal, info.pid, info.status), (17, child, 6));
    assert_eq!(
        waitpid(child, WaitOptions::empty()).unwrap(),
        WaitStatus::Exited(6)
    );
    Ok(())
}

fn stopped_wait() -> Outcome {
    let (mut answer, waiter_end) = std::io::pipe().unwrap();
    let set = SignalSet::empty().with(10);
    sigprocmask(How::Block, &set).unwrap();
    let waiter = start_child(|| {
        let signal = sigtimedwait(&set, Some(Duration::from_secs(20)))
            .unwrap()
            .unwrap()
            .signal;
        std::io::Write::write_all(&mut &waiter_end, &[signal as u8]).unwrap();
    });
    drop(waiter_end);
    for _ in 0..3 {
        kill(waiter, 19).unwrap();
        assert_eq!(
            waitpid(waiter, WaitOptions::WUNTRACED).unwrap(),
            WaitStatus::Stopped(19)
        );
        kill(waiter, 18).unwrap();
        assert_eq!(
            waitpid(waiter, WaitOptions::WCONTINUED).unwrap(),
            WaitStatus::Continued
        );
    }
    kill(waiter, 10).unwrap();
    let mut byte = [0];
    answer.read_exact(&mut byte).unwrap();
    assert_eq!(byte, [10]);
    Ok(())
}

fn pidfd() -> Outcome {
    let child = start_child(|| {
        loop {
            std::thread::park();
        }
    });
    let pidfd = pidfd_open(child).unwrap();
    pidfd_send_signal(&pidfd, 40).unwrap();
    let ended = WaitStatus::Signaled {
        signal: 40,
        core_dumped: false,
    };
    assert_eq!(waitpid(child, WaitOptions::empty()).unwrap(), ended);
    fails(pidfd_send_signal(&pidfd, 9), Errno::ESRCH, "has ended");
    fails(pidfd_open(child), Errno::ESRCH, "before its parent waits");
    fails(
        pidfd_open(Pid::from_raw(0)),
        Errno::EINVAL,
        "must be positive",
    );
    Ok(())
}

fn death_signal() -> Outcome {
    // Each end of the pipe in its own process: when the grandchild dies, we read the end.
    let (mut ours, theirs) = std::io::pipe().unwrap();
    let parent = start_child(|| {
        let (mut ready, tell) = std::io::pipe().unwrap();
        start_child(|| {
            set_pdeathsig(9).unwrap();
            std::io::Write::write_all(&mut &tell, b"!").unwrap();
            let _held = &theirs;
            loop {
                std::thread::park();
            }
        });
        ready.read_exact(&mut [0]).unwrap();
        exit(0)
    });
    drop(theirs);
    assert_eq!(
        waitpid(parent, WaitOptions::empty()).unwrap(),
        WaitStatus::Exited(0)
    );
    assert_eq!(ours.read(&mut [0]).unwrap(), 0);
    fails(
        set_pdeathsig(65),
        Errno::EINVAL,
        "prctl(PR_SET_PDEATHSIG, 65)",
    );
    fails(set_pdeathsig(-1), Errno::EINVAL, "no such signal");
    Ok(())
}
