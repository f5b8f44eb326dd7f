//! Seeds, changed at random: what a fuzzer does, without its guidance and without nightly. A few hundred for each target in every
//! run of the tests, the same ones each time; `MUTATIONS` says how many, `MUTATIONS_SEED` which.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::{env, fs, panic, path::Path, time::Instant};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha20Rng};
use sealpost_oracles::{TARGETS, seeds};

#[test]
fn changed_seeds_break_no_promise() {
    let number = |name| env::var(name).ok().map(|n| n.parse().unwrap());
    let count: u64 = number("MUTATIONS").unwrap_or(200);
    let seed: u64 = number("MUTATIONS_SEED").unwrap_or(1);
    let only = env::var("MUTATIONS_TARGET").ok();
    let mut failed = Vec::new();
    for target in TARGETS {
        if only.as_deref().is_some_and(|only| only != target.name) {
            continue;
        }
        let mut inputs: Vec<_> = seeds::for_target(target.name)
            .into_iter()
            .map(|(_, bytes)| bytes)
            .collect();
        inputs.sort_by_key(Vec::len);
        let words = seeds::DICTIONARIES
            .iter()
            .find(|(name, _)| *name == target.dictionary);
        let mut change = Change {
            rng: ChaCha20Rng::seed_from_u64(seed),
            words: words.unwrap().1,
        };
        let started = Instant::now();
        for n in 0..count {
            let input = change.changed(&inputs);
            if panic::catch_unwind(|| (target.check)(&input)).is_err() {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("../fuzz/work/mutations")
                    .join(target.name);
                fs::create_dir_all(&folder).unwrap();
                let file = folder.join(format!("{seed}-{n}"));
                fs::write(&file, input).unwrap();
                failed.push(file);
                // One is enough for each target: the next ones are mostly the same.
                break;
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("{}: {count} inputs, {seconds:.1} s", target.name);
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

struct Change {
    rng: ChaCha20Rng,
    words: &'static [&'static [u8]],
}

impl Change {
    fn changed(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.one(inputs).clone();
        for _ in 0..self.rng.random_range(1..=4) {
            self.change(&mut input, inputs);
        }
        input
    }

    fn one<'i>(&mut self, inputs: &'i [Vec<u8>]) -> &'i Vec<u8> {
        &inputs[self.rng.random_range(0..inputs.len())]
    }

    fn change(&mut self, input: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let at = self.rng.random_range(0..=input.len());
        let end = input.len().min(at + self.rng.random_range(1..=32));
        match self.rng.random_range(0..8) {
            0 if at < input.len() => input[at] ^= 1 << self.rng.random_range(0..8),
            1 if at < input.len() => input[at] = self.rng.random(),
            2 => drop(input.drain(at..end)),
            3 => {
                let copy = input[at..end].to_vec();
                input.splice(at..at, copy);
            }
            4 => input.truncate(at),
            5 => {
                let other = self.one(inputs);
                let from = self.rng.random_range(0..=other.len());
                input.splice(at.., other[from..].iter().copied());
            }
            6 => input.insert(at, self.rng.random()),
            _ => {
                let word = self.words[self.rng.random_range(0..self.words.len())];
                // Over what is there, or in between.
                let end = if self.rng.random() {
                    input.len().min(at + word.len())
                } else {
                    at
                };
                input.splice(at..end, word.iter().copied());
            }
        }
    }
}
