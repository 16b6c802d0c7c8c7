//! One too many, one too few, none at all.

use crate::found::Found;
use syn::spanned::Spanned;
use syn::{Expr, Lit};

pub(crate) fn of_expression(expression: &Expr, found: &mut Found) {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => of_number(number, found),
            // A sentence is for people.
            Lit::Str(text) if !text.value().is_empty() && !text.value().trim().contains(' ') => {
                found.replace("empty-text", literal, "\"\"");
            }
            Lit::Bool(value) => {
                let other = if value.value { "false" } else { "true" };
                found.replace("other-value", literal, other);
            }
            _ => {}
        },
        Expr::Array(array) if array.elems.is_empty() => {}
        Expr::Reference(it) => {
            if let Expr::Array(array) = &*it.expr
                && !array.elems.is_empty()
            {
                found.replace("empty-list", &it.expr, "[]");
            }
        }
        _ => {}
    }
}

/// An octal number is a set of permissions: it loses one digit's, where it has some.
fn of_number(number: &syn::LitInt, found: &mut Found) {
    let text = found.text(number).to_owned();
    let Ok(value) = number.base10_parse::<u64>() else {
        return;
    };
    if let Some(digits) = text.strip_prefix("0o") {
        for (index, digit) in digits.char_indices() {
            if digit != '0' {
                let mut less = digits.to_owned();
                less.replace_range(index..=index, "0");
                found.replace("permission-less", number, &format!("0o{less}"));
            }
        }
        return;
    }
    found.replace("off-by-one", number, &format!("{}", value + 1));
    if value > 0 {
        found.replace("off-by-one", number, &format!("{}", value - 1));
    }
    if value > 1 {
        found.replace("nothing", number, "0");
    }
}

/// `const NAMES: [T; 3] = [a, b, c];`: each element is forgotten once.
pub(crate) fn of_const(item: &syn::ItemConst, found: &mut Found) {
    let (syn::Type::Array(kind), Expr::Array(array)) = (&*item.ty, &*item.expr) else {
        return;
    };
    let count = array.elems.len();
    for pair in array.elems.pairs() {
        found.edit(
            "element-forgotten",
            &[
                (kind.len.span().byte_range(), format!("{}", count - 1)),
                (pair.span().byte_range(), String::new()),
            ],
        );
    }
}
