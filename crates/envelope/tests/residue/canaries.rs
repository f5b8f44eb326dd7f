//! Secrets to be looked for, and where they were found.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

/// Every window of 16 bytes of some secrets.
///
/// They are kept masked, so that looking for them does not find the canaries themselves.
#[derive(Default)]
pub(crate) struct Canaries {
    /// By the first eight bytes: the rest, and the secret's name.
    windows: HashMap<[u8; HEAD], Vec<(Vec<u8>, &'static str)>>,
    /// Which pairs of first bytes occur: most places are left after one look.
    starts: Vec<bool>,
}

/// In how many places each secret was found; those that touch count once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Found(BTreeMap<&'static str, usize>);

impl Canaries {
    pub(crate) fn new() -> Self {
        Self {
            windows: HashMap::new(),
            starts: vec![false; 1 << 16],
        }
    }

    /// Adds a secret of at least 12 bytes. A long one is found by any 16 bytes of it.
    pub(crate) fn add(&mut self, name: &'static str, secret: &[u8]) {
        assert!(
            secret.len() >= MIN_WINDOW,
            "{name} is too short to be told from chance"
        );
        for window in secret.windows(WINDOW.min(secret.len())) {
            if is_plain(window) {
                continue;
            }
            let (head, rest) = window.split_first_chunk().expect("a window is longer");
            self.starts[start(head)] = true;
            let entry = self.windows.entry(head.map(mask)).or_default();
            entry.push((rest.iter().copied().map(mask).collect(), name));
        }
    }

    /// Adds a secret number, big-endian, as it is and in the order in which machines keep it.
    pub(crate) fn add_number(&mut self, name: &'static str, number: &[u8]) {
        self.add(name, number);
        let mut reversed = [0; MAX_NUMBER];
        let reversed = &mut reversed[..number.len()];
        reversed.copy_from_slice(number);
        reversed.reverse();
        self.add(name, reversed);
    }

    /// Looks for the secrets in some blocks.
    pub(crate) fn find_all<'m>(&self, blocks: impl Iterator<Item = &'m [u8]>) -> Found {
        let mut found = Found::default();
        for block in blocks {
            found.add(self.find(block));
        }
        found
    }

    /// Looks for the secrets in `memory`.
    pub(crate) fn find(&self, memory: &[u8]) -> Found {
        let mut found = Found::default();
        let mut last: Option<(usize, &str)> = None;
        for (offset, head) in memory.windows(HEAD).enumerate() {
            let head = head.first_chunk().expect("a window of this length");
            if !self.starts[start(head)] {
                continue;
            }
            let rest = &memory[offset + HEAD..];
            for (expected, name) in self.windows.get(&head.map(mask)).into_iter().flatten() {
                let matches = rest.len() >= expected.len()
                    && rest
                        .iter()
                        .zip(expected)
                        .all(|(byte, masked)| mask(*byte) == *masked);
                if matches {
                    let goes_on = last.is_some_and(|last| (last.0 + 1, last.1) == (offset, *name));
                    if !goes_on {
                        *found.0.entry(name).or_default() += 1;
                    }
                    last = Some((offset, name));
                }
            }
        }
        found
    }
}

impl Found {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (name, places) in other.0 {
            *self.0.entry(name).or_default() += places;
        }
    }
}

impl<const N: usize> From<[(&'static str, usize); N]> for Found {
    fn from(places: [(&'static str, usize); N]) -> Self {
        Self(places.into())
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        let mut separator = "";
        for (name, places) in &self.0 {
            write!(f, "{separator}{name} in {places}")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// Does a window hold too little to be told from padding?
fn is_plain(window: &[u8]) -> bool {
    let distinct: std::collections::BTreeSet<_> = window.iter().collect();
    distinct.len() < 6
}

fn start(head: &[u8; HEAD]) -> usize {
    usize::from(head[0]) << 8 | usize::from(head[1])
}

fn mask(byte: u8) -> u8 {
    byte ^ 0xc5
}

const WINDOW: usize = 16;
const MIN_WINDOW: usize = 12;
const HEAD: usize = 8;
/// Of 8,192 bits.
const MAX_NUMBER: usize = 1024;
