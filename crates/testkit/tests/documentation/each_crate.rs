//! The table of docs/TESTING.md: each crate, and what looks at it.

use std::{collections::BTreeMap, fs, path::Path};

use crate::tree::{files, packages, read, root};

const HEADING: &str = "| crate | properties | fuzz targets | benchmarks | linked by |";

#[test]
fn the_table_of_each_crate_is_that_of_the_tree() {
    let page = read("docs/TESTING.md");
    let table: Vec<_> = page
        .lines()
        .skip_while(|line| *line != HEADING)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected = expected();
    assert!(
        table.join("\n") == expected,
        "\nthe table of docs/TESTING.md is not that of the tree, which is:\n\n{expected}\n"
    );
}

#[test]
fn readme_names_each_crate_that_is_not_for_tests() {
    let page = read("README.md");
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let row = format!("| [`sealpost-{name}`](crates/{name}) |");
        assert!(page.contains(&row) || name == "testkit", "README: {row}");
    }
}

fn expected() -> String {
    let fuzz = fuzz_targets();
    // Fewer are a sign that they were not read.
    assert!(fuzz.len() >= 25, "{fuzz:?}");
    let benchmarks = benchmarks();
    let linked = linked_by();
    let mut rows = vec![HEADING.to_owned(), "|---|---|---|---|---|".to_owned()];
    for name in linked.keys() {
        let used = |sources: &BTreeMap<String, String>| {
            let path = format!("sealpost_{}::", name.replace('-', "_"));
            let using = sources.iter().filter(|(_, source)| source.contains(&path));
            cell(using.map(|(target, _)| target.as_str()))
        };
        rows.push(format!(
            "| `{name}` | {} | {} | {} | {} |",
            cell(properties(name).iter().map(String::as_str)),
            used(&fuzz),
            used(&benchmarks),
            cell(linked[name].iter().map(String::as_str)),
        ));
    }
    rows.join("\n")
}

fn cell<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    words.join(" ")
}

/// The files of a crate that have properties, without their ending.
fn properties(name: &str) -> Vec<String> {
    let folder = root().join("crates").join(name);
    files(&folder, ".rs")
        .iter()
        .filter(|file| fs::read_to_string(file).unwrap().contains("proptest! {"))
        .map(|file| short(file.strip_prefix(&folder).unwrap()))
        .collect()
}

fn short(file: &Path) -> String {
    let text = file.to_str().unwrap();
    text.strip_suffix(".rs").unwrap().to_owned()
}

/// Each fuzz target, and the sources of the module of `oracles` that its check is in.
fn fuzz_targets() -> BTreeMap<String, String> {
    let lib = read("oracles/src/lib.rs");
    let (_, rows) = lib.split_once("\ntargets! {\n").unwrap();
    let (rows, _) = rows.split_once("\n}").unwrap();
    rows.lines()
        .map(|row| {
            let (name, rest) = row.trim().split_once(", ").unwrap();
            let (module, _) = rest.split_once("::").unwrap();
            let target = root().join(format!("fuzz/fuzz_targets/{name}.rs"));
            assert!(target.exists(), "{name} has no fuzz target");
            let source = with_folder(&root().join("oracles/src"), module);
            (name.to_owned(), source)
        })
        .collect()
}

/// Each benchmark, with the part of the benchmarks' library that is called like it.
fn benchmarks() -> BTreeMap<String, String> {
    files(&root().join("benches/benches"), ".rs")
        .iter()
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap();
            let mut source = fs::read_to_string(file).unwrap();
            if source.contains("sealpost_benches") {
                source += &with_folder(&root().join("benches/src"), name);
            }
            (name.to_owned(), source)
        })
        .collect()
}

/// `module.rs` and all below `module/`.
fn with_folder(folder: &Path, module: &str) -> String {
    let file = folder.join(format!("{module}.rs"));
    let mut source = fs::read_to_string(file).unwrap_or_default();
    for below in files(&folder.join(module), ".rs") {
        source += &fs::read_to_string(below).unwrap();
    }
    source
}

/// Each crate in `crates/`, and those of ours that depend on it in any but their tests.
fn linked_by() -> BTreeMap<String, Vec<String>> {
    let packages = packages();
    let short = |name: &serde_json::Value| {
        let name = name.as_str().unwrap();
        name.strip_prefix("sealpost-").unwrap_or(name).to_owned()
    };
    let crates = packages.iter().filter(|package| {
        let manifest = package["manifest_path"].as_str().unwrap();
        let folder = Path::new(manifest).parent().unwrap();
        folder.parent() == Some(&*root().join("crates")) && package["name"] != "sealpost-testkit"
    });
    let mut linked: BTreeMap<String, Vec<String>> = crates
        .clone()
        .map(|package| (short(&package["name"]), Vec::new()))
        .collect();
    for package in crates {
        for dependency in package["dependencies"].as_array().unwrap() {
            if dependency["kind"] == "dev" || dependency["path"].is_null() {
                continue;
            }
            let users = linked.get_mut(&short(&dependency["name"])).unwrap();
            users.push(short(&package["name"]));
        }
    }
    for users in linked.values_mut() {
        users.sort();
        users.dedup();
    }
    linked
}
