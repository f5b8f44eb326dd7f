//! Admitting a request: who sends it, what their token permits, and whether they have sent too many.

use std::sync::Arc;

use axum::http::request::Parts;
use sealpost_protocol::Clock;
use tracing::info;

use crate::{
    auth::{Authenticator, Denied, Principal, bearer_token},
    limits::RateLimit,
    metrics::Metrics,
    parameters::Parameters,
    problem::Problem,
    rate_limit::RateLimiter,
    request_record::RequestRecord,
};

/// Admits requests.
#[derive(Debug)]
pub(crate) struct Admission {
    authenticator: Arc<dyn Authenticator>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    rates: RateLimiter,
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
    ) -> Result<Principal, Problem> {
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
        self.rates.take(&principal).map_err(Problem::rate_limited)?;
        Ok(principal)
    }

    /// Checks that the principal owes nothing: requests that came with this one may have been charged while it waited.
    ///
    /// # Errors
    ///
    /// The answer, 504.
    pub(crate) fn check_debt(&self, principal: &Principal) -> Result<(), Problem> {
        self.rates
            .check_debt(principal)
            .map_err(Problem::rate_limited)
    }

    /// Charges the principal, in requests, for what costs more than a request or looks like an attack.
    pub(crate) fn charge(&self, principal: &Principal, cost: u32) {
        self.rates.charge(principal, cost);
    }

    async fn authorise(
        &self,
        parts: &Parts,
        parameters: &Parameters,
        record: &RequestRecord,
    ) -> Result<Principal, Denied> {
        let token = bearer_token(&parts.headers)?;
        let now = self.clock.now();
        let principal = self.authenticator.authenticate(token, now).await?;
        record.principal(&principal);
        principal.authorise_write(parameters.agent.as_ref(), parameters.project)?;
        Ok(principal)
    }
}
