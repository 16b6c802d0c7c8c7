//! The way through a source file: every operator sees every place of the learner's.

use crate::found::Found;
use crate::mutant::Mutant;
use crate::{arguments, conditions, flags, statements, values};
use std::collections::{BTreeMap, BTreeSet};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

/// All mutants of a source file. They change nothing but the `learners` lines, counted
/// from 1.
///
/// # Errors
///
/// If it is no Rust.
pub fn mutants(source: &str, learners: &BTreeSet<usize>) -> syn::Result<Vec<Mutant>> {
    let file = syn::parse_file(source)?;
    let mut found = Found::of(source, learners);
    found.visit_file(&file);
    Ok(numbered(found.mutants))
}

/// Numbers the mutants that would have the same name. Where two operators make the same change
/// in the same place, it keeps one.
fn numbered(mutants: Vec<Mutant>) -> Vec<Mutant> {
    let mut kept: Vec<Mutant> = Vec::new();
    for mutant in mutants {
        if !kept.iter().any(|it| it.edits == mutant.edits) {
            kept.push(mutant);
        }
    }
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for mutant in &mut kept {
        let count = seen.entry(mutant.name()).or_default();
        *count += 1;
        if *count > 1 {
            mutant.change.push_str(&format!(" (number {count})"));
        }
    }
    kept
}

impl<'ast> Visit<'ast> for Found<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.within(&item.sig.ident, |found| {
            statements::of_function(item, found);
            found.visit_block(&item.block);
        });
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.within(&item.ident, |found| {
            values::of_const(item, found);
            found.visit_expr(&item.expr);
        });
    }

    fn visit_item_struct(&mut self, _: &'ast syn::ItemStruct) {}

    fn visit_block(&mut self, block: &'ast syn::Block) {
        statements::of_block(block, self);
        visit::visit_block(self, block);
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        statements::of_statement(statement, self);
        visit::visit_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'ast syn::Expr) {
        statements::of_expression(expression, self);
        flags::of_expression(expression, self);
        conditions::of_expression(expression, self);
        values::of_expression(expression, self);
        arguments::of_expression(expression, self);
        visit::visit_expr(self, expression);
    }

    /// The arguments of `format!` are expressions, although the parser does not know.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        type Arguments = Punctuated<syn::Expr, syn::Token![,]>;
        if let Ok(arguments) = call.parse_body_with(Arguments::parse_terminated) {
            // The first is the text, in which the others have their places.
            for argument in arguments.iter().skip(1) {
                self.visit_expr(argument);
            }
            if let Some(syn::Expr::Lit(literal)) = arguments.first() {
                flags::of_literal(literal, self);
            }
        }
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}
