//! A step is forgotten, made too early or too late, fails unnoticed, or is made once
//! where it should be made for each.

use crate::found::{Found, short};
use syn::visit::Visit;
use syn::{Expr, Stmt};

/// What a function that does nothing returns.
const NOTHING: [(&str, &[&str]); 4] = [
    ("Result<(), Error>", &["Ok(())"]),
    ("Result<u8, Error>", &["Ok(0)", "Ok(1)"]),
    ("Result<u64, Error>", &["Ok(0)", "Ok(1)"]),
    ("bool", &["true", "false"]),
];

/// The body never written, and two neighbours of it swapped.
pub(crate) fn of_function(item: &syn::ItemFn, found: &mut Found) {
    if let syn::ReturnType::Type(_, returned) = &item.sig.output {
        let returned = found.text(returned).to_owned();
        let nothing = NOTHING.iter().find(|(it, _)| *it == returned);
        for text in nothing.map_or(&[][..], |(_, texts)| texts) {
            let block = found.bytes(&item.block);
            let inner = block.start + 1..block.end - 1;
            let body = format!("\n    {text}\n");
            found.edit_called("empty-function", (*text).to_owned(), &[(inner, body)]);
        }
    }
}

pub(crate) fn of_statement(statement: &Stmt, found: &mut Found) {
    match statement {
        Stmt::Expr(expression, semicolon) => {
            // The value at the end of a block is no step, unless it is a loop or an `if`.
            let is_step = semicolon.is_some()
                || matches!(expression, Expr::ForLoop(_) | Expr::If(_) | Expr::While(_));
            if is_step {
                found.replace("drop-statement", statement, "");
            }
            if let (Expr::Try(tried), Some(_)) = (expression, semicolon) {
                let call = found.text(&tried.expr).to_owned();
                found.replace("ignore-error", statement, &format!("let _ = {call};"));
            }
        }
        Stmt::Local(local) => {
            // `let _ = step()?;`: no later statement needs the value.
            if matches!(&local.pat, syn::Pat::Wild(_)) {
                found.replace("drop-statement", statement, "");
            }
        }
        Stmt::Macro(_) => found.replace("drop-statement", statement, ""),
        Stmt::Item(_) => {}
    }
}

pub(crate) fn of_expression(expression: &Expr, found: &mut Found) {
    if let Expr::ForLoop(it) = expression {
        let all = found.text(&it.expr).to_owned();
        let one = format!("({all}).into_iter().take(1)");
        found.replace("only-the-first", &it.expr, &one);
        let others = format!("({all}).into_iter().skip(1)");
        found.replace("all-but-the-first", &it.expr, &others);
    }
}

/// Each step of a block with the next.
pub(crate) fn of_block(block: &syn::Block, found: &mut Found) {
    for pair in block.stmts.windows(2) {
        let [first, second] = pair else { continue };
        let [first_text, second_text] = [first, second].map(|it| found.text(it).to_owned());
        if !is_step(first, &first_text) || !is_step(second, &second_text) {
            continue;
        }
        // What the second needs cannot come after it.
        if let Stmt::Local(local) = first
            && names(&local.pat)
                .iter()
                .any(|name| mentions(&second_text, name))
        {
            continue;
        }
        let change = format!("{} <=> {}", short(&first_text), short(&second_text));
        let edits = [
            (found.bytes(first), second_text),
            (found.bytes(second), first_text),
        ];
        found.edit_called("swap-statements", change, &edits);
    }
}

/// Whether it matters when it is done: a value at the end must stay there, and one that
/// is computed without the kernel is the same at any time.
fn is_step(statement: &Stmt, text: &str) -> bool {
    match statement {
        Stmt::Expr(value, None) => is_loop_or_if(value),
        Stmt::Local(_) => text.contains('?'),
        _ => true,
    }
}

fn is_loop_or_if(value: &Expr) -> bool {
    matches!(value, Expr::ForLoop(_) | Expr::If(_) | Expr::While(_))
}

/// The names that a pattern binds.
fn names(pattern: &syn::Pat) -> Vec<String> {
    #[derive(Default)]
    struct Names(Vec<String>);
    impl Visit<'_> for Names {
        fn visit_pat_ident(&mut self, it: &syn::PatIdent) {
            self.0.push(it.ident.to_string());
        }
    }
    let mut names = Names::default();
    names.visit_pat(pattern);
    names.0
}

fn mentions(code: &str, name: &str) -> bool {
    let mut words = code.split(|char: char| !char.is_alphanumeric() && char != '_');
    words.any(|word| word == name)
}
