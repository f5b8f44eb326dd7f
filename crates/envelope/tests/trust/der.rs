//! A writer of DER, and of what is not quite DER. It shares nothing with the code under test.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const NULL: [u8; 2] = [0x05, 0x00];

/// Tag, length in as few bytes as possible, value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let significant = &length[length
        .iter()
        .position(|b| *b != 0)
        .unwrap_or(length.len() - 1)..];
    let mut out = vec![tag];
    if significant.len() > 1 || significant[0] >= 0x80 {
        out.push(0x80 | u8::try_from(significant.len()).unwrap());
    }
    out.extend(significant);
    out.extend(value);
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

pub(crate) fn set(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SET, &parts.concat())
}

/// An INTEGER that is not negative, in as few bytes as possible.
pub(crate) fn unsigned(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|b| *b != 0).unwrap_or(number.len());
    let mut value = number[start..].to_vec();
    if value.first().is_none_or(|b| *b >= 0x80) {
        value.insert(0, 0);
    }
    tlv(INTEGER, &value)
}

pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut value = Vec::new();
    for arc in [&[40 * arcs[0] + arcs[1]], &arcs[2..]].concat() {
        let start = value.len();
        let mut rest = arc;
        loop {
            let more = if value.len() > start { 0x80 } else { 0 };
            value.insert(start, u8::try_from(rest & 0x7f).unwrap() | more);
            rest >>= 7;
            if rest == 0 {
                break;
            }
        }
    }
    tlv(OID, &value)
}

pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

/// The same TLV with a length that is one byte longer than needed.
pub(crate) fn with_long_length(tlv: &[u8]) -> Vec<u8> {
    match tlv[1] {
        short @ ..0x80 => [&[tlv[0], 0x81, short], &tlv[2..]].concat(),
        long => [&[tlv[0], long + 1, 0], &tlv[2..]].concat(),
    }
}

/// The same TLV with an indefinite length (X.690 §8.1.3.6), as BER has it.
pub(crate) fn with_indefinite_length(tlv: &[u8]) -> Vec<u8> {
    let header = match tlv[1] {
        ..0x80 => 2,
        long => 2 + usize::from(long & 0x7f),
    };
    [&[tlv[0], 0x80], &tlv[header..], &[0, 0]].concat()
}
