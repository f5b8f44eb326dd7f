//! The files that a client's TLS needs, checked before the HTTP library gets them: it would name no cause, or accept a
//! file without a certificate and then trust no one.

use reqwest::{Certificate, Identity};
use rustls::{
    CertificateError, RootCertStore, crypto::aws_lc_rs::default_provider, sign::CertifiedKey,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{Error as PemError, PemObject as _},
};

use sealpost_envelope::{
    AwsLc,
    key::IdentityError,
    trust::{TrustAnchors, TrustAnchorsError},
};
use zeroize::Zeroizing;

use crate::{error::BoxError, printable::printable};

/// The authorities of a file.
#[derive(Debug)]
pub(crate) struct Authorities {
    pub(crate) usable: Vec<Certificate>,
    /// Why the others can't be used, each with its place in the file.
    pub(crate) left_out: Vec<String>,
}

/// Returns the authorities in a PEM file. One that can't be read or used as an authority is left out, if there are others.
pub(crate) fn authorities(pem: &[u8]) -> Result<Authorities, BoxError> {
    let (mut usable, mut left_out) = (Vec::new(), Vec::new());
    let certificates = Block::all(pem).filter(|block| block.label == CERTIFICATE);
    for (number, block) in (1..).zip(certificates) {
        let refused = match block.certificate() {
            Err(_) => format!("{NOT_INTACT} (line {} of the file)", block.line),
            Ok(der) => match RootCertStore::empty().add(der.clone()) {
                Ok(()) => {
                    usable.push(Certificate::from_der(&der)?);
                    continue;
                }
                Err(error) => format!("it can't be an authority's: {}", in_words(&error)),
            },
        };
        left_out.push(format!(
            "certificate {number} of the file is left out, {refused}"
        ));
    }
    match (usable.is_empty(), left_out.first()) {
        (false, _) => Ok(Authorities { usable, left_out }),
        (true, None) => Err(without_certificate(pem).into()),
        (true, Some(first)) => Err(format!("none of its certificates can be used: {first}").into()),
    }
}

/// Returns the certificate and the key that a client shows, if they belong together.
pub(crate) fn identity(pem: &[u8]) -> Result<Identity, BoxError> {
    let has = |label: &str| Block::all(pem).any(|block| block.label == label);
    if has("ENCRYPTED PRIVATE KEY") || has_text(pem, "Proc-Type: 4,ENCRYPTED") {
        return Err(
            "its private key is encrypted: give it without a password (openssl pkey -in FILE)"
                .into(),
        );
    }
    let wanted = |block: &Block<'_>| block.label == CERTIFICATE || KEYS.contains(&block.label);
    let (certificates, keys): (Vec<_>, Vec<_>) = Block::all(pem)
        .filter(wanted)
        .partition(|block| block.label == CERTIFICATE);
    if pem.trim_ascii().is_empty() {
        return Err(without_certificate(pem).into());
    }
    let Some(key) = keys.first() else {
        return Err(without_key(pem).into());
    };
    if certificates.is_empty() {
        return Err(without_certificate(pem).into());
    }
    if keys.len() > 1 {
        return Err(
            "it has several private keys: leave only the one that belongs to its first certificate"
                .into(),
        );
    }
    let chain: Result<_, _> = certificates.iter().map(Block::certificate).collect();
    let chain = chain.map_err(|_| NOT_INTACT)?;
    let own = PrivateKeyDer::from_pem_slice(key.text).map_err(|_| NOT_INTACT)?;
    match CertifiedKey::from_der(chain, own, &default_provider()) {
        Ok(_) => {
            // Without blocks of other kinds, which the library does not take.
            let mut own = Zeroizing::new(Vec::with_capacity(2 * pem.len()));
            for block in certificates.iter().chain(&keys) {
                own.extend_from_slice(block.text);
                own.push(b'\n');
            }
            Ok(Identity::from_pem(&own)?)
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(
            "its private key does not belong to its first certificate: the client's own comes first, then those that \
             issued it"
                .into(),
        ),
        Err(rustls::Error::InvalidCertificate(_)) => Err("its first certificate can't be read".into()),
        Err(_) => Err("its private key is not one that TLS can use (RSA, P-256, P-384, P-521 or Ed25519)".into()),
    }
}

/// A block of PEM, up to the next one: one that was cut off swallows no other.
struct Block<'a> {
    label: &'a str,
    text: &'a [u8],
    /// Where it begins, from 1.
    line: usize,
}

impl<'a> Block<'a> {
    fn all(pem: &'a [u8]) -> impl Iterator<Item = Self> {
        let mut lines = 1;
        let mut starts = (0..pem.len())
            .filter(|at| pem[*at..].starts_with(BEGIN))
            .peekable();
        let mut before = 0;
        std::iter::from_fn(move || {
            let start = starts.next()?;
            lines += pem[before..start]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            before = start;
            let text = &pem[start..starts.peek().copied().unwrap_or(pem.len())];
            let label = text[BEGIN.len()..].split(|byte| *byte == b'-').next();
            Some(Self {
                label: str::from_utf8(label.unwrap_or_default()).unwrap_or_default(),
                text,
                line: lines,
            })
        })
    }

    fn certificate(&self) -> Result<CertificateDer<'static>, PemError> {
        CertificateDer::from_pem_slice(self.text)
    }
}

/// Tells what a file without a private key is instead, in the words for an agent's where they help here, too.
fn without_key(file: &[u8]) -> String {
    use sealpost_envelope::key::FileKind as Kind;
    if PrivateKeyDer::try_from(file).is_ok() {
        return "it is a private key in DER: `openssl pkey -inform DER -in FILE -out KEY.pem` makes PEM of it, which comes \
                behind the certificate"
            .to_owned();
    }
    let other = match sealpost_envelope::Identity::<AwsLc>::from_pem_or_der(file) {
        Err(error @ IdentityError::File(kind)) => match kind {
            Kind::Certificate
            | Kind::CertificateRequest
            | Kind::Crl
            | Kind::Jwk
            | Kind::Pkcs7
            | Kind::Pkcs7Der
            | Kind::PrivateKey
            | Kind::PublicKey
            | Kind::SshPublicKey
            | Kind::Text
            | Kind::TrustedCertificate => None,
            _ => Some(error.to_string()),
        },
        _ => None,
    };
    match other {
        Some(error) => format!("it has no private key that TLS can read, {error}"),
        None => "it has no private key (-----BEGIN PRIVATE KEY-----)".to_owned(),
    }
}

/// Why a certificate can't be an authority's.
fn in_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::BadEncoding) => {
            "it is malformed, or not of X.509 version 3".to_owned()
        }
        other => printable(other.to_string()),
    }
}

/// Tells what a file without a certificate is instead.
fn without_certificate(pem: &[u8]) -> String {
    let instead = match Block::all(pem).map(|block| block.label).next() {
        _ if pem.trim_ascii().is_empty() => ": it is empty",
        None => match (what_it_is(pem), pem) {
            // A SEQUENCE of DER.
            (None, [0x30, ..]) => {
                ": it seems to be DER; openssl x509 -inform DER -in FILE makes PEM of it"
            }
            (what, _) => return format!("{NO_CERTIFICATE}{}", what.unwrap_or_default()),
        },
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
fn what_it_is(file: &[u8]) -> Option<String> {
    match TrustAnchors::from_pem_or_der(file) {
        Err(error @ TrustAnchorsError::File(_)) => Some(format!(": {error}")),
        _ => None,
    }
}

fn has_text(pem: &[u8], text: &str) -> bool {
    pem.windows(text.len()).any(|part| part == text.as_bytes())
}

const NOT_INTACT: &str = "its PEM is not intact: copy the file again";
const BEGIN: &[u8] = b"-----BEGIN ";
const CERTIFICATE: &str = "CERTIFICATE";
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const NO_CERTIFICATE: &str = "it has no certificate (-----BEGIN CERTIFICATE-----)";
