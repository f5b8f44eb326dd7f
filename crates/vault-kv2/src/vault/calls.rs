//! A call that is answered for good: with a token, over failovers and pauses.

use bytes::Bytes;
use reqwest::Method;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Health, Patience};
use zeroize::Zeroizing;

use super::Shared;
use crate::http::{Late, Request};
use crate::meaning::{Meaning, meaning};
use crate::session::Reason;

/// An answer that will not change by asking again.
pub(super) struct Call {
    /// Never [`Meaning::Later`].
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
        let mut logins = 0;
        loop {
            if self.is_closed() {
                return Err(VaultFailure::unusable("the vault was closed"));
            }
            let token = self.session.token(&self.http, patience).await?;
            let request = Request {
                method: method.clone(),
                path,
                body: body.cloned(),
                token: Some(&token.header),
            };
            let answer = match self.http.exchange(&request, patience.deadline()).await {
                Ok(answer) => answer,
                Err(cause) => {
                    patience.pause(cause, None).await?;
                    continue;
                }
            };
            let meaning = match meaning(&answer) {
                Meaning::Later(cause, wait) => {
                    self.http.leave(answer.address);
                    patience.pause(cause, wait).await?;
                    continue;
                }
                meaning @ Meaning::Forbidden { .. } => {
                    match self.session.reason(&self.http, &token, patience).await? {
                        Reason::Policy => meaning,
                        Reason::Token => {
                            self.session.forget(&token);
                            logins += 1;
                            if logins > LOGINS {
                                return Err(VaultFailure::unauthenticated(
                                    "each token that it gives is refused at once; look at its log",
                                ));
                            }
                            continue;
                        }
                    }
                }
                meaning => meaning,
            };
            // It serves again, whatever was known of it.
            self.serves();
            return Ok(Call {
                meaning,
                body: answer.body,
            });
        }
    }

    /// Notes that a call failed, if it is because of the vault's state and not of the call.
    pub(super) fn note(&self, failure: &VaultFailure) {
        match failure {
            VaultFailure::Unavailable(cause) if cause.is::<Late>() => {}
            VaultFailure::Unavailable(_)
            | VaultFailure::Unauthenticated(_)
            | VaultFailure::Throttled { .. } => self.set(Health::recovering(failure.to_string())),
            VaultFailure::WrongKind { .. }
            | VaultFailure::Denied { .. }
            | VaultFailure::Full
            | VaultFailure::Unusable(_) => {}
        }
    }

    pub(super) fn serves(&self) {
        self.set(Health::Ready);
    }

    /// A vault that was closed stays so.
    fn set(&self, now: Health) {
        let mut health = self.health.lock();
        if !matches!(*health, Health::Failed { .. }) {
            *health = now;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.health.lock(), Health::Failed { .. })
    }

    pub(super) async fn close(&self) {
        if !self.is_closed() {
            *self.health.lock() = Health::failed("the vault was closed");
            self.session.end(&self.http).await;
        }
    }
}

const LOGINS: u32 = 2;
