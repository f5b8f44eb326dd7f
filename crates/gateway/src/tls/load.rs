//! From files to a TLS configuration.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest::{Context, SHA256};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::{default_provider, sign::any_supported_type},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sealpost_envelope::{UnixTime, pem};
use sealpost_files::{FileError, Private, quoted};
use thiserror::Error;
use x509_cert::der::Decode as _;
use zeroize::Zeroizing;

use super::files::TlsFiles;

/// SHA-256 of all files: shows whether they changed, without keeping the key.
pub(super) type Digest = [u8; 32];

/// The content of the files, and whether it can be used.
pub(super) struct Loaded {
    pub(super) setup: Result<TlsSetup, TlsError>,
    pub(super) digest: Digest,
}

/// The configuration that connections are served with.
#[derive(Clone)]
pub(super) struct TlsSetup {
    pub(super) config: Arc<ServerConfig>,
    pub(super) not_after: UnixTime,
}

/// Why TLS can't be set up with these files.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("{}", error.in_one_line())]
    Read {
        /// The cause.
        error: FileError,
    },
    /// Others can read the private key.
    #[error(
        "{} has mode {mode:03o}: others can read it, or the group can write it; if none of them did: chmod 600",
        quoted(path)
    )]
    Exposed {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is no certificate in the file.
    #[error("{} has no certificate: give the server's, then its intermediates, in PEM", .0.display())]
    Certificate(PathBuf),
    /// There is no private key in the file.
    #[error("{} has no private key that can be used: give one of RSA, ECDSA or Ed25519 in PEM, not encrypted", .0.display())]
    Key(PathBuf),
    /// The key does not belong to the certificate.
    #[error("{} is not the key of the certificate in {}: give both from one request", .key.display(), .certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// There is no authority in the file.
    #[error("{} has no authority that can be used: give the certificates that issue clients' certificates", .0.display())]
    ClientAuthorities(PathBuf),
    /// The TLS library refuses the configuration.
    #[error("TLS can't be set up: {0}")]
    Setup(String),
}

impl Loaded {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let certificate = read(&files.certificate)?;
        let key = read_key(&files.key)?;
        let authorities = files.client_authorities.as_deref();
        let authorities = authorities
            .map(|path| Ok((path, read(path)?)))
            .transpose()?;

        let mut digest = Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            digest.update(&bytes.len().to_be_bytes());
            digest.update(bytes);
        };
        add(&certificate);
        add(&key);
        if let Some((_, authorities)) = &authorities {
            add(authorities);
        }
        let mut sum = Digest::default();
        sum.copy_from_slice(digest.finish().as_ref());
        let authorities = authorities.as_ref().map(|(path, pem)| (*path, &pem[..]));
        Ok(Self {
            setup: setup(files, &certificate, &key, authorities),
            digest: sum,
        })
    }
}

fn setup(
    files: &TlsFiles,
    certificate: &[u8],
    key: &[u8],
    authorities: Option<(&Path, &[u8])>,
) -> Result<TlsSetup, TlsError> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(refused)?;
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some((path, pem)) => {
            let roots = client_authorities(pem)
                .ok_or_else(|| TlsError::ClientAuthorities(path.to_owned()))?;
            let verifier: Arc<dyn ClientCertVerifier> =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(refused)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let certified = certified_key(files, certificate, key)?;
    let not_after = certified
        .end_entity_cert()
        .ok()
        .and_then(|der| x509_cert::Certificate::from_der(der).ok())
        .map(|certificate| certificate.tbs_certificate().validity().not_after)
        .ok_or_else(|| TlsError::Certificate(files.certificate.clone()))?;
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsSetup {
        config: Arc::new(config),
        not_after: UnixTime::from_secs(not_after.to_unix_duration().as_secs()),
    })
}

fn certified_key(
    files: &TlsFiles,
    certificate: &[u8],
    key: &[u8],
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(certificate)
        .ok_or_else(|| TlsError::Certificate(files.certificate.clone()))?;
    let no_key = || TlsError::Key(files.key.clone());
    let key = pem::blocks(key).find(|block| KEYS.contains(&block.label()));
    let key = key
        .and_then(|block| block.decode().ok())
        .ok_or_else(no_key)?;
    // By its content: its label may be that of another form.
    let der = PrivateKeyDer::try_from(&key[..]).map_err(|_| no_key())?;
    let signing = any_supported_type(&der);
    let certified = CertifiedKey::new(chain, signing.map_err(|_| no_key())?);
    certified.keys_match().map_err(|_| TlsError::Mismatch {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
    })?;
    Ok(certified)
}

fn client_authorities(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).ok()?;
    }
    Some(roots)
}

/// Returns all certificates in a PEM file; `None` if there is none or one can't be parsed.
fn certificates(file: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let blocks = pem::blocks(file).filter(pem::Block::is_certificate);
    let der = blocks.map(|block| Some(CertificateDer::from(block.decode().ok()?.to_vec())));
    let list: Option<Vec<_>> = der.collect();
    list.filter(|list| !list.is_empty())
}

/// Reads a file as the configuration does.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    sealpost_files::read_named(path, MAX_FILE).map_err(|error| TlsError::Read { error })
}

/// Reads the private key, which none but its owner and its group may read.
pub(super) fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    sealpost_files::read_private(path, MAX_FILE)
        .and_then(Private::content)
        .map_err(|error| match error {
            FileError::Exposed { path, mode } => TlsError::Exposed { path, mode },
            error => TlsError::Read { error },
        })
}

fn refused(error: impl ToString) -> TlsError {
    TlsError::Setup(error.to_string())
}

/// What a private key's block is called (RFC 7468 §10, RFC 5915 §4), in any form that is not encrypted.
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
/// The longest file that is read, in bytes: more than any key or chain needs.
pub const MAX_FILE: usize = 1024 * 1024;
