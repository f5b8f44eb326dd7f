//! Bearer tokens and their providers.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::error::{BoxError, ClientError};

/// A bearer token. It is wiped when dropped, and `Debug` does not show it.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Wraps the token, without the word `Bearer`.
    #[must_use]
    pub fn new(token: impl Into<Zeroizing<String>>) -> Self {
        Self(token.into())
    }

    /// Returns the value of the `Authorization` header in a buffer that is wiped with its last copy; `None` if the token has
    /// characters that headers can't have.
    pub(crate) fn header_value(&self) -> Option<HeaderValue> {
        let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + self.0.len()));
        text.extend_from_slice(SCHEME.as_bytes());
        text.extend_from_slice(self.0.trim().as_bytes());
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Provides tokens that expire: from an identity provider, or from a file that is renewed.
///
/// Its time counts towards the call's. Its errors must not show a token: callers log them.
#[async_trait]
pub trait TokenProvider: Send + Sync {
    /// Returns the token to send now. The client asks before every attempt: keep the token while it is valid.
    ///
    /// # Errors
    ///
    /// Why there is no token. The call ends with this error.
    async fn token(&self) -> Result<Token, BoxError>;

    /// Gets another token, because the gateway has refused the last one. Returns whether there is one: then the call is tried
    /// once more, and only once, since a 403 may also mean that the caller lacks the permission.
    ///
    /// # Errors
    ///
    /// Why there is no other token. The call ends with this error.
    async fn renew(&self) -> Result<bool, BoxError> {
        Ok(false)
    }
}

/// What a client authenticates with.
#[derive(Clone)]
pub(crate) enum Credentials {
    None,
    Fixed(HeaderValue),
    Provider(Arc<dyn TokenProvider>),
}

impl Credentials {
    /// Returns the value of the `Authorization` header for the next attempt.
    pub(crate) async fn header_value(&self) -> Result<Option<HeaderValue>, ClientError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(value) => Ok(Some(value.clone())),
            Self::Provider(provider) => {
                let token = provider.token().await.map_err(ClientError::TokenProvider)?;
                token.header_value().ok_or(ClientError::Token).map(Some)
            }
        }
    }

    /// Returns whether there is another token, after a 403.
    pub(crate) async fn renew(&self) -> Result<bool, ClientError> {
        match self {
            Self::None | Self::Fixed(_) => Ok(false),
            Self::Provider(provider) => provider.renew().await.map_err(ClientError::TokenProvider),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed(…)",
            Self::Provider(_) => "Provider(…)",
        })
    }
}

const SCHEME: &str = "Bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_becomes_a_sensitive_header() {
        let token = || Token::new("a.b.c\n".to_owned());
        let value = token().header_value().unwrap();
        assert_eq!(value.as_bytes(), b"Bearer a.b.c");
        assert!(value.is_sensitive());
        let credentials = Credentials::Fixed(value.clone());
        assert!(!format!("{value:?} {:?} {credentials:?}", token()).contains("a.b.c"));
        assert!(Token::new("a\nb".to_owned()).header_value().is_none());
    }
}
