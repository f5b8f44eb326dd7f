//! What connections come in through.

use std::{io, net::SocketAddr, sync::Arc};

use thiserror::Error;
use tokio::net::TcpListener;

use crate::{Metrics, Tls};

/// A bound socket, and how it speaks: TLS, or plain HTTP where that may be.
#[derive(Debug)]
pub struct Listener {
    pub(crate) tcp: TcpListener,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) metrics: Option<Arc<Metrics>>,
}

impl Listener {
    /// TLS.
    #[must_use]
    pub const fn tls(tcp: TcpListener, tls: Arc<Tls>) -> Self {
        Self {
            tcp,
            tls: Some(tls),
            metrics: None,
        }
    }

    /// Plain HTTP on the loopback interface.
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

    /// Plain HTTP on any address.
    ///
    /// # Security
    ///
    /// Everybody on the way reads tokens and values. It is for a gateway behind a proxy that speaks TLS with
    /// callers, on a network between the two that nobody else is on, and for metrics.
    #[must_use]
    pub const fn danger_plain(tcp: TcpListener) -> Self {
        Self {
            tcp,
            tls: None,
            metrics: None,
        }
    }

    /// Counting connections into these metrics.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }
}

/// Why plain HTTP is not spoken here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlainHttpRefused {
    /// The address is no loopback address.
    #[error(
        "plain HTTP on {0} would show tokens and values to everybody on the way: use TLS, or listen on 127.0.0.1 behind a proxy that does"
    )]
    NotLoopback(SocketAddr),
    /// The socket's address can't be told.
    #[error("the socket's address can't be told: {0}")]
    Unknown(io::Error),
}
