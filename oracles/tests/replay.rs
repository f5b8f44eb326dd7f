//! Every seed, every file of a corpus and every input that once failed, through the function that the fuzz target calls: a
//! regression needs no nightly.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![allow(clippy::print_stdout)] // how many files were replayed

use std::{
    collections::BTreeSet,
    fs, panic,
    path::{Path, PathBuf},
};

use sealpost_oracles::{TARGETS, seeds, target};

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        /// Every target is replayed above, and has a binary for the fuzzer.
        #[test]
        fn no_target_is_forgotten() {
            let replayed = BTreeSet::from([$(stringify!($name)),*]);
            let known: BTreeSet<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(replayed, known);
            assert!(known.len() >= 15);
            let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
            for name in &known {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
                let source = fs::read_to_string(folder("fuzz_targets").join(format!("{name}.rs")));
                assert!(source.unwrap().contains(&format!("target(\"{name}\")")), "{name}");
            }
            assert_eq!(manifest.matches("[[bin]]").count(), known.len());
            for kind in KINDS {
                for name in names(&folder(kind)) {
                    assert!(known.contains(name.as_str()), "{kind}/{name} belongs to no target");
                }
            }
        }
    };
}

replays! {
    batch binding certificate channel_body channel_frame channel_opening channel_refusal channel_reply cms configuration envelope gateway_request identity jwe_compact jwe_json jwk jwks open open_keys open_request pem
    property record request resolver_ref text token trust vault_file vault_name wrapper
}

fn replay(name: &str) {
    let check = target(name).check;
    let mut counts = Vec::new();
    for kind in KINDS {
        let folder = folder(kind).join(name);
        let files = names(&folder);
        for file in &files {
            let input = fs::read(folder.join(file)).unwrap();
            let result = panic::catch_unwind(|| check(&input));
            assert!(result.is_ok(), "fuzz/{kind}/{name}/{file} breaks a promise");
        }
        counts.push(files.len());
    }
    assert!(counts[0] > 0, "fuzz/seeds/{name} is empty");
    println!("{name}: {counts:?} of {KINDS:?}");
}

/// What is committed is what the generator writes: `cargo run -p sealpost-oracles --bin seeds`.
#[test]
fn seeds_are_what_the_generator_writes() {
    for target in TARGETS {
        let seeds = seeds::for_target(target.name);
        let folder = folder("seeds").join(target.name);
        assert_eq!(names(&folder).len(), seeds.len(), "{}", target.name);
        for (name, bytes) in seeds {
            assert!(fs::read(folder.join(&name)).unwrap() == bytes, "{name}");
        }
    }
    for (name, words) in seeds::DICTIONARIES {
        let file = folder("dictionaries").join(format!("{name}.dict"));
        assert_eq!(fs::read_to_string(file).unwrap(), seeds::dictionary(words));
    }
    for target in TARGETS {
        let known = seeds::DICTIONARIES
            .iter()
            .any(|(name, _)| *name == target.dictionary);
        assert!(known, "{}", target.name);
    }
}

/// A lost folder would be replayed as an empty one.
#[test]
fn no_corpus_is_lost() {
    for target in TARGETS {
        let files = names(&folder("corpus").join(target.name));
        assert!(!files.is_empty(), "fuzz/corpus/{} is empty", target.name);
    }
    let all = |kind| -> usize {
        let targets = names(&folder(kind)).into_iter();
        targets
            .map(|target| names(&folder(kind).join(target)).len())
            .sum()
    };
    // A campaign leaves the smallest files that are enough, so that there may be fewer, though not by far.
    let (corpus, crashes) = (all("corpus"), all("crashes"));
    assert!(corpus >= 2_000, "fuzz/corpus has {corpus} files");
    assert!(crashes >= 6, "fuzz/crashes has {crashes} files");
}

/// All that is committed for fuzzing is small.
#[test]
fn corpora_are_small() {
    let size = |kind: &str| -> u64 {
        let targets = names(&folder(kind));
        let files = targets.iter().flat_map(|target| {
            let folder = folder(kind).join(target);
            names(&folder)
                .into_iter()
                .map(move |file| folder.join(file))
        });
        files.map(|file| fs::metadata(file).unwrap().len()).sum()
    };
    let total: u64 = KINDS.map(size).iter().sum();
    assert!(total <= 5 << 20, "{total} bytes");
}

fn names(folder: &Path) -> Vec<String> {
    // A target that never crashed has no folder for that.
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && name != "README.md")
        .collect();
    names.sort();
    names
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz")
        .join(name)
}

const KINDS: [&str; 3] = ["seeds", "corpus", "crashes"];
