//! TLS: certificate files that may change while the gateway runs.

mod load;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use sealpost_envelope::UnixTime;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

pub use load::TlsError;

use crate::{Metrics, expiry};
use load::{Digest, Loaded, Usable};

/// The files for TLS, all PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, followed by its intermediates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities that clients' certificates are issued by. If it is given, a client without one is not
    /// spoken to.
    pub client_authorities: Option<PathBuf>,
}

/// TLS 1.2 and 1.3 with AWS-LC, and the defaults of rustls for everything else; HTTP/1.1 is all that is offered.
///
/// Why not HTTP/2: its one connection carries many requests, the library has no timeout for their headers, and the
/// gateway's bounds are counted in connections. A request here costs a private-key operation; what HTTP/2
/// would save is nothing beside it.
pub struct Tls {
    files: TlsFiles,
    metrics: Arc<Metrics>,
    usable: RwLock<Usable>,
    /// What was read last, good or not.
    seen: Mutex<Digest>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if they can't be read or don't belong together.
    pub fn load(files: TlsFiles, metrics: Arc<Metrics>) -> Result<Self, TlsError> {
        let Loaded { config, digest } = Loaded::read(&files)?;
        let usable = config?;
        metrics.tls_certificate(usable.not_after);
        Ok(Self {
            files,
            metrics,
            usable: RwLock::new(usable),
            seen: Mutex::new(digest),
        })
    }

    /// When the certificate in use expires.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.usable().not_after
    }

    /// Looks at the files every few seconds, for ever, and takes what is new. Once a day it says in the log if the
    /// certificate expires within 30 days. Run it beside the gateway.
    pub async fn keep_fresh(self: Arc<Self>) {
        let mut said: Option<Instant> = None;
        loop {
            if said.is_none_or(|at| at.elapsed() >= DAY) {
                said = Some(Instant::now());
                expiry::say_of_tls(self.not_after(), UnixTime::now());
            }
            sleep(LOOK_PAUSE).await;
            let tls = Arc::clone(&self);
            if let Err(stopped) = spawn_blocking(move || tls.reload()).await {
                error!(error = %stopped, "TLS files not looked at");
            }
        }
    }

    /// Reads the files again; `true` if new ones are in use now. Connections that exist stay as they are.
    ///
    /// Files that can't be used leave the old ones in use, with an error in the log and in the metric
    /// `sealpost_tls_reloads_total`, once for each change.
    pub fn reload(&self) -> bool {
        let loaded = Loaded::read(&self.files);
        let digest = loaded.as_ref().ok().map(|loaded| loaded.digest);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that can't be read at all is a change too.
        let digest = digest.unwrap_or_default();
        if digest == *seen {
            return false;
        }
        *seen = digest;
        let config = loaded.and_then(|loaded| loaded.config);
        self.metrics.tls_reloaded(config.is_ok());
        match config {
            Ok(usable) => {
                self.metrics.tls_certificate(usable.not_after);
                *self.usable.write().unwrap_or_else(PoisonError::into_inner) = usable;
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
        self.usable().config.into()
    }

    fn usable(&self) -> Usable {
        let usable = self.usable.read().unwrap_or_else(PoisonError::into_inner);
        usable.clone()
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
