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
use crate::versions::{Page, Version};

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
        patience: &mut Patience,
    ) -> Result<Call, VaultFailure> {
        loop {
            let call = self.call_once(method.clone(), path, None, patience).await?;
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
            let separator = if path.contains('?') { '&' } else { '?' };
            let request = Request {
                method: method.clone(),
                path: &format!("{path}{separator}{VERSION}"),
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
                    self.check_resource(answer.challenge.as_deref())?;
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
            "the vault refuses each token (401); compare the tenant of the identity with that of the vault",
        ))
    }

    /// Returns all versions of a secret, none if there is no such secret.
    pub(super) async fn versions(
        &self,
        name: &str,
        patience: &mut Patience,
    ) -> Result<Vec<Version>, VaultFailure> {
        let mut versions = Vec::new();
        let mut path = format!("/secrets/{name}/versions");
        for _ in 0..MAX_PAGES {
            let call = self.call(Method::GET, &path, patience).await?;
            match call.meaning {
                Meaning::Done => {}
                Meaning::Absent => return Ok(Vec::new()),
                other => return Err(super::failure(other, crate::policy::LIST)),
            }
            let page: Page = serde_json::from_slice(&call.body)
                .map_err(|_| super::failure(Meaning::Done, crate::policy::LIST))?;
            versions.extend(page.value.unwrap_or_default());
            let Some(next) = page.next else {
                return Ok(versions);
            };
            path = self.path_of(&next, name).ok_or_else(|| {
                VaultFailure::unusable("its list of versions goes on at another address")
            })?;
        }
        Err(VaultFailure::unusable(
            "the secret has more versions than any operator would make; look what writes them",
        ))
    }

    /// Returns the path of the next page, without the version of the interface, which each call has.
    fn path_of(&self, next: &str, name: &str) -> Option<String> {
        let path = next.strip_prefix(self.address.as_str())?;
        let (path, query) = path.split_once('?')?;
        if !path.eq_ignore_ascii_case(&format!("/secrets/{name}/versions")) {
            return None;
        }
        let query: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.starts_with("api-version="))
            .collect();
        Some(format!("{path}?{}", query.join("&")))
    }

    /// Fails if the vault says that it wants tokens for another resource: those of a cloud of its own.
    fn check_resource(&self, challenge: Option<&str>) -> Result<(), VaultFailure> {
        let Some((_, rest)) = challenge.and_then(|challenge| challenge.split_once("resource=\""))
        else {
            return Ok(());
        };
        let wanted = rest.split('"').next().unwrap_or_default();
        match wanted.trim_end_matches('/') == self.resource {
            true => Ok(()),
            false => Err(VaultFailure::unusable(
                "the vault wants tokens for another resource than its address says; give `resource`, such as \"https://vault.azure.net\"",
            )),
        }
    }

    /// Asks for a secret that need not be there: what stands in the way of that stands in the way of every call.
    pub(super) async fn ask(&self, patience: &mut Patience) -> Result<Meaning, VaultFailure> {
        let path = format!("/secrets/{PROBE}/versions");
        let call = self.call(Method::GET, &path, patience).await?;
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

/// The oldest version of the interface that is in support and has all that is used.
const VERSION: &str = "api-version=7.4";
const FRESH_TOKENS: u32 = 1;
/// A secret that is asked for and need not be there.
const PROBE: &str = "sealpost-probe";
/// Of 25 versions each.
const MAX_PAGES: u32 = 400;
/// How long a vault may serve again without being noticed.
const TURN: Duration = Duration::from_secs(1);
const PROBE_TIME: Duration = Duration::from_secs(5);
