//! A bound socket that connections arrive at.

use std::{io, net::SocketAddr, sync::Arc};

use thiserror::Error;
use tokio::net::TcpListener;

use crate::{metrics::Metrics, tls::Tls};

/// A bound socket, and what it speaks: TLS, or plain HTTP where that is permitted.
#[derive(Debug)]
pub struct Listener {
    pub(crate) tcp: TcpListener,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) metrics: Option<Arc<Metrics>>,
}

impl Listener {
    /// Speaks TLS.
    #[must_use]
    pub const fn tls(tcp: TcpListener, tls: Arc<Tls>) -> Self {
        Self {
            tcp,
            tls: Some(tls),
            metrics: None,
        }
    }

    /// Speaks plain HTTP on the loopback interface.
    ///
    /// # Errors
    ///
    /// [`PlainHttpRefused`] on any other address.
    pub fn plain(tcp: TcpListener) -> Result<Self, PlainHttpRefused> {
        match tcp.local_addr() {
            Ok(address) if address.ip().is_loopback() => Ok(Self::danger_plain(tcp)),
            Ok(address) => Err(PlainHttpRefused::NotLoopback(address)),
            Err(error) => Err(PlainHttpRefused::Unknown(error)),
        }
    }

    /// Speaks plain HTTP on any address.
    ///
    /// # Security
    ///
    /// Everyone on the way can read tokens and values. It is for a gateway behind a proxy that speaks TLS with callers, on a
    /// network that only the two use, and for metrics.
    #[must_use]
    pub const fn danger_plain(tcp: TcpListener) -> Self {
        Self {
            tcp,
            tls: None,
            metrics: None,
        }
    }

    /// Counts connections in these metrics.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }
}

/// Why plain HTTP is refused here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlainHttpRefused {
    /// The address is not a loopback address.
    #[error(
        "plain HTTP on {0} would show tokens and values to everyone on the way: use TLS, or listen on 127.0.0.1 behind a proxy that does"
    )]
    NotLoopback(SocketAddr),
    /// The socket's address can't be read.
    #[error("the socket's address can't be read: {0}")]
    Unknown(io::Error),
}
