//! Reading a body, up to a size and in time.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody as _},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use sealpost_rest::ProblemType;
use sealpost_validator::MAX_BODY;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{headers::single, rejection::Rejection};

/// Returns how many bytes a body takes: what is announced, or else the most that it may have.
///
/// # Errors
///
/// A rejection if it announces more than that.
pub(crate) fn capacity(headers: &HeaderMap, body: &Body) -> Result<usize, Rejection> {
    let announced = body.size_hint().exact().or_else(|| content_length(headers));
    let capacity = announced.map_or(Some(MAX_BODY), |n| usize::try_from(n).ok());
    capacity.filter(|n| *n <= MAX_BODY).ok_or_else(too_large)
}

/// Reads a body of at most `capacity` bytes into one buffer that is wiped when dropped.
///
/// The buffer is allocated once, because a growing one would leave copies behind.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    capacity: usize,
    time: Duration,
) -> Result<Zeroizing<Vec<u8>>, Rejection> {
    let mut buffer = Zeroizing::new(Vec::with_capacity(capacity));
    let read = async {
        while let Some(frame) = body.frame().await {
            // Trailers are ignored.
            if let Ok(data) = frame.map_err(|_| incomplete())?.into_data() {
                if buffer.len() + data.len() > buffer.capacity() {
                    return Err(too_large());
                }
                buffer.extend_from_slice(&data);
            }
        }
        Ok(())
    };
    match timeout(time, read)
        .await
        .unwrap_or_else(|_| Err(too_slow()))
    {
        Ok(()) => Ok(buffer),
        Err(rejection) => {
            linger(headers, body);
            Err(rejection)
        }
    }
}

/// Reads on for a while and discards a body that is not needed, so that the caller gets to read the answer: a connection
/// that is closed with unread data is reset, and the answer may be lost with it.
///
/// Does nothing with `Expect: 100-continue` (RFC 9110 §10.1.1): a caller who asks first has sent nothing, and reading
/// would ask for the body.
pub(crate) fn linger(headers: &HeaderMap, mut body: Body) {
    if body.is_end_stream() || headers.contains_key(header::EXPECT) {
        return;
    }
    tokio::spawn(async move {
        let mut left = LINGER_BYTES;
        let discard = async {
            while let Some(Ok(frame)) = body.frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
        };
        let _ = timeout(LINGER_TIME, discard).await;
    });
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    single(headers, &header::CONTENT_LENGTH)?.parse().ok()
}

fn too_large() -> Rejection {
    Rejection::one(
        ProblemType::TooLarge,
        format!("#: the body is larger than {MAX_BODY} bytes; send a smaller value"),
    )
}

fn incomplete() -> Rejection {
    Rejection::one(
        ProblemType::BodyIncomplete,
        "#: the connection ended before the body was complete; send all of it",
    )
}

fn too_slow() -> Rejection {
    Rejection::one(
        ProblemType::BodyTimeout,
        "#: the body did not arrive in time; send it without pauses",
    )
}

/// The most bytes that are read of a body after it was refused.
const LINGER_BYTES: usize = 2 << 20;
const LINGER_TIME: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };

    use axum::body::HttpBody;
    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let read = |length: usize| async move {
            let body = Body::from(vec![b'x'; length]);
            let capacity = capacity(&HeaderMap::new(), &body)?;
            read(&HeaderMap::new(), body, capacity, Duration::from_secs(5))
                .await
                .map(|b| b.len())
        };
        assert_eq!(read(0).await, Ok(0));
        assert_eq!(read(MAX_BODY).await, Ok(MAX_BODY));
        assert_eq!(read(MAX_BODY + 1).await, Err(too_large()));
    }

    /// A body in pieces whose length is not announced.
    struct Pieces(usize);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0 = self.0.saturating_sub(1);
            let piece = Frame::data(Bytes::from_static(&[b'x'; MAX_BODY / 8]));
            Poll::Ready((self.0 > 0).then_some(Ok(piece)))
        }
    }

    #[tokio::test]
    async fn the_buffer_never_grows() {
        let read = |pieces: usize| async move {
            let body = Body::new(Pieces(pieces + 1));
            let capacity = capacity(&HeaderMap::new(), &body)?;
            read(&HeaderMap::new(), body, capacity, Duration::from_secs(5)).await
        };
        let buffer = read(8).await.unwrap();
        assert_eq!((buffer.len(), buffer.capacity()), (MAX_BODY, MAX_BODY));
        assert_eq!(read(9).await.err(), Some(too_large()));
    }
}
