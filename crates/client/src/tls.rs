//! The files that a client's TLS needs, checked before the HTTP library gets them: it would name no cause, or accept a
//! file without a certificate and then trust no one.

use reqwest::{Certificate, Identity};
use rustls::{RootCertStore, crypto::aws_lc_rs::default_provider, sign::CertifiedKey};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{Error as PemError, PemObject as _},
};

use sealpost_envelope::trust::{TrustAnchors, TrustAnchorsError};

use crate::error::BoxError;

/// The authorities of a file.
#[derive(Debug)]
pub(crate) struct Authorities {
    pub(crate) usable: Vec<Certificate>,
    /// Why the others can't be used, each with its place in the file.
    pub(crate) left_out: Vec<String>,
}

/// Returns the authorities in a PEM file. One that can't be used as an authority is left out, if there are others.
pub(crate) fn authorities(pem: &[u8]) -> Result<Authorities, BoxError> {
    let (mut usable, mut left_out, mut refused) = (Vec::new(), Vec::new(), None);
    for (number, der) in (1..).zip(certificates(pem)?) {
        match RootCertStore::empty().add(der.clone()) {
            Ok(()) => usable.push(Certificate::from_der(&der)?),
            Err(error) => {
                left_out.push(format!(
                    "certificate {number} of the file can't be an authority's and is left out: {error}"
                ));
                refused = Some(error);
            }
        }
    }
    match refused {
        Some(error) if usable.is_empty() => {
            Err(format!("none of its certificates can be an authority's: {error}").into())
        }
        _ => Ok(Authorities { usable, left_out }),
    }
}

/// Returns the certificate and the key that a client shows, if they belong together.
pub(crate) fn identity(pem: &[u8]) -> Result<Identity, BoxError> {
    // First: the headers of the old form are not PEM for the reader of certificates.
    let has = |label: &str| labels(pem).any(|found| found == label);
    if has("ENCRYPTED PRIVATE KEY") || has_text(pem, "Proc-Type: 4,ENCRYPTED") {
        return Err(
            "its private key is encrypted: give it without a password (openssl pkey -in FILE)"
                .into(),
        );
    }
    let chain = certificates(pem)?;
    let key = match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => key,
        Err(PemError::NoItemsFound) => {
            return Err("it has no private key (-----BEGIN PRIVATE KEY-----)".into());
        }
        Err(_) => return Err(NOT_INTACT.into()),
    };
    match CertifiedKey::from_der(chain, key, &default_provider()) {
        Ok(_) => Ok(Identity::from_pem(pem)?),
        Err(rustls::Error::InconsistentKeys(_)) => Err(
            "its private key does not belong to its first certificate: the client's own comes first, then those that \
             issued it"
                .into(),
        ),
        Err(rustls::Error::InvalidCertificate(_)) => Err("its first certificate can't be read".into()),
        Err(_) => Err("its private key is not one that TLS can use (RSA, P-256, P-384, P-521 or Ed25519)".into()),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, BoxError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(without_certificate(pem).into()),
        Err(_) => Err(NOT_INTACT.into()),
    }
}

/// Tells what a file without a certificate is instead.
fn without_certificate(pem: &[u8]) -> String {
    let instead = match labels(pem).next() {
        _ if pem.trim_ascii().is_empty() => ": it is empty",
        // A SEQUENCE of DER.
        None if pem.starts_with(&[0x30]) => {
            ": it seems to be DER; openssl x509 -inform DER -in FILE makes PEM of it"
        }
        None => return format!("{NO_CERTIFICATE}{}", what_it_is(pem)),
        Some("TRUSTED CERTIFICATE") => {
            ": it is OpenSSL's own form; openssl x509 -in FILE makes a plain one of it"
        }
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => {
            ": it is a request for one; give what the authority has issued"
        }
        Some("PKCS7" | "CMS") => {
            ": openssl pkcs7 -in FILE -print_certs takes those out that it holds"
        }
        Some(label) if label.ends_with("PRIVATE KEY") => ": it has a private key",
        Some(label) if label.ends_with("PUBLIC KEY") => ": it has a bare public key",
        Some(_) => "",
    };
    format!("{NO_CERTIFICATE}{instead}")
}

/// What a file without any PEM is, in the words for authorities of agents.
fn what_it_is(file: &[u8]) -> String {
    match TrustAnchors::from_pem_or_der(file) {
        Err(error @ TrustAnchorsError::File(_)) => format!(": {error}"),
        _ => String::new(),
    }
}

/// What the file's PEM blocks call themselves.
fn labels(pem: &[u8]) -> impl Iterator<Item = &str> {
    pem.split(|b| *b == b'\n').filter_map(|line| {
        let line = str::from_utf8(line.trim_ascii()).ok()?;
        line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")
    })
}

fn has_text(pem: &[u8], text: &str) -> bool {
    pem.windows(text.len()).any(|part| part == text.as_bytes())
}

const NOT_INTACT: &str = "its PEM is not intact: copy the file again";
const NO_CERTIFICATE: &str = "it has no certificate (-----BEGIN CERTIFICATE-----)";
