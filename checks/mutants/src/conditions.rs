//! The other way round.

use crate::found::Found;
use syn::{BinOp, Expr};

pub(crate) fn of_expression(expression: &Expr, found: &mut Found) {
    match expression {
        Expr::If(it) => negated(&it.cond, found),
        Expr::While(it) => negated(&it.cond, found),
        Expr::Binary(it) => {
            let others: &[&str] = match it.op {
                BinOp::And(_) => &["||"],
                BinOp::Or(_) => &["&&"],
                BinOp::Eq(_) => &["!="],
                BinOp::Ne(_) => &["=="],
                BinOp::Gt(_) => &[">=", "<="],
                BinOp::Ge(_) => &[">", "<"],
                BinOp::Lt(_) => &["<=", ">="],
                BinOp::Le(_) => &["<", ">"],
                BinOp::Add(_) => &["-"],
                BinOp::Sub(_) => &["+"],
                _ => &[],
            };
            let bytes = found.bytes(&it.left).end..found.bytes(&it.right).start;
            for other in others {
                found.edit("other-operator", &[(bytes.clone(), format!(" {other} "))]);
            }
        }
        Expr::Unary(it) if matches!(it.op, syn::UnOp::Not(_)) => {
            let inner = found.text(&it.expr).to_owned();
            found.replace("negation-forgotten", expression, &inner);
        }
        _ => {}
    }
}

/// `if let` has no opposite.
fn negated(condition: &Expr, found: &mut Found) {
    if !matches!(condition, Expr::Let(_)) {
        let text = format!("!({})", found.text(condition));
        found.replace("negated-condition", condition, &text);
    }
}
