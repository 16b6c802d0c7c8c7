//! A level that becomes itself once more, out of memory, as runc does against those who would
//! write into its program: it is still the level, and has its lines.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::place::{Place, text};

/// It stands below `levels/`, as far as its lines tell.
const SOURCE: &str = r#"
use std::ffi::{CString, c_char, c_int, c_uint};
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd};

unsafe extern "C" {
    fn memfd_create(name: *const c_char, flags: c_uint) -> c_int;
    fn fexecve(fd: c_int, argv: *const *const c_char, envp: *const *const c_char) -> c_int;
}

fn main() {
    match std::env::args().count() {
        1 => again(),
        _ => std::env::set_current_dir("/tmp").unwrap(),
    }
}

fn again() {
    let name = CString::new("a level").unwrap();
    let mut memory = unsafe { std::fs::File::from_raw_fd(memfd_create(name.as_ptr(), 1)) };
    memory.write_all(&std::fs::read("/proc/self/exe").unwrap()).unwrap();
    let words = [name.as_ptr(), name.as_ptr(), std::ptr::null()];
    unsafe { fexecve(memory.as_raw_fd(), words.as_ptr(), [std::ptr::null()].as_ptr()) };
}
"#;

pub(crate) fn has_its_lines() {
    let place = Place::new();
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("levels/99_again/src/main.rs");
    fs::create_dir_all(source.parent().unwrap()).unwrap();
    fs::write(&source, SOURCE).unwrap();
    let program = directory.path().join("again");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc.args(["--edition", "2024", "-g", "-o"]).arg(&program);
    let built = rustc.arg(&source).output().unwrap();
    assert!(built.status.success(), "{}", text(&built));

    let output = place.record(&[program.to_str().unwrap()]);
    let record = place.read();
    assert_eq!(record["end"], json!({"status": 0}), "{}", text(&output));
    let steps = record["steps"].as_array().unwrap();
    let calls: Vec<&Value> = steps.iter().map(|it| &it["call"]).collect();
    assert_eq!(
        calls,
        ["execve", "memfd_create", "execveat", "chdir", "exit"]
    );
    for (at, function, words) in [
        (2, "again", "fexecve(memory"),
        (3, "main", "set_current_dir"),
    ] {
        let number = SOURCE.lines().position(|it| it.contains(words)).unwrap() + 1;
        let expected = json!({
            "file": "levels/99_again/src/main.rs",
            "line": number,
            "function": function,
        });
        assert_eq!(steps[at]["lines"][0], expected);
    }
    place.nothing_is_left(&place.word());
}
