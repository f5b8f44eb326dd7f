//! An adapter is removed by deleting its folder, its feature and one line: shown for the vault in a file.

#![allow(clippy::print_stdout)] // what the compiler said, if the test fails
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The whole service, with the command, builds without it. Benchmarks and oracles measure and check this vault, and some tests of other
/// crates store in it: they are not built here.
#[test]
fn the_file_vault_can_be_removed() {
    let mut sources = Sources::read();
    sources.change("Cargo.toml", |line| match line {
        line if line.starts_with("members =") => Some(r#"members = ["crates/*"]"#.to_owned()),
        // Another version: cargo would take what is compiled of the copy for what is compiled of the tree.
        line if line.starts_with("version =") => Some(r#"version = "0.1.999""#.to_owned()),
        line => Some(line.to_owned()),
    });

    // The folder.
    let whole = sources.0.len();
    sources
        .0
        .retain(|path, _| !path.starts_with("crates/vault-file"));
    assert!(sources.0.len() < whole, "the adapter has a folder");
    // The feature, with the dependency behind it: lines of manifests.
    let manifests: Vec<_> = sources.0.keys().cloned().collect();
    let mut lines = BTreeMap::new();
    for manifest in manifests.iter().filter(|path| path.ends_with("Cargo.toml")) {
        let removed = sources.change(manifest, |line| {
            match line.split([' ', '.', '=']).next().unwrap() {
                "vault-file" | "sealpost-vault-file" => None,
                _ => Some(
                    line.replace("\"vault-file\", ", "")
                        .replace("\"vault-file\"", ""),
                ),
            }
        });
        lines.insert(manifest.to_str().unwrap(), removed);
    }
    assert_eq!(lines["Cargo.toml"], 1, "where the folder is");
    assert_eq!(lines["crates/server/Cargo.toml"], 2, "feature, dependency");
    assert_eq!(
        lines["crates/cli/Cargo.toml"], 1,
        "the feature of the command"
    );
    // The line, and the attribute that belongs to it. Without the feature it would not be compiled, so the attribute goes first: the
    // compiler then says that the line was all that named the adapter.
    let list = Path::new("crates/server/src/configuration/vaults.rs");
    let attribute = r#"#[cfg(feature = "vault-file")]"#;
    let removed = sources.change(list, |line| keep(line, attribute));
    assert_eq!(removed, 1, "the line depends on the feature");
    assert!(
        !sources.build(),
        "it builds with the line: the test shows nothing"
    );
    let removed = sources.change(list, |line| keep(line, "sealpost_vault_file::KIND,"));
    assert_eq!(removed, 1, "the adapter is one line");

    assert!(sources.build(), "it does not build without the adapter");
}

/// The files of the workspace that make up its crates, by their paths.
struct Sources(BTreeMap<PathBuf, Vec<u8>>);

impl Sources {
    fn read() -> Self {
        let mut files = BTreeMap::new();
        for name in ["Cargo.toml", "Cargo.lock"] {
            files.insert(name.into(), fs::read(root().join(name)).unwrap());
        }
        // `demo` has an example of a request in it.
        let mut folders = ["crates", "testdata/requests"].map(PathBuf::from).to_vec();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(root().join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let path = folder.join(entry.file_name());
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(path),
                    false => drop(files.insert(path, fs::read(entry.path()).unwrap())),
                }
            }
        }
        Self(files)
    }

    /// Changes a file line by line and returns how many were left out.
    fn change(&mut self, path: impl AsRef<Path>, line: impl Fn(&str) -> Option<String>) -> usize {
        let file = self.0.get_mut(path.as_ref()).unwrap();
        let text = String::from_utf8(std::mem::take(file)).unwrap();
        let lines: Vec<String> = text.lines().filter_map(line).collect();
        *file = (lines.join("\n") + "\n").into_bytes();
        text.lines().count() - lines.len()
    }

    /// Returns whether libraries and programs build with their default features. The folder stays from run to run, and only what differs
    /// is written, so that little is compiled; dependencies are those that this test was built with, where their features are the same.
    fn build(&self) -> bool {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = temporary.join("removal");
        for (path, content) in &self.0 {
            let path = folder.join(path);
            if fs::read(&path).ok().as_ref() != Some(content) {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
        }
        self.remove_others(&folder, Path::new(""));
        let out = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline", "--workspace"])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", temporary.parent().unwrap())
            .output()
            .unwrap();
        if !out.status.success() {
            // Shown if the test fails.
            println!("{}", String::from_utf8_lossy(&out.stderr));
        }
        out.status.success()
    }

    /// Removes what an earlier run has left.
    fn remove_others(&self, folder: &Path, below: &Path) {
        for entry in fs::read_dir(folder.join(below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                self.remove_others(folder, &path);
                // Fails if something is left in it.
                let _ = fs::remove_dir(entry.path());
            } else if !self.0.contains_key(&path) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
}

fn keep(line: &str, without: &str) -> Option<String> {
    Some(line.to_owned()).filter(|line| line.trim() != without)
}

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    crates.parent().unwrap().to_owned()
}
