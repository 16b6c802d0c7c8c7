//! `cargo test -p level20`: what the kernel must show, of this level and of all before it.

fn main() -> std::process::ExitCode {
    checks::main(env!("CARGO_PKG_NAME"), env!("CARGO_BIN_EXE_level20"))
}
