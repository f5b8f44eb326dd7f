//! Object identifiers.

use der::asn1::ObjectIdentifier;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// RFC 5083 §2.
pub(super) const AUTH_ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.23");
/// RFC 5652 §6.1.
pub(super) const ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.3");
/// RFC 5652 §4.
pub(super) const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
/// RFC 5084 §3.2.
pub(super) const AES_256_GCM: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.46");
/// RFC 8017 appendix A.2.
pub(super) const RSAES_OAEP: ObjectIdentifier = oid("1.2.840.113549.1.1.7");
pub(super) const RSA_ENCRYPTION: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
pub(super) const MGF_1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
pub(super) const P_SPECIFIED: ObjectIdentifier = oid("1.2.840.113549.1.1.9");
/// RFC 8017 appendix B.1.
pub(super) const SHA_1: ObjectIdentifier = oid("1.3.14.3.2.26");
pub(super) const SHA_256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
