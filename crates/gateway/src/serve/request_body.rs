//! A request's body that tells the connection's place when all of it is here.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{BoxError, body::Bytes};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::slots::Activity;

/// The body of one request.
pub(super) struct RequestBody {
    body: Incoming,
    activity: Activity,
    /// The number of the request on its connection.
    request: u64,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, activity: Activity) -> Self {
        let request = activity.request();
        Self {
            body,
            activity,
            request,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(match frame {
            Some(frame) => Some(frame.map_err(Into::into)),
            None if self.activity.received(self.request) => None,
            // The connection lost its place: the caller would not learn of the outcome.
            None => Some(Err(io::Error::from(io::ErrorKind::ConnectionAborted).into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
