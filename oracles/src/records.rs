//! Records of the embedded vault.

use sealpost_vault_file::record::{HEADER, Record, TAG};

use crate::allocations::bounded;

/// What is read, written again from its parts, is the same bytes; nothing is allocated, and only version 1 is read.
pub(crate) fn check(bytes: &[u8]) {
    let Some(record) = bounded(bytes.len(), 0, 0, || Record::parse(bytes)) else {
        assert!(bytes.len() < HEADER + TAG || bytes[0] != 1);
        return;
    };
    assert_eq!(bytes[0], 1);
    let parts = [
        &[1],
        &record.operation.as_bytes()[..],
        record.salt,
        record.ciphertext,
        record.tag,
    ];
    assert_eq!(parts.concat(), bytes);
    assert_eq!(record.header[..], bytes[..HEADER]);
}
