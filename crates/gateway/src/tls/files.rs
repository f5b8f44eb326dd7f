//! Where the certificate and its key are.

use std::path::PathBuf;

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
