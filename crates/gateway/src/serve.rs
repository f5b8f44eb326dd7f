//! Serving connections, and stopping without interrupting running requests.

mod host;
mod slots;

use std::{future::ready, io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header::CONNECTION},
    response::Response,
};
use futures_util::future::Either;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tracing::{debug, info, warn};

use crate::{
    body::linger, limits::Limits, listener::Listener, metrics::Metrics, middleware::with_headers,
    problem::Problem, rejection::Rejection, request_id::RequestId, tls::Tls,
};
use slots::{ConnectionSlot, ConnectionSlots};

/// Serves HTTP/1.1 on `listener` until `shutdown` is ready. Then accepts no more connections, lets running requests finish
/// for at most [`Limits::drain`], and returns.
pub async fn serve(
    listener: Listener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let Listener { tcp, tls, metrics } = listener;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER)
        // So that a caller who ends a request too early still gets the answer.
        .half_close(true);
    let server = Arc::new(Server {
        http,
        router,
        tls,
        limits,
        metrics,
    });
    let connections = GracefulShutdown::new();
    let slots = ConnectionSlots::new(&limits, server.metrics.clone());
    let mut shutdown = std::pin::pin!(shutdown);

    loop {
        // A slot first: connections that can't be served stay in the listener's queue.
        let next = async {
            let room = slots.room().await;
            (room, tcp.accept().await)
        };
        let (room, accepted) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                after_failed_accept(&error).await;
                continue;
            }
        };
        let Some(slot) = slots.assign(room, peer.ip()) else {
            debug!(%peer, "connection refused: its address has too many");
            continue;
        };
        let watcher = connections.watcher();
        tokio::spawn(Arc::clone(&server).connection(stream, slot, watcher));
    }

    drop(tcp);
    info!(connections = connections.count(), "draining");
    if let Some(metrics) = &server.metrics {
        metrics.drain();
    }
    if timeout(limits.drain, connections.shutdown()).await.is_err() {
        warn!("connections were still open after the time to drain");
    }
}

/// What all connections share.
struct Server {
    http: http1::Builder,
    router: Router,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    metrics: Option<Arc<Metrics>>,
}

impl Server {
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        slot: ConnectionSlot,
        watcher: Watcher,
    ) {
        // Answers are small, and written in one piece.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_timeout));
        let stream = Box::pin(stream);
        match &self.tls {
            None => self.http(stream, watcher).await,
            Some(tls) => {
                let handshake = tls.acceptor().accept(stream);
                match timeout(self.limits.handshake_timeout, handshake).await {
                    Ok(Ok(stream)) => self.http(stream, watcher).await,
                    Ok(Err(error)) => self.handshake_failed(&error),
                    Err(_) => self.handshake_failed(&io::ErrorKind::TimedOut.into()),
                }
            }
        }
        drop(slot);
    }

    async fn http<S>(&self, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = TowerToHyperService::new(self.router.clone());
        let metrics = self.metrics.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let request = request.map(Body::new);
            match host::check(request.version(), request.headers()) {
                Ok(()) => Either::Left(hyper::service::Service::call(&service, request)),
                Err(rejection) => {
                    Either::Right(ready(Ok(refuse(request, rejection, metrics.as_deref()))))
                }
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            debug!(%error, "connection ended");
        }
    }

    fn handshake_failed(&self, error: &io::Error) {
        debug!(%error, "TLS handshake failed");
        if let Some(metrics) = &self.metrics {
            metrics.handshake_failed();
        }
    }
}

/// Answers a request that no route may see, and ends the connection: what follows on it may not be what it seems.
fn refuse(
    request: hyper::Request<Body>,
    rejection: Rejection,
    metrics: Option<&Metrics>,
) -> Response {
    let id = RequestId::from(request.headers());
    let problem = Problem::from(rejection);
    let (outcome, status) = (problem.kind().name(), problem.kind().status());
    info!(request_id = %id, outcome, status, "request refused");
    if let Some(metrics) = metrics {
        metrics.answered(status, outcome, Duration::ZERO);
    }
    let (parts, body) = request.into_parts();
    linger(&parts.headers, body);
    let mut response = with_headers(problem.into_response(&id), &id);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// Pauses after an error such as too few file descriptors. A connection that was reset before it was accepted needs no
/// pause.
async fn after_failed_accept(error: &io::Error) {
    let reset = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    );
    if !reset {
        warn!(%error, "can't accept connections; trying again");
        sleep(ACCEPT_PAUSE).await;
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of a request's line and headers: enough to read an absurd token, of 100 KiB before it was encoded, and answer
/// that it is refused.
const MAX_HEADERS: usize = 160 * 1024;
/// Bytes that are read ahead on a connection: the most that a client can make the library hold.
const MAX_BUFFER: usize = 176 * 1024;
