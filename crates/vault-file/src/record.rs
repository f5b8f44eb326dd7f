//! The stored form of a secret.

use sealpost_vault::OperationId;

/// A record as it stands in the file, version 1. Lengths are in bytes.
///
/// ```text
/// record    = version operation salt sealed
/// version   = %x01
/// operation = 32OCTET              ; who stored it, to recognise a retry
/// salt      = 32OCTET              ; random
/// sealed    = ciphertext tag       ; as long as the value, and 16 more
/// ```
///
/// There is one record for its four parts, and one reading of a record. Parsing touches no key:
/// whether the record is genuine is found out when it is opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Version, operation and salt, which are authenticated with the ciphertext.
    pub header: &'a [u8; HEADER],
    /// The operation that stored the secret.
    pub operation: OperationId,
    /// The salt of the record's key.
    pub salt: &'a [u8; 32],
    /// The value, encrypted.
    pub ciphertext: &'a [u8],
    /// The tag of the ciphertext.
    pub tag: &'a [u8; TAG],
}

impl<'a> Record<'a> {
    /// Splits a record into its parts. `None` if it is of another version or too short.
    #[must_use]
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        let (header, sealed) = record.split_first_chunk::<HEADER>()?;
        let (ciphertext, tag) = sealed.split_last_chunk()?;
        let (version, rest) = header.split_first()?;
        let (operation, salt) = rest.split_first_chunk()?;
        (*version == VERSION).then_some(Self {
            header,
            operation: OperationId::from_bytes(*operation),
            salt: salt.try_into().ok()?,
            ciphertext,
            tag,
        })
    }
}

/// The header of a new record.
pub(crate) fn header(operation: &OperationId, salt: &[u8; 32]) -> [u8; HEADER] {
    let mut header = [VERSION; HEADER];
    header[1..33].copy_from_slice(operation.as_bytes());
    header[33..].copy_from_slice(salt);
    header
}

/// Version, operation, salt: 1 + 32 + 32.
pub const HEADER: usize = 1 + 32 + 32;

/// The tag of AES-GCM.
pub const TAG: usize = 16;

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_one_form() {
        let operation = OperationId::from_bytes([2; 32]);
        let mut bytes = header(&operation, &[3; 32]).to_vec();
        bytes.extend([4; 5]);
        bytes.extend([5; TAG]);
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(record.operation, operation);
        assert_eq!(record.salt, &[3; 32]);
        assert_eq!(record.ciphertext, [4; 5]);
        assert_eq!(record.tag, &[5; TAG]);
        let parts = [&record.header[..], record.ciphertext, record.tag];
        assert_eq!(parts.concat(), bytes);
    }

    #[test]
    fn other_versions_and_short_records_are_none() {
        let bytes = [VERSION; HEADER + TAG];
        assert!(Record::parse(&bytes).is_some());
        for len in 0..bytes.len() {
            assert_eq!(Record::parse(&bytes[..len]), None, "{len}");
        }
        for version in [0, 2, 0xff] {
            let mut bytes = bytes;
            bytes[0] = version;
            assert_eq!(Record::parse(&bytes), None);
        }
    }
}
