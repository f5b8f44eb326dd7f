//! Serving connections, and stopping without interrupting running requests.

mod host;
mod request_body;
mod slots;

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header::CONNECTION},
    response::Response,
};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::Service as _,
};
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
use request_body::RequestBody;
use slots::{Activity, ConnectionSlot, ConnectionSlots};

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
        // Room first: connections that can't be served stay in the listener's queue.
        let next = async {
            slots.room().await;
            tcp.accept().await
        };
        let accepted = tokio::select! {
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
        let Some(slot) = slots.assign(peer.ip()) else {
            debug!(%peer, "connection refused: too many are worked on");
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
        mut slot: ConnectionSlot,
        watcher: Watcher,
    ) {
        let activity = slot.activity();
        tokio::select! {
            // First: a connection that has lost its place must not take another request.
            biased;
            () = slot.displaced() => debug!("connection closed: others need its place"),
            () = self.speak(stream, activity, watcher) => {}
        }
    }

    async fn speak(&self, stream: TcpStream, activity: Activity, watcher: Watcher) {
        // Answers are small, and written in one piece.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_timeout));
        let stream = Box::pin(stream);
        match &self.tls {
            None => self.http(stream, activity, watcher).await,
            Some(tls) => {
                let handshake = tls.acceptor().accept(stream);
                match timeout(self.limits.handshake_timeout, handshake).await {
                    Ok(Ok(stream)) => self.http(stream, activity, watcher).await,
                    Ok(Err(error)) => self.handshake_failed(&error),
                    Err(_) => self.handshake_failed(&io::ErrorKind::TimedOut.into()),
                }
            }
        }
    }

    async fn http<S>(&self, stream: S, activity: Activity, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = TowerToHyperService::new(self.router.clone());
        let metrics = self.metrics.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let (service, activity) = (service.clone(), activity.clone());
            let metrics = metrics.clone();
            async move {
                let has_place = match request.body().is_end_stream() {
                    true => activity.working(),
                    false => activity.receiving(),
                };
                if !has_place {
                    return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
                }
                let body = |body| Body::new(RequestBody::new(body, activity.clone()));
                let request = request.map(body);
                let response = match host::check(request.version(), request.headers()) {
                    Ok(()) => {
                        let Ok(response) = service.call(request).await;
                        response
                    }
                    Err(rejection) => refuse(request, rejection, metrics.as_deref()),
                };
                activity.waiting();
                Ok(response)
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
