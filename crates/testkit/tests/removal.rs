//! An adapter is removed by deleting its folder, its feature and one line: shown for the vault in a file.

#![allow(clippy::print_stdout)] // what the compiler said, if the test fails
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn the_file_vault_can_be_removed() {
    let copy = tempfile::tempdir().unwrap();
    for name in ["Cargo.toml", "Cargo.lock", "clippy.toml"] {
        fs::copy(root().join(name), copy.path().join(name)).unwrap();
    }
    copy_folder(&root().join("crates"), &copy.path().join("crates"));
    // Only the crate in question: without its one vault the server has nothing to offer.
    let manifest = copy.path().join("Cargo.toml");
    change(&manifest, |line| {
        if line.starts_with("members =") {
            Some(r#"members = ["crates/vault"]"#.to_owned())
        } else {
            Some(line.to_owned()).filter(|line| !line.starts_with("default-members"))
        }
    });
    let vault = copy.path().join("crates/vault");

    // The folder; a module of this house has a file beside it.
    fs::remove_dir_all(vault.join("src/file")).unwrap();
    fs::remove_file(vault.join("src/file.rs")).unwrap();
    // The feature, and what asks for it: the adapter's tests and examples.
    let removed = change(&vault.join("Cargo.toml"), |line| match line {
        line if line.starts_with("file-vault =") => None,
        line => Some(line.replace("\"file-vault\"", "")),
    });
    assert_eq!(removed, 1, "the feature is one line");
    assert!(
        !builds(copy.path()),
        "it builds with the line: the test shows nothing"
    );
    // The line.
    let removed = change(&vault.join("src/lib.rs"), |line| {
        Some(line.to_owned()).filter(|line| line != "pub mod file;")
    });
    assert_eq!(removed, 1, "the module is one line");
    assert!(builds(copy.path()), "it does not build without the adapter");
}

/// Whether the library builds with its default features. Its dependencies are those that the tests were built with.
fn builds(workspace: &Path) -> bool {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), PathBuf::from)
        .join("removal");
    let out = Command::new(env!("CARGO"))
        .args([
            "check",
            "--quiet",
            "--offline",
            "--package",
            "sealpost-vault",
            "--lib",
        ])
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    if !out.status.success() {
        // Shown if the test fails.
        println!("{}", String::from_utf8_lossy(&out.stderr));
    }
    out.status.success()
}

/// Changes a file line by line and returns how many were left out.
fn change(path: &Path, line: impl Fn(&str) -> Option<String>) -> usize {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<String> = text.lines().filter_map(line).collect();
    fs::write(path, lines.join("\n") + "\n").unwrap();
    text.lines().count() - lines.len()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    crates.parent().unwrap().to_owned()
}
