//! What the README says is so.

use std::fs;

use super::support::{AGENT, agent, testdata};

/// The example of the README, compiled.
mod example {
    include!("readme_example.rs");
}

#[test]
fn the_example_is_the_one_that_works() {
    let readme = fs::read_to_string(testdata("../README.md")).unwrap();
    let example = include_str!("readme_example.rs");
    let (_, from_use) = example.split_once("\n\n").unwrap();
    assert!(
        readme.contains(from_use.trim_end()),
        "the README has another example"
    );

    let agent = agent();
    let certificate = fs::read(agent.certificate()).unwrap();
    let identity = fs::read(agent.identity()).unwrap();
    example::seal_and_open(&certificate, &agent.fingerprint, &identity, AGENT).unwrap();
}
