//! Sealing many values at the source, for one RSA operation a minute.

use std::{fmt, time::Duration};

use bytes::Bytes;
use sealpost_context::AgentId;
use sealpost_envelope::{AwsLc, AwsLcRng, Certificate, UnixTime, bulk::BodySealer, wrapper};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    at_source::{self, AgentTrust},
    body,
    error::ClientError,
    secret::NewSecret,
};

/// Seals values to one agent in bulk, each as a message of a batch: one RSA operation here, and one at the agent, is for all
/// values of a minute. [`Client::seal_and_create_in_bulk`](crate::Client::seal_and_create_in_bulk) sends them.
///
/// # Security
///
/// The keys of a batch are in memory until a minute has passed and the next value is sealed, or this is dropped: drop it
/// when the last value is sent. They open the values of that minute and nothing else.
pub struct BulkSealer {
    pub(crate) agent: AgentId,
    pub(crate) trust: AgentTrust,
    batch: Mutex<Option<Batch>>,
}

struct Batch {
    sealer: BodySealer<AwsLc>,
    started: Instant,
}

impl BulkSealer {
    /// Will seal to certificates of `agent` that satisfy `trust`.
    ///
    /// # Errors
    ///
    /// [`ClientError::AgentId`].
    pub fn new(agent: &str, trust: AgentTrust) -> Result<Self, ClientError> {
        let agent = agent.parse().map_err(|_| ClientError::AgentId)?;
        let batch = Mutex::new(None);
        Ok(Self {
            agent,
            trust,
            batch,
        })
    }

    /// Returns the body that the endpoint takes. The agent accepts it once, within `lifetime`, and for this secret alone.
    /// `certificate` is asked for one for each batch, unless the trust has one.
    pub(crate) async fn seal(
        &self,
        secret: &NewSecret,
        project: Option<&str>,
        lifetime: Duration,
        certificate: impl AsyncFnOnce() -> Result<Certificate, ClientError>,
    ) -> Result<Bytes, ClientError> {
        // Before anything is sent.
        let value = body::value(secret)?;
        let owner = at_source::owner(self.agent.as_str(), project)?;
        let context = at_source::context(secret, &owner);
        let wrapped = wrapper::wrap(&at_source::single_use(&context, lifetime)?, value);
        let mut batch = self.batch.lock().await;
        if batch
            .as_ref()
            .is_none_or(|batch| batch.started.elapsed() >= LIFE)
        {
            *batch = None;
            let fetched = match self.trust.certificate() {
                Some(certificate) => certificate.clone(),
                None => certificate().await?,
            };
            *batch = Some(self.start(&fetched)?);
        }
        let batch = batch.as_mut().ok_or(ClientError::Randomness)?;
        Ok(Bytes::from(batch.sealer.seal(&context, &wrapped)?))
    }

    fn start(&self, certificate: &Certificate) -> Result<Batch, ClientError> {
        let now = UnixTime::now();
        let recipient = self
            .trust
            .recipient(certificate, self.agent.as_str(), now)?;
        Ok(Batch {
            sealer: BodySealer::new(&recipient, &mut AwsLcRng)?,
            started: Instant::now(),
        })
    }
}

impl fmt::Debug for BulkSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkSealer")
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

/// For so long an agent remembers what its key opened.
const LIFE: Duration = Duration::from_secs(60);
