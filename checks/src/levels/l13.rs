//! Level 13: system calls that there are not.

use linux_sys::{AUDIT_ARCH_NATIVE, CloneFlags, Errno, Pid};
use nix::libc;

use super::l08::expect_refusal;
use super::l10::hold_with;
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Diagnosis, Failure, Outcome};
use crate::host::Host;
use crate::system_call_filter::{Answer, Asked, Filters};
use crate::{process, procfs};

const FILTER: &str = "the kernel asks a filter about the command's system calls, whoever it is";
const ADMIN: [&str; 2] = ["--cap-add", "SYS_ADMIN"];

/// Where the evidence is that no file shows.
const DUMP: &str = "the filter of the command's process (ptrace(2), PTRACE_SECCOMP_GET_FILTER)";
const STATUS: &str = "the probe's exit status, which is the number of its call's error";

/// What it means that a command has died of SIGSEGV in a program that has a filter: who may make no
/// call may not end either, and then the C library runs into an instruction that is forbidden.
pub(super) fn diagnose(errors: &str) -> Option<Diagnosis> {
    let is_killed = errors.contains(" exited with status 139");
    is_killed.then_some(Diagnosis {
        step: (13, 1),
        usually: "the child died of SIGSEGV before it became the command. Does the filter refuse every \
                  call, exit as well? Of the comparison of the architecture, the first distance is for \
                  equal, the second for not equal",
    })
}

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 13,
    checks: &[
        Check {
            name: FILTER,
            step: 6,
            usually: "seccomp_set_mode_filter was not called, or not for all",
            needs: &[],
            run: has_filter,
        },
        Check {
            name: "with --security-opt seccomp=unconfined there is no filter",
            step: 6,
            usually: "the option was not asked: load the filter unless `options.security_opt` has \
                      SecurityOption::SeccompUnconfined",
            needs: &[],
            run: unconfined,
        },
        Check {
            name: "calls of another architecture's table fail with ENOSYS",
            step: 1,
            usually: "the architecture is not compared, or not with AUDIT_ARCH_NATIVE: all other \
                      rules are about the numbers of one table, and a program can call by another",
            needs: &[FILTER],
            run: architecture,
        },
        Check {
            name: "numbers that are newer than the list fail with ENOSYS, and x32's are among them",
            step: 2,
            usually: "the number is not compared with NEXT_CALL: with EPERM, the list's answer, a \
                      program that tries a new call does not try the old one",
            needs: &[FILTER],
            run: newer,
        },
        Check {
            name: "io_uring fails with ENOSYS, and so does clone3",
            step: 3,
            usually: "one of `call::IO_URING` or `call::CLONE3` has no rule of its own, or its \
                      answer is another one",
            needs: &[FILTER],
            run: blind,
        },
        Check {
            name: "the command's processes and threads are made as before",
            step: 4,
            usually: "the C library goes back from clone3 to clone only if the error is ENOSYS; and \
                      clone must be allowed if its first argument has no flag of a namespace",
            needs: &[FILTER],
            run: births,
        },
        Check {
            name: "clone makes no namespace",
            step: 4,
            usually: "a flag is missing in what BPF_JSET_K compares with, or a jump of the rule \
                      leaves out one instruction too many or too few",
            needs: &[FILTER],
            run: namespaces,
        },
        Check {
            name: "what is on the list works, and the rest fails with EPERM",
            step: 5,
            usually: "the last instructions are not those of `given::listed_calls(kept)`: a filter \
                      that ends with BPF_RET_K and SECCOMP_RET_ALLOW allows what it does not know. \
                      Or a jump of a rule before them is too short or too long, and ends elsewhere",
            needs: &[FILTER],
            run: list,
        },
        Check {
            name: "with CAP_SYS_ADMIN the calls that it is needed for are there",
            step: 4,
            usually: "the rules of clone3 and clone are for those who have not CAP_SYS_ADMIN, and \
                      the list is that of `kept`",
            needs: &[FILTER],
            run: administrator,
        },
        Check {
            name: "a --security-opt that there is not is refused, and nothing is left",
            step: 6,
            usually: "the option's parser knows the one that there is",
            needs: &[],
            run: no_such_option,
        },
        refusals::check(
            "a container that cannot load its filter does not run",
            6,
            refused_calls,
        ),
    ],
    calls: &[("seccomp(", "", 6), ("mount(", "EPERM", 6)],
};

/// How a container was started, for a sentence.
fn with(options: &[&str]) -> String {
    match options.is_empty() {
        true => String::new(),
        false => format!(", with {}", options.join(" ")),
    }
}

/// How many filters a process has; before Linux 5.9 the kernel tells only whether there is one.
fn count(pid: i32) -> Result<u32, Failure> {
    let key = match procfs::status(pid, "Seccomp_filters") {
        Ok(count) => return Ok(count.parse().unwrap_or(0)),
        Err(_) => procfs::status(pid, "Seccomp")?,
    };
    Ok(u32::from(key == "2"))
}

fn has_filter(host: &Host) -> Outcome {
    let cases: [&[&str]; 5] = [
        &[],
        &["--user", "2014:222"],
        &["--cap-drop", "ALL"],
        &["--cap-add", "ALL"],
        &["--user", "0:5", "--read-only"],
    ];
    let own = count(Pid::this().as_raw())?;
    for options in cases {
        let container = hold_with(host, options)?;
        let (mode, found) = (
            procfs::status(container.pid, "Seccomp")?,
            count(container.pid)?,
        );
        if mode != "2" || found <= own {
            let seen = format!("Seccomp: {mode}, Seccomp_filters: {found}{}", with(options));
            return Err(Failure::seen(seen)
                .expected(format!(
                    "Seccomp: 2, and more filters than the {own} of the level's caller"
                ))
                .at(container.proc("status").display().to_string())
                .into());
        }
        container.end()?;
    }
    Ok(())
}

fn unconfined(host: &Host) -> Outcome {
    let own = count(Pid::this().as_raw())?;
    let cases: [&[&str]; 2] = [
        &["--security-opt", "seccomp=unconfined"],
        &["--user", "2014", "--security-opt=seccomp=unconfined"],
    ];
    for options in cases {
        let container = hold_with(host, options)?;
        let found = count(container.pid)?;
        if found != own {
            return Err(
                Failure::seen(format!("Seccomp_filters: {found}{}", with(options)))
                    .expected(format!("{own}, as many as the level's caller has"))
                    .at(container.proc("status").display().to_string())
                    .into(),
            );
        }
        container.end()?;
    }
    Ok(())
}

/// What a filter must answer.
struct Expected<'a> {
    filters: &'a Filters,
    /// How its container was started.
    options: &'a [&'a str],
}

impl Expected<'_> {
    fn of(&self, what: &str, asked: Asked, wanted: Answer) -> Outcome {
        let found = self.filters.answer(asked);
        if found == wanted {
            return Ok(());
        }
        Err(
            Failure::seen(format!("{what} {found}{}", with(self.options)))
                .expected(format!("{what} {wanted}"))
                .at(DUMP)
                .into(),
        )
    }

    /// The same of a call of this machine's own table.
    fn call(&self, name: &str, number: i64, argument: u64, wanted: Answer) -> Outcome {
        let asked = Asked {
            arch: AUDIT_ARCH_NATIVE,
            number: number as u32,
            argument,
        };
        self.of(name, asked, wanted)
    }
}

/// What the probe's `verb` ends with, whose errors are its statuses.
fn expect_status(host: &Host, options: &[&str], verb: &[&str], wanted: Errno) -> Outcome {
    let command = [&["probe", "status"], verb].concat();
    let invocation = host.run(&command);
    let invocation = options
        .iter()
        .fold(invocation, |invocation, option| invocation.option(option));
    let ended = invocation.finish()?;
    if ended.code() == Some(wanted as i32) {
        return Ok(());
    }
    if ended.code() == Some(125) {
        return Err(ended.failed_to_start().into());
    }
    let name = |status: Option<i32>| match status {
        Some(0) => "it was done".to_owned(),
        Some(status) => format!("{:?}", Errno::from_raw(status)),
        None => "a signal".to_owned(),
    };
    let done = |wanted| match wanted {
        0 => "it is done".to_owned(),
        wanted => format!("{:?}", Errno::from_raw(wanted)),
    };
    Err(Failure::seen(format!(
        "`{}`: {}; {}",
        command.join(" "),
        name(ended.code()),
        ended.describe()
    ))
    .expected(done(wanted as i32))
    .at(STATUS)
    .into())
}

/// Whether the answers of the filter itself can be looked at beside what the probe was told.
fn filters(container: &Container) -> Result<Option<Filters>, Failure> {
    Ok(Filters::of(container.pid)?.ok())
}

const NO_CALL: Answer = Answer::Fail(Errno::ENOSYS);
const NOT_ALLOWED: Answer = Answer::Fail(Errno::EPERM);

/// Other tables, by the numbers of linux/audit.h: 32-bit programs of Intel's and ARM's, and the
/// 64-bit ones, of which one is this machine's own.
const ARCHITECTURES: [(u32, &str); 5] = [
    (0x4000_0003, "i386"),
    (0x4000_0028, "ARM"),
    (0xc000_003e, "x86-64"),
    (0xc000_00b7, "aarch64"),
    (0xc000_00f3, "riscv64"),
];

fn architecture(host: &Host) -> Outcome {
    for options in [&[][..], &ADMIN] {
        let container = hold_with(host, options)?;
        let filters = Filters::or_skip(container.pid)?;
        let expected = Expected {
            filters: &filters,
            options,
        };
        let others = ARCHITECTURES.into_iter();
        for (arch, name) in others.filter(|(arch, _)| *arch != AUDIT_ARCH_NATIVE) {
            for number in [0, 1, 20, 39, 56, 120, 220, 1000, 0x4000_0001] {
                let asked = Asked {
                    arch,
                    number,
                    argument: 0,
                };
                expected.of(&format!("call {number} of {name}"), asked, NO_CALL)?;
            }
        }
        // And this machine's own are not among them.
        expected.call("getpid of this machine", libc::SYS_getpid, 0, Answer::Allow)?;
        container.end()?;
    }
    // It is not only said: the processor takes `int 0x80` for such a call.
    if cfg!(target_arch = "x86_64") && has_table_of_32_bits(host)? {
        expect_status(host, &[], &["i386"], Errno::ENOSYS)?;
    }
    Ok(())
}

/// Whether this kernel has one beside its own: without, the call ends by SIGSEGV.
fn has_table_of_32_bits(host: &Host) -> Result<bool, Failure> {
    let command = ["probe", "status", "i386"];
    let unconfined = host
        .run(&command)
        .option("--security-opt=seccomp=unconfined");
    Ok(unconfined.finish()?.code() == Some(0))
}

/// The first number that given code's list has no opinion of, and some beyond it.
const BEYOND: [u32; 5] = [
    given::NEXT_CALL,
    given::NEXT_CALL + 1,
    1000,
    1_000_000,
    u32::MAX,
];

fn newer(host: &Host) -> Outcome {
    for options in [&[][..], &ADMIN] {
        expect_status(host, options, &["newer"], Errno::ENOSYS)?;
        let container = hold_with(host, options)?;
        if let Some(filters) = filters(&container)? {
            let expected = Expected {
                filters: &filters,
                options,
            };
            for number in BEYOND {
                let what = format!("call {number}");
                expected.call(&what, number.into(), 0, NO_CALL)?;
            }
            for number in [0, 1, 39, 59, 520] {
                let what = format!("call {number} of x32");
                expected.call(&what, number | 0x4000_0000, 0, NO_CALL)?;
            }
            // What is old is not among them.
            let last = Asked {
                arch: AUDIT_ARCH_NATIVE,
                number: given::NEXT_CALL - 1,
                argument: 0,
            };
            if filters.answer(last) == NO_CALL {
                let what = format!("call {}", last.number);
                expected.of(&what, last, NOT_ALLOWED)?;
            }
        }
        container.end()?;
    }
    if cfg!(target_arch = "x86_64") {
        expect_status(host, &[], &["x32"], Errno::ENOSYS)?;
    }
    Ok(())
}

const IO_URING: [(&str, i64); 3] = [
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
];

fn blind(host: &Host) -> Outcome {
    expect_status(host, &[], &["twin"], Errno::ENOSYS)?;
    for options in [&[][..], &ADMIN, &["--user", "2014"]] {
        expect_status(host, options, &["ring"], Errno::ENOSYS)?;
        let container = hold_with(host, options)?;
        if let Some(filters) = filters(&container)? {
            let expected = Expected {
                filters: &filters,
                options,
            };
            for (name, number) in IO_URING {
                expected.call(name, number, 0, NO_CALL)?;
            }
            if options != ADMIN {
                expected.call("clone3", libc::SYS_clone3, 0, NO_CALL)?;
            }
        }
        container.end()?;
    }
    Ok(())
}

fn births(host: &Host) -> Outcome {
    for options in [&[][..], &["--user", "2014"]] {
        let command = ["probe", "try", "start", "pause", "then", "try", "thread"];
        let command = [&command[..], &["then", "hold"]].concat();
        let invocation = host.run(&command);
        let invocation = options
            .iter()
            .fold(invocation, |invocation, option| invocation.option(option));
        let container = invocation.hold()?;
        let threads = procfs::status(container.pid, "Threads")?;
        let children = process::children(container.pid).len();
        if threads != "2" || children != 1 {
            let (options, said) = (with(options), container.errors());
            let seen = format!(
                "it has {threads} threads and {children} children{options}: {}",
                said.trim()
            );
            return Err(Failure::seen(seen)
                .expected("2 threads and 1 child, of a command that has asked for one of each")
                .at(container.proc("status").display().to_string())
                .into());
        }
        container.end()?;
        // And a program that everybody has.
        let command = ["sh", "-c", "(exit 3); echo $(exit 4) | (exit 5)"];
        let invocation = host.run(&command);
        let ended = options
            .iter()
            .fold(invocation, |invocation, option| invocation.option(option))
            .finish()?;
        if ended.code() != Some(5) {
            let failure = ended.wrong_status();
            return Err(failure
                .expected("a shell with children ends as they do")
                .into());
        }
    }
    Ok(())
}

/// The flags by which clone makes namespaces.
const NAMESPACES: [CloneFlags; 7] = [
    CloneFlags::CLONE_NEWUSER,
    CloneFlags::CLONE_NEWNS,
    CloneFlags::CLONE_NEWUTS,
    CloneFlags::CLONE_NEWPID,
    CloneFlags::CLONE_NEWIPC,
    CloneFlags::CLONE_NEWNET,
    CloneFlags::CLONE_NEWCGROUP,
];

/// What pthread_create(3) asks for, and fork(3).
const THREAD: u64 = 0x3d_0f00;
const FORK: u64 =
    libc::CLONE_CHILD_CLEARTID as u64 | libc::CLONE_CHILD_SETTID as u64 | libc::SIGCHLD as u64;

fn namespaces(host: &Host) -> Outcome {
    for options in [&[][..], &["--user", "2014"]] {
        expect_status(host, options, &["newborn"], Errno::EPERM)?;
        let container = hold_with(host, options)?;
        if let Some(filters) = filters(&container)? {
            let expected = Expected {
                filters: &filters,
                options,
            };
            for flag in NAMESPACES {
                let name = flag.iter_names().map(|it| it.0).collect::<String>();
                let bits: u64 = flag.bits().cast_unsigned().into();
                for beside in [0, FORK, THREAD, 0xdead_0000_0000_0000] {
                    let what = format!("clone({name} | {beside:#x})");
                    expected.call(&what, libc::SYS_clone, bits | beside, NOT_ALLOWED)?;
                }
            }
            for flags in [THREAD, FORK, libc::SIGCHLD as u64, 0x4111, 0x80_0000] {
                let what = format!("clone({flags:#x})");
                expected.call(&what, libc::SYS_clone, flags, Answer::Allow)?;
            }
        }
        container.end()?;
    }
    Ok(())
}

/// Calls that no command needs, and those that would look into what all share.
const REFUSED: [(&str, i64); 18] = [
    ("keyctl", libc::SYS_keyctl),
    ("add_key", libc::SYS_add_key),
    ("request_key", libc::SYS_request_key),
    ("unshare", libc::SYS_unshare),
    ("setns", libc::SYS_setns),
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("pivot_root", libc::SYS_pivot_root),
    ("open_tree", libc::SYS_open_tree),
    ("bpf", libc::SYS_bpf),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("kexec_load", libc::SYS_kexec_load),
    ("finit_module", libc::SYS_finit_module),
    ("reboot", libc::SYS_reboot),
    ("swapon", libc::SYS_swapon),
    ("settimeofday", libc::SYS_settimeofday),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
];

const ALLOWED: [(&str, i64); 14] = [
    ("read", libc::SYS_read),
    ("write", libc::SYS_write),
    ("openat", libc::SYS_openat),
    ("close", libc::SYS_close),
    ("execve", libc::SYS_execve),
    ("exit_group", libc::SYS_exit_group),
    ("wait4", libc::SYS_wait4),
    ("mmap", libc::SYS_mmap),
    ("futex", libc::SYS_futex),
    ("kill", libc::SYS_kill),
    ("setuid", libc::SYS_setuid),
    ("chroot", libc::SYS_chroot),
    ("prctl", libc::SYS_prctl),
    ("openat2", libc::SYS_openat2),
];

fn list(host: &Host) -> Outcome {
    for verb in [&["own-users"][..], &["key", "a-key"], &["forget-keys"]] {
        expect_status(host, &[], verb, Errno::EPERM)?;
    }
    // Calls that are on the list for those who have a capability, and what it makes of them.
    let chroot = libc::SYS_chroot;
    let module = libc::SYS_finit_module;
    let of_capabilities: [(&[&str], &str, i64, Answer); 4] = [
        (&["--cap-drop", "SYS_CHROOT"], "chroot", chroot, NOT_ALLOWED),
        (&["--cap-drop", "ALL"], "chroot", chroot, NOT_ALLOWED),
        (
            &["--cap-add", "SYS_MODULE"],
            "finit_module",
            module,
            Answer::Allow,
        ),
        (&["--cap-add", "ALL"], "finit_module", module, Answer::Allow),
    ];
    let container = hold_with(host, &[])?;
    let Some(usual) = filters(&container)? else {
        return Ok(());
    };
    let expected = Expected {
        filters: &usual,
        options: &[],
    };
    for (name, number) in REFUSED {
        expected.call(name, number, 0, NOT_ALLOWED)?;
    }
    for (name, number) in ALLOWED {
        expected.call(name, number, 0, Answer::Allow)?;
    }
    let socket = |family: i32| (libc::SYS_socket, family as u64);
    let (call, internet) = socket(libc::AF_INET);
    expected.call("socket(AF_INET)", call, internet, Answer::Allow)?;
    let (call, crypto) = socket(libc::AF_ALG);
    expected.call("socket(AF_ALG)", call, crypto, NOT_ALLOWED)?;
    container.end()?;
    for (options, name, number, wanted) in of_capabilities {
        let container = hold_with(host, options)?;
        if let Some(filters) = filters(&container)? {
            let expected = Expected {
                filters: &filters,
                options,
            };
            expected.call(name, number, 0, wanted)?;
        }
        container.end()?;
    }
    Ok(())
}

fn administrator(host: &Host) -> Outcome {
    for options in [&ADMIN[..], &["--cap-add", "ALL"]] {
        expect_status(host, options, &["twin"], Errno::from_raw(0))?;
        let command = ["probe", "try", "mount", "tmpfs", "/tmp", "then", "hold"];
        let invocation = host.run(&command);
        let container = options
            .iter()
            .fold(invocation, |invocation, option| invocation.option(option))
            .hold()?;
        let mounts = container.mounts()?;
        if procfs::mounted_at(&mounts, "/tmp").is_none() {
            let (options, said) = (with(options), container.errors());
            return Err(Failure::seen(format!(
                "it could not mount a tmpfs on /tmp{options}: {}",
                said.trim()
            ))
            .expected("mount is on the list of those who have CAP_SYS_ADMIN")
            .at(container.proc("mountinfo").display().to_string())
            .into());
        }
        if let Some(filters) = filters(&container)? {
            let expected = Expected {
                filters: &filters,
                options,
            };
            let user: u64 = CloneFlags::CLONE_NEWUSER.bits().cast_unsigned().into();
            for (name, number, argument) in [
                ("clone3", libc::SYS_clone3, 0),
                ("clone(CLONE_NEWUSER)", libc::SYS_clone, user),
                ("unshare", libc::SYS_unshare, user),
                ("setns", libc::SYS_setns, 0),
            ] {
                expected.call(name, number, argument, Answer::Allow)?;
            }
            expected.call("keyctl", libc::SYS_keyctl, 0, NOT_ALLOWED)?;
        }
        container.end()?;
    }
    Ok(())
}

fn no_such_option(host: &Host) -> Outcome {
    for value in ["seccomp", "seccomp=", "seccomp=confined", "unconfined", ""] {
        let invocation = host.run(&["probe", "exit", "0"]);
        let invocation = invocation.option("--security-opt").option(value);
        expect_refusal(host, invocation)?;
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 13, &[])
}
