//! The other one of two, the parent for the child, or one call less.

use crate::found::{Found, short};
use syn::Expr;

/// Names of which one is easily written for the other.
const OTHERS: [(&str, &str); 9] = [
    ("child", "linux_sys::getpid()"),
    ("root", "root.parent().unwrap_or(root)"),
    ("&root", "\"/\""),
    ("&old_root", "root"),
    ("user.uid", "linux_sys::Uid::from_raw(user.gid.as_raw())"),
    ("user.gid", "linux_sys::Gid::from_raw(user.uid.as_raw())"),
    ("swap.alone", "swap.together"),
    ("swap.together", "swap.alone"),
    ("&options.id", "\"container\""),
];

/// Methods without which the type is often the same.
const OPTIONAL: [&str; 5] = ["and", "filter", "join", "or_else", "to_owned"];

pub(crate) fn of_expression(expression: &Expr, found: &mut Found) {
    let own = found.text(expression).to_owned();
    for (name, other) in OTHERS {
        if own == name {
            found.replace("other-one", expression, other);
        }
    }
    match expression {
        Expr::Call(call) => {
            // A function may have the name of a value.
            found.exempt("other-one", &call.func);
            // What is mounted has a name; for a file system that the kernel makes up it
            // may be any (mount(2)).
            if let (Expr::Path(name), Some(source)) = (&*call.func, call.args.first())
                && name.path.is_ident("mount")
            {
                found.exempt("empty-text", source);
            }
            let arguments: Vec<&Expr> = call.args.iter().collect();
            for pair in arguments.windows(2) {
                let texts = [pair[0], pair[1]].map(|it| found.text(it).to_owned());
                if texts[0] != texts[1] && may_be_swapped(pair[0], pair[1]) {
                    let change = format!("{} <=> {}", short(&texts[0]), short(&texts[1]));
                    let [first, second] = texts;
                    let edits = [
                        (found.bytes(pair[0]), second),
                        (found.bytes(pair[1]), first),
                    ];
                    found.edit_called("swap-arguments", change, &edits);
                }
            }
        }
        Expr::MethodCall(call) if OPTIONAL.iter().any(|it| call.method == it) => {
            let bytes = found.bytes(&call.receiver).end..found.bytes(call).end;
            found.edit("drop-call", &[(bytes, String::new())]);
        }
        _ => {}
    }
}

/// Whether they look as if they had the same type: the compiler refuses the others.
fn may_be_swapped(first: &Expr, second: &Expr) -> bool {
    let is_text = |it: &Expr| matches!(it, Expr::Lit(_));
    let may_be_text = |it: &Expr| is_text(it) || matches!(it, Expr::Try(_) | Expr::Call(_));
    match (first, second) {
        (one, other) if is_text(one) && is_text(other) => true,
        (one, other) if is_text(one) || is_text(other) => may_be_text(one) && may_be_text(other),
        (Expr::Binary(_), _) | (_, Expr::Binary(_)) => false,
        _ => true,
    }
}
