//! The decoded bytes of a name, read no further than a comparison needs.

use super::hash::hash;
use crate::scan::end_of_plain;
use crate::steps;
use crate::string::{decode_escape, encode_utf8};

/// Ends every name. Not a byte of UTF-8 (RFC 3629 §3).
pub(super) const END: u8 = 0xFF;

/// The decoded bytes of a name, then [`END`].
pub(super) trait Bits: Clone {
    /// The byte at `index`, which never decreases; `None` behind the end.
    fn byte(&mut self, index: usize) -> Option<u8>;

    /// Where the name parts from the one whose contents `other` begins with, as sent; `None` if
    /// they are equal.
    fn parting(self, other: &[u8]) -> Option<Parting>;

    /// The same for equal names.
    fn hash(&self) -> usize;

    /// The bit with this number, the highest of a byte first.
    #[inline]
    fn bit(&mut self, bit: usize) -> Option<bool> {
        self.byte(bit / 8).map(|byte| bit_of(byte, bit))
    }
}

/// Where two names part: the first byte that differs, in each.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parting {
    pub(super) index: usize,
    pub(super) own: u8,
    pub(super) other: u8,
}

impl Parting {
    /// The first bit that differs, and what the name has there.
    pub(super) fn bit(&self) -> (usize, bool) {
        let bit = self.index * 8 + (self.own ^ self.other).leading_zeros() as usize;
        (bit, bit_of(self.own, bit))
    }
}

/// A decoded name that has neither quotes nor backslashes: nearly every name.
#[derive(Clone, Copy)]
pub(super) struct Plain<'a>(pub(super) &'a [u8]);

impl<'a> Plain<'a> {
    /// Decodes the name that `rest` begins with, if it fits into `buffer` and is plain then.
    pub(super) fn decode(mut rest: &[u8], buffer: &'a mut [u8; SHORT]) -> Option<Self> {
        let mut length = 0;
        loop {
            let run = end_of_plain(rest, 0);
            let room = buffer.get_mut(length..length + run)?;
            room.copy_from_slice(rest.get(..run)?);
            length += run;
            let Some([b'\\', escape @ ..]) = rest.get(run..) else {
                break;
            };
            let (code_point, read) = decode_escape(escape)?;
            rest = escape.get(read..)?;
            for byte in Piece::escape(code_point).bytes() {
                if matches!(byte, b'"' | b'\\') {
                    return None;
                }
                *buffer.get_mut(length)? = *byte;
                length += 1;
            }
        }
        buffer.get(..length).map(Self)
    }
}

/// MemberNames up to this length are decoded once and then compared; longer ones are decoded as they
/// are compared. And no more bytes than this have a part in the hash.
pub(super) const SHORT: usize = 64;

impl Bits for Plain<'_> {
    #[inline]
    fn hash(&self) -> usize {
        hash(self.0.get(..SHORT).unwrap_or(self.0))
    }

    #[inline]
    fn byte(&mut self, index: usize) -> Option<u8> {
        match self.0.get(index) {
            Some(byte) => Some(*byte),
            None => (index == self.0.len()).then_some(END),
        }
    }

    #[inline]
    fn parting(self, mut other: &[u8]) -> Option<Parting> {
        let mut index = 0;
        loop {
            // At the latest the other's closing quote or backslash differs.
            let run = common_prefix(self.0.get(index..)?, other);
            index += run;
            let own = self.0.get(index).copied().unwrap_or(END);
            match other.get(run..) {
                Some([b'\\', escape @ ..]) => {
                    let (code_point, length) = decode_escape(escape)?;
                    for other in Piece::escape(code_point).bytes() {
                        let own = self.0.get(index).copied().unwrap_or(END);
                        if own != *other {
                            return Some(Parting {
                                index,
                                own,
                                other: *other,
                            });
                        }
                        index += 1;
                    }
                    other = escape.get(length..)?;
                }
                Some([other, ..]) if *other != b'"' => {
                    return Some(Parting {
                        index,
                        own,
                        other: *other,
                    });
                }
                _ => {
                    return (own != END).then_some(Parting {
                        index,
                        own,
                        other: END,
                    });
                }
            }
        }
    }
}

/// Any name, in the pieces that its escapes cut it into.
#[derive(Clone)]
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
    /// Whether `rest` is as sent: has escapes, and may go on behind a closing quote.
    is_json: bool,
    ended: bool,
    piece: Piece<'a>,
    /// The index of the piece's first byte.
    start: usize,
}

#[derive(Clone)]
enum Piece<'a> {
    Run(&'a [u8]),
    Escape([u8; 4], usize),
}

impl Piece<'_> {
    /// For half of a surrogate pair what UTF-8 would have if it had any, so that it is distinct
    /// from every character.
    #[inline]
    fn escape(code_point: u32) -> Self {
        let (bytes, length) = encode_utf8(code_point);
        Self::Escape(bytes, length)
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Run(run) => run,
            Self::Escape(bytes, length) => bytes.get(..*length).unwrap_or_default(),
        }
    }
}

impl<'a> Pieces<'a> {
    /// A name as it was sent, without its opening quote.
    pub(super) fn json(rest: &'a [u8]) -> Self {
        Self {
            rest,
            is_json: true,
            ended: false,
            piece: Piece::Run(&[]),
            start: 0,
        }
    }

    /// A name that is decoded.
    pub(super) fn text(rest: &'a [u8]) -> Self {
        Self {
            is_json: false,
            ..Self::json(rest)
        }
    }

    /// Goes on to the next piece, which is [`END`] at last, and looks at no more than about
    /// `limit` bytes for it. `None` behind the end.
    fn advance(&mut self, limit: usize) -> Option<()> {
        if self.ended {
            return None;
        }
        self.start += self.piece.bytes().len();
        let run = if self.is_json {
            end_of_plain(self.rest.get(..limit).unwrap_or(self.rest), 0)
        } else {
            self.rest.len()
        };
        self.piece = match self.rest.split_at_checked(run) {
            Some((run @ [_, ..], rest)) => {
                self.rest = rest;
                Piece::Run(run)
            }
            Some((_, [b'\\', escape @ ..])) => {
                let (code_point, length) = decode_escape(escape)?;
                self.rest = escape.get(length..)?;
                Piece::escape(code_point)
            }
            _ => {
                self.ended = true;
                Piece::Escape([END; 4], 1)
            }
        };
        Some(())
    }
}

impl Bits for Pieces<'_> {
    fn hash(&self) -> usize {
        let mut name = self.clone();
        let mut first = [0; SHORT];
        let mut length = 0;
        for (index, byte) in first.iter_mut().enumerate() {
            match name.byte(index) {
                None | Some(END) => break,
                Some(found) => *byte = found,
            }
            length += 1;
        }
        hash(first.get(..length).unwrap_or_default())
    }

    fn byte(&mut self, index: usize) -> Option<u8> {
        loop {
            if let Some(byte) = self.piece.bytes().get(index.checked_sub(self.start)?) {
                return Some(*byte);
            }
            self.advance(usize::MAX)?;
        }
    }

    fn parting(mut self, other: &[u8]) -> Option<Parting> {
        let mut other = Pieces::json(other);
        let mut index = 0;
        loop {
            if index == self.start + self.piece.bytes().len() {
                self.advance(usize::MAX)?;
            }
            let own = self.piece.bytes().get(index - self.start..)?;
            if index == other.start + other.piece.bytes().len() {
                // Were the other name long, no more of it is looked at than this one has.
                other.advance(own.len())?;
            }
            let others = other.piece.bytes().get(index - other.start..)?;
            let common = common_prefix(own, others);
            if let (Some(&own), Some(&other)) = (own.get(common), others.get(common)) {
                return Some(Parting {
                    index: index + common,
                    own,
                    other,
                });
            }
            index += common;
        }
    }
}

fn bit_of(byte: u8, bit: usize) -> bool {
    byte << (bit % 8) & 0x80 != 0
}

/// The length of what both begin with.
#[inline]
fn common_prefix(mut a: &[u8], mut b: &[u8]) -> usize {
    let whole = a.len();
    while let (Some((x, a_rest)), Some((y, b_rest))) =
        (a.split_first_chunk::<8>(), b.split_first_chunk::<8>())
        && x == y
    {
        (a, b) = (a_rest, b_rest);
    }
    let rest = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let common = whole - a.len() + rest;
    steps::count(common + 1);
    common
}
