//! Whether anything of a request's value left the client.
//!
//! A call that ends while the connection is still being made has created nothing, whatever the clock says. The HTTP library
//! does not tell how far it came; it does take the body only when there is a connection to write it to.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// What became of one attempt's body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<AtomicU8>);

impl Sent {
    /// Returns the body of one attempt; this handle tells whether it was taken.
    pub(crate) fn track(&self, bytes: Bytes) -> Tracked {
        Tracked {
            bytes,
            sent: self.clone(),
        }
    }

    /// Returns whether nothing of the body was taken, and keeps it from being taken later.
    pub(crate) fn is_prevented(&self) -> bool {
        let before = self.change(PREVENTED);
        before != TAKEN
    }

    /// Says that the request may have left without asking for a body.
    pub(crate) fn note_taken(&self) {
        self.change(TAKEN);
    }

    /// Changes the first state only; returns what it was.
    fn change(&self, to: u8) -> u8 {
        let result = (self.0).compare_exchange(WAITING, to, Ordering::SeqCst, Ordering::SeqCst);
        result.unwrap_or_else(|other| other)
    }
}

/// A body that notes when it is taken.
pub(crate) struct Tracked {
    bytes: Bytes,
    sent: Sent,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match self.sent.change(TAKEN) {
            PREVENTED => Some(Err(io::ErrorKind::TimedOut.into())),
            _ if self.bytes.is_empty() => None,
            _ => Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const PREVENTED: u8 = 2;

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Waker};

    use super::*;

    fn take(
        body: Pin<&mut impl Body<Data = Bytes, Error = io::Error>>,
    ) -> Option<io::Result<Bytes>> {
        match body.poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|frame| frame.into_data().unwrap())),
            Poll::Pending => panic!("the body waits for nothing"),
        }
    }

    #[test]
    fn a_body_that_was_taken_cannot_be_prevented_and_one_that_was_prevented_cannot_be_taken() {
        let sent = Sent::default();
        let mut body = pin!(sent.track(Bytes::from_static(b"value")));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(take(body.as_mut()).unwrap().unwrap(), "value");
        assert!(!sent.is_prevented());
        assert!(take(body).is_none());

        let sent = Sent::default();
        let body = pin!(sent.track(Bytes::from_static(b"value")));
        assert!(sent.is_prevented() && sent.is_prevented());
        assert!(take(body).unwrap().is_err());
    }
}
