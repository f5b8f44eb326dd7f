//! The files that a client's TLS needs, checked before the HTTP library gets them: it would name no cause, or accept a
//! file without a certificate and then trust no one.

use reqwest::{Certificate, Identity};
use rustls::{
    CertificateError, RootCertStore,
    crypto::aws_lc_rs::{default_provider, sign::any_supported_type},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use sealpost_envelope::{
    AwsLc,
    key::IdentityError,
    pem::{self, Block},
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
pub(crate) fn authorities(file: &[u8]) -> Result<Authorities, BoxError> {
    let (mut usable, mut left_out) = (Vec::new(), Vec::new());
    let certificates = pem::blocks(file).filter(Block::is_certificate);
    for (number, block) in (1..).zip(certificates) {
        let refused = match der(&block) {
            Err(why) => format!("{why} (line {} of the file)", block.line(file)),
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
    if !usable.is_empty() {
        left_out.extend(pem::blocks(file).filter_map(|block| {
            Some(format!(
                "a block of the file (line {}) is left out, put it into a file of its own{}",
                block.line(file),
                other_form(block.label())?
            ))
        }));
    }
    match (usable.is_empty(), left_out.first()) {
        (false, _) => Ok(Authorities { usable, left_out }),
        (true, None) => Err(without_certificate(file).into()),
        (true, Some(first)) => Err(format!("none of its certificates can be used: {first}").into()),
    }
}

/// Returns the certificate and the key that a client shows, if they belong together.
pub(crate) fn identity(file: &[u8]) -> Result<Identity, BoxError> {
    let is_encrypted =
        |block: Block<'_>| block.label() == "ENCRYPTED PRIVATE KEY" || block.is_encrypted();
    if pem::blocks(file).any(is_encrypted) {
        return Err(
            "its private key is encrypted: give it without a password (openssl pkey -in FILE)"
                .into(),
        );
    }
    let wanted = |block: &Block<'_>| block.is_certificate() || KEYS.contains(&block.label());
    let (certificates, keys): (Vec<_>, Vec<_>) = pem::blocks(file)
        .filter(wanted)
        .partition(Block::is_certificate);
    if file.trim_ascii().is_empty() {
        return Err(without_certificate(file).into());
    }
    let Some(key) = keys.first() else {
        return Err(without_key(file).into());
    };
    if certificates.is_empty() {
        return Err(without_certificate(file).into());
    }
    if keys.len() > 1 {
        return Err(
            "it has several private keys: leave only the one that belongs to its first certificate"
                .into(),
        );
    }
    let chain = certificates
        .iter()
        .map(der)
        .collect::<Result<Vec<_>, _>>()?;
    let key = key.decode().map_err(|_| not_intact(key))?;
    // By its content: its label may be that of another form.
    let key = PrivateKeyDer::try_from(&key[..]).map_err(|_| NOT_A_KEY)?;
    match CertifiedKey::from_der(chain.clone(), key.clone_key(), &default_provider()) {
        Ok(_) => Ok(Identity::from_pem(strict(&chain, &key).as_bytes())?),
        Err(rustls::Error::InconsistentKeys(_)) => Err(
            "its private key does not belong to its first certificate: the client's own comes first, then those that \
             issued it"
                .into(),
        ),
        Err(rustls::Error::InvalidCertificate(_)) => Err("its first certificate can't be read".into()),
        Err(_) => Err(NOT_A_KEY.into()),
    }
}

/// Writes the file as the HTTP library takes it: without blocks of other kinds, in the strict form of PEM.
fn strict(chain: &[CertificateDer<'_>], key: &PrivateKeyDer<'_>) -> Zeroizing<String> {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    let mut parts: Vec<_> = chain
        .iter()
        .map(|der| pem::encode("CERTIFICATE", der))
        .collect();
    parts.push(pem::encode(label, key.secret_der()));
    let length = parts.iter().map(|part| part.len()).sum();
    // At its full length from the start: growing leaves copies behind.
    let mut all = Zeroizing::new(String::with_capacity(length));
    parts.iter().for_each(|part| all.push_str(part));
    all
}

/// Returns a certificate of a file of several.
fn der(block: &Block<'_>) -> Result<CertificateDer<'static>, &'static str> {
    let der = block.decode().map_err(|_| not_intact(block))?;
    Ok(CertificateDer::from(der.to_vec()))
}

fn not_intact(block: &Block<'_>) -> &'static str {
    match block.has_escaped_lines() {
        true => ESCAPED,
        false => NOT_INTACT,
    }
}

/// Tells what a file without a private key is instead, in the words for an agent's where they help here, too.
fn without_key(file: &[u8]) -> String {
    use sealpost_envelope::key::FileKind as Kind;
    // The first bytes alone may be those of PKCS#12, too.
    if PrivateKeyDer::try_from(file).is_ok_and(|key| any_supported_type(&key).is_ok()) {
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
fn without_certificate(file: &[u8]) -> String {
    let instead = match pem::blocks(file).map(|block| block.label()).next() {
        _ if file.trim_ascii().is_empty() => ": it is empty",
        None => match (what_it_is(file), file) {
            // A SEQUENCE of DER.
            (None, [0x30, ..]) => {
                ": it seems to be DER; openssl x509 -inform DER -in FILE makes PEM of it"
            }
            (what, _) => return format!("{NO_CERTIFICATE}{}", what.unwrap_or_default()),
        },
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => {
            ": it is a request for one; give what the authority has issued"
        }
        Some(label) if label.ends_with("PRIVATE KEY") => ": it has a private key",
        Some(label) if label.ends_with("PUBLIC KEY") => ": it has a bare public key",
        Some(label) => other_form(label).unwrap_or_default(),
    };
    format!("{NO_CERTIFICATE}{instead}")
}

/// What to do with a block that holds certificates in another form.
fn other_form(label: &str) -> Option<&'static str> {
    match label {
        "TRUSTED CERTIFICATE" => {
            Some(": it is OpenSSL's own form; openssl x509 -in FILE makes a plain one of it")
        }
        "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => {
            Some(": openssl pkcs7 -in FILE -print_certs takes those out that it holds")
        }
        _ => None,
    }
}

/// What a file without any PEM is, in the words for authorities of agents.
fn what_it_is(file: &[u8]) -> Option<String> {
    match TrustAnchors::from_pem_or_der(file) {
        Err(error @ TrustAnchorsError::File(_)) => Some(format!(": {error}")),
        _ => None,
    }
}

const NOT_INTACT: &str = "its PEM is not intact: copy the file again";
const ESCAPED: &str = "it is PEM in one line, with \\n for its line breaks: `printf '%b' \"$(cat FILE)\" > NEW.pem` writes them";
const NOT_A_KEY: &str =
    "its private key is not one that TLS can use (RSA, P-256, P-384, P-521 or Ed25519)";
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const NO_CERTIFICATE: &str = "it has no certificate (-----BEGIN CERTIFICATE-----)";
