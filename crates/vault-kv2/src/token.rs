//! A token, and how long it is good for.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderValue;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A token. `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct Token {
    /// In a buffer that is wiped with its last copy.
    pub(crate) header: HeaderValue,
    /// Tells it from those before and after it.
    pub(crate) number: u64,
    pub(crate) lease: Option<Lease>,
    pub(crate) is_renewable: bool,
}

/// How long a token is good for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    begun: Instant,
    length: Duration,
}

impl Lease {
    /// A lease of so many seconds that begins now; zero is none, since the token does not expire then.
    pub(crate) fn of(seconds: u64) -> Option<Self> {
        (seconds > 0).then(|| Self {
            begun: Instant::now(),
            // Longer times would overflow the clock.
            length: Duration::from_secs(seconds.min(10 * 365 * 86_400)),
        })
    }

    /// When it is renewed, which leaves a third of it for attempts.
    pub(crate) fn renewal(&self) -> Instant {
        self.begun + self.length * 2 / 3
    }

    /// Returns whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.length
    }

    /// Returns whether this lease is so much shorter than the one before that the end of all renewals is near.
    pub(crate) fn is_last_after(&self, before: Option<Self>) -> bool {
        before.is_some_and(|before| self.length < before.length / 2)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("number", &self.number)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// Returns the header for a token, without white space around it; `None` if it has characters that headers can't have.
pub(crate) fn token_header(token: &str) -> Option<HeaderValue> {
    let token = token.trim();
    if token.is_empty() {
        return None;
    }
    let bytes = Zeroizing::new(token.as_bytes().to_vec());
    let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(bytes)).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let token = Token {
            header: token_header(" canary\n").unwrap(),
            number: 1,
            lease: None,
            is_renewable: true,
        };
        assert_eq!(token.header.as_bytes(), b"canary");
        let shown = format!("{token:?} {:?}", token.header);
        assert!(!shown.contains("canary"), "{shown}");
        assert!(token_header("a\nb").is_none() && token_header(" \n").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_while_a_third_of_it_is_left() {
        assert!(Lease::of(0).is_none());
        let lease = Lease::of(90).unwrap();
        assert_eq!(lease.renewal() - Instant::now(), Duration::from_secs(60));
        assert!(!lease.is_over());
        tokio::time::advance(Duration::from_secs(90)).await;
        assert!(lease.is_over());
        assert!(Lease::of(40).unwrap().is_last_after(Some(lease)));
        assert!(!Lease::of(90).unwrap().is_last_after(Some(lease)));
        assert!(Lease::of(u64::MAX).is_some());
    }
}
