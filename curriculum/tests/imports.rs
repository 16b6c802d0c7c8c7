//! What uses what: no file of a crate uses one that uses it in turn, by however many
//! others, and no crate uses one that stands above it.
//!
//! Two files that use each other are read as one, and changed as one. What looks like a
//! need for it is usually something that both want, and that belongs into a file below.
//!
//! Looked at are the paths that stand in the source, in `use` lines and elsewhere, by the
//! names that files have in the tree of modules. What a `mod` or `pub use` hands on counts
//! as use of the file that has it. What a file's own tests use does not count, and neither
//! does the runner of a suite, whose `main.rs` has what its trials share. A level is left out,
//! too: its `main.rs` has the options which `container.rs` is about, by design.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use curriculum::{levels, map};
use proc_macro2::{TokenStream, TokenTree};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// What each crate below `levels/` counts as.
const LEVELS: &str = "levels";

/// Each crate may use those of the lines before its own; those of one line know nothing
/// of each other.
const LAYERS: [&[&str]; 8] = [
    &["syllabus", "linux-sys", "mutants"],
    &["images"],
    &["given"],
    &["sandbox", "registry", "bench"],
    &["checks", "system-tests"],
    &[LEVELS],
    &["curriculum"],
    &["workshop", "xray", "board"],
];

/// A file's place in the tree of modules: `["levels", "l04"]`, nothing for the root.
type Module = Vec<String>;

/// A path as it stands somewhere: `["crate", "host", "Host"]`.
type Words = Vec<String>;

#[derive(Debug, Default)]
struct Source {
    file: PathBuf,
    /// Its modules, some with a path: `#[path = "../other.rs"]`.
    children: BTreeMap<String, Option<String>>,
    /// What `use` lines bring in, each with the name that it has here.
    imports: Vec<(String, Words)>,
    paths: Vec<Words>,
}

#[derive(Debug, Default)]
struct Crate {
    sources: BTreeMap<Module, Source>,
}

impl Crate {
    fn read(root: &Path) -> Crate {
        let mut found = Crate::default();
        found.walk(Module::new(), root, root.parent().unwrap());
        found
    }

    /// `below` is where the files of its modules are.
    fn walk(&mut self, module: Module, file: &Path, below: &Path) {
        let text = fs::read_to_string(file).unwrap();
        let syntax =
            syn::parse_file(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let mut reader = Reader::default();
        reader.visit_file(&syntax);
        let mut source = reader.source;
        source.file = file.to_owned();
        for (name, path) in source.children.clone() {
            let inner = below.join(&name);
            let files = match path {
                Some(path) => vec![file.parent().unwrap().join(path)],
                None => vec![inner.with_extension("rs"), inner.join("mod.rs")],
            };
            let Some(file) = files.iter().find(|it| it.is_file()) else {
                panic!("{}: no file for mod {name}", source.file.display());
            };
            self.walk([&module[..], &[name]].concat(), file, &inner);
        }
        self.sources.insert(module, source);
    }

    /// The modules whose files are used by this one's.
    fn used_by(&self, module: &Module) -> BTreeSet<Module> {
        let source = &self.sources[module];
        let imports = source.imports.iter().map(|(_, path)| path);
        let all = imports.chain(&source.paths);
        let mut used: BTreeSet<Module> =
            all.filter_map(|path| self.find(module, path, 0)).collect();
        used.remove(module);
        used
    }

    /// The module that has what `path` names in `module`; none if it is of another crate.
    fn find(&self, module: &Module, path: &[String], depth: usize) -> Option<Module> {
        const DEEPEST: usize = 8;
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Module::new(),
            "self" => module.clone(),
            "super" => {
                let mut at = module[..module.len().checked_sub(1)?].to_vec();
                while let Some((next, after)) = rest.split_first()
                    && next == "super"
                {
                    at.pop()?;
                    rest = after;
                }
                at
            }
            name if self.sources[module].children.contains_key(name) => {
                rest = path;
                module.clone()
            }
            _ => return None,
        };
        while let Some((name, after)) = rest.split_first()
            && self.sources[&at].children.contains_key(name)
        {
            at.push(name.clone());
            rest = after;
        }
        // Handed on: what counts is where it comes from.
        let Some((name, after)) = rest.split_first() else {
            return Some(at);
        };
        let mut imports = self.sources[&at].imports.iter();
        match imports.find(|(here, _)| here == name) {
            Some((_, from)) if at != *module && depth < DEEPEST => {
                self.find(&at, &[from, after].concat(), depth + 1)
            }
            _ => Some(at),
        }
    }

    /// One circle of files, if there is any.
    fn circle(&self) -> Option<Vec<String>> {
        let mut left: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
        left.extend(self.sources.keys().map(|it| (it, self.used_by(it))));
        // A file that uses none of those left is in no circle.
        loop {
            let names: BTreeSet<Module> = left.keys().map(|it| (*it).clone()).collect();
            let count = left.len();
            left.retain(|_, used| !used.is_disjoint(&names));
            if left.len() == count {
                break;
            }
        }
        let mut way = vec![*left.keys().next()?];
        loop {
            let used = &left[way.last()?];
            let next = *left.keys().find(|it| used.contains(**it))?;
            if let Some(begin) = way.iter().position(|it| *it == next) {
                let files = way[begin..].iter().chain([&next]);
                let shown = files.map(|it| self.sources[*it].file.display().to_string());
                return Some(shown.collect());
            }
            way.push(next);
        }
    }
}

/// Reads one file. Modules inside of it are a part of it.
#[derive(Default)]
struct Reader {
    source: Source,
    /// How many modules deep inside of the file.
    depth: usize,
}

impl Reader {
    fn note(&mut self, path: &[String]) {
        if let Some(path) = self.of_the_file(path) {
            self.source.paths.push(path);
        }
    }

    /// A path as it would stand outside of the modules in this file; none if it does not
    /// lead out of them.
    fn of_the_file(&self, path: &[String]) -> Option<Words> {
        let ups = path.iter().take_while(|it| *it == "super").count();
        let is_inside = self.depth > 0 && path.first().is_none_or(|it| it != "crate");
        match is_inside {
            true if ups <= self.depth => None,
            true => Some(path[self.depth..].to_vec()),
            false => Some(path.to_vec()),
        }
    }

    fn import(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let (here, path) = match tree {
            syn::UseTree::Path(it) => return self.import(&with(&it.ident), &it.tree),
            syn::UseTree::Group(it) => {
                return it.items.iter().for_each(|tree| self.import(before, tree));
            }
            syn::UseTree::Glob(_) => ("*".to_owned(), before.to_vec()),
            syn::UseTree::Name(it) if it.ident == "self" => {
                (before.last().cloned().unwrap_or_default(), before.to_vec())
            }
            syn::UseTree::Name(it) => (it.ident.to_string(), with(&it.ident)),
            syn::UseTree::Rename(it) => (it.rename.to_string(), with(&it.ident)),
        };
        if let Some(path) = self.of_the_file(&path) {
            self.source.imports.push((here, path));
        }
    }

    /// What stands in the arguments of a macro or an attribute is a path, too.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Words::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(it) if it.as_char() == ':' && !path.is_empty() => colons += 1,
                TokenTree::Ident(it) if colons == 2 => {
                    path.push(it.to_string());
                    colons = 0;
                }
                other => {
                    self.note(&std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Ident(it) => path.push(it.to_string()),
                        TokenTree::Group(it) => self.tokens(it.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.note(&path);
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|it| {
        let words = it.meta.require_list().map(|it| it.tokens.to_string());
        it.path().is_ident("cfg") && words.is_ok_and(|it| it == "test")
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if is_for_tests(&module.attrs) {
            return;
        }
        if module.content.is_none() {
            let mut values = module.attrs.iter().filter_map(|it| match &it.meta {
                syn::Meta::NameValue(it) if it.path.is_ident("path") => Some(&it.value),
                _ => None,
            });
            let path = values.find_map(|it| match it {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(path),
                    ..
                }) => Some(path.value()),
                _ => None,
            });
            let name = module.ident.to_string();
            self.source.children.insert(name, path);
        }
        self.depth += 1;
        visit::visit_item_mod(self, module);
        self.depth -= 1;
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            self.import(&[], &item.tree);
        }
    }

    /// `pub(in PATH)` names a module, and does not use it.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Words = path
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        self.note(&words);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }
}

fn metadata() -> Value {
    map::metadata(&levels::workspace_root().unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// `levels` for each of them.
fn name(package: &Value) -> &str {
    let is_level = text(&package["manifest_path"]).contains("/levels/");
    if is_level {
        LEVELS
    } else {
        text(&package["name"])
    }
}

#[test]
fn no_circle_of_files() {
    let metadata = metadata();
    let workspace = format!("{}/", text(&metadata["workspace_root"]));
    let mut found = vec![];
    for package in metadata["packages"].as_array().unwrap() {
        for target in package["targets"].as_array().unwrap() {
            let kinds = target["kind"].as_array().unwrap();
            let is_program = kinds.iter().any(|it| *it == "lib" || *it == "bin");
            let root = Path::new(text(&target["src_path"]));
            if is_program
                && name(package) != LEVELS
                && let Some(circle) = Crate::read(root).circle()
            {
                found.push(circle.join("\n  uses ").replace(&workspace, ""));
            }
        }
    }
    assert!(
        found.is_empty(),
        "what each of these files wants of the other belongs into one below both:\n{}",
        found.join("\n\n")
    );
}

/// A level stands above the solutions of the parts before its own.
fn is_library_below(own: &str, used: &str) -> bool {
    let entry = |package: &str| syllabus::all().iter().find(|it| it.package() == package);
    let both = entry(own).zip(entry(used));
    both.is_some_and(|(own, used)| used.number.is_none() && used.facts.part < own.facts.part)
}

#[test]
fn no_crate_uses_one_above_it() {
    let layer = |name: &str| LAYERS.iter().position(|line| line.contains(&name));
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let name_of = |wanted: &Value| packages.iter().find(|it| it["name"] == *wanted).map(name);
    let mut found = vec![];
    for package in packages {
        let own = name(package);
        let Some(own_layer) = layer(own) else {
            found.push(format!("{own} stands on no line of LAYERS"));
            continue;
        };
        for used in package["dependencies"].as_array().unwrap() {
            if is_library_below(text(&package["name"]), text(&used["name"])) {
                continue;
            }
            let Some(used) = name_of(&used["name"]) else {
                continue;
            };
            if layer(used).is_some_and(|it| it >= own_layer) {
                found.push(format!("{own} uses {used}, which stands above it"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The circle of a crate that is made of these files.
fn circle_of(files: &[(&str, &str)]) -> Option<Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let found = Crate::read(&directory.path().join("lib.rs")).circle()?;
    let below = |it: &String| {
        let path = Path::new(it).strip_prefix(directory.path()).unwrap();
        path.display().to_string()
    };
    Some(found.iter().map(below).collect())
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let a_uses_b = ("a.rs", "use crate::b::B; pub struct A(B);");
    for b in [
        "use crate::a::A;",
        "use super::a::{self, A};",
        "fn f() -> crate::a::A { todo!() }",
        "fn f() { println!(\"{}\", crate::a::A::new()); }",
        "mod inner { use super::super::a::A; }",
        "#[arg(value_parser = crate::a::word())] struct S;",
        // What the root hands on is A's all the same.
        "use crate::A;",
        "use crate::*; fn f(_: crate::A) {}",
    ] {
        let root = ("lib.rs", "mod a; mod b; pub use a::A;");
        let found = circle_of(&[root, a_uses_b, ("b.rs", b)]);
        assert!(found.is_some(), "{b}");
    }
    let three = circle_of(&[
        ("lib.rs", "mod a; mod b;"),
        a_uses_b,
        ("b.rs", "mod c; use c::C;"),
        ("b/c.rs", "use crate::a::A;"),
    ]);
    assert_eq!(three.unwrap(), ["a.rs", "b.rs", "b/c.rs", "a.rs"]);
    let child = [
        ("lib.rs", "mod a; use a::A; struct B;"),
        ("a.rs", "use super::B;"),
    ];
    assert!(circle_of(&child).is_some());
}

#[test]
fn what_is_no_circle_is_none() {
    let root = ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;");
    let a = (
        "a.rs",
        "use crate::B; mod inside { pub struct B; } use inside::B as Other;",
    );
    for b in [
        "use std::fmt; fn a() { a::b() }",
        "#[cfg(test)] mod tests { use crate::a::A; }",
        "mod inner { use super::B; } pub struct B;",
        "/// See crate::a::A.\npub struct B;",
        "pub(super) struct B; pub(in crate::a) fn f() {}",
    ] {
        assert_eq!(circle_of(&[root, a, ("b.rs", b)]), None, "{b}");
    }
    // Two children of one file, of which one uses the other.
    let tree = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod b; mod c; pub use b::B; use c::C;"),
        ("a/b.rs", "pub struct B;"),
        ("a/c.rs", "use super::B; pub struct C(super::B);"),
    ];
    assert_eq!(circle_of(&tree), None);
}
