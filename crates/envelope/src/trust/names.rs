//! Names that are the same and encoded in two ways.
//!
//! RFC 5280 §7.1 compares names without regard to capitals, to blanks around and several in a row, and to the type of the
//! string; OpenSSL does so. webpki compares bytes, as most authorities copy their name into what they issue. A chain that
//! breaks for that alone is refused, with that reason.

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

use der::{Decode as _, Encode as _, Tag, asn1::AnyRef};
use x509_cert::name::RdnSequence;

/// Returns whether two names in DER differ, and only in how they are encoded. A guess, good enough to say what to do.
pub(super) fn alike(one: &[u8], other: &[u8]) -> bool {
    one != other && folded(one).is_some_and(|one| folded(other) == Some(one))
}

/// The name around its content.
pub(super) fn sequence(content: &[u8]) -> Option<Vec<u8>> {
    AnyRef::new(Tag::Sequence, content).ok()?.to_der().ok()
}

fn folded(name: &[u8]) -> Option<String> {
    let text = RdnSequence::from_der(name).ok()?.to_string().to_lowercase();
    // RFC 4514 escapes the blanks around a value.
    let text = text
        .replace('\\', " ")
        .replace('=', " = ")
        .replace(',', " , ");
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
