//! One flag or one option too few, or a related one.

use crate::found::Found;
use syn::{BinOp, Expr, ExprLit, Lit};

/// What is easily taken for what. A flag that changes nothing is not among them.
const RELATED: [(&str, &[&str]); 11] = [
    (
        "MsFlags::MS_PRIVATE",
        &["MsFlags::MS_SLAVE", "MsFlags::MS_SHARED"],
    ),
    ("MsFlags::MS_REC", &["MsFlags::MS_BIND"]),
    ("MsFlags::MS_BIND", &["MsFlags::MS_MOVE"]),
    ("MntFlags::MNT_DETACH", &["MntFlags::MNT_FORCE"]),
    ("WaitOptions::empty()", &["linux_sys::WaitOptions::WNOHANG"]),
    (
        "Mode::empty()",
        &[
            "Mode::from_bits_truncate(0o022)",
            "Mode::from_bits_truncate(0o777)",
        ],
    ),
    ("CapabilitySet::empty()", &["keep"]),
    ("SFlag::S_IFCHR", &["linux_sys::SFlag::S_IFBLK"]),
    ("CloneFlags::CLONE_NEWCGROUP", &["CloneFlags::CLONE_NEWNS"]),
    ("CloneFlags::CLONE_NEWUTS", &["CloneFlags::CLONE_NEWIPC"]),
    ("SIGKILL", &["15"]),
];

pub(crate) fn of_expression(expression: &Expr, found: &mut Found) {
    let own = found.text(expression).to_owned();
    if let Some((_, others)) = RELATED.iter().find(|(it, _)| *it == own) {
        for other in *others {
            found.replace("related-flag", expression, other);
        }
    }
    match expression {
        Expr::Binary(it) if matches!(it.op, BinOp::BitOr(_)) => {
            // `A | B | C` is `(A | B) | C`: each loses its right side, the innermost
            // its left one as well.
            let (left, right) = (found.bytes(&it.left), found.bytes(&it.right));
            found.edit("drop-flag", &[(left.end..right.end, String::new())]);
            if !matches!(&*it.left, Expr::Binary(_)) {
                found.edit("drop-flag", &[(left.start..right.start, String::new())]);
            }
            // That is the same as an empty one in its place.
            found.exempt("no-flag", &it.left);
            found.exempt("no-flag", &it.right);
        }
        // MsFlags::MS_NODEV alone: none.
        Expr::Path(it) => {
            let segments: Vec<String> = it
                .path
                .segments
                .iter()
                .map(|it| it.ident.to_string())
                .collect();
            if let [kind, flag] = &segments[..]
                && kind.ends_with("Flags")
                && flag.contains('_')
            {
                found.replace("no-flag", expression, &format!("{kind}::empty()"));
            }
        }
        Expr::Lit(literal) => of_literal(literal, found),
        _ => {}
    }
}

/// `"mode=755,size=64k"`: one option less.
pub(crate) fn of_literal(literal: &ExprLit, found: &mut Found) {
    let Lit::Str(text) = &literal.lit else { return };
    let text = text.value();
    let options: Vec<&str> = text.split(',').collect();
    // A comma in a sentence is followed by a space.
    if options.len() < 2 || text.contains(' ') {
        return;
    }
    for dropped in 0..options.len() {
        let mut left = options.clone();
        let gone = left.remove(dropped);
        let whole = found.bytes(literal);
        let Some(at) = found.text(literal).find(gone) else {
            continue;
        };
        let start = whole.start + at;
        let bytes = match dropped {
            0 => start..start + gone.len() + 1,
            _ => start - 1..start + gone.len(),
        };
        found.edit("drop-option", &[(bytes, String::new())]);
    }
}
