//! A machine that lacks something, for one command.

use crate::call::Call;

/// In a mount namespace of the command's own, in which the shell's commands have been run.
pub(crate) fn in_a_world_where<'a>(commands: &str, call: Call<'a>) -> Call<'a> {
    let script = "eval \"$0\" && exec \"$@\"";
    call.behind(["unshare", "--mount", "--", "bash", "-c", script, commands])
}
