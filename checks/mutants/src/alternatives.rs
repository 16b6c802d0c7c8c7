//! Other versions of a source file, put into one file with it, as [`Combined`] has its
//! mutants: which one a program is decides the number in it.
//!
//! An author edited these versions by hand, so they may differ in more than a body: by a
//! helper function, an import, a constant. What is new stands inside each body that uses
//! it, where it hides what has the same name outside:
//!
//! ```text
//! fn enter(root: &Path) -> Result<(), Error> {
//!     match crate::mutant() {
//!         7 => { use linux_sys::umount2; umount2(root)?; Ok(()) },
//!         _ => { chroot(root)?; chdir("/")?; Ok(()) },
//!     }
//! }
//! ```
//!
//! A version that differs in more (a struct, an option, a signature) is a program by itself.

use crate::combined::Combined;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::{Block, ImplItem, Item, Signature, UseTree, Visibility};

/// The functions of a file, and everything else.
struct Parts {
    /// By the type they are of, if of any, and their name.
    functions: BTreeMap<String, Function>,
    /// The texts of functions and constants, by their names.
    named: BTreeMap<String, String>,
    /// Constants that other files may use.
    public: BTreeSet<String>,
    /// Full paths, `linux_sys::mount`, and the names that they have here.
    imports: BTreeMap<String, String>,
    /// All that is nothing of these, in order.
    rest: Vec<String>,
}

/// A function with a body.
struct Function {
    /// Without the body.
    head: String,
    body: Range<usize>,
    words: BTreeSet<String>,
    tokens: String,
}

/// What another version has in the place of some bodies, by the functions' keys.
type Bodies = BTreeMap<String, String>;

impl Combined {
    /// The file `source` with all its `versions`, each with its number, and the numbers of
    /// those that are too different; 0 is `source` itself.
    ///
    /// # Errors
    ///
    /// If it, or a version, is no Rust.
    pub fn of_versions(
        source: &str,
        versions: &[(usize, &str)],
    ) -> syn::Result<(Combined, BTreeSet<usize>)> {
        let own = Parts::of(source)?;
        let mut too_different = BTreeSet::new();
        let mut bodies: BTreeMap<&String, Vec<(usize, String)>> = BTreeMap::new();
        for (number, version) in versions {
            match own.bodies_of(source, &Parts::of(version)?, version) {
                Some(found) => {
                    for key in own.functions.keys() {
                        if let Some(body) = found.get(key) {
                            let all = bodies.entry(key).or_default();
                            all.push((*number, body.clone()));
                        }
                    }
                }
                None => drop(too_different.insert(*number)),
            }
        }
        let mut combined = Combined::default();
        let mut functions: Vec<(&String, &Function)> = own.functions.iter().collect();
        functions.sort_by_key(|(_, function)| function.body.start);
        let mut written = 0;
        for (key, function) in functions {
            if let Some(bodies) = bodies.remove(key) {
                combined
                    .text
                    .push_str(&source[written..function.body.start]);
                combined.choose(&source[function.body.clone()], bodies);
                written = function.body.end;
            }
        }
        combined.text.push_str(&source[written..]);
        Ok((combined, too_different))
    }
}

impl Parts {
    fn of(source: &str) -> syn::Result<Parts> {
        let file = syn::parse_file(source)?;
        let mut parts = Parts {
            functions: BTreeMap::new(),
            named: BTreeMap::new(),
            public: BTreeSet::new(),
            imports: BTreeMap::new(),
            rest: Vec::new(),
        };
        for item in &file.items {
            let text = || source[item.span().byte_range()].to_owned();
            match item {
                Item::Fn(function) => {
                    let key = function.sig.ident.to_string();
                    parts.named.insert(key.clone(), text());
                    parts.function(key, &function.vis, &function.sig, &function.block);
                }
                Item::Impl(block) => {
                    let of = block.self_ty.to_token_stream().to_string();
                    let of_trait = block.trait_.as_ref().map(|(_, path, _)| path);
                    let of_trait = of_trait.to_token_stream().to_string();
                    parts.rest.push(format!("impl {of_trait} for {of}"));
                    for item in &block.items {
                        match item {
                            ImplItem::Fn(method) => {
                                let key = format!("{of_trait} {of} {}", method.sig.ident);
                                parts.function(key, &method.vis, &method.sig, &method.block);
                            }
                            other => parts.rest.push(tokens(other)),
                        }
                    }
                }
                Item::Use(import) => leaves(&import.tree, "", &mut parts.imports),
                Item::Const(constant) => {
                    let name = constant.ident.to_string();
                    if !matches!(constant.vis, Visibility::Inherited) {
                        parts.public.insert(name.clone());
                    }
                    parts.named.insert(name, text());
                }
                other => parts.rest.push(tokens(other)),
            }
        }
        Ok(parts)
    }

    fn function(&mut self, key: String, vis: &Visibility, head: &Signature, body: &Block) {
        let mut found = BTreeSet::new();
        words(body.to_token_stream(), &mut found);
        let function = Function {
            head: format!("{} {}", tokens(vis), tokens(head)),
            body: body.span().byte_range(),
            words: found,
            tokens: tokens(body),
        };
        self.functions.insert(key, function);
    }

    /// The bodies that make this the `other` version; none if they cannot.
    fn bodies_of(&self, source: &str, other: &Parts, text: &str) -> Option<Bodies> {
        if self.rest != other.rest {
            return None;
        }
        // What the bodies must bring with them, and the words by which it is used.
        let mut brought = String::new();
        let mut used_by = BTreeSet::new();
        for (path, name) in &other.imports {
            if self.imports.get(path) != Some(name) {
                if name == "*" {
                    return None;
                }
                brought.push_str(&format!("use {path};\n"));
                used_by.insert(name.clone());
            }
        }
        for (name, item) in &other.named {
            match (self.functions.get(name), other.functions.get(name)) {
                (Some(own), Some(its)) => {
                    // Its callers call it as they did.
                    if own.head != its.head {
                        return None;
                    }
                }
                _ if self.named.get(name) == Some(item) => {}
                _ => {
                    brought.push_str(item);
                    brought.push('\n');
                    used_by.insert(name.clone());
                }
            }
        }
        let mut bodies = Bodies::new();
        for (key, own) in &self.functions {
            // A function that it has no more, nothing of it calls.
            let Some(its) = other.functions.get(key) else {
                continue;
            };
            if own.head != its.head {
                return None;
            }
            let is_same = own.tokens == its.tokens;
            if is_same && its.words.is_disjoint(&used_by) {
                continue;
            }
            let body = match is_same {
                true => &source[own.body.clone()],
                false => &text[its.body.clone()],
            };
            bodies.insert(key.clone(), format!("{{\n{brought}{body}\n}}"));
        }
        // A method that is new has no place to be brought to.
        let is_method = |key: &&String| key.contains(' ');
        let mut methods = other.functions.keys().filter(is_method);
        if !methods.all(|key| self.functions.contains_key(key)) {
            return None;
        }
        // Other files would see the old ones.
        (self.public.is_disjoint(&used_by)).then_some(bodies)
    }
}

/// Each path of an import, and the name by which it is used.
fn leaves(tree: &UseTree, above: &str, found: &mut BTreeMap<String, String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &format!("{above}{}::", path.ident), found),
        UseTree::Group(group) => (group.items.iter()).for_each(|it| leaves(it, above, found)),
        UseTree::Name(name) if name.ident == "self" => {
            let path = above.trim_end_matches("::");
            let name = path.rsplit("::").next().unwrap_or(path);
            found.insert(path.to_owned(), name.to_owned());
        }
        UseTree::Name(name) => {
            drop(found.insert(format!("{above}{}", name.ident), name.ident.to_string()));
        }
        UseTree::Rename(rename) => {
            let (from, to) = (&rename.ident, &rename.rename);
            found.insert(format!("{above}{from} as {to}"), to.to_string());
        }
        // Which names these are the compiler knows.
        UseTree::Glob(_) => drop(found.insert(format!("{above}*"), "*".to_owned())),
    }
}

/// The tokens, without the comments, which are of no account.
fn tokens(of: &impl ToTokens) -> String {
    without_docs(of.to_token_stream()).to_string()
}

fn without_docs(stream: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for tree in stream {
        match tree {
            TokenTree::Group(group) if is_doc(&group.stream()) => drop(kept.pop()),
            TokenTree::Group(group) => {
                let inner = without_docs(group.stream());
                kept.push(proc_macro2::Group::new(group.delimiter(), inner).into());
            }
            other => kept.push(other),
        }
    }
    kept.into_iter().collect()
}

/// Whether an attribute is a comment that stands above something: `doc = "..."`.
fn is_doc(attribute: &TokenStream) -> bool {
    let mut trees = attribute.clone().into_iter();
    matches!(trees.next(), Some(TokenTree::Ident(name)) if name == "doc")
        && matches!(trees.next(), Some(TokenTree::Punct(sign)) if sign.as_char() == '=')
}

/// All names in there.
fn words(stream: TokenStream, found: &mut BTreeSet<String>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(word) => drop(found.insert(word.to_string())),
            TokenTree::Group(group) => words(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
