//! A call that is answered for good: with a token, over failures and pauses.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use sealpost_vault::Patience;
use sealpost_vault::error::VaultFailure;
use sealpost_vault_http::{JSON, Request};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::Shared;
use crate::meaning::{Meaning, meaning};

/// An answer.
pub(super) struct Call {
    /// Never [`Meaning::Unauthenticated`], and [`Meaning::Later`] only of [`Shared::call_once`].
    pub(super) meaning: Meaning,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Shared {
    /// Calls until there is an answer that is not "later". The call must be one that may be done twice.
    ///
    /// # Errors
    ///
    /// What stood in the way at the last attempt.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Bytes>,
        patience: &mut Patience,
    ) -> Result<Call, VaultFailure> {
        loop {
            let call = self.call_once(method.clone(), path, body, patience).await?;
            match call.meaning {
                Meaning::Later(cause, wait) => patience.pause(cause, wait).await?,
                _ => return Ok(call),
            }
        }
    }

    /// Calls once, and again only with another token: whether an answer of "later" was done is not known.
    pub(super) async fn call_once(
        &self,
        method: Method,
        path: &str,
        body: Option<&Bytes>,
        patience: &Patience,
    ) -> Result<Call, VaultFailure> {
        for _ in 0..=FRESH_TOKENS {
            self.state.check_open()?;
            let bearer = self.session.bearer(patience.deadline()).await?;
            let request = Request {
                method: method.clone(),
                path,
                body: body.cloned(),
                content_type: JSON,
                headers: &[("authorization", &bearer.header)],
            };
            let answer = match self.http.exchange(&request, patience.deadline()).await {
                Ok(answer) => answer,
                Err(cause) => {
                    return Ok(Call {
                        meaning: Meaning::Later(cause, None),
                        body: Zeroizing::default(),
                    });
                }
            };
            let meaning = meaning(&answer);
            match meaning {
                Meaning::Unauthenticated => {
                    self.session.refuse(&bearer);
                    continue;
                }
                Meaning::Later(..) => {}
                // It serves again, whatever was known of it.
                _ => self.state.serves(),
            }
            return Ok(Call {
                meaning,
                body: answer.body,
            });
        }
        Err(VaultFailure::unauthenticated(
            "the service refuses each token (401); look which account the credentials are of",
        ))
    }

    /// Asks for a secret that need not be there: what stands in the way of that stands in the way of every call.
    pub(super) async fn ask(&self, patience: &mut Patience) -> Result<Meaning, VaultFailure> {
        let path = self.place.path(PROBE, "");
        let call = self.call(Method::GET, &path, None, patience).await?;
        Ok(call.meaning)
    }
}

/// Asks a vault that did not serve whether it does, until the vault is dropped.
pub(super) fn maintain(shared: Weak<Shared>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            sleep(TURN).await;
            let Some(shared) = shared.upgrade() else {
                return;
            };
            if shared.state.check_open().is_err() {
                return;
            }
            if shared.state.health().is_ready() {
                continue;
            }
            match shared.ask(&mut Patience::lasting(PROBE_TIME)).await {
                Ok(_) => shared.state.serves(),
                Err(failure) => shared.state.note(&failure),
            }
        }
    })
}

const FRESH_TOKENS: u32 = 1;
/// A secret that is asked for and need not be there.
const PROBE: &str = "sealpost-probe";

/// How long a vault may serve again without being noticed.
const TURN: Duration = Duration::from_secs(1);
const PROBE_TIME: Duration = Duration::from_secs(5);
