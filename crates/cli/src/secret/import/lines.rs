//! Reads the lines of a file or a pipe into memory that is wiped and does not grow.

use std::io::{self, Read};

use zeroize::Zeroizing;

/// Reads lines.
pub(super) struct Lines<R> {
    from: R,
    buffer: Zeroizing<Vec<u8>>,
    /// What is read and not yet given out.
    start: usize,
    end: usize,
    number: u64,
}

/// A line, from 1 on, without its line break. `None` if it is too long: it was passed over.
pub(super) struct Numbered {
    pub(super) number: u64,
    /// How long it is in the file, with its line break.
    pub(super) length: u64,
    pub(super) text: Option<Zeroizing<Vec<u8>>>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            buffer: Zeroizing::new(vec![0; MAX_LINE + 1]),
            start: 0,
            end: 0,
            number: 0,
        }
    }

    /// The next line; the last one need not have a line break.
    pub(super) fn next(&mut self) -> io::Result<Option<Numbered>> {
        let (mut searched, mut passed_over) = (0, 0);
        loop {
            let held = &self.buffer[self.start..self.end];
            if let Some(at) = held[searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.take(searched + at, 1, passed_over);
                return Ok(Some(line));
            }
            searched = held.len();
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, searched);
            }
            if self.end == self.buffer.len() {
                passed_over += length(self.end);
                (self.end, searched) = (0, 0);
            }
            match self.from.read(&mut self.buffer[self.end..]) {
                Ok(0) if self.end == 0 && passed_over == 0 => return Ok(None),
                Ok(0) => return Ok(Some(self.take(self.end, 0, passed_over))),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// So many bytes and a line break of that length.
    fn take(&mut self, bytes: usize, line_break: usize, passed_over: u64) -> Numbered {
        let text = &self.buffer[self.start..self.start + bytes];
        let text = (passed_over == 0 && bytes <= MAX_LINE).then(|| Zeroizing::new(text.to_vec()));
        self.start += bytes + line_break;
        self.number += 1;
        Numbered {
            number: self.number,
            length: passed_over + length(bytes + line_break),
            text,
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Twice the largest request that a gateway accepts, in bytes.
pub(super) const MAX_LINE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let give = self.1.min(buffer.len()).min(self.0.len());
            buffer[..give].copy_from_slice(&self.0[..give]);
            self.0 = &self.0[give..];
            Ok(give)
        }
    }

    fn lines(input: &[u8], at_a_time: usize) -> Vec<Option<usize>> {
        let mut lines = Lines::new(Slow(input, at_a_time));
        let (mut all, mut total) = (Vec::new(), 0);
        while let Some(line) = lines.next().unwrap() {
            assert_eq!(line.number, length(all.len() + 1));
            total += line.length;
            all.push(line.text.map(|text| text.len()));
        }
        assert_eq!(total, length(input.len()));
        all
    }

    #[test]
    fn lines_come_whole_however_they_are_read() {
        for at_a_time in [1, 2, 3, 7, 4096] {
            assert_eq!(lines(b"", at_a_time), []);
            assert_eq!(lines(b"\n", at_a_time), [Some(0)]);
            assert_eq!(lines(b"ab\n\nc", at_a_time), [Some(2), Some(0), Some(1)]);
            assert_eq!(lines(b"ab\r\nc\n", at_a_time), [Some(3), Some(1)]);
        }
        let mut lines = Lines::new(&b"ab\nc"[..]);
        assert_eq!(
            **lines.next().unwrap().unwrap().text.as_ref().unwrap(),
            *b"ab"
        );
        assert_eq!(
            **lines.next().unwrap().unwrap().text.as_ref().unwrap(),
            *b"c"
        );
    }

    #[test]
    fn what_is_too_long_is_passed_over() {
        for extra in [0, 1, 2, MAX_LINE, 3 * MAX_LINE] {
            let long = vec![b'x'; MAX_LINE + extra];
            let input = [b"ab\n", &long[..], b"\ncd\n"].concat();
            let expected = (extra == 0).then_some(MAX_LINE);
            for at_a_time in [1000, 1 << 20] {
                assert_eq!(
                    lines(&input, at_a_time),
                    [Some(2), expected, Some(2)],
                    "{extra}"
                );
                assert_eq!(
                    lines(&input[..3 + long.len()], at_a_time),
                    [Some(2), expected]
                );
            }
        }
    }
}
