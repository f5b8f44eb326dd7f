//! Sets of ASCII characters.

use core::fmt;

/// A set of ASCII characters. Anything else is in no alphabet.
///
/// It prints what it holds: `A-Z a-z 0-9 _ -`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Alphabet(Bits);

/// One bit for each value of a byte, so that looking one up needs no check; those above ASCII are never set.
type Bits = [u32; 8];

impl Alphabet {
    /// `A`–`Z` and `a`–`z`.
    pub const LETTERS: Self = Self([0; 8]).with_range(b'A', b'Z').with_range(b'a', b'z');

    /// The letters and `0`–`9`.
    pub const ALPHANUMERIC: Self = Self::LETTERS.with_range(b'0', b'9');

    /// The characters from `!` to `~`: all that print something.
    pub const VISIBLE: Self = Self([0; 8]).with_range(b'!', b'~');

    /// Adds characters. What is not ASCII is left out.
    #[must_use]
    pub const fn with(self, characters: &str) -> Self {
        self.changed(characters, true)
    }

    /// Removes characters.
    #[must_use]
    pub const fn without(self, characters: &str) -> Self {
        self.changed(characters, false)
    }

    /// Returns whether the alphabet holds this character.
    #[must_use]
    pub fn contains(&self, character: u8) -> bool {
        // The index is below 8.
        (self.0[usize::from(character >> 5)] >> (character & 31)) & 1 == 1
    }

    /// Returns whether the alphabet holds every character of `other`.
    pub(crate) const fn includes(&self, other: Self) -> bool {
        let mut word = 0;
        while word < self.0.len() {
            if self.0[word] & other.0[word] != other.0[word] {
                return false;
            }
            word += 1;
        }
        true
    }

    const fn changed(mut self, characters: &str, there: bool) -> Self {
        let characters = characters.as_bytes();
        let mut index = 0;
        while index < characters.len() {
            if characters[index].is_ascii() {
                self = self.set(characters[index], there);
            }
            index += 1;
        }
        self
    }

    const fn with_range(mut self, first: u8, last: u8) -> Self {
        let mut character = first;
        while character <= last {
            self = self.set(character, true);
            character += 1;
        }
        self
    }

    /// `character` is ASCII.
    const fn set(mut self, character: u8, there: bool) -> Self {
        let bit = 1 << (character & 31);
        if there {
            self.0[(character >> 5) as usize] |= bit;
        } else {
            self.0[(character >> 5) as usize] &= !bit;
        }
        self
    }

    fn visible(&self) -> impl Iterator<Item = u8> + '_ {
        (b'!'..=b'~').filter(|character| self.contains(*character))
    }
}

impl fmt::Display for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        let mut print = |f: &mut fmt::Formatter<'_>, item: &dyn fmt::Display| {
            write!(f, "{before}{item}")?;
            before = " ";
            Ok(())
        };
        let missing = || (b'!'..=b'~').filter(|character| !self.contains(*character));
        if missing().nth(FEW).is_none() {
            f.write_str("the visible ASCII characters")?;
            if missing().next().is_some() {
                f.write_str(" except ")?;
            }
            return missing().try_for_each(|character| print(f, &char::from(character)));
        }
        let mut rest = *self;
        for (range, text) in [
            (b'A'..=b'Z', "A-Z"),
            (b'a'..=b'z', "a-z"),
            (b'0'..=b'9', "0-9"),
        ] {
            if range.clone().all(|character| self.contains(character)) {
                print(f, &text)?;
                range.for_each(|character| rest = rest.set(character, false));
            }
        }
        rest.visible()
            .try_for_each(|character| print(f, &char::from(character)))
    }
}

/// An alphabet that lacks at most so many visible characters is told by those that it lacks.
const FEW: usize = 8;

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    #[test]
    fn an_alphabet_holds_what_was_given() {
        let alphabet = Alphabet::LETTERS.with("-7é").without("aZ");
        for character in 0..=u8::MAX {
            let expected = match character {
                b'a' | b'Z' => false,
                b'-' | b'7' => true,
                _ => character.is_ascii_alphabetic(),
            };
            assert_eq!(alphabet.contains(character), expected, "{character}");
            assert_eq!(
                Alphabet::ALPHANUMERIC.contains(character),
                character.is_ascii_alphanumeric()
            );
            assert_eq!(
                Alphabet::VISIBLE.contains(character),
                character.is_ascii_graphic()
            );
        }
    }

    #[test]
    fn an_alphabet_includes_its_parts_and_nothing_else() {
        assert!(Alphabet::VISIBLE.includes(Alphabet::ALPHANUMERIC));
        assert!(Alphabet::LETTERS.includes(Alphabet::LETTERS));
        assert!(!Alphabet::LETTERS.includes(Alphabet::ALPHANUMERIC));
        assert!(!Alphabet::VISIBLE.without("~").includes(Alphabet::VISIBLE));
    }

    #[test]
    fn an_alphabet_prints_what_it_holds() {
        for (alphabet, expected) in [
            (Alphabet::ALPHANUMERIC.with("_-"), "A-Z a-z 0-9 - _"),
            (
                Alphabet::LETTERS.without("BC").with("07"),
                "a-z 0 7 A D E F G H I J K L M N O P Q R S T U V W X Y Z",
            ),
            (Alphabet::VISIBLE, "the visible ASCII characters"),
            (
                Alphabet::VISIBLE.without("%?#"),
                "the visible ASCII characters except # % ?",
            ),
        ] {
            assert_eq!(alphabet.to_string(), expected);
        }
    }
}
