//! A page in a browser.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;

/// Shows a page in a browser: the one that the user has named, or the desktop's. `otherwise` is
/// what they can do where there is none.
pub(crate) fn open(page: &Path, otherwise: &str) -> Result<()> {
    let named = std::env::var_os("BROWSER").filter(|it| !it.is_empty());
    let browser = named.as_deref().unwrap_or(OsStr::new("xdg-open"));
    let mut command = Command::new(browser);
    command
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let advice = format!(
        "the page needs no server: open {} yourself; on a machine without a screen, {otherwise}",
        page.display()
    );
    let started = command.spawn();
    let mut process = started.map_err(|error| {
        let browser = browser.to_string_lossy();
        match named {
            Some(_) => format!("$BROWSER is {browser}, which does not start ({error}); {advice}"),
            None => format!("there is no {browser} to open a browser with ({error}); {advice}"),
        }
    })?;
    // A browser stays until it is closed, and is not waited for; xdg-open says what it has found.
    if named.is_none() && !process.wait()?.success() {
        return Err(format!("xdg-open has found no browser; {advice}").into());
    }
    Ok(())
}
