//! Where the certificate and its key are.

use std::path::{Path, PathBuf};

use super::load::{self, TlsError};

/// The files for TLS, all PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, followed by its intermediates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities that issue clients' certificates. If it is set, clients without such a certificate are refused.
    pub client_authorities: Option<PathBuf>,
}

impl TlsFiles {
    /// Finds whether a certificate, or authorities, can be read.
    ///
    /// # Errors
    ///
    /// [`TlsError::Read`].
    pub fn check_public(path: &Path) -> Result<(), TlsError> {
        load::read(path).map(drop)
    }

    /// Finds whether a private key can be read, by none but its owner and its group.
    ///
    /// # Errors
    ///
    /// [`TlsError::Read`].
    pub fn check_private(path: &Path) -> Result<(), TlsError> {
        load::read_key(path).map(drop)
    }
}
