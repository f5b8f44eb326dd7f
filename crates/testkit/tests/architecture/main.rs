//! The code is built as `docs/ARCHITECTURE.md` says.
//!
//! What the page permits is read from the page itself; what is there, from `cargo metadata` and from the imports of each module.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod circles;
mod page;
mod tokens;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use page::Page;
use tree::Tree;

/// Production files are at most this long.
const MAX_LINES: usize = 450;

#[test]
fn crates_depend_only_on_what_the_page_permits() {
    let page = page();
    let crates = crates();
    let names: BTreeSet<&str> = crates.keys().map(String::as_str).collect();
    assert_eq!(names, page.crates(), "each crate has a row, and no other");
    let mut wrong = Vec::new();
    for (name, depends) in &crates {
        let permitted = page.permitted(name);
        for other in depends.difference(&permitted) {
            wrong.push(format!(
                "{name} depends on {other}, which the page does not permit"
            ));
        }
        for other in permitted.difference(depends) {
            wrong.push(format!(
                "the page permits {name} to depend on {other}, which it does not"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_has_no_unsafe_code_and_others_only_where_it_is_justified() {
    for name in ["context", "json", "validator", "vault-key", "envelope"] {
        let lib = fs::read_to_string(root().join(format!("crates/{name}/src/lib.rs"))).unwrap();
        assert!(lib.contains("#![forbid(unsafe_code)]"), "{name}");
    }
    let mut with_unsafe = Vec::new();
    for name in crates().keys() {
        for file in production_files(name) {
            let tokens = tokens::production(&fs::read_to_string(&file).unwrap());
            if tokens.iter().any(|token| token == "unsafe") {
                with_unsafe.push(file.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    // The allocator that wipes what it frees.
    assert_eq!(with_unsafe, ["crates/cli/src/heap.rs"]);
}

#[test]
fn no_module_imports_a_crate_that_the_page_does_not_permit() {
    let page = page();
    let mut wrong = Vec::new();
    for (name, tree) in trees() {
        let mut permitted = page.permitted(&name);
        permitted.insert(name.clone());
        for (module, other) in tree.foreign() {
            if let Some(other) = other.strip_prefix("sealpost_") {
                let other = other.replace('_', "-");
                if !permitted.contains(&other) {
                    wrong.push(format!("{name}: {module} imports {other}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn modules_form_no_circle() {
    let mut found = Vec::new();
    let (mut modules, mut arrows) = (0, 0);
    for (name, tree) in trees() {
        let edges = tree.edges();
        modules += tree.modules().count();
        arrows += edges.len();
        for circle in circles::among_siblings(&edges) {
            found.push(format!("{name}: {circle}"));
        }
    }
    // Less is a sign that the sources were not read.
    assert!(
        modules > 100 && arrows > 200,
        "{modules} modules, {arrows} arrows"
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_production_file_is_too_long() {
    let mut wrong = Vec::new();
    for name in crates().keys() {
        for file in production_files(name) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            if lines > MAX_LINES {
                wrong.push(format!("{}: {lines} lines", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_place_calls_the_oaep_decryption_of_a_backend() {
    let mut calls = Vec::new();
    for name in crates().keys() {
        for file in production_files(name) {
            let tokens = tokens::production(&fs::read_to_string(&file).unwrap());
            calls.extend(
                tokens::calls(&tokens, "oaep_decrypt")
                    .map(|_| file.strip_prefix(root()).unwrap().display().to_string()),
            );
        }
    }
    assert_eq!(calls.len(), 1, "{calls:#?}");
}

#[test]
fn nothing_that_is_shipped_links_the_testkit() {
    let packages = metadata();
    let linked: Vec<_> = packages
        .iter()
        .filter(|package| package.depends.contains("sealpost-testkit"))
        .map(|package| package.name.as_str())
        .collect();
    // The oracles are tests themselves.
    assert_eq!(linked, ["sealpost-oracles"]);
}

#[test]
fn what_would_be_published_says_what_it_is() {
    let json = cargo_metadata();
    let mut published = 0;
    // Without `publish = false` a package may go to any registry.
    for package in json["packages"].as_array().unwrap() {
        if !package["publish"].is_null() {
            continue;
        }
        published += 1;
        let name = package["name"].as_str().unwrap();
        for field in [
            "description",
            "license",
            "repository",
            "readme",
            "rust_version",
        ] {
            assert!(package[field].is_string(), "{name} has no {field}");
        }
        for field in ["keywords", "categories"] {
            let words = package[field].as_array().unwrap();
            assert!(
                (1..=5).contains(&words.len()),
                "{name} has no {field}, or more than five"
            );
        }
        let docs = &package["metadata"]["docs"]["rs"];
        assert_eq!(
            docs["all-features"], true,
            "{name}: [package.metadata.docs.rs]"
        );
        let root = package["manifest_path"]
            .as_str()
            .unwrap()
            .replace("Cargo.toml", "src/lib.rs");
        let root = fs::read_to_string(root).unwrap();
        if package["features"]
            .as_object()
            .is_some_and(|features| !features.is_empty())
        {
            assert!(
                root.contains("#![cfg_attr(docsrs, feature(doc_cfg))]"),
                "{name}: docs.rs does not show which feature an item needs"
            );
        }
    }
    assert!(published >= 4, "{published} packages");
}

/// The crates in `crates/` but the testkit, without their prefix, each with those of ours that it depends on in any but its tests.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    let short = |name: &str| name.strip_prefix("sealpost-").unwrap().to_owned();
    metadata()
        .into_iter()
        .filter(|package| package.folder.parent() == Some(&*root().join("crates")))
        .filter(|package| package.name != "sealpost-testkit")
        .map(|package| {
            let depends = package.depends.iter().map(|name| short(name)).collect();
            (short(&package.name), depends)
        })
        .collect()
}

fn trees() -> Vec<(String, Tree)> {
    crates()
        .into_keys()
        .map(|name| {
            let tree = Tree::read(&root().join("crates").join(&name).join("src"));
            (name, tree)
        })
        .collect()
}

/// The files below `src` that are not tests alone.
fn production_files(name: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("crates").join(name).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            match path.is_dir() {
                true if stem != "tests" => folders.push(path),
                false if stem != "tests" && path.extension().is_some_and(|e| e == "rs") => {
                    files.push(path);
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}

struct Package {
    name: String,
    folder: PathBuf,
    /// Of ours, to build it or what it contains.
    depends: BTreeSet<String>,
}

fn cargo_metadata() -> serde_json::Value {
    let out = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap()
}

fn metadata() -> Vec<Package> {
    let json = cargo_metadata();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let package = |package: &serde_json::Value| Package {
        name: text(&package["name"]),
        folder: PathBuf::from(text(&package["manifest_path"]))
            .parent()
            .unwrap()
            .to_owned(),
        depends: package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"] != "dev" && !dependency["path"].is_null())
            .map(|dependency| text(&dependency["name"]))
            .collect(),
    };
    json["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(package)
        .collect()
}

fn page() -> Page {
    Page::parse(&fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap())
}

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    crates.parent().unwrap().to_owned()
}
