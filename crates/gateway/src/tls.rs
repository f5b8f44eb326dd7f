//! TLS: certificate files that may change while the gateway runs.

mod files;
mod load;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use parking_lot::{Mutex, RwLock};
use sealpost_envelope::UnixTime;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

pub use files::TlsFiles;
pub use load::{MAX_FILE, TlsError};

use crate::{expiry, metrics::Metrics};
use load::{Digest, Loaded, TlsSetup};

/// TLS 1.2 and 1.3 with AWS-LC, and the defaults of rustls for everything else. Only HTTP/1.1 is offered.
///
/// Why not HTTP/2: one connection carries many requests, the library has no timeout for their headers, and the
/// gateway's limits count connections. A request here costs a private-key operation, so HTTP/2 would save little.
pub struct Tls {
    files: TlsFiles,
    metrics: Arc<Metrics>,
    setup: RwLock<TlsSetup>,
    /// The content that was read last, usable or not.
    seen: Mutex<Digest>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if they can't be read or don't belong together.
    pub fn load(files: TlsFiles, metrics: Arc<Metrics>) -> Result<Self, TlsError> {
        let Loaded { setup, digest } = Loaded::read(&files)?;
        let setup = setup?;
        metrics.tls_certificate(setup.not_after);
        Ok(Self {
            files,
            metrics,
            setup: RwLock::new(setup),
            seen: Mutex::new(digest),
        })
    }

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
    /// [`TlsError::Read`] or [`TlsError::Exposed`].
    pub fn check_private(path: &Path) -> Result<(), TlsError> {
        load::read_key(path).map(drop)
    }

    /// Returns when the certificate in use expires.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.setup().not_after
    }

    /// Reads the files every few seconds, and uses new content. Logs once a day if the certificate expires within 30 days.
    /// Never returns: run it beside the gateway.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut logged: Option<Instant> = None;
        loop {
            if logged.is_none_or(|at| at.elapsed() >= DAY) {
                logged = Some(Instant::now());
                expiry::log_tls(self.not_after(), UnixTime::now());
            }
            sleep(LOOK_PAUSE).await;
            let tls = Arc::clone(&self);
            if let Err(stopped) = spawn_blocking(move || tls.reload()).await {
                error!(error = %stopped, "TLS files not read");
            }
        }
    }

    /// Reads the files again. Returns `true` if new content is in use now. Existing connections don't change.
    ///
    /// If the files can't be used, the old content stays in use, with an error in the log and in the metric
    /// `sealpost_tls_reloads_total`, once for each change.
    pub fn reload(&self) -> bool {
        let loaded = Loaded::read(&self.files);
        let digest = loaded.as_ref().ok().map(|loaded| loaded.digest);
        let mut seen = self.seen.lock();
        // A file that can't be read at all is a change too.
        let digest = digest.unwrap_or_default();
        if digest == *seen {
            return false;
        }
        *seen = digest;
        let setup = loaded.and_then(|loaded| loaded.setup);
        self.metrics.tls_reloaded(setup.is_ok());
        match setup {
            Ok(setup) => {
                self.metrics.tls_certificate(setup.not_after);
                *self.setup.write() = setup;
                info!("TLS files reloaded");
                true
            }
            Err(error) => {
                error!(%error, "TLS files not reloaded; the old ones stay in use");
                false
            }
        }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.setup().config.into()
    }

    fn setup(&self) -> TlsSetup {
        self.setup.read().clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LOOK_PAUSE: Duration = Duration::from_secs(5);
