//! The library as README shows it: its snippet is the example, its dependency line is without `rsa`, its examples exist.

use std::collections::BTreeSet;

use crate::{
    blocks,
    tree::{cargo, files, package, packages, read, root},
};

const EXAMPLE: &str = "crates/envelope/examples/seal_and_open.rs";

#[test]
fn the_snippet_of_readme_is_the_example_that_runs() {
    let page = blocks::of(&read("README.md"));
    let snippets: Vec<_> = page.iter().filter(|block| block.info == "rust").collect();
    assert_eq!(snippets.len(), 1);
    // The file without its head, which says how to run it in this repository.
    let example = read(EXAMPLE);
    let (head, code) = example.split_once("\n\nuse ").unwrap();
    assert!(head.lines().all(|line| line.starts_with("//!")));
    assert_eq!(snippets[0].text, format!("use {code}"));
}

#[test]
fn the_same_code_runs_with_and_without_aws_lc() {
    let pure = read(EXAMPLE);
    let host = read("crates/envelope/examples/seal_and_open_on_a_host.rs");
    let differ: Vec<_> = pure
        .lines()
        .zip(host.lines())
        .filter(|(pure, host)| pure != host && !pure.starts_with("//"))
        .collect();
    let line = |backend| format!("use sealpost_envelope::{backend} as Backend;");
    assert_eq!(differ, [(&*line("RustCrypto"), &*line("AwsLc"))]);
    assert_eq!(pure.lines().count(), host.lines().count());
    assert!(read("README.md").contains(&line("AwsLc")));
}

#[test]
fn the_dependency_line_for_hosts_pulls_in_no_rsa() {
    let page = blocks::of(&read("README.md"));
    let lines: Vec<_> = page
        .iter()
        .filter(|block| block.info == "toml" && block.text.contains("[dependencies]"))
        .map(|block| block.text.trim_end())
        .collect();
    let host = r#"default-features = false, features = ["aws-lc"] }"#;
    assert!(lines.len() == 2 && lines[1].ends_with(host), "{lines:#?}");
    assert!(
        lines[0].ends_with(r#"features = ["std"] }"#),
        "{}",
        lines[0]
    );

    let below = |features: &[&str]| {
        let fixed = ["tree", "--offline", "--edges", "normal,build"];
        let package = ["--prefix", "none", "--package", "sealpost-envelope"];
        cargo(&[&fixed, package.as_slice(), features].concat())
    };
    let rsa = |tree: &str| tree.lines().any(|line| line.starts_with("rsa v"));
    let hosts = below(&["--no-default-features", "--features", "aws-lc"]);
    assert!(hosts.contains("aws-lc-rs v") && !rsa(&hosts), "{hosts}");
    // It is noticed where it is.
    assert!(rsa(&below(&["--features", "std"])));
}

#[test]
fn every_example_says_how_to_run_it_and_readme_lists_it() {
    let readme = read("README.md");
    let mut seen = BTreeSet::new();
    for published in packages() {
        let name = published["name"].as_str().unwrap();
        let manifest = published["manifest_path"].as_str().unwrap().to_owned();
        let folder = std::path::Path::new(&manifest).parent().unwrap();
        if folder.parent() != Some(&*root().join("crates")) || name == "sealpost-vault-file" {
            // The vault's example measures, and is run by the benchmarks.
            continue;
        }
        for target in published["targets"].as_array().unwrap() {
            if target["kind"][0] != "example" {
                continue;
            }
            let example = target["name"].as_str().unwrap();
            // Features that a plain run does not have must be given.
            let features = target["required-features"].as_array();
            let given = features.is_some_and(|features| features.iter().any(|f| f == "aws-lc"));
            let given = if given { "--features aws-lc " } else { "" };
            let command = format!("cargo run -p {name} {given}--example {example}");
            let text = std::fs::read_to_string(target["src_path"].as_str().unwrap()).unwrap();
            assert!(text.contains(&format!("//!     {command}\n")), "{command}");
            assert!(
                readme
                    .lines()
                    .any(|line| { line.split('#').next().unwrap().trim_end() == command }),
                "README does not list: {command}"
            );
            seen.insert(example.to_owned());
        }
    }
    assert!(seen.len() >= 9, "{seen:?}");
    // An example that cargo does not see would not be compiled.
    let there = files(&root().join("crates/envelope/examples"), ".rs").len();
    let declared = package("sealpost-envelope");
    let declared = declared["targets"].as_array().unwrap();
    let declared = declared
        .iter()
        .filter(|target| target["kind"][0] == "example");
    assert_eq!(declared.count(), there);
}

#[test]
fn what_has_not_been_analysed_is_said_on_the_first_page() {
    let readme = read("README.md");
    let first_screen: Vec<_> = readme.lines().take(60).collect();
    let text = first_screen.join(" ");
    assert!(text.contains("has been analysed by anyone independent"));
}
