//! The token that is used now: got when it is needed, renewed ahead of its end, got again when it is gone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::Method;
use sealpost_vault::{Patience, error::VaultFailure};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::http::{Http, Request};
use crate::login::{LOOK_UP, Login};
use crate::meaning::{Meaning, is_past_max_ttl, meaning, number};
use crate::token::{Lease, Token};

/// The token of an agent.
#[derive(Debug)]
pub(crate) struct Session {
    login: Login,
    token: Mutex<Option<Token>>,
    /// Held by the one that logs in: what the server said to credentials that it refused.
    turn: tokio::sync::Mutex<Option<Refusal>>,
}

/// Credentials that were refused are not shown again at once: servers lock out whoever does so.
#[derive(Debug)]
struct Refusal {
    failure: VaultFailure,
    /// The credentials, if they are in a file.
    fingerprint: Option<[u8; 32]>,
    until: Instant,
    pause: Duration,
}

/// Why a server answered 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The token is not known any more.
    Token,
    /// The token is good, and its policy does not permit the call.
    Policy,
}

impl Session {
    pub(crate) fn new(login: Login) -> Self {
        Self {
            login,
            token: Mutex::new(None),
            turn: tokio::sync::Mutex::new(None),
        }
    }

    /// Reads the credentials, and asks no server.
    pub(crate) async fn check(&self) -> Result<(), VaultFailure> {
        self.login.check().await
    }

    /// Returns a token. Logs in if there is none, or if the one that is there has ended; of many that wait, one does it.
    pub(crate) async fn token(
        &self,
        http: &Http,
        patience: &mut Patience,
    ) -> Result<Token, VaultFailure> {
        if let Some(token) = self.good() {
            return Ok(token);
        }
        let turn = tokio::time::timeout_at(patience.deadline(), self.turn.lock()).await;
        let mut turn = turn.map_err(|_| {
            VaultFailure::unavailable("a login is under way and has not ended in time")
        })?;
        match self.good() {
            Some(token) => Ok(token),
            None => self.log_in(&mut turn, http, patience).await,
        }
    }

    /// Returns the token that is there now.
    pub(crate) fn good(&self) -> Option<Token> {
        let token = self.token.lock();
        token
            .clone()
            .filter(|token| !token.lease.is_some_and(|lease| lease.is_over()))
    }

    /// Forgets a token, unless another is there already.
    pub(crate) fn forget(&self, token: &Token) {
        self.token.lock().take_if(|now| now.number == token.number);
    }

    /// Finds out why a call with this token was answered with 403. A token that is gone and a policy that refuses look nearly
    /// alike, and lead to the opposite: to log in again, or to ask the operator.
    pub(crate) async fn reason(
        &self,
        http: &Http,
        token: &Token,
        patience: &mut Patience,
    ) -> Result<Reason, VaultFailure> {
        let request = Request {
            method: Method::GET,
            path: LOOK_UP,
            body: None,
            token: Some(&token.header),
        };
        loop {
            let (cause, wait) = match http.exchange(&request, patience.deadline()).await {
                Err(cause) => (cause, None),
                Ok(answer) => match meaning(&answer) {
                    Meaning::Forbidden { is_policy: false } => return Ok(Reason::Token),
                    Meaning::Later(cause, wait) => {
                        http.leave(answer.address);
                        (cause, wait)
                    }
                    _ => return Ok(Reason::Policy),
                },
            };
            patience.pause(cause, wait).await?;
        }
    }

    /// Takes the token that is in the file now, and renews the one that is used if it is time.
    pub(crate) async fn maintain(&self, http: &Http) {
        let Some(token) = self.good() else {
            return;
        };
        if let Some(now) = self.login.current().await
            && now != token.header
        {
            info!("the token's file was replaced; its token is used from now on");
            self.forget(&token);
            return;
        }
        let is_due = token
            .lease
            .is_some_and(|lease| lease.renewal() <= Instant::now());
        if is_due && (token.is_renewable || self.login.repeats()) {
            self.renew(http, &token).await;
        }
    }

    /// Ends the token where it was got by a login.
    pub(crate) async fn end(&self, http: &Http) {
        let token = self.token.lock().take();
        if let Some(token) = token.filter(|_| self.login.repeats()) {
            let request = Request {
                method: Method::POST,
                path: REVOKE,
                body: None,
                token: Some(&token.header),
            };
            // It ends by itself, too.
            let _ = http.exchange(&request, Instant::now() + PROMPTLY).await;
        }
    }

    async fn renew(&self, http: &Http, token: &Token) {
        if token.is_renewable {
            let request = Request {
                method: Method::POST,
                path: RENEW,
                body: None,
                token: Some(&token.header),
            };
            match http.exchange(&request, Instant::now() + RENEWAL).await {
                Ok(answer) => match meaning(&answer) {
                    Meaning::Done => {
                        let seconds = number(&answer.body, &["auth", "lease_duration"]);
                        let lease = seconds.and_then(Lease::of);
                        if !lease.is_some_and(|lease| lease.is_last_after(token.lease)) {
                            self.prolong(token, lease);
                            return;
                        }
                        if !self.login.repeats() {
                            warn!(
                                "the token can't be renewed much longer; give the agent another one"
                            );
                            self.prolong(token, lease);
                            return;
                        }
                    }
                    Meaning::Later(..) if !is_past_max_ttl(&answer) => return,
                    _ => {}
                },
                // It is tried again at the next turn, until the lease is over.
                Err(_) => return,
            }
        }
        if self.login.repeats() {
            let mut turn = self.turn.lock().await;
            let mut patience = Patience::lasting(RENEWAL);
            if let Err(failure) = self.log_in(&mut turn, http, &mut patience).await {
                warn!(%failure, "the token ends soon, and the login failed; it is tried again");
            }
        } else {
            warn!("the token can't be renewed any more and ends soon; give the agent another one");
            // Without this it would be said at each turn.
            if let Some(now) = &mut *self.token.lock() {
                now.is_renewable = false;
            }
        }
    }

    fn prolong(&self, token: &Token, lease: Option<Lease>) {
        if let Some(now) = &mut *self.token.lock()
            && now.number == token.number
        {
            now.lease = lease;
        }
    }

    /// The caller has the turn.
    async fn log_in(
        &self,
        refusal: &mut Option<Refusal>,
        http: &Http,
        patience: &mut Patience,
    ) -> Result<Token, VaultFailure> {
        let fingerprint = self.login.fingerprint().await;
        if let Some(refusal) = &refusal
            && refusal.fingerprint == fingerprint
            && Instant::now() < refusal.until
        {
            return Err(refusal.failure.clone());
        }
        let granted = match self.login.run(http, patience).await {
            Ok(granted) => granted,
            Err(failure @ VaultFailure::Unauthenticated(_)) => {
                let before = refusal
                    .take()
                    .filter(|before| before.fingerprint == fingerprint);
                let pause =
                    before.map_or(FIRST_PAUSE, |before| LONGEST_PAUSE.min(2 * before.pause));
                *refusal = Some(Refusal {
                    failure: failure.clone(),
                    fingerprint,
                    until: Instant::now() + pause,
                    pause,
                });
                return Err(failure);
            }
            Err(failure) => return Err(failure),
        };
        *refusal = None;
        if granted.lease.is_some() && !granted.is_renewable && !self.login.repeats() {
            warn!(
                "the token ends and can't be renewed; give the agent one that can, or a method that logs in"
            );
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let token = Token {
            header: granted.header,
            number,
            lease: granted.lease,
            is_renewable: granted.is_renewable,
        };
        *self.token.lock() = Some(token.clone());
        Ok(token)
    }
}

/// Numbers the tokens of a process.
static NUMBER: AtomicU64 = AtomicU64::new(0);
pub(crate) const RENEW: &str = "auth/token/renew-self";
pub(crate) const REVOKE: &str = "auth/token/revoke-self";
const RENEWAL: Duration = Duration::from_secs(20);
const PROMPTLY: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
