//! How an input with several parts is divided, so that seeds and dictionaries can be written by hand.

/// The parts of an input of texts, divided by 0xFF, which no UTF-8 has; the last one takes the rest.
pub(crate) fn parts<const N: usize>(input: &[u8]) -> [&[u8]; N] {
    let mut split = input.splitn(N, |byte| *byte == SEPARATOR);
    std::array::from_fn(|_| split.next().unwrap_or_default())
}

/// Two binary parts: `u16 length ‖ first ‖ second`; `None` if the first is cut.
pub(crate) fn two(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = input.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

/// [`parts`], in reverse.
pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&SEPARATOR)
}

/// [`two`], in reverse.
pub(crate) fn join_two(first: &[u8], second: &[u8]) -> Vec<u8> {
    let length = u16::try_from(first.len()).expect("a seed's first part is short");
    [&length.to_be_bytes(), first, second].concat()
}

const SEPARATOR: u8 = 0xff;
