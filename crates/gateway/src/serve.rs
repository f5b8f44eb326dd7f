//! Serving connections, and stopping without breaking off what runs.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tracing::{debug, info, warn};

use crate::Limits;

/// Serves HTTP/1.1 on `listener` until `shutdown` is ready; then takes no more connections, lets running
/// requests finish for as long as [`Limits::drain`] says, and returns.
///
/// It speaks plain HTTP: listen on the loopback interface only, or behind something that speaks TLS.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        // Who ends a request too early is told so.
        .half_close(true);
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut shutdown = std::pin::pin!(shutdown);

    loop {
        // A place first: what can't be served is left in the listener's queue.
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                after_failed_accept(&error).await;
                continue;
            }
        };
        // Answers are small and written at once.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            hyper::service::Service::call(&service, request.map(axum::body::Body::new))
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection ended");
            }
            drop(place);
        });
    }

    drop(listener);
    info!(connections = connections.count(), "draining");
    if timeout(limits.drain, connections.shutdown()).await.is_err() {
        warn!("connections were still open after the time to drain");
    }
}

/// A connection that was reset before it was accepted is nobody's loss; anything else, such as no file
/// descriptors left, needs a pause.
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
