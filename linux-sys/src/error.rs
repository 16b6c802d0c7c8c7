//! What a failed call looks like: the call, its arguments, the errno, and what
//! that means *there*.

use std::borrow::Cow;
use std::ffi::{CString, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use crate::explain::{self, Case};

/// What every function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A system call that failed, and why.
///
/// `Display` is one paragraph that a learner can act on:
///
/// ```text
/// pivot_root("/x", "/x/old"): EINVAL (Invalid argument): <what it means there, what to do>; man 2 pivot_root
/// ```
///
/// The parts are there for a program to look at.
///
/// # Example
///
/// ```
/// use linux_sys::{Errno, chdir};
///
/// let error = chdir("/no such directory").unwrap_err();
/// assert_eq!(error.call(), "chdir");
/// assert_eq!(error.arguments(), r#""/no such directory""#);
/// assert_eq!(error.errno(), Errno::ENOENT);
/// assert!(error.to_string().starts_with(
///     r#"chdir("/no such directory"): ENOENT (No such file or directory): "#
/// ));
/// assert!(error.to_string().ends_with("; man 2 chdir"));
/// ```
#[derive(Clone, PartialEq, Eq)]
// Boxed, so that a `Result<()>` is one word, and a call that succeeds costs no more.
pub struct Error(Box<Failure>);

#[derive(Clone, PartialEq, Eq)]
struct Failure {
    call: &'static str,
    arguments: String,
    errno: Errno,
    explanation: Option<Cow<'static, str>>,
}

impl Error {
    /// The kernel said `errno`; the table knows what that means here.
    pub(crate) fn new(call: &'static str, case: Case, errno: Errno, shown: &[Shown]) -> Error {
        // A path with a NUL byte never reaches the kernel, which would take it
        // for the end of the path.
        let explanation = match shown.iter().position(|argument| argument.has_nul) {
            Some(index) if errno == Errno::EINVAL => Some(Cow::Owned(has_nul(index + 1))),
            _ => explain::explain(call, case, errno).map(Cow::Borrowed),
        };
        Error::with(call, errno, shown, explanation)
    }

    /// This crate refuses the call itself, and says why.
    pub(crate) fn refused(
        call: &'static str,
        errno: Errno,
        shown: &[Shown],
        why: impl Into<Cow<'static, str>>,
    ) -> Error {
        Error::with(call, errno, shown, Some(why.into()))
    }

    fn with(
        call: &'static str,
        errno: Errno,
        shown: &[Shown],
        explanation: Option<Cow<'static, str>>,
    ) -> Error {
        let texts: Vec<&str> = shown
            .iter()
            .map(|argument| argument.text.as_str())
            .collect();
        Error(Box::new(Failure {
            call,
            arguments: texts.join(", "),
            errno,
            explanation,
        }))
    }

    /// The name of the system call: `"mount"`.
    pub fn call(&self) -> &'static str {
        self.0.call
    }

    /// Its arguments as one would write them: `"proc", "/x/proc", "proc", 0, ""`.
    pub fn arguments(&self) -> &str {
        &self.0.arguments
    }

    /// The kernel's error number; also set where this crate itself refused.
    pub fn errno(&self) -> Errno {
        self.0.errno
    }

    /// What that errno means for that call, and what to do next, where it is known.
    pub fn explanation(&self) -> Option<&str> {
        self.0.explanation.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            call,
            arguments,
            errno,
            explanation,
        } = &*self.0;
        write!(f, "{call}({arguments}): {errno:?} ({})", errno.desc())?;
        if let Some(explanation) = explanation {
            write!(f, ": {explanation}")?;
        }
        match explain::man_page(call) {
            Some((section, page)) => write!(f, "; man {section} {page}"),
            None => Ok(()),
        }
    }
}

// `unwrap` and `main` print Debug: let a learner see the sentence there too.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl From<Error> for std::io::Error {
    /// Keeps the errno's [kind](std::io::ErrorKind) and the whole text.
    fn from(error: Error) -> std::io::Error {
        let kind = std::io::Error::from(error.errno()).kind();
        std::io::Error::new(kind, error)
    }
}

/// One argument, as it is shown in an [`Error`].
pub(crate) struct Shown {
    text: String,
    has_nul: bool,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A path, name or other string: quoted, and escaped where it is not plain text.
pub(crate) fn quoted(text: impl AsRef<OsStr>) -> Shown {
    let text = text.as_ref();
    Shown {
        text: format!("{text:?}"),
        has_nul: text.as_bytes().contains(&0),
    }
}

/// A list of strings: `["ls", "-l"]`.
pub(crate) fn list(texts: &[impl AsRef<OsStr>]) -> Shown {
    let texts: Vec<&OsStr> = texts.iter().map(AsRef::as_ref).collect();
    Shown {
        text: format!("{texts:?}"),
        has_nul: false,
    }
}

/// A number, a process id, or a name that needs no quotes.
pub(crate) fn plain(value: impl fmt::Display) -> Shown {
    Shown {
        text: value.to_string(),
        has_nul: false,
    }
}

/// Flags by their C names: `MS_REC|MS_PRIVATE`, or `0`; bits without a name as a number.
///
/// A macro, because nix's flag types have these methods but no trait of nix's in common.
macro_rules! flags {
    ($flags:expr) => {{
        let mut named = $flags.iter_names();
        let mut names: Vec<String> = named.by_ref().map(|(name, _)| name.to_owned()).collect();
        let nameless = named.remaining().bits();
        if nameless != 0 {
            names.push(format!("{nameless:#x}"));
        }
        $crate::error::joined(&names)
    }};
}
pub(crate) use flags;

/// What `flags!` found.
pub(crate) fn joined(names: &[String]) -> Shown {
    plain(if names.is_empty() {
        "0".to_owned()
    } else {
        names.join("|")
    })
}

/// A mode or umask, in octal as everyone writes it.
pub(crate) fn octal(mode: nix::sys::stat::Mode) -> Shown {
    plain(format_args!("0{:o}", mode.bits()))
}

/// What to say of an argument with a NUL byte in it; the first argument is number 1.
pub(crate) fn has_nul(number: usize) -> String {
    format!(
        "argument {number} contains a NUL byte; a C string ends at its first NUL, so the \
         kernel would see only what stands before it: remove the \\0"
    )
}

/// A C string for `call`'s argument `name`, or the error that says which one has a NUL in it.
pub(crate) fn c_string(
    call: &'static str,
    shown: &[Shown],
    name: impl fmt::Display,
    text: &OsStr,
) -> Result<CString> {
    CString::new(text.as_bytes()).map_err(|_| {
        Error::refused(
            call,
            Errno::EINVAL,
            shown,
            format!(
                "{name} contains a NUL byte; a C string ends at its first NUL, so the program \
                 would get only what stands before it: remove the \\0"
            ),
        )
    })
}
