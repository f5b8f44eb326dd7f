//! The bearer token: from a file that may be renewed meanwhile, or from the environment.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use parking_lot::Mutex;
use sealpost_client::{Token, error::BoxError, token::TokenProvider};
use sealpost_files::quoted;
use zeroize::Zeroizing;

use crate::error::Failure;

/// Returns the flag's file, or else the environment's token.
pub(crate) fn source(file: Option<&Path>) -> Result<TokenSource, Failure> {
    if let Some(path) = file {
        // An unusable file fails here, with its own message.
        let token = read(path)?;
        return Ok(TokenSource {
            file: Some(path.to_owned()),
            last: Mutex::new(token),
        });
    }
    let no_token = || {
        Failure::usage("there is no token").hint(format!(
            "name a file that holds it with --token-file, or set {VARIABLE}"
        ))
    };
    let text = std::env::var_os(VARIABLE).ok_or_else(no_token)?;
    let text = text.into_string();
    let text = text.map_err(|_| {
        Failure::usage(format!("{VARIABLE} is not a token")).hint("copy the token again")
    })?;
    let text = Zeroizing::new(text);
    if text.trim().is_empty() {
        return Err(no_token());
    }
    let token = alone(&text).ok_or_else(|| {
        Failure::refused(format!("{VARIABLE} holds no token"))
            .hint("set it to the token alone, without the word Bearer")
    })?;
    Ok(TokenSource {
        file: None,
        last: Mutex::new(token),
    })
}

/// Where the token comes from, and the one that was sent last.
pub(crate) struct TokenSource {
    file: Option<PathBuf>,
    last: Mutex<Zeroizing<String>>,
}

impl TokenSource {
    /// Reads the file again. Returns whether the token has changed.
    fn refresh(&self) -> Result<bool, Failure> {
        let Some(path) = &self.file else {
            return Ok(false);
        };
        let token = read(path)?;
        let mut last = self.last.lock();
        let changed = *last != token;
        *last = token;
        Ok(changed)
    }
}

#[async_trait]
impl TokenProvider for TokenSource {
    async fn token(&self) -> Result<Token, BoxError> {
        self.refresh().map_err(Failure::summary)?;
        let last = self.last.lock();
        Ok(Token::new(last.clone()))
    }

    async fn renew(&self) -> Result<bool, BoxError> {
        Ok(self.refresh().map_err(Failure::summary)?)
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = sealpost_files::read_text(path, MAX_TOKEN)?;
    let none = || {
        Failure::refused(format!("{} holds no token", quoted(path)))
            .hint("write the token alone into it, without the word Bearer")
    };
    let text = str::from_utf8(&bytes).map_err(|_| none())?;
    alone(text).ok_or_else(none)
}

/// Returns the token that a text consists of; `None` if there is more, such as the word Bearer.
fn alone(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim();
    let is_one = !text.is_empty() && !text.contains(char::is_whitespace);
    is_one.then(|| Zeroizing::new(text.to_owned()))
}

const VARIABLE: &str = "SEALPOST_TOKEN";
/// More than a gateway accepts.
const MAX_TOKEN: usize = 64 * 1024;
