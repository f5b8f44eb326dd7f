//! The private keys that open, and their certificates.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sealpost_envelope::{AwsLc, Certificate, Identity, Keyring};
use sealpost_files::quoted;

use crate::error::Failure;
use crate::keygen::CERTIFICATE_FILE;

/// The keys of these files, the first of which is the current one, each with those of the certificates that are its.
pub(super) fn read(
    identities: &[PathBuf],
    certificates: &[PathBuf],
) -> Result<Keyring<Identity<AwsLc>>, Failure> {
    let mut read = identities
        .iter()
        .map(|path| Ok((path, identity(path)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    for path in certificates {
        let certificate = certificate(path)?;
        let key = certificate.public_key().key_id();
        let (_, identity) = read
            .iter_mut()
            .find(|(_, identity)| identity.key_id() == key)
            .ok_or_else(|| {
                Failure::refused(format!(
                    "{}: the certificate is for key {key}, which is in no --identity",
                    quoted(path)
                ))
                .hint("give the certificate that was issued for one of the keys")
            })?;
        identity
            .add_certificate(certificate)
            .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))?;
    }
    for (path, identity) in &mut read {
        add_neighbour(path, identity);
    }
    let mut read = read.into_iter();
    let (_, current) = read
        .next()
        .ok_or_else(|| Failure::usage("no --identity is given"))?;
    let mut keyring = Keyring::new(current);
    for (path, identity) in read {
        keyring
            .add_old(identity)
            .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))?;
    }
    Ok(keyring)
}

fn identity(path: &Path) -> Result<Identity<AwsLc>, Failure> {
    let bytes = sealpost_files::read_text(path, MAX_IDENTITY)?;
    let identity = Identity::from_pem_or_der(&bytes)
        .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))?;
    for skipped in identity.skipped_certificates() {
        // Nothing is lost if stderr is closed.
        let _ = writeln!(io::stderr(), "warning: {}: {skipped}", quoted(path));
    }
    Ok(identity)
}

/// `sealpost keygen` writes the certificate beside the key. A certificate of another key that stands there under that name
/// is left alone: it names nothing here. What can't be read is named, since messages may need it.
fn add_neighbour(path: &Path, identity: &mut Identity<AwsLc>) {
    let file = path.with_file_name(CERTIFICATE_FILE);
    if file == path || file.symlink_metadata().is_err() {
        return;
    }
    let neighbour = match certificate(&file) {
        Ok(neighbour) => neighbour,
        Err(failure) => {
            // Nothing is lost if stderr is closed.
            let _ = writeln!(
                io::stderr(),
                "warning: {}. It is left out: messages that name the key by this certificate do not open",
                failure.summary()
            );
            return;
        }
    };
    let known = |certificate: &Certificate| certificate.fingerprint() == neighbour.fingerprint();
    if !identity.certificates().iter().any(known) {
        let _ = identity.add_certificate(neighbour);
    }
}

fn certificate(path: &Path) -> Result<Certificate, Failure> {
    let bytes = sealpost_files::read_text(path, MAX_IDENTITY)?;
    Certificate::from_pem_or_der(&bytes)
        .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))
}

/// More than a key of 8192 bits and its certificates need, in bytes of PEM.
const MAX_IDENTITY: usize = 256 * 1024;
