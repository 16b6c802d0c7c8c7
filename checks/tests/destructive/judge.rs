//! `checks judge`, as a person would call it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use libtest_mimic::Failed;
use nix::unistd::geteuid;
use serde_json::Value;

/// The sentence that every abuser is judged by: any container has to keep it.
pub(crate) const SENTENCE: &str = "the command runs in a child process";

/// A call of `checks judge`.
pub(crate) struct Judge(Command);

impl Judge {
    /// Judges by one sentence alone.
    pub(crate) fn of(binary: &Path) -> Judge {
        let mut judge = Judge::of_level("00", binary);
        judge.0.args(["--only", SENTENCE]);
        judge
    }

    /// Judges by the checks of all levels.
    pub(crate) fn of_everything(binary: &Path) -> Judge {
        let last = syllabus::LAST;
        Judge::of_level(&last.to_string(), binary)
    }

    fn of_level(level: &str, binary: &Path) -> Judge {
        let mut command = Command::new(root().join(".cargo/as-root"));
        command
            .arg(env!("CARGO_BIN_EXE_checks"))
            .args(["judge", "--json", "--level", level, "--binary"])
            .arg(binary)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Judge(command)
    }

    /// Starts the judge, for a trial to kill.
    pub(crate) fn start(mut self) -> Result<Child, Failed> {
        self.0.stderr(Stdio::null());
        Ok(self.0.spawn()?)
    }

    /// Runs the judge, and returns the one report that it makes.
    pub(crate) fn report(self) -> Result<Value, Failed> {
        let reports = self.reports()?;
        match <[Value; 1]>::try_from(reports) {
            Ok([report]) => Ok(report),
            Err(reports) => Err(format!("expected is one report: {reports:#?}").into()),
        }
    }

    /// Runs the judge, and returns all reports.
    pub(crate) fn reports(mut self) -> Result<Vec<Value>, Failed> {
        let output = self.0.output()?;
        let lines = String::from_utf8_lossy(&output.stdout);
        let reports: Vec<Value> = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|report: &Value| report.get("verdict").is_some())
            .collect();
        let is_green = reports.iter().all(|report| report["verdict"] != "fail");
        if reports.is_empty() || output.status.success() != is_green {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}, with\n{lines}{errors}", output.status).into());
        }
        Ok(reports)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether `.cargo/as-root` will succeed without a question.
pub(crate) fn may_be_root() -> bool {
    let sudo = || Command::new("sudo").args(["-n", "true"]).output();
    geteuid().is_root() || sudo().is_ok_and(|output| output.status.success())
}

/// Sends SIGKILL to a process which may be root's.
pub(crate) fn kill(pid: i32) -> Result<(), Failed> {
    if geteuid().is_root() {
        // It may have ended by itself: then there is nothing to kill.
        let _ = linux_sys::kill(linux_sys::Pid::from_raw(pid), linux_sys::SIGKILL);
        return Ok(());
    }
    let pid = pid.to_string();
    Command::new("sudo")
        .args(["-n", "kill", "-KILL", &pid])
        .output()?;
    Ok(())
}

/// The finished runtime. Cargo gives a test the executables of its own package only.
pub(crate) fn build_rd() -> Result<PathBuf, Failed> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["build", "-q", "-p", "rd", "--bin", "rd"])
        .arg("--message-format=json")
        .output()?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| Some(message["executable"].as_str()?.into()))
        .ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned().into())
}
