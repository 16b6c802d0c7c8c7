//! What a call is for, in a few words, and which process it has made.

use linux_sys::purpose_traced;

use super::line::Call;

/// What a call is for. `None`: it is none of those that a story is made of.
pub(super) fn meaning(call: &Call) -> Option<String> {
    let purpose = purpose_traced(&call.name, &call.arguments)?;
    let is_birth = matches!(call.name.as_str(), "clone" | "clone3" | "fork" | "vfork");
    Some(match (&call.result, purpose.strip_prefix("a child")) {
        (Ok(child), Some(rest)) if is_birth => format!("the child is process {child}{rest}"),
        _ => purpose,
    })
}
