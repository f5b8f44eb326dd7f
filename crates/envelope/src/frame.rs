//! The frames that follow the header, one a message.
//!
//! ```text
//! frame = u32 i ‖ u8 last ‖ com [32] ‖ u32 |ct| ‖ ct          |ct| = |pad(m)| + 16
//! ```

use crate::{
    error::ParseError,
    padding,
    reader::{Reader, Writer},
};

/// One message in an envelope, still sealed. Unauthenticated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Frame<'a> {
    pub(crate) index: u32,
    pub(crate) last: bool,
    pub(crate) commitment: &'a [u8; 32],
    /// Without the tag.
    pub(crate) ciphertext: &'a [u8],
    pub(crate) tag: &'a [u8; TAG_LEN],
}

impl<'a> Frame<'a> {
    /// The message's place in the envelope, from 0.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Returns whether the envelope ends with this message.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.last
    }

    /// What the message commits to: key, header, place and context.
    #[must_use]
    pub fn commitment(&self) -> &'a [u8; 32] {
        self.commitment
    }

    /// The padded message, encrypted; without the tag.
    #[must_use]
    pub fn ciphertext(&self) -> &'a [u8] {
        self.ciphertext
    }

    /// The authentication tag that follows the ciphertext.
    #[must_use]
    pub fn tag(&self) -> &'a [u8; 16] {
        self.tag
    }

    /// The length of the padded message, in bytes; opening into a caller's buffer needs as many.
    #[must_use]
    pub fn padded_len(&self) -> usize {
        self.ciphertext.len()
    }

    /// Reads the frame whose place is `expected`.
    fn read(reader: &mut Reader<'a>, expected: u32) -> Result<Self, ParseError> {
        let position = reader.position();
        let index = reader.u32()?;
        if index != expected {
            return Err(ParseError::FrameIndex {
                position,
                expected,
                found: index,
            });
        }
        Self::read_rest(reader, index)
    }

    /// Reads a frame of any index.
    pub(crate) fn read_alone(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let index = reader.u32()?;
        Self::read_rest(reader, index)
    }

    fn read_rest(reader: &mut Reader<'a>, index: u32) -> Result<Self, ParseError> {
        let position = reader.position();
        let last = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(ParseError::FrameFlag { position }),
        };
        let commitment = reader.array()?;
        let position = reader.position();
        let found = reader.u32()?;
        let padded = usize::try_from(found)
            .ok()
            .and_then(|length| length.checked_sub(TAG_LEN))
            .filter(|padded| padding::is_padded_len(*padded))
            .ok_or(ParseError::FrameLength { position, found })?;
        Ok(Self {
            index,
            last,
            commitment,
            ciphertext: reader.take(padded)?,
            tag: reader.array()?,
        })
    }
}

/// The messages of an envelope, in order, still sealed.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
    next: u32,
}

impl<'a> Frames<'a> {
    /// Checks every frame in `bytes`, which start at `offset` in the envelope; returns the iterator,
    /// how many there are, and whether the last one says so.
    pub(crate) fn parse(bytes: &'a [u8], offset: usize) -> Result<(Self, u32, bool), ParseError> {
        let mut reader = Reader::new(bytes);
        let mut count: u32 = 0;
        let mut complete = false;
        while !reader.is_empty() {
            if complete {
                return Err(ParseError::TrailingBytes {
                    position: offset + reader.position(),
                });
            }
            let frame = Frame::read(&mut reader, count).map_err(|error| shift(error, offset))?;
            complete = frame.last;
            // 2³² frames would take more than a TiB; beyond, the index can't match its place.
            count = count.saturating_add(1);
        }
        if count == 0 {
            return Err(ParseError::NoMessage);
        }
        Ok((Self::from_parsed(bytes), count, complete))
    }

    /// The frames in these bytes, which were parsed before.
    pub(crate) fn from_parsed(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            next: 0,
        }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let mut reader = Reader::new(self.rest);
        // All were parsed before: this ends at the envelope's end and nowhere else.
        let frame = Frame::read(&mut reader, self.next).ok()?;
        self.rest = reader.rest();
        self.next = self.next.saturating_add(1);
        Some(frame)
    }
}

/// Writes a frame up to its ciphertext and returns ciphertext and tag for the caller to fill.
pub(crate) fn write<'w>(
    writer: &mut Writer<'w>,
    index: u32,
    last: bool,
    commitment: &[u8; 32],
    padded: usize,
) -> Option<(&'w mut [u8], &'w mut [u8])> {
    writer.put(&index.to_be_bytes())?;
    writer.put(&[u8::from(last)])?;
    writer.put(commitment)?;
    writer.put(&u32::try_from(padded + TAG_LEN).ok()?.to_be_bytes())?;
    Some((writer.reserve(padded)?, writer.reserve(TAG_LEN)?))
}

// Positions count from the start of the envelope.
pub(crate) fn shift(error: ParseError, offset: usize) -> ParseError {
    match error {
        ParseError::Truncated { position, missing } => ParseError::Truncated {
            position: position + offset,
            missing,
        },
        ParseError::FrameIndex {
            position,
            expected,
            found,
        } => ParseError::FrameIndex {
            position: position + offset,
            expected,
            found,
        },
        ParseError::FrameFlag { position } => ParseError::FrameFlag {
            position: position + offset,
        },
        ParseError::FrameLength { position, found } => ParseError::FrameLength {
            position: position + offset,
            found,
        },
        other => other,
    }
}

/// A frame's length before its ciphertext: index 4, last 1, commitment 32, length 4.
pub(crate) const FRAME_LEN: usize = 41;
/// The length of an AES-GCM tag.
pub(crate) const TAG_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Frames as they stand behind a header of 300 bytes.
    fn parse(bytes: &[u8]) -> Result<(), ParseError> {
        Frames::parse(bytes, 300).map(|_| ())
    }

    fn frame(index: u32, last: bool) -> Vec<u8> {
        let mut bytes = alloc::vec![0xaa; FRAME_LEN + 256 + TAG_LEN];
        let mut writer = Writer::new(&mut bytes);
        write(&mut writer, index, last, &[7; 32], 256).unwrap();
        assert_eq!(writer.written(), bytes.len());
        bytes
    }

    #[test]
    fn errors_say_where_in_the_envelope() {
        let good = [frame(0, false), frame(1, true)].concat();
        assert_eq!(parse(&good), Ok(()));
        let second = 300 + good.len() / 2;
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at - 300] = byte;
            parse(&bytes)
        };
        assert_eq!(
            with(second + 3, 9),
            Err(ParseError::FrameIndex {
                position: second,
                expected: 1,
                found: 9
            })
        );
        assert_eq!(
            with(second + 4, 2),
            Err(ParseError::FrameFlag {
                position: second + 4
            })
        );
        assert_eq!(
            with(second + 40, 0x11),
            Err(ParseError::FrameLength {
                position: second + 37,
                found: 273
            })
        );
        assert_eq!(
            parse(&good[..good.len() - 5]),
            Err(ParseError::Truncated {
                position: 300 + good.len() - 5,
                missing: 5
            })
        );
        assert_eq!(
            parse(&[&good[..], &[0]].concat()),
            Err(ParseError::TrailingBytes {
                position: 300 + good.len()
            })
        );
        assert_eq!(parse(&[]), Err(ParseError::NoMessage));
    }
}
