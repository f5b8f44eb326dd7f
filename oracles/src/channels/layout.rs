//! The layouts of docs/CHANNELS.md, read a second time: by offsets, without the product's code.

/// What an opening says, as it stands in a message.
pub(super) struct Opening<'a> {
    pub(super) flags: u8,
    pub(super) kid: &'a [u8],
    pub(super) agent: &'a [u8],
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
    pub(super) exchange: &'a [u8],
    pub(super) header: &'a [u8],
}

/// §4, §5 and §10.
pub(super) fn message(bytes: &[u8]) -> Option<Opening<'_>> {
    if !(1563..=137_581).contains(&bytes.len()) || bytes[0] != 1 || bytes[1] > 1 {
        return None;
    }
    let flags = bytes[1];
    let agent = usize::from(bytes[34]);
    let is_id = |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-');
    let id = bytes.get(35..35 + agent)?;
    if !(1..=64).contains(&agent) || !id.iter().all(is_id) {
        return None;
    }
    let times = 35 + agent;
    let length = number(bytes.get(times + 48..times + 50)?);
    let header = bytes
        .get(times + 50..)?
        .get(..usize::try_from(length).ok()?)?;
    let proof = times + 50 + header.len();
    let frame = proof + 32 + 64 + 8 + 32 + 64 * usize::from(flags);
    let ciphertext = bytes.len().checked_sub(frame)?;
    let good = header.len() <= 2048 && is_padded(ciphertext.checked_sub(16)?, 1024, 132_093);
    good.then(|| Opening {
        flags,
        kid: &bytes[2..34],
        agent: id,
        issued_at: number(&bytes[times..times + 8]),
        expires_at: number(&bytes[times + 8..times + 16]),
        exchange: &bytes[times + 16..times + 48],
        header,
    })
}

/// §6: where the head of a body ends.
pub(super) fn head(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(*bytes.get(34)?);
    let id = bytes.get(35..35 + length)?;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ((8..=64).contains(&length) && id.iter().all(allowed)).then_some(35 + length)
}

/// §6: what follows the head of a create.
pub(super) fn create(kind: u8, bytes: &[u8]) -> Option<()> {
    let rest = optional(bytes, |rest| rest.get(64..))?;
    let mut rest = optional(rest, |rest| rest.get(16..))?;
    if kind != 3 {
        rest = text(rest, 512)?;
        rest = optional(rest, |rest| text(rest, 256))?;
        rest = optional(rest, |rest| text(rest, 64))?;
    }
    let longest = if kind == 1 { 65_536 } else { 131_072 };
    (1..=longest).contains(&rest.len()).then_some(())
}

/// §8.
pub(super) fn outcome(bytes: &[u8]) -> bool {
    let Some((code, fields)) = bytes.split_first() else {
        return false;
    };
    let rest = match code {
        1 => text(fields, 65_536).and_then(|rest| text(rest, 65_536)),
        2 | 8 => list(fields),
        5 => text(fields, 65_536),
        7 | 14 => set(fields),
        3 | 4 | 6 | 9..=13 | 15 => Some(fields),
        // Of a later release, whatever follows.
        0 | 16..=255 => Some(&[][..]),
    };
    rest.is_some_and(<[u8]>::is_empty)
}

fn list(bytes: &[u8]) -> Option<&[u8]> {
    let (count, mut rest) = bytes.split_first()?;
    for _ in 0..*count {
        rest = text(rest, 1000)?;
    }
    (1..=64).contains(count).then_some(rest)
}

fn set(bytes: &[u8]) -> Option<&[u8]> {
    let (count, rest) = bytes.split_first()?;
    let (set, rest) = rest.split_at_checked(usize::from(*count))?;
    set.windows(2).all(|pair| pair[0] < pair[1]).then_some(rest)
}

fn text(bytes: &[u8], longest: usize) -> Option<&[u8]> {
    let (length, rest) = bytes.split_at_checked(2)?;
    let length = usize::try_from(number(length)).ok()?;
    let (text, rest) = rest.split_at_checked(length)?;
    let good = (1..=longest).contains(&length) && std::str::from_utf8(text).is_ok();
    good.then_some(rest)
}

fn optional<'a>(
    bytes: &'a [u8],
    skip: impl FnOnce(&'a [u8]) -> Option<&'a [u8]>,
) -> Option<&'a [u8]> {
    match bytes.split_first()? {
        (0, rest) => Some(rest),
        (1, rest) => skip(rest),
        _ => None,
    }
}

/// §3: few enough significant bits, from the floor to what the longest message is padded to.
fn is_padded(length: usize, floor: usize, longest: usize) -> bool {
    let steps = |x: usize| {
        let exponent = x.ilog2();
        1_usize << (exponent - exponent.ilog2() - 1)
    };
    let most = (longest + 4).div_ceil(steps(longest + 4)) * steps(longest + 4);
    length >= floor && length <= most && length.is_multiple_of(steps(length))
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
