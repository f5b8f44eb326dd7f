//! A writer of DER, and of what is not quite DER. It shares nothing with the code under test.

/// The tag of BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// The tag of INTEGER.
pub const INTEGER: u8 = 0x02;
/// The tag of BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// The tag of OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// The tag of OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// The tag of UTF8String.
pub const UTF8_STRING: u8 = 0x0c;
/// The tag of UTCTime.
pub const UTC_TIME: u8 = 0x17;
/// The tag of GeneralizedTime.
pub const GENERALIZED_TIME: u8 = 0x18;
/// The tag of SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// The tag of SET.
pub const SET: u8 = 0x31;
/// NULL, with its length.
pub const NULL: [u8; 2] = [0x05, 0x00];

/// Tag, length in as few bytes as possible, value.
#[must_use]
pub fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
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

/// A SEQUENCE of these parts.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// A SET of these parts, in this order.
#[must_use]
pub fn set(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SET, &parts.concat())
}

/// An INTEGER that is not negative, in as few bytes as possible.
#[must_use]
pub fn unsigned(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|b| *b != 0).unwrap_or(number.len());
    let mut value = number[start..].to_vec();
    if value.first().is_none_or(|b| *b >= 0x80) {
        value.insert(0, 0);
    }
    tlv(INTEGER, &value)
}

/// An OBJECT IDENTIFIER from its dotted form.
#[must_use]
pub fn oid(dotted: &str) -> Vec<u8> {
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

/// A BIT STRING of whole bytes.
#[must_use]
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

/// The same TLV with a length that is one byte longer than needed.
#[must_use]
pub fn with_long_length(tlv: &[u8]) -> Vec<u8> {
    match tlv[1] {
        short @ ..0x80 => [&[tlv[0], 0x81, short], &tlv[2..]].concat(),
        long => [&[tlv[0], long + 1, 0], &tlv[2..]].concat(),
    }
}

/// The same TLV with an indefinite length (X.690 §8.1.3.6), as BER has it.
#[must_use]
pub fn with_indefinite_length(tlv: &[u8]) -> Vec<u8> {
    let header = match tlv[1] {
        ..0x80 => 2,
        long => 2 + usize::from(long & 0x7f),
    };
    [&[tlv[0], 0x80], &tlv[header..], &[0, 0]].concat()
}
