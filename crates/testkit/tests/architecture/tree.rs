//! The modules of a crate, and which of them use which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::tokens;

/// A module's path below the crate, the crate itself being empty.
pub(crate) type Module = Vec<String>;

/// The modules of a crate that have a file.
#[derive(Debug, Default)]
pub(crate) struct Tree(BTreeMap<Module, Source>);

#[derive(Debug, Default)]
struct Source {
    /// Every path in it from a `crate`, `self`, `super` or a `use`, as it is written.
    paths: Vec<Vec<String>>,
    /// What its `use` items bind: a name, and the path that it stands for. `*` for all that a module has.
    bound: Vec<(String, Vec<String>)>,
}

impl Tree {
    /// Reads what is below a `src`.
    pub(crate) fn read(src: &Path) -> Self {
        let mut tree = Self::default();
        let root = ["lib.rs", "main.rs"].map(|name| src.join(name));
        let root = root.iter().find(|path| path.exists()).unwrap();
        tree.add(&[], &fs::read_to_string(root).unwrap());
        tree.add_folder(src, &[]);
        tree
    }

    fn add_folder(&mut self, folder: &Path, module: &[String]) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let child = [module, std::slice::from_ref(&stem)].concat();
            if stem == "tests" || module.is_empty() && ["lib", "main"].contains(&&*stem) {
                continue;
            }
            if path.is_dir() {
                self.add_folder(&path, &child);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.add(&child, &fs::read_to_string(path).unwrap());
            }
        }
    }

    fn add(&mut self, module: &[String], text: &str) {
        self.0.insert(module.to_vec(), Source::parse(text));
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.0.keys()
    }

    /// Which module uses which other one of the crate.
    pub(crate) fn edges(&self) -> BTreeSet<(Module, Module)> {
        let mut edges = BTreeSet::new();
        for (module, source) in &self.0 {
            for path in &source.paths {
                if let Some(target) = self.resolve(module, path, 0)
                    && target != *module
                {
                    edges.insert((module.clone(), target));
                }
            }
        }
        edges
    }

    /// Which module imports which other crate: the first names of all paths that don't lead into this one.
    pub(crate) fn foreign(&self) -> BTreeSet<(String, String)> {
        let of = |(module, source): (&Module, &Source)| {
            let module = module.join("::");
            source
                .paths
                .iter()
                .map(|path| (module.clone(), path[0].clone()))
                .collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }

    /// The module in which the path ends: that which defines what is named, through re-exports.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let mut at = match path[0].as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => from[..from.len().checked_sub(1)?].to_vec(),
            // A child, or what an import has bound; else another crate.
            name => {
                let child = [from.as_slice(), &[name.to_owned()]].concat();
                if self.0.contains_key(&child) {
                    child
                } else {
                    return self.through(from, path, depth);
                }
            }
        };
        for (n, name) in path.iter().enumerate().skip(1) {
            if name == "super" {
                at.pop()?;
                continue;
            }
            let child = [at.as_slice(), std::slice::from_ref(name)].concat();
            if self.0.contains_key(&child) {
                at = child;
            } else {
                return Some(self.through(&at, &path[n..], depth).unwrap_or(at));
            }
        }
        Some(at)
    }

    /// Follows what `module` has bound to the first name of `path`.
    fn through(&self, module: &Module, path: &[String], depth: usize) -> Option<Module> {
        // Deeper than any chain of re-exports: a name that is bound to itself.
        if depth > 8 {
            return None;
        }
        let bound = &self.0.get(module)?.bound;
        let (_, target) = bound.iter().find(|(name, _)| *name == path[0])?;
        if target[0] == path[0] && target.len() == 1 {
            return None;
        }
        let whole = [target.as_slice(), &path[1..]].concat();
        self.resolve(module, &whole, depth + 1)
    }
}

impl Source {
    fn parse(text: &str) -> Self {
        let words = tokens::production(text);
        let mut source = Self::default();
        let mut at = 0;
        while at < words.len() {
            let before = at.checked_sub(1).map(|before| words[before].as_str());
            if words[at] == "use" && words.get(at + 1).is_some_and(|word| word != "<") {
                // Not the `use<…>` of a return type.
                let end = at + words[at..].iter().position(|word| word == ";").unwrap();
                source.import(&words[at + 1..end], &[]);
                at = end;
            } else if ["crate", "self", "super"].contains(&&*words[at])
                || words[at].starts_with("sealpost_") && before != Some("::")
            {
                let mut path = vec![words[at].clone()];
                while words.get(at + 1).is_some_and(|word| word == "::")
                    && words.get(at + 2).is_some_and(|word| is_name(word))
                {
                    path.push(words[at + 2].clone());
                    at += 2;
                }
                if path.len() > 1 {
                    source.paths.push(path);
                }
                at += 1;
            } else {
                at += 1;
            }
        }
        source
    }

    /// Takes a tree of imports apart: `a::{b, c as d, e::*}`.
    fn import(&mut self, words: &[String], prefix: &[String]) {
        let mut path = prefix.to_vec();
        let mut at = 0;
        while at < words.len() {
            match words[at].as_str() {
                "::" => at += 1,
                "{" => {
                    let end = tokens::matching(words, at) - 1;
                    for part in split(&words[at + 1..end]) {
                        self.import(part, &path);
                    }
                    return;
                }
                "as" => {
                    self.bind(words[at + 1].clone(), path);
                    return;
                }
                "self" if !path.is_empty() => at += 1,
                name => {
                    path.push(name.to_owned());
                    at += 1;
                }
            }
        }
        if let Some(name) = path.last().cloned() {
            self.bind(name, path);
        }
    }

    fn bind(&mut self, name: String, path: Vec<String>) {
        let path: Vec<String> = path.into_iter().filter(|part| part != "*").collect();
        if !path.is_empty() {
            self.paths.push(path.clone());
            self.bound.push((name, path));
        }
    }
}

/// The parts between the commas that are not in brackets.
fn split(words: &[String]) -> Vec<&[String]> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < words.len() {
        match words[at].as_str() {
            "{" => at = tokens::matching(words, at),
            "," => {
                parts.push(&words[start..at]);
                at += 1;
                start = at;
            }
            _ => at += 1,
        }
    }
    parts.push(&words[start..]);
    parts
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[test]
fn paths_lead_to_the_module_that_defines() {
    let mut tree = Tree::default();
    let path = |text: &str| -> Module { text.split("::").map(str::to_owned).collect() };
    tree.add(
        &[],
        "pub mod a; mod b; pub use a::inner::Deep as Renamed; pub use b::*;",
    );
    tree.add(
        &path("a"),
        "mod inner; pub use self::inner::Deep; use other::{a, crate_};",
    );
    tree.add(
        &path("a::inner"),
        "use super::super::b::f; use crate::{a::Other, Renamed}; pub struct Deep;",
    );
    tree.add(
        &path("b"),
        "fn f() { crate::Renamed::new(); let x: crate::a::Deep; sealpost_json::f() }",
    );
    let edges: Vec<_> = tree
        .edges()
        .into_iter()
        .map(|(from, to)| format!("{}>{}", from.join("::"), to.join("::")))
        .collect();
    assert_eq!(
        edges,
        [
            ">a::inner",
            ">b",
            "a>a::inner",
            "a::inner>a",
            "a::inner>b",
            "b>a::inner"
        ]
    );
    let foreign = tree.foreign();
    assert!(foreign.contains(&("b".to_owned(), "sealpost_json".to_owned())));
    assert!(foreign.contains(&("a".to_owned(), "other".to_owned())));
}
