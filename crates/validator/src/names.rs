//! Which member names an object has had, in linear time whatever the names are.
//!
//! A crit-bit tree (PATRICIA; Morrison 1968) over the decoded bytes of the names. Slot *i* holds
//! the *i*-th name and the inner node that its insertion made: a place in the bit string where two
//! groups of names part. Along a path these places only grow, so a walk looks at each bit of the
//! name at most once, and then compares the name with one other. The cost of an insertion is
//! bounded by the length of that name alone, not by the others: no hash to find collisions for, no
//! sort, and a duplicate is found at its place in the document.
//!
//! Every name is followed by [`END`], a byte that UTF-8 does not have, so that a name may be the
//! beginning of another and may contain U+0000.

mod bits;
mod path;
mod slot;

use self::bits::{Bits, Pieces, Plain, SHORT};
use self::path::{Forgotten, Path, Step};
use self::slot::Link;
pub use self::slot::Slot;
use crate::MAX_MEMBERS;
use crate::scan::Token;

/// What an insertion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    New,
    /// The name is there already; it begins at this place.
    Duplicate(usize),
    /// The name is not there, and no slot is left for it.
    Full,
}

/// The names of one object in `text`.
pub(crate) struct Names<'s, 'a> {
    text: &'a [u8],
    slots: &'s mut [Slot],
    used: usize,
    root: Link,
}

impl<'s, 'a> Names<'s, 'a> {
    pub(crate) fn new(text: &'a str, slots: &'s mut [Slot]) -> Self {
        let limit = slots.len().min(MAX_MEMBERS);
        Self {
            text: text.as_bytes(),
            slots: slots.get_mut(..limit).unwrap_or_default(),
            used: 0,
            root: Link::new(0, true),
        }
    }

    /// How many names there is room for.
    pub(crate) fn limit(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    pub(crate) fn insert(&mut self, name: Token) -> Inserted {
        let raw = self.text.get(name.start..name.end).unwrap_or_default();
        if name.escapes == 0 {
            return self.insert_bits(name.start, Plain(raw));
        }
        match Plain::decode(raw, &mut [0; SHORT]) {
            Some(plain) => self.insert_bits(name.start, plain),
            None => self.insert_bits(name.start, Pieces::json(raw)),
        }
    }

    /// Whether a name reads like `key`.
    pub(crate) fn contains(&self, key: Key<'_>) -> bool {
        let key = match key {
            Key::Json(raw) => Pieces::json(raw.as_bytes()),
            Key::Text(text) => Pieces::text(text.as_bytes()),
        };
        let nearest = Path::new().follow(key.clone(), usize::MAX, self);
        self.used > 0 && key.parting(self.name(nearest)).is_none()
    }

    fn insert_bits(&mut self, start: usize, name: impl Bits) -> Inserted {
        let own = Link::new(self.used, true);
        let slot = if self.used == 0 {
            Slot::new(start, 0, [own; 2])
        } else {
            let mut path = Path::new();
            let nearest = path.follow(name.clone(), usize::MAX, self);
            let Some(parting) = name.clone().parting(self.name(nearest)) else {
                return Inserted::Duplicate(self.slot(nearest).name());
            };
            if self.used == self.slots.len() {
                return Inserted::Full;
            }
            let (bit, own_bit) = parting.bit();
            let parent = match path.last_before(bit, self) {
                Ok(parent) => parent,
                Err(Forgotten) => {
                    path.follow(name, bit, self);
                    path.last()
                }
            };
            let below = self.put_below(parent, Link::new(self.used, false));
            let links = if own_bit { [below, own] } else { [own, below] };
            Slot::new(start, bit, links)
        };
        let Some(free) = self.slots.get_mut(self.used) else {
            return Inserted::Full;
        };
        *free = slot;
        self.used += 1;
        Inserted::New
    }

    /// Puts `link` where the step leads, or at the root. Returns what was there.
    fn put_below(&mut self, step: Option<Step>, link: Link) -> Link {
        match step.and_then(|step| Some((self.slots.get_mut(step.node())?, step.bit()))) {
            Some((slot, bit)) => {
                let below = slot.link(bit);
                slot.set_link(bit, link);
                below
            }
            None => core::mem::replace(&mut self.root, link),
        }
    }

    #[inline]
    fn slot(&self, index: usize) -> Slot {
        self.slots.get(index).copied().unwrap_or(Slot::EMPTY)
    }

    /// The text from the contents of the slot's name on.
    #[inline]
    fn name(&self, index: usize) -> &'a [u8] {
        self.text.get(self.slot(index).name()..).unwrap_or_default()
    }
}

/// A key to look for, as sent or decoded.
#[derive(Clone, Copy)]
pub(crate) enum Key<'k> {
    Json(&'k str),
    Text(&'k str),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::string::String;
    use std::vec::Vec;
    use std::{format, vec};

    use proptest::prelude::*;

    use super::*;
    use crate::scan::Scanner;
    use crate::steps;

    /// An object with these names, as they are sent.
    fn object(names: impl IntoIterator<Item = String>) -> String {
        let member = |name| format!("\"{name}\":null");
        format!(
            "{{{}}}",
            names.into_iter().map(member).collect::<Vec<_>>().join(",")
        )
    }

    /// What the insertion of each name says.
    fn insert_all(names: &mut Names<'_, '_>, object: &str) -> Vec<Inserted> {
        let mut scan = Scanner::new(object.as_bytes());
        let mut first = true;
        let mut results = Vec::new();
        scan.open_object();
        while let Some(token) = scan.member(&mut first).unwrap() {
            results.push(names.insert(token));
            scan.skip_value(1).unwrap();
        }
        results
    }

    /// A code point, perhaps half a surrogate pair, as sent.
    fn raw((code_point, escape): &(u32, bool)) -> String {
        match char::from_u32(*code_point) {
            Some(c @ ('"' | '\\')) if !escape => format!("\\{c}"),
            Some(c) if !escape && c >= ' ' => c.into(),
            Some(c) => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|u| format!("\\u{u:04x}"))
                .collect(),
            None => format!("\\u{code_point:04X}"),
        }
    }

    /// Names that share much: beginnings, bits, ends; around [`SHORT`] and longer.
    fn name() -> impl Strategy<Value = Vec<(u32, bool)>> {
        let pool: Vec<u32> = "aab`c\u{e1}é😁😀\0\"\\/"
            .chars()
            .map(u32::from)
            .chain([0xD83D])
            .collect();
        let unit = (proptest::sample::select(pool), any::<bool>());
        let run = (prop_oneof![0..4_usize, 60..67_usize], any::<bool>());
        (run, proptest::collection::vec(unit, 0..4)).prop_map(|((count, escape), tail)| {
            let run = vec![(u32::from('a'), escape); count];
            run.into_iter().chain(tail).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

        #[test]
        fn names_are_told_apart_by_what_they_decode_to(
            names in proptest::collection::vec(name(), 0..40),
            absent in name(),
            limit in 0..40_usize,
            junk in 0..1000_usize,
        ) {
            let sent = |name: &Vec<_>| name.iter().map(raw).collect::<String>();
            let decoded = |name: &Vec<(u32, bool)>| name.iter().map(|(c, _)| *c).collect::<Vec<_>>();
            let text = object(names.iter().map(sent));
            let mut slots = vec![Slot::new(junk, junk, [Link::new(junk, false); 2]); limit];
            let mut tree = Names::new(&text, &mut slots);
            let results = insert_all(&mut tree, &text);

            let mut seen = BTreeMap::new();
            let mut start = "{\"".len();
            for (name, result) in names.iter().zip(results) {
                let expected = match seen.get(&decoded(name)) {
                    Some(first) => Inserted::Duplicate(*first),
                    None if seen.len() == limit => Inserted::Full,
                    None => {
                        seen.insert(decoded(name), start);
                        Inserted::New
                    }
                };
                prop_assert_eq!(result, expected);
                start += sent(name).len() + "\":null,\"".len();
            }
            for name in names.iter().chain([&absent]) {
                let known = seen.contains_key(&decoded(name));
                prop_assert_eq!(tree.contains(Key::Json(&sent(name))), known);
                let chars = decoded(name).into_iter().map(char::from_u32);
                if let Some(text) = chars.collect::<Option<String>>() {
                    prop_assert_eq!(tree.contains(Key::Text(&text)), known);
                }
            }
        }
    }

    /// Names that would cost the most: whatever they are, the steps stay below a fixed multiple of
    /// the object's bytes.
    #[test]
    fn the_work_is_linear_whatever_the_names_are() {
        // A node for each bit of a name, some of them gone past twice, and its bytes read a few
        // times would be the most there could be: about 20. These names stay below 4.
        const STEPS_PER_BYTE: usize = 6;

        let escaped = |name: String| {
            name.bytes()
                .map(|b| format!("\\u{b:04x}"))
                .collect::<String>()
        };
        let flipped = |i: usize| {
            let mut name = vec![b'a'; 64];
            name[i / 5] ^= 1 << (i % 5);
            String::from_utf8(name).unwrap()
        };
        let long = |bytes| "a".repeat(bytes);
        let chain = |count: usize| (0..count).map(move |i| "a".repeat(i));
        let scattered = |i: usize| format!("{:016x}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let families: Vec<(&str, Vec<String>)> = vec![
            (
                "long common beginning",
                (0..1024).map(|i| format!("{}{i:04}", long(50))).collect(),
            ),
            ("each the beginning of the next", chain(350).collect()),
            (
                "each the beginning of the one before",
                chain(350).rev().collect(),
            ),
            ("one bit apart, deep", (0..320).map(flipped).collect()),
            (
                "one bit apart, deep, reversed",
                (0..320).rev().map(flipped).collect(),
            ),
            (
                "one bit apart, each twice",
                (0..640).map(|i| flipped(i % 320)).collect(),
            ),
            (
                "one bit apart, escaped",
                (0..170).map(flipped).map(escaped).collect(),
            ),
            (
                "long, then short",
                [long(50_000)].into_iter().chain(chain(170)).collect(),
            ),
            (
                "short, then long",
                chain(170).chain([long(50_000)]).collect(),
            ),
            ("long, then the same short", {
                let short = (0..1000).map(|_| long(1));
                [escaped(long(9000))].into_iter().chain(short).collect()
            }),
            ("escaped, chained", chain(140).map(escaped).collect()),
            ("counted", (0..1024).map(|i| format!("{i}")).collect()),
            (
                "counted down",
                (0..1024).rev().map(|i| format!("{i}")).collect(),
            ),
            ("scattered", (0..1024).map(scattered).collect()),
            ("all the same", (0..1024).map(|_| long(50)).collect()),
            ("all empty", (0..1024).map(|_| String::new()).collect()),
        ];
        for (family, names) in families {
            let count = names.len();
            let text = object(names);
            assert!(
                text.len() < crate::MAX_BODY,
                "{family} has {} bytes",
                text.len()
            );
            let mut slots = [Slot::EMPTY; MAX_MEMBERS];
            let (_, steps) = steps::of(|| insert_all(&mut Names::new(&text, &mut slots), &text));
            let most = STEPS_PER_BYTE * text.len();
            assert!(
                steps >= count - 1,
                "{family}: {steps} steps are too few to be true"
            );
            assert!(
                steps <= most,
                "{family}: {steps} steps for {} bytes",
                text.len()
            );
        }
    }
}
