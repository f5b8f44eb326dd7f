//! Decoding without leniency: one certificate has one encoding.

use alloc::{boxed::Box, collections::BinaryHeap};

use der::{Encode, ErrorKind, Reader, SliceReader, oid::ObjectIdentifier};
use x509_cert::{TbsCertificate, certificate::Version};

use super::CertificateError;

/// The certificate that is encoded in these bytes, in canonical DER and nothing after it, each
/// extension at most once (RFC 5280 §4.2).
///
/// In a box and a frame of its own: by value it would lie on the stack of all its callers several times.
#[inline(never)]
pub(crate) fn decode_strictly(der: &[u8]) -> Result<Box<x509_cert::Certificate>, CertificateError> {
    let mut reader = SliceReader::new(der).map_err(decoding_error)?;
    let certificate: Box<x509_cert::Certificate> =
        Box::new(reader.decode().map_err(decoding_error)?);
    if !reader.is_finished() {
        return Err(CertificateError::TrailingBytes {
            length: u32::from(reader.remaining_len()) as usize,
        });
    }
    // What does not encode to the same bytes was not DER.
    if certificate.to_der().ok().as_deref() != Some(der) {
        return Err(CertificateError::NotDer);
    }
    check_extensions(certificate.tbs_certificate())?;
    Ok(certificate)
}

/// The value of an extension.
pub(crate) fn extension(tbs: &TbsCertificate, id: ObjectIdentifier) -> Option<&[u8]> {
    let mut extensions = tbs.extensions().into_iter().flatten();
    extensions
        .find(|extension| extension.extn_id == id)
        .map(|extension| extension.extn_value.as_bytes())
}

fn check_extensions(tbs: &TbsCertificate) -> Result<(), CertificateError> {
    let Some(extensions) = tbs.extensions() else {
        return Ok(());
    };
    // RFC 5280 §4.1.2.9: only in version 3.
    if tbs.version() != Version::V3 {
        return Err(CertificateError::Malformed);
    }
    // In order, because there may be thousands. From a heap: sorting would take 3 KB of stack.
    let mut ids: BinaryHeap<_> = extensions
        .iter()
        .map(|extension| &extension.extn_id)
        .collect();
    let mut last = None;
    while let Some(id) = ids.pop() {
        if last.replace(id) == Some(id) {
            return Err(CertificateError::DuplicateExtension);
        }
    }
    Ok(())
}

fn decoding_error(error: der::Error) -> CertificateError {
    match error.kind() {
        ErrorKind::IndefiniteLength
        | ErrorKind::Length { .. }
        | ErrorKind::Noncanonical { .. }
        | ErrorKind::Overlength
        | ErrorKind::SetOrdering => CertificateError::NotDer,
        _ => CertificateError::Malformed,
    }
}
