//! Media types, and that a body is not touched before it may be.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;

use crate::harness::{AGENT, GOOD, world};

/// A body that notes whether it was asked for, and never comes.
struct Untouchable(Arc<AtomicBool>);

impl HttpBody for Untouchable {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.store(true, Ordering::SeqCst);
        Poll::Pending
    }
}

#[tokio::test]
async fn an_answer_of_403_does_not_wait_for_the_body() {
    let world = world();
    let asked = Arc::new(AtomicBool::new(false));
    let mut request = world.request(AGENT, Body::new(Untouchable(asked)));
    request.headers_mut().remove("authorization");
    // The body is discarded in the background; the answer does not need it.
    assert_eq!(world.send(request).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_a_400() {
    let world = world();
    let asked = Arc::new(AtomicBool::new(false));
    let request = world.request(AGENT, Body::new(Untouchable(asked.clone())));
    let answer = world.send(request).await;
    assert!(asked.load(Ordering::SeqCst));
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (400, "body-timeout")
    );
    assert_eq!(answer.violations().len(), 1);
}

#[tokio::test]
async fn only_plain_json_is_read() {
    for (header, value) in [
        ("content-type", "application/xml"),
        ("content-type", "application/json; charset=utf-16"),
        ("content-type", "multipart/form-data"),
        ("content-encoding", "gzip"),
        ("content-encoding", "identity, gzip"),
    ] {
        let world = world();
        let mut request = world.request(AGENT, GOOD);
        request.headers_mut().insert(header, value.parse().unwrap());
        let answer = world.send(request).await;
        assert_eq!(
            answer.problem(),
            "unsupported-media-type",
            "{header}: {value}"
        );
        let named = answer.violations()[0].to_ascii_lowercase();
        assert!(named.starts_with(&format!("{header}: ")), "{named}");
    }
    let world = world();
    let mut request = world.request(AGENT, GOOD);
    request.headers_mut().remove("content-type");
    assert_eq!(
        world.send(request).await.problem(),
        "unsupported-media-type"
    );
    for (header, value) in [
        ("content-type", "application/json; charset=UTF-8"),
        ("content-encoding", "identity"),
    ] {
        let world = crate::harness::world();
        let mut request = world.request(AGENT, GOOD);
        request.headers_mut().insert(header, value.parse().unwrap());
        assert_eq!(world.send(request).await.status, 201, "{header}: {value}");
    }
}
