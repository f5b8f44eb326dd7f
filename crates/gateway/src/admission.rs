//! Admitting a request: who sends it, what their token permits, and whether they have sent too many.

use std::sync::Arc;

use axum::http::request::Parts;
use sealpost_protocol::Clock;
use tokio::time::{Instant, timeout_at};
use tracing::info;

use crate::{
    auth::{Authenticator, Denied, Principal, bearer_token},
    limits::RateLimit,
    metrics::Metrics,
    parameters::Parameters,
    principal_id::{PrincipalId, PrincipalIds},
    problem::Problem,
    rate_limit::{RateLimiter, Reservation},
    request_record::RequestRecord,
};

/// Admits requests.
#[derive(Debug)]
pub(crate) struct Admission {
    authenticator: Arc<dyn Authenticator>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    ids: PrincipalIds,
    rates: RateLimiter,
}

/// Who sends a request that was admitted.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) principal: Arc<Principal>,
    pub(crate) id: PrincipalId,
}

impl Admission {
    pub(crate) fn new(
        authenticator: Arc<dyn Authenticator>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        rate: Option<RateLimit>,
    ) -> Self {
        Self {
            authenticator,
            clock,
            metrics,
            ids: PrincipalIds::default(),
            rates: RateLimiter::new(rate),
        }
    }

    /// Returns who sends the request, if they may write to its agent and project and have not sent too many.
    ///
    /// # Errors
    ///
    /// The answer: 403 whatever the token lacks, and 504 if there were too many requests.
    pub(crate) async fn admit(
        &self,
        parts: &Parts,
        parameters: &Parameters,
        record: &RequestRecord,
    ) -> Result<Admitted, Problem> {
        record.target(parameters.agent.as_ref(), parameters.project.flatten());
        let principal = match self.authorise(parts, parameters, record).await {
            Ok(principal) => principal,
            Err(reason) => {
                info!(%reason, "token refused");
                self.metrics.denied(reason.name());
                record.denied(reason);
                return Err(Problem::forbidden());
            }
        };
        let id = self.ids.of(&principal);
        self.rates.take(id).map_err(Problem::rate_limited)?;
        Ok(Admitted { principal, id })
    }

    /// Sets aside what a sealed value costs its principal if it does not open. Waits while as many of the principal's values
    /// are being opened as its rate pays for.
    ///
    /// # Errors
    ///
    /// The answer, 504: the principal is in debt, or there was no turn before the deadline.
    pub(crate) async fn reserve_failed_open(
        &self,
        principal: PrincipalId,
        deadline: Instant,
    ) -> Result<Reservation, Problem> {
        let reserving = self.rates.reserve(principal, FAILED_OPEN);
        match timeout_at(deadline, reserving).await {
            Ok(reserved) => reserved.map_err(Problem::rate_limited),
            Err(_) => Err(Problem::overloaded()),
        }
    }

    async fn authorise(
        &self,
        parts: &Parts,
        parameters: &Parameters,
        record: &RequestRecord,
    ) -> Result<Arc<Principal>, Denied> {
        let token = bearer_token(&parts.headers)?;
        let now = self.clock.now();
        let principal = self.authenticator.authenticate(token, now).await?;
        record.principal(&principal);
        principal.authorise_write(parameters.agent.as_ref(), parameters.project)?;
        Ok(principal)
    }
}

/// The cost of a sealed value that does not open, in requests.
const FAILED_OPEN: u32 = 100;
